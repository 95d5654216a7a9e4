import Foundation
import Hashing

/// A page as one file: its style, its scripts and its data inside, and a policy under which nothing else runs.
///
/// Names in the data are an attacker's to choose, so three things hold whatever they are: the template is cut at its own
/// markers once, and what takes their places is never searched again; the data is JSON without a byte that HTML or
/// JavaScript could read as the end of something; and the browser runs a script only if its hash stands in the policy.
/// All of it works on bytes, because a Swift `Character` may hold a quote or a bracket together with what precedes it.
package struct SelfContainedPage {
  private let files: PageFiles
  private let template: String
  private let modules: [String]
  private let dataID: String
  private let data: Data

  /// - Parameters:
  ///   - template: one of the page's own files.
  ///   - modules: the page's scripts, each after those that it imports; the template loads the last.
  ///   - dataID: of the element from which that script reads the data.
  ///   - data: JSON.
  package init(
    _ files: PageFiles, template: String, modules: [String], dataID: String, data: Data
  ) {
    (self.files, self.template, self.modules) = (files, template, modules)
    (self.dataID, self.data) = (dataID, data)
  }

  /// - Throws: `CocoaError` if the program's resources are not those that belong to it.
  package func html() throws -> Data {
    func file(_ name: String) -> [UInt8] { files.files[name].map { Array($0.data) } ?? [] }
    func element(_ open: String, _ content: [UInt8], _ close: String) -> [UInt8] {
      Array(open.utf8) + content + Array(close.utf8)
    }
    let library = Self.script(file("vendor.js"))
    let program = Self.script(Array(files.script(modules).utf8))
    let charset = "<meta charset=\"utf-8\">"
    // Icons and preloads are for a server; the rest a template must have.
    let optional =
      [
        "  <link rel=\"icon\" href=\"icon.svg\" type=\"image/svg+xml\">\n",
        "  <link rel=\"modulepreload\" href=\"shared.js\">\n",
        "  <link rel=\"modulepreload\" href=\"asking.js\">\n",
      ]
    let needed: [(String, [UInt8])] =
      [
        (charset, Array("\(charset)\n  \(Self.policy(scripts: [library, program]))".utf8)),
        (
          "<link rel=\"stylesheet\" href=\"style.css\">",
          element("<style>\n", file("style.css"), "</style>")
        ),
        (
          "<script src=\"vendor.js\" defer></script>",
          element("<script>", library, "</script>")
        ),
        (
          "<script src=\"\(modules.last ?? "")\" type=\"module\"></script>",
          element("<script type=\"application/json\" id=\"\(dataID)\">", Self.json(data), "</script>\n")
            + element("<script type=\"module\">", program, "</script>")
        ),
      ]
    return Data(try Self.fill(file(template), needed: needed, optional: optional))
  }

  /// The template with each marker's first place taken.
  private static func fill(
    _ template: [UInt8], needed: [(String, [UInt8])], optional: [String]
  ) throws -> [UInt8] {
    var places: [(range: Range<Int>, content: [UInt8])] = []
    for (marker, content) in needed {
      guard let range = template.firstRange(of: Array(marker.utf8)) else {
        throw CocoaError(.fileReadCorruptFile)
      }
      places.append((range, content))
    }
    for marker in optional {
      if let range = template.firstRange(of: Array(marker.utf8)) { places.append((range, [])) }
    }
    var page: [UInt8] = []
    var position = 0
    for place in places.sorted(by: { $0.range.lowerBound < $1.range.lowerBound }) {
      page += template[position..<place.range.lowerBound]
      page += place.content
      position = place.range.upperBound
    }
    return page + template[position...]
  }

  /// What the browser lets the file do: run the scripts of these hashes, draw, and offer what it drew as a download.
  /// Graphs set styles of their own, which can show but not run anything.
  private static func policy(scripts: [[UInt8]]) -> String {
    let hashes = scripts.map { "'sha256-\(Data(SHA256.hash(data: $0)).base64EncodedString())'" }
    return
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src \(hashes.joined(separator: " ")); style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'; form-action 'none'\">"
  }

  /// JSON of the same meaning that may stand in a script element: outside of strings JSON has none of these bytes, and
  /// inside an escape says the same.
  package static func json(_ json: Data) -> [UInt8] {
    var safe: [UInt8] = []
    safe.reserveCapacity(json.count + json.count / 16)
    // Repairs what is not UTF-8, so that an escape below never cuts a character.
    let bytes = Array(String(decoding: json, as: UTF8.self).utf8)
    var index = 0
    while index < bytes.count {
      let byte = bytes[index]
      switch byte {
      case UInt8(ascii: "<"): safe += "\\u003c".utf8
      case UInt8(ascii: ">"): safe += "\\u003e".utf8
      case UInt8(ascii: "&"): safe += "\\u0026".utf8
      // U+2028 and U+2029 end lines of scripts.
      case 0xe2 where index + 2 < bytes.count && bytes[index + 1] == 0x80 && bytes[index + 2] & 0xfe == 0xa8:
        safe += (bytes[index + 2] == 0xa8 ? "\\u2028" : "\\u2029").utf8
        index += 2
      default: safe.append(byte)
      }
      index += 1
    }
    return safe
  }

  /// One of our own scripts so that it may stand in a script element: its strings may speak of tags.
  private static func script(_ bytes: [UInt8]) -> [UInt8] {
    let (end, comment) = (Array("</script".utf8), Array("<!--".utf8))
    func begins(_ word: [UInt8], at index: Int) -> Bool {
      index + word.count <= bytes.count
        && zip(bytes[index...], word).allSatisfy { $0 == $1 || ($0 | 0x20 == $1 && $1 >= UInt8(ascii: "a")) }
    }
    var safe: [UInt8] = []
    safe.reserveCapacity(bytes.count)
    for (index, byte) in bytes.enumerated() {
      safe.append(byte)
      if byte == UInt8(ascii: "<"), begins(end, at: index) || begins(comment, at: index) {
        safe.append(UInt8(ascii: "\\"))
      }
    }
    return safe
  }
}
