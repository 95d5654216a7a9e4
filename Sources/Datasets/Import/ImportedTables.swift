import Telemetry

/// Requests of one model version on one hardware.
struct ImportedGroup {
  /// As models were met.
  var modelID: Int32
  var version: String
  /// Empty if the export does not say.
  var hardware: String
  /// First and last arrival, and last end, µs.
  private(set) var first = Int64.max
  private(set) var last = Int64.min
  private(set) var end = Int64.min

  init(modelID: Int32, version: String, hardware: String) {
    self.modelID = modelID
    self.version = version
    self.hardware = hardware
  }

  mutating func take(_ request: RequestRecord) {
    first = min(first, request.arrivedAt)
    last = max(last, request.arrivedAt)
    // After its arrival in any case, so that it arrives while its version is deployed.
    end = max(end, request.arrivedAt + max(request.measures[.latency], 1))
  }
}

/// The tables of an import: what its requests show, what the mapping states, and nothing else. Models exist from their
/// first request; a version of which no replicas are stated has none.
struct ImportedTables {
  private(set) var tables = TelemetryTables()
  private(set) var series: [Series] = []
  /// The series of each group.
  private(set) var places: [Int32]
  /// Entries of the mapping's deployments that fit none, a sentence each.
  private(set) var unusedDeployments: [String] = []
  /// Replicas that a scenario may keep of a deployment at least.
  private static let mostMinReplicas = 10

  /// - Parameters:
  ///   - groups: some may have no request.
  ///   - models: as they were met.
  ///   - path: of the export.
  /// - Throws: `DatasetError` for replicas without a price, or more than the subscription allows.
  init(_ groups: [ImportedGroup], _ models: [ModelRecord], _ mapping: ImportMapping, path: String) throws {
    places = Array(repeating: 0, count: groups.count)
    let order = number(groups, models)
    var used: Set<Int> = []
    // First arrival of the group of each series that came last.
    var newest = Array(repeating: Int64.min, count: series.count)
    for index in order { newest[Int(places[index])] = max(newest[Int(places[index])], groups[index].first) }
    for index in order {
      let place = Int(places[index])
      try add(
        groups[index], series[place], isReplaced: newest[place] > groups[index].last, mapping, &used, path)
    }
    for (index, entry) in mapping.deployments.enumerated() where !used.contains(index) {
      let named = [entry.model.map { "model \($0)" }, entry.version.map { "version \($0)" }].compactMap(
        \.self)
      unusedDeployments.append(
        "No deployment of the export fits entry \(index + 1) of the mapping's deployments\(named.isEmpty ? "" : " (\(named.joined(separator: ", ")))")."
      )
    }
    try addAccounts(mapping, path)
    tables.sort()
  }

  /// Numbers the models that have requests by account, kind, provider and name, and puts series in the order of model and
  /// version.
  /// - Returns: the groups that have requests, in the order of their series.
  private mutating func number(_ groups: [ImportedGroup], _ models: [ModelRecord]) -> [Int] {
    let kinds = Dictionary(uniqueKeysWithValues: ModelKind.allCases.enumerated().map { ($1, $0) })
    func key(_ model: ModelRecord) -> [[UInt8]] { [Array(model.provider.utf8), Array(model.name.utf8)] }
    let indices = groups.indices.filter { groups[$0].first != .max }
    let used = Set(indices.map { groups[$0].modelID })
    var models = models.filter { used.contains($0.modelID) }
    models.sort { a, b in
      if !Name.same(a.account, b.account) {
        return a.account.utf8.lexicographicallyPrecedes(b.account.utf8)
      }
      let (left, right) = (kinds[a.kind] ?? 0, kinds[b.kind] ?? 0)
      if left != right { return left < right }
      return key(a).lexicographicallyPrecedes(key(b)) { $0.lexicographicallyPrecedes($1) }
    }
    var numbers: [Int32: Int32] = [:]
    for place in models.indices {
      numbers[models[place].modelID] = Int32(place + 1)
      models[place].modelID = Int32(place + 1)
    }
    let order = indices.sorted { a, b in
      let (left, right) = (numbers[groups[a].modelID] ?? 0, numbers[groups[b].modelID] ?? 0)
      if left != right { return left < right }
      let (one, other) = (groups[a], groups[b])
      return Name.same(one.version, other.version)
        ? one.hardware.utf8.lexicographicallyPrecedes(other.hardware.utf8)
        : one.version.utf8.lexicographicallyPrecedes(other.version.utf8)
    }
    for index in order {
      let entry = Series(modelID: numbers[groups[index].modelID] ?? 0, version: groups[index].version)
      // Not if it is the same version on another hardware.
      let isKnown = series.last.map { $0.modelID == entry.modelID && Name.same($0.version, entry.version) }
      if isKnown != true { series.append(entry) }
      places[index] = Int32(series.count - 1)
      let model = Int(entry.modelID) - 1
      models[model].createdAt = min(
        models[model].createdAt, Timestamp(microseconds: groups[index].first))
    }
    tables.models = models
    return order
  }

