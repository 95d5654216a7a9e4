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

  /// The same with the identifiers of the variants' runs, whose dashboards the page shows beside each other.
  /// - Parameter unreadable: runs of variants that cannot be shown.
  func served(runs: [String], unreadable: [UnreadableRun]) throws -> Data {
    let encoder = JSONEncoder()
    // What it is put into is an object with members.
    return try data.dropLast() + Data(", \"runs\": ".utf8) + encoder.encode(runs)
      + Data(", \"unreadable\": ".utf8) + encoder.encode(unreadable) + Data("}".utf8)
  }

  /// The page as one file.
  package func html() throws -> Data {
    try SelfContainedPage(
      try PageFiles(), template: "plan.html",
      modules: PageFiles.drawing + ["figures.js", "planview.js", "plan.js"],
      dataID: "plan-data",
      data: data
    ).html()
  }
}
