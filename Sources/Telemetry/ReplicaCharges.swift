/// Replicas that an account would be charged for, at an unknown price or for an unknown deployment.
package struct UnknownCharge: Equatable, Sendable {
  package var account: String
  package var modelID: Int32
  package var version: String
  package var hardware: String
}

extension TelemetryTables {
  /// Versions with replicas on hardware of which their account has no price, each once, in order of time. Unknown is not
  /// zero: of these there are no credits.
  package var unpriced: [UnknownCharge] {
    var prices: Set<[String]> = []
    for row in hardware { prices.insert([row.account, row.hardware]) }
    return charges { !prices.contains([$0.account, $0.hardware]) }
  }

  /// Versions with replicas that no deployment has, each once, in order of time.
  package var undeclared: [UnknownCharge] {
    struct Version: Hashable {
      var modelID: Int32
      var version: String
    }
    let known = Set(deployments.map { Version(modelID: $0.modelID, version: $0.version) })
    return charges { !known.contains(Version(modelID: $0.modelID, version: $0.version)) }
  }

  private func charges(where isWanted: (UnknownCharge) -> Bool) -> [UnknownCharge] {
    struct Key: Hashable {
      var modelID: Int32
      var version: String
      var hardware: String
    }
    let owner = Dictionary(models.map { ($0.modelID, $0.account) }, uniquingKeysWith: { first, _ in first })
    var seen: Set<Key> = []
    var found: [UnknownCharge] = []
    for row in replicas where row.replicas > 0 {
      let key = Key(modelID: row.modelID, version: row.version, hardware: row.hardware)
      guard seen.insert(key).inserted, let account = owner[row.modelID] else { continue }
      let charge = UnknownCharge(
        account: account, modelID: row.modelID, version: row.version, hardware: row.hardware)
      if isWanted(charge) { found.append(charge) }
    }
    return found
  }
}
