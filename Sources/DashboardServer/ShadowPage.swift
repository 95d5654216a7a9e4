import Foundation

/// A shadow's page as one file that needs nothing else: a policy's replicas and the recorded ones over each other.
package struct ShadowPage {
  private let page: PageFiles
  private let data: Data

  /// - Parameter result: the shadow's figures, as JSON.
  /// - Throws: if the program's resources are not where they belong.
  package init(_ result: Data) throws {
    page = try PageFiles()
    data = result
  }

  /// - Throws: if the program's resources are not where they belong.
  package func html() throws -> Data {
    try SelfContainedPage(
      page, template: "shadow.html", modules: PageFiles.drawing + ["figures.js", "shadow.js"],
      dataID: "shadow", data: data
    ).html()
  }
}
