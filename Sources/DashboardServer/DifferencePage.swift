import Foundation

/// What a comparison found as one file that needs nothing else: tables, and the graphs of both outputs laid over each
/// other.
package struct DifferencePage {
  private let page: PageFiles
  private var pairs: [String] = []
  private var bytes = 0
  /// Dashboards with graphs; of the others, the tables only.
  private static let mostPairs = 60
  private static let mostBytes = 48 << 20

  /// - Throws: if the program's resources are not where they belong.
  package init() throws { page = try PageFiles() }

  /// Keeps a dashboard that differs, for its graphs. Both texts must be JSON.
  package mutating func add(_ name: String, expected: Data, actual: Data) throws {
    bytes += expected.count + actual.count
    guard pairs.count < Self.mostPairs, bytes < Self.mostBytes else { return }
    pairs.append(
      "\(try Self.quoted(name)): {\"expected\": \(String(decoding: expected, as: UTF8.self)), \"actual\": \(String(decoding: actual, as: UTF8.self))}"
    )
  }

  private static func quoted(_ text: String) throws -> String {
    String(decoding: try JSONEncoder().encode(text), as: UTF8.self)
  }

  /// - Parameter result: the comparison's result in JSON.
  package func html(_ result: Data) throws -> Data {
    let data =
      "{\"result\": \(String(decoding: result, as: UTF8.self)), \"pairs\": {\(pairs.joined(separator: ",\n"))}}"
    return try SelfContainedPage(
      page, template: "diff.html", modules: PageFiles.drawing + ["diff.js"], dataID: "differences",
      data: Data(data.utf8)
    ).html()
  }
}
