import Foundation

/// A page of what one command found, as one file that needs nothing else: what was observed, and what was simulated, over
/// each other.
package struct FigurePage {
  /// Which, by the name that its template, its script and its data share.
  package enum Kind: String {
    /// Observed and simulated requests.
    case fit
    /// A policy's replicas and the recorded ones.
    case shadow
  }

  private let page: PageFiles
  private let kind: Kind
  private let data: Data

  /// - Parameter figures: what the command prints with `--json`.
  /// - Throws: if the program's resources are not where they belong.
  package init(_ kind: Kind, _ figures: Data) throws {
    page = try PageFiles()
    self.kind = kind
    data = figures
  }

  /// - Throws: if the program's resources are not where they belong.
  package func html() throws -> Data {
    try SelfContainedPage(
      page, template: "\(kind).html", modules: PageFiles.drawing + ["figures.js", "\(kind).js"],
      dataID: kind.rawValue, data: data
    ).html()
  }
}
