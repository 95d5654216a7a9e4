import Foundation

/// A plan's page: as one file that needs nothing else, or served beside the runs of its variants.
package struct PlanPage: Sendable {
  /// A metric of the tables.
  package struct Column: Encodable {
    package var name: String
    package var unit: String
    /// The objectives on it, as written.
    package var objective: String?

    package init(name: String, unit: String, objective: String?) {
      (self.name, self.unit, self.objective) = (name, unit, objective)
    }
  }

  /// What the page shows, as JSON.
  let data: Data

  /// - Parameters:
  ///   - plan: plan.json.
  ///   - words: the recommendation.
  ///   - columns: metrics of the tables.
  package init(plan: Data, words: [String], columns: [Column]) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    func text(_ value: some Encodable) throws -> String {
      String(decoding: try encoder.encode(value), as: UTF8.self)
    }
    data = Data(
      "{\"plan\": \(String(decoding: plan, as: UTF8.self)), \"words\": \(try text(words)), \"columns\": \(try text(columns))}"
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
