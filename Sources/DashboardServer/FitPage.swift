import Foundation

/// A fit's page as one file that needs nothing else: observed and simulated requests overlaid.
package struct FitPage {
  private let page: PageFiles
  private let data: Data

  /// - Parameter report: the fit's figures, as JSON.
  /// - Throws: if the program's resources are not where they belong.
  package init(_ report: Data) throws {
    page = try PageFiles()
    data = report
  }

  /// - Throws: if the program's resources are not where they belong.
  package func html() throws -> Data {
    try SelfContainedPage(
      page, template: "fit.html", modules: PageFiles.drawing + ["figures.js", "fit.js"], dataID: "fit",
      data: data
    ).html()
  }
}
