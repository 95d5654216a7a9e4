import Aggregation

extension DashboardFilter {
  /// The condition that the independent recomputation puts on a table's rows.
  enum Condition {
    /// On a row `m` of models.
    case model(String)
    /// On a row, by the name of its table, of anything that a version of a model has.
    case version((_ table: String) -> String)
  }

  /// What the filter means in SQL, written from the domain's description and not from how the dashboard does it. What
  /// was asked for is the variable of the filter's name: text, or µs since 1970, or NULL for all.
  var condition: Condition {
    switch self {
    case .model: .model("m.name = coalesce(getvariable('model'), m.name)")
    case .deployedAt:
      .model(
        """
        (getvariable('deployedAt') IS NULL OR m.model_id IN
                (SELECT model_id FROM deployments WHERE epoch_us(deployed_at) = getvariable('deployedAt')))
        """)
    case .version: .version { "\($0).version = coalesce(getvariable('version'), \($0).version)" }
    case .provider: .model("m.provider = coalesce(getvariable('provider'), m.provider)")
    }
  }

  /// The column of questions.
  static var columns: String {
    allCases.map { "\"\($0.name)\": '\($0.isInstant ? "BIGINT" : "VARCHAR")'" }.joined(separator: ", ")
  }

  /// Statements that set the variables to what question `q` asks for.
  static var variables: String {
    allCases.map { "SET VARIABLE \($0.name) = (SELECT \"\($0.name)\" FROM q);" }.joined(separator: "\n")
  }

  /// That a model `m` is selected.
  static var modelConditions: String {
    conjunction(allCases.compactMap { if case .model(let sql) = $0.condition { sql } else { nil } })
  }

  /// That a row of a table that has model and version counts, of a selected model.
  static func versionConditions(_ table: String) -> String {
    conjunction(allCases.compactMap { if case .version(let sql) = $0.condition { sql(table) } else { nil } })
  }

  private static func conjunction(_ conditions: [String]) -> String {
    conditions.isEmpty ? "true" : conditions.joined(separator: "\n    AND ")
  }
}
