import Telemetry

/// The tab and the model performance filters, or the model provider filter: which models of an account count.
package struct ModelSelection: Hashable, Sendable {
  package var kind: ModelKind
  /// Every model of that name; `nil` for all.
  package var model: String?
  /// Picks one of several models of one name, by an instant at which a deployment of it was deployed.
  package var deployedAt: Timestamp?
  package var version: String?
  package var provider: String?

  package init(
    kind: ModelKind, model: String? = nil, deployedAt: Timestamp? = nil, version: String? = nil,
    provider: String? = nil
  ) {
    self.kind = kind
    self.model = model
    self.deployedAt = deployedAt
    self.version = version
    self.provider = provider
  }

  /// The models selected, of those of one account.
  /// - Throws: `QueryError` for a filter that does not apply to the kind, or that names nothing there is.
  func models(_ tables: TelemetryTables, account: String) throws -> [ModelRecord] {
    if kind == .external, version != nil {
      throw QueryError("External models have no versions. Leave --version out.")
    }
    if kind != .external, provider != nil {
      throw QueryError(
        "Only external models have a provider. Leave --provider out, or ask for --kind external.")
    }
    var models = tables.models.filter { $0.account == account && $0.kind == kind }
    func narrow(_ filter: String?, _ what: String, _ value: (ModelRecord) -> [String]) throws {
      guard let filter else { return }
      let known = Set(models.flatMap(value)).sorted()
      models = models.filter { value($0).contains(filter) }
      guard models.isEmpty else { return }
      let choice =
        known.isEmpty ? "There are none." : "There are: \(known.prefix(12).joined(separator: ", "))."
      throw QueryError("account \(account) has no \(kind.rawValue) \(what) \"\(filter)\". \(choice)")
    }
    try narrow(model, "model") { [$0.name] }
    try narrow(provider, "provider") { [$0.provider] }
    if let deployedAt {
      models = models.filter { model in
        tables.deployments.contains { $0.modelID == model.modelID && $0.deployedAt == deployedAt }
      }
      if models.isEmpty {
        throw QueryError(
          "no model selected was deployed at \(deployedAt.rfc3339). See deployed_at in the deployments table."
        )
      }
    }
    try narrow(version, "version") { model in
      tables.deployments.filter { $0.modelID == model.modelID }.map(\.version)
    }
    return models
  }

  /// Whether a series belongs to the selection's models.
  func includes(_ series: Series, models: Set<Int32>) -> Bool {
    models.contains(series.modelID) && (version == nil || series.version == version)
  }
}
