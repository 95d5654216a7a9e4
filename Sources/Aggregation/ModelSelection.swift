import Telemetry

/// The tab and its filters: which models of an account count.
package struct ModelSelection: Hashable, Sendable {
  package var kind: ModelKind
  private var values: [DashboardFilter: DashboardFilter.Value] = [:]

  /// - Parameter value: of each filter; `nil` for one that is not set.
  package init(kind: ModelKind, _ value: (DashboardFilter) throws -> DashboardFilter.Value?) rethrows {
    self.kind = kind
    for filter in DashboardFilter.allCases { values[filter] = try value(filter) }
  }

  package init(
    kind: ModelKind, model: String? = nil, deployedAt: Timestamp? = nil, version: String? = nil,
    provider: String? = nil
  ) {
    self.kind = kind
    values[.model] = model.map { .text($0) }
    values[.deployedAt] = deployedAt.map { .instant($0) }
    values[.version] = version.map { .text($0) }
    values[.provider] = provider.map { .text($0) }
  }

  /// What a filter is set to; `nil` for all.
  package subscript(filter: DashboardFilter) -> DashboardFilter.Value? {
    get { values[filter] }
    set { values[filter] = newValue }
  }

  /// The filters that are set, in their order.
  package var filters: [(filter: DashboardFilter, value: DashboardFilter.Value)] {
    DashboardFilter.allCases.compactMap { filter in values[filter].map { (filter, $0) } }
  }

  /// Whether only the tab narrows the account down.
  package var isWholeTab: Bool { values.isEmpty }

  /// The models selected, of those of one account.
  /// - Throws: `QueryError` for a filter that does not apply to the kind, or that names nothing there is.
  func models(_ tables: TelemetryTables, account: String) throws -> [ModelRecord] {
    for (filter, _) in filters {
      if let refusal = filter.refusal(kind) { throw QueryError(wording: refusal) }
    }
    var models = tables.models.filter { $0.account == account && $0.kind == kind }
    let deployments = Dictionary(grouping: tables.deployments, by: \.modelID)
    for (filter, value) in filters {
      let found = models.map { filter.values(of: $0, deployments[$0.modelID] ?? []) }
      models = zip(models, found).filter { $1.contains(value) }.map(\.0)
      guard models.isEmpty else { continue }
      switch value {
      case .text(let text):
        let known = Set(found.joined().compactMap { if case .text(let text) = $0 { text } else { nil } })
        let choice =
          known.isEmpty
          ? "There are none." : "There are: \(known.sorted().prefix(12).joined(separator: ", "))."
        throw QueryError("account \(account) has no \(kind.rawValue) \(filter.name) \"\(text)\". \(choice)")
      case .instant(let instant):
        throw QueryError(
          "no model selected was deployed at \(instant.rfc3339). See deployed_at in the deployments table.")
      }
    }
    return models
  }

  /// What a filter can be set to within the selection, in the order of models and their deployments.
  /// - Throws: `QueryError` as `models`, and if the kind does not have the filter.
  package func values(
    of filter: DashboardFilter, _ tables: TelemetryTables, account: String
  ) throws -> [DashboardFilter.Value] {
    if let refusal = filter.refusal(kind) { throw QueryError(wording: refusal) }
    let deployments = Dictionary(grouping: tables.deployments, by: \.modelID)
    var seen: Set<DashboardFilter.Value> = []
    return try models(tables, account: account)
      .flatMap { filter.values(of: $0, deployments[$0.modelID] ?? []) }
      .filter { (self[filter] ?? $0) == $0 && seen.insert($0).inserted }
  }

  /// Whether a series belongs to the selection's models.
  func includes(_ series: Series, models: Set<Int32>) -> Bool {
    models.contains(series.modelID) && values.allSatisfy { $0.includes(series, $1) }
  }
}
