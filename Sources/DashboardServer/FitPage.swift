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

  package func html() throws -> Data {
    Data(
      page.text("fit.html")
        .replacing("/* style */", with: page.text("style.css"))
        .replacing("/* script */", with: try page.script(["charts.js", "widgets.js", "fit.js"]))
        .replacing("/* plotly */", with: page.plotlyScript)
        // Last: nothing inside the data is a place to put something.
        .replacing(
          "/* fit */", with: String(decoding: data, as: UTF8.self).replacing("<", with: "\\u003c")
        ).utf8)
  }
}
