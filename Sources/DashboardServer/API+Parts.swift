import Aggregation
import Foundation
import Hummingbird
import Telemetry

/// The dashboards of all versions, models or providers of a selection in one answer.
extension API {
  private static let mostParts = 100

  func addParts(to api: RouterGroup<ConnectedContext>) {
    let known = Self.selecting.union(["by", "most", "maxPoints"])
    api.get("runs/:run/dashboards") { request, context in
      try await kept(request, context, known: known) { run, items in try Self.encoded(try parts(run, items)) }
    }
  }

  private struct Parts: Encodable {
    struct Part: Encodable {
      var value: String
      var dashboard: Dashboard
    }

    var by: String
    var parts: [Part]
    /// How many there are beyond `most`.
    var more: Int
  }

  private func parts(_ run: ServedRun, _ items: QueryItems) throws -> Parts {
    guard let filter = DashboardFilter(rawValue: try items.text("by") ?? "") else {
      throw Problem.badParameter(
        "by", "by must be one of \(DashboardFilter.allCases.map(\.name).joined(separator: ", ")).")
    }
    let most = try items.text("most").map { Int($0) } ?? 20
    guard let most, (1...Self.mostParts).contains(most) else {
      throw Problem.badParameter("most", "most must be a whole number in 1…\(Self.mostParts).")
    }
    var question = try question(run, items)
    let values = try question.selection.values(of: filter, run.tables, account: question.account.account)
    let parts = try values.prefix(most).map { value in
      question.selection[filter] = value
      return Parts.Part(value: value.written, dashboard: try run.dashboard(question))
    }
    return Parts(by: filter.name, parts: parts, more: values.count - parts.count)
  }
}
