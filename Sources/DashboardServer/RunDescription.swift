import Aggregation
import Foundation
import Telemetry

/// A run and what its filters offer.
package struct RunDescription: Encodable {
  struct Account: Encodable {
    var account: String
    var timeZone: String
    /// Local dates that a calendar may offer.
    var earliest: String
    var today: String
    var subscriptionMaxReplicas: Int
    var models: [Model]
  }
  struct Model: Encodable {
    /// What points of the scaling graph call it.
    var id: Int32
    var kind: String
    var name: String
    var provider: String
    var versions: [String]
    /// When its deployments were deployed: tells same-name models apart.
    var deployedAt: [String]
    var deployments: [Deployment]
  }
  struct Deployment: Encodable {
    var version: String
    var hardware: String
    var minReplicas: Int
    var maxReplicas: Int
    var deployedAt: String?
    var undeployedAt: String?
  }
  var id: String
  var name: String
  var now: String
  var live: Bool
  /// Identifiers of runs that lay in its place before it, the last first.
  var replaces: [String]
  var accounts: [Account]

  package init(_ run: ServedRun, replaces: [String] = []) {
    id = run.id
    self.replaces = replaces
    name = run.name
    now = run.now.rfc3339
    live = run.live != nil
    accounts = Self.accounts(of: run.tables, now: run.now)
  }

  static func accounts(of tables: TelemetryTables, now: Timestamp) -> [Account] {
    let deployments = Dictionary(grouping: tables.deployments, by: \.modelID)
    let models = Dictionary(grouping: tables.models, by: \.account)
    return tables.accounts.map { account in
      let calendar = ZonedCalendar(identifier: account.timeZone) ?? .utc
      let today = calendar.date(at: now + -1)
      return Account(
        account: account.account, timeZone: account.timeZone, earliest: "\(today.oneYearBefore)",
        today: "\(today)", subscriptionMaxReplicas: account.subscriptionMaxReplicas,
        models: (models[account.account] ?? []).map { model in
          let own = deployments[model.modelID] ?? []
          // By their bytes: two spellings of one letter are two versions.
          var seen: Set<[UInt8]> = []
          let versions = own.map(\.version).filter { seen.insert(Array($0.utf8)).inserted }
          return Model(
            id: model.modelID, kind: model.kind.rawValue, name: model.name, provider: model.provider,
            versions: versions,
            deployedAt: own.compactMap { $0.deployedAt?.rfc3339 },
            deployments: own.map {
              Deployment(
                version: $0.version, hardware: $0.hardware, minReplicas: $0.minReplicas,
                maxReplicas: $0.maxReplicas, deployedAt: $0.deployedAt?.rfc3339,
                undeployedAt: $0.undeployedAt?.rfc3339)
            })
        })
    }
  }
}

/// What graphs may mark: incidents, and scale-ups that a limit cut short.
package struct Marks: Encodable {
  struct Incident: Encodable {
    var kind: String
    var model: String?
    var modelKind: String?
    var provider: String?
    var from: String
    var to: String
  }
  struct CutShort: Encodable {
    var at: String
    var model: String
    var version: String
    var limitedBy: String
    var replicas: Int
  }
  var incidents: [Incident]
  var cutShort: [CutShort]

  package init(_ tables: TelemetryTables, _ account: AccountRecord) {
    let calendar = ZonedCalendar(identifier: account.timeZone) ?? .utc
    let own = tables.models.filter { $0.account == account.account }
    let names = Dictionary(own.map { ($0.modelID, $0.name) }, uniquingKeysWith: { first, _ in first })
    let providers = Set(own.map(\.provider))
    incidents = tables.incidents.compactMap { incident in
      if let model = incident.modelID, names[model] == nil { return nil }
      if incident.modelID == nil, !incident.provider.isEmpty, !providers.contains(incident.provider) {
        return nil
      }
      return Incident(
        kind: incident.kind, model: incident.modelID.flatMap { names[$0] },
        modelKind: own.first { $0.modelID == incident.modelID }?.kind.rawValue,
        provider: incident.provider.isEmpty ? nil : incident.provider,
        from: incident.startedAt.rfc3339(in: calendar),
        to: incident.endedAt.rfc3339(in: calendar))
    }
    cutShort = tables.replicas.compactMap { row in
      guard row.limitedBy != .none, let name = names[row.modelID] else { return nil }
      return CutShort(
        at: row.at.rfc3339(in: calendar), model: name, version: row.version,
        limitedBy: row.limitedBy.rawValue,
        replicas: row.replicas)
    }
  }
}
