import Planning

extension PlanPage {
  /// The page of a finished plan.
  /// - Throws: `DatasetError`, `NotFoundError`.
  package init(_ path: String) throws { try self.init(try PlanDirectory(path)) }

  /// - Throws: what encoding throws.
  package init(_ plan: PlanDirectory) throws {
    try self.init(
      plan: plan.data,
      words: (PlanWords.recommendation(plan.result) ?? []) + PlanWords.cases(plan.result)
        + PlanWords.chance(plan.result),
      columns: PlanWords.columns(plan.result).map {
        Column(
          name: $0.name, unit: $0.unit.rawValue, objective: PlanWords.objectives(on: $0, plan.result))
      })
  }
}
