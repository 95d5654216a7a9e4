import Aggregation
import Telemetry

extension TelemetryTables {
  /// Every choice of filters that an account's tab offers, the unfiltered one first.
  package func selections(_ kind: ModelKind, of account: String) -> [ModelSelection] {
    let models = models.filter { $0.account == account && $0.kind == kind }
    let whole = ModelSelection(kind: kind)
    var all = [whole]
    let alone = DashboardFilter.allCases.filter { $0.offer(kind) == .alone }
    for filter in alone { all += choices(filter, of: models, within: whole) }
    guard DashboardFilter.model.offer(kind) == .models else { return all }
    for (name, alike) in Dictionary(grouping: models, by: \.name).sorted(by: { $0.key < $1.key }) {
      var named = whole
      named[.model] = .text(name)
      all.append(named)
      for filter in alone { all += choices(filter, of: alike, within: named) }
      guard alike.count > 1 else { continue }
      for model in alike {
        let own = deployments.filter { $0.modelID == model.modelID }
        guard let instant = own.compactMap(\.deployedAt).first else { continue }
        var one = named
        one[.deployedAt] = .instant(instant)
        all.append(one)
        for filter in alone { all += choices(filter, of: [model], within: one) }
      }
    }
    return all
  }

  /// A selection with each value of a filter that some models have, sorted.
  private func choices(
    _ filter: DashboardFilter, of models: [ModelRecord], within selection: ModelSelection
  ) -> [ModelSelection] {
    let texts = models.flatMap { model in
      filter.values(of: model, deployments.filter { $0.modelID == model.modelID })
    }.compactMap { if case .text(let text) = $0 { text } else { nil } }
    return Set(texts).sorted().map { text in
      var chosen = selection
      chosen[filter] = .text(text)
      return chosen
    }
  }
}
