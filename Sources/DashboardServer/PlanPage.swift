import Foundation

/// A plan's page: as one file that needs nothing else, or served beside the runs of its variants.
package struct PlanPage: Sendable {
  /// What the page shows, as JSON.
  let data: Data

  /// - Parameters:
  ///   - plan: plan.json.
  ///   - words: the recommendation.
  ///   - columns: metrics of the tables, with their units.
  package init(plan: Data, words: [String], columns: [(name: String, unit: String)]) throws {
    let encoder = JSONEncoder()
    func text(_ value: some Encodable) throws -> String {
      String(decoding: try encoder.encode(value), as: UTF8.self)
    }
    let list = try columns.map { "{\"name\": \(try text($0.name)), \"unit\": \(try text($0.unit))}" }
    data = Data(
      "{\"plan\": \(String(decoding: plan, as: UTF8.self)), \"words\": \(try text(words)), \"columns\": [\(list.joined(separator: ", "))]}"
        .utf8)
  }

  /// The page as one file.
  package func html() throws -> Data {
    let page = try PageFiles()
    // Last: nothing inside the data is a place to put something.
    return Data(
      page.text("plan.html")
        .replacing("  <link rel=\"icon\" href=\"icon.svg\" type=\"image/svg+xml\">\n", with: "")
        .replacing(
          "<link rel=\"stylesheet\" href=\"style.css\">", with: "<style>\n\(page.text("style.css"))</style>"
        )
        .replacing(
          "<script src=\"plotly.min.js\" id=\"plotly\" async></script>",
          with: "<script>\(page.plotlyScript)</script>"
        )
        .replacing(
          "<script src=\"plan.js\" type=\"module\"></script>",
          with:
            "<script type=\"application/json\" id=\"plan-data\">\(String(decoding: data, as: UTF8.self).replacing("<", with: "\\u003c"))</script>\n<script type=\"module\">\(try page.script(["charts.js", "widgets.js"]))\n\(Self.inlined(page.text("plan.js")))</script>"
        ).utf8)
  }

  /// The page's own module at the top level, where it may wait; what it imports is there already.
  private static func inlined(_ text: String) -> String {
    text.replacing("import * as widgets from \"./widgets.js\";", with: "const widgets = $widgets;")
      .replacing("import * as charts from \"./charts.js\";", with: "const charts = $charts;")
  }
}
