import Datasets
import Foundation

/// An element of a report in XML. Foundation's own needs libxml2, and that needs 36 MB of another library.
final class XMLElement {
  private let name: String
  private let text: String
  private var attributes: [(name: String, value: String)] = []
  private var children: [XMLElement] = []

  /// - Parameter stringValue: its content, if it has no children.
  init(name: String, stringValue: String = "") { (self.name, text) = (name, stringValue) }

  /// In this order, so that the same result is the same bytes.
  func set(_ attributes: [(String, String)]) {
    self.attributes += attributes.map { (name: $0.0, value: $0.1) }
  }

  func addChild(_ child: XMLElement) { children.append(child) }

  /// A document whose root this is, each element on a line of its own.
  func document() -> Data {
    var out = "<?xml version=\"1.0\" encoding=\"utf-8\" standalone=\"no\"?>\n"
    write(to: &out, indent: "")
    return Data((out + "\n").utf8)
  }

  private func write(to out: inout String, indent: String) {
    out += "\(indent)<\(name)"
    for (name, value) in attributes { out += " \(name)=\"\(XMLText.attribute(value))\"" }
    out += ">"
    if children.isEmpty {
      out += XMLText.content(text)
    } else {
      out += "\n"
      for child in children { child.write(to: &out, indent: indent + "  ") }
      out += indent
    }
    out += "</\(name)>\n"
  }
}