  /// The deployment of a group, and its replicas if they are stated.
  /// - Parameter isReplaced: whether the version is served by another hardware from some later instant on.
  private mutating func add(
    _ group: ImportedGroup, _ version: Series, isReplaced: Bool, _ mapping: ImportMapping,
    _ used: inout Set<Int>, _ path: String
  ) throws {
    let model = tables.models[Int(version.modelID) - 1]
    guard model.kind != .external else { return }
    let index = mapping.deployments.firstIndex { $0.fits(model: model.name, version: version.version) }
    if let index { used.insert(index) }
    let stated = index.map { mapping.deployments[$0] }
    let hardware = group.hardware.isEmpty ? stated?.hardware ?? "unknown" : group.hardware
    let from = Timestamp(microseconds: group.first)
    let to = isReplaced ? Timestamp(microseconds: group.end) : nil
    let replicas = stated?.replicas ?? 0
    tables.deployments.append(
      DeploymentRecord(
        modelID: version.modelID, version: version.version, hardware: hardware,
        minReplicas: min(replicas, Self.mostMinReplicas), maxReplicas: replicas,
        maxBatchSize: stated?.maxBatchSize ?? 0, requestedAt: from, deployedAt: from, undeployedAt: to,
        outcome: .deployed))
    guard replicas > 0 else { return }
    guard mapping.account.credits[hardware] != nil else {
      throw DatasetError(
        path,
        "the mapping states replicas of model \"\(model.name)\" on \"\(hardware)\", of which no price is known, so their credits would be unknown. Add the hardware to account.credits of the mapping; 0 if it costs nothing."
      )
    }
    for (at, count) in [(from, replicas), (to, 0)] {
      guard let at else { continue }
      tables.replicas.append(
        ReplicaRecord(
          at: at, modelID: version.modelID, version: version.version, hardware: hardware, starting: 0,
          ready: count, draining: 0, limitedBy: .none))
    }
  }

  private mutating func addAccounts(_ mapping: ImportMapping, _ path: String) throws {
    var accounts: [String] = []
    // Models are in the order of accounts.
    for model in tables.models where !(accounts.last.map { Name.same($0, model.account) } ?? false) {
      accounts.append(model.account)
    }
    for account in accounts {
      let most = mostReplicas(of: account)
      let allowed = mapping.account.maxReplicas
      guard allowed == 0 || most <= allowed else {
        throw DatasetError(
          path,
          "account \"\(account)\" has \(most) replicas at once by the mapping's deployments, and account.maxReplicas of the mapping is \(allowed). Raise it, or correct the replicas."
        )
      }
      tables.accounts.append(
        AccountRecord(
          account: account, timeZone: mapping.account.timeZone,
          subscriptionMaxReplicas: max(allowed, most)))
      tables.hardware += mapping.account.credits.sorted {
        $0.key.utf8.lexicographicallyPrecedes($1.key.utf8)
      }.map { HardwareRecord(account: account, hardware: $0.key, creditsMicroPerHour: $0.value) }
    }
  }

  /// Replicas of an account at once, at most.
  private func mostReplicas(of account: String) -> Int {
    let own = Set(tables.models.filter { Name.same($0.account, account) }.map(\.modelID))
    struct Place: Hashable {
      var modelID: Int32
      var version: String
      var hardware: String
    }
    var now: [Place: Int] = [:]
    var (total, most) = (0, 0)
    let rows = tables.replicas.filter { own.contains($0.modelID) }.sorted {
      ($0.at, $0.ready) < ($1.at, $1.ready)
    }
    for row in rows {
      let place = Place(modelID: row.modelID, version: row.version, hardware: row.hardware)
      total += row.ready - (now[place] ?? 0)
      now[place] = row.ready
      most = max(most, total)
    }
    return most
  }
}
