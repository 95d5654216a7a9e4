import DashboardServer
import Planning

extension PlanPage {
  /// The page of a finished plan.
  /// - Throws: `DatasetError`, `NotFoundError`.
  init(_ path: String) throws {
    let plan = try PlanDirectory(path)
    try self.init(
      plan: plan.data, words: (PlanWords.recommendation(plan.result) ?? []) + PlanWords.chance(plan.result),
      columns: PlanWords.columns(plan.result).map { ($0.name, $0.unit.rawValue) })
  }
}
