import Aggregation
import Telemetry

extension TelemetryTables {
  /// Every choice of the model, version and provider filters that an account's tab offers, the unfiltered one first.
  package func selections(_ kind: ModelKind, of account: String) -> [ModelSelection] {
    let models = models.filter { $0.account == account && $0.kind == kind }
    var all = [ModelSelection(kind: kind)]
    if kind == .external {
      return all + Set(models.map(\.provider)).sorted().map { ModelSelection(kind: kind, provider: $0) }
    }
    func versions(_ ids: Set<Int32>) -> [String] {
      Set(deployments.filter { ids.contains($0.modelID) }.map(\.version)).sorted()
    }
    all += versions(Set(models.map(\.modelID))).map { ModelSelection(kind: kind, version: $0) }
    for (name, alike) in Dictionary(grouping: models, by: \.name).sorted(by: { $0.key < $1.key }) {
      all.append(ModelSelection(kind: kind, model: name))
      all += versions(Set(alike.map(\.modelID))).map { ModelSelection(kind: kind, model: name, version: $0) }
      guard alike.count > 1 else { continue }
      for model in alike {
        let own = deployments.filter { $0.modelID == model.modelID }
        guard let moment = own.compactMap(\.deployedAt).first else { continue }
        all.append(ModelSelection(kind: kind, model: name, deployedAt: moment))
        all += versions([model.modelID]).map {
          ModelSelection(kind: kind, model: name, deployedAt: moment, version: $0)
        }
      }
    }
    return all
  }
}
