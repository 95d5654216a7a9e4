import Aggregation
import Telemetry

/// Something that has happened in a live run: requests failed, an incident began or ended, replicas came or went.
struct Happening: Encodable, Sendable {
  enum Kind: String, CaseIterable, Encodable { case failures, incident, scaling }

  /// They are counted from 1.
  var number = 0
  /// By the account's clock.
  var at: String
  var kind: Kind
  var account: String
  /// What it concerns; `nil` for all.
  var modelKind: ModelKind?
  var model: String?
  var version: String?
  var provider: String?
  /// For people, without what it concerns.
  var text: String

  private enum CodingKeys: String, CodingKey {
    case number, at, kind, account, modelKind, model, version, provider, text
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(number, forKey: .number)
    try container.encode(at, forKey: .at)
    try container.encode(kind, forKey: .kind)
    try container.encode(account, forKey: .account)
    try container.encode(modelKind?.rawValue, forKey: .modelKind)
    try container.encode(model, forKey: .model)
    try container.encode(version, forKey: .version)
    try container.encode(provider, forKey: .provider)
    try container.encode(text, forKey: .text)
  }

  /// What has happened from one instant of a live run to another, in order of time; of each version one change of
  /// replicas and one number of failures.
  static func between(_ start: Timestamp, and snapshot: LiveRun.Snapshot) -> [Happening] {
    guard start < snapshot.now else { return [] }
    let range = start..<snapshot.now
    let found = snapshot.tables.accounts.flatMap { account in
      Finder(account: account, snapshot: snapshot, range: range).all
    }
    return found.sorted { $0.at < $1.at }.map(\.happening)
  }

  private struct Finder {
    let account: AccountRecord
    let snapshot: LiveRun.Snapshot
    let range: Range<Timestamp>
    private let calendar: ZonedCalendar
    private let models: [Int32: ModelRecord]

    init(account: AccountRecord, snapshot: LiveRun.Snapshot, range: Range<Timestamp>) {
      (self.account, self.snapshot, self.range) = (account, snapshot, range)
      calendar = ZonedCalendar(identifier: account.timeZone) ?? .utc
      models = Dictionary(
        snapshot.tables.models.filter { $0.account == account.account }.map { ($0.modelID, $0) },
        uniquingKeysWith: { first, _ in first })
    }

    typealias Found = (at: Timestamp, happening: Happening)

    var all: [Found] { incidents + scaling + failures }

    private func found(
      _ at: Timestamp, _ kind: Kind, _ model: ModelRecord?, version: String = "", provider: String = "",
      _ text: String
    ) -> Found {
      (
        at,
        Happening(
          at: at.rfc3339(in: calendar), kind: kind, account: account.account, modelKind: model?.kind,
          model: model?.name, version: version.isEmpty ? nil : version,
          provider: provider.isEmpty ? nil : provider, text: text)
      )
    }

    private var incidents: [Found] {
      let providers = Set(models.values.map(\.provider))
      return snapshot.tables.incidents.flatMap { incident -> [Found] in
        let model = incident.modelID.flatMap { models[$0] }
        if incident.modelID != nil, model == nil { return [] }
        if incident.modelID == nil, !incident.provider.isEmpty, !providers.contains(incident.provider) {
          return []
        }
        let borders = [(incident.startedAt, "begins"), (incident.endedAt, "ends")]
        return borders.filter { range.contains($0.0) }.map {
          found($0.0, .incident, model, provider: incident.provider, "\(incident.kind) \($0.1)")
        }
      }
    }

    private var scaling: [Found] {
      var before: [Series: Int] = [:]
      var changes: [(series: Series, from: Int, last: ReplicaRecord)] = []
      var places: [Series: Int] = [:]
      for row in snapshot.tables.replicas where models[row.modelID] != nil && row.at < range.upperBound {
        let series = Series(modelID: row.modelID, version: row.version)
        if row.at >= range.lowerBound {
          if let place = places[series] {
            changes[place].last = row
          } else {
            places[series] = changes.count
            changes.append((series, before[series] ?? 0, row))
          }
        }
        before[series] = row.replicas
      }
      return changes.compactMap { series, from, last in
        let isCut = last.limitedBy != .none
        guard last.replicas != from || isCut else { return nil }
        let text = last.replicas == from ? "stays at \(from) replicas" : "\(from) → \(last.replicas) replicas"
        return found(
          last.at, .scaling, models[series.modelID], version: series.version,
          text + (isCut ? ", cut short by \(last.limitedBy.rawValue)" : ""))
      }
    }

    private var failures: [Found] {
      guard let rollups = snapshot.rollups[account.account] else { return [] }
      return rollups.series.indices.compactMap { index -> Found? in
        var counts: [UInt8: Int64] = [:]
        var first: Timestamp?
        rollups.visit(index, in: range, byDay: false) { rollup in
          for entry in rollup.reasons where entry.count > 0 {
            counts[entry.reason, default: 0] += entry.count
            first = first ?? rollup.start
          }
        }
        guard let first else { return nil }
        let series = rollups.series[index]
        let words = counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { reason, count in
          let name = Int(reason) < rollups.reasons.count ? rollups.reasons[Int(reason)] : "reason \(reason)"
          return counts.count == 1 ? name : "\(count) \(name)"
        }
        let all = counts.values.reduce(0, +)
        let model = models[series.modelID]
        return found(
          first, .failures, model, version: series.version, provider: model?.provider ?? "",
          "\(all) failed: \(words.joined(separator: ", "))")
      }
    }
  }
}
