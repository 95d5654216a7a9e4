import Telemetry

/// A shard of a data set that is being merged: its tables, and the time that they cover.
package struct MergedTables {
  package var path: String
  package var tables: TelemetryTables
  /// Half open; empty where nothing is known of it.
  package var period: Range<Timestamp>

  package init(path: String, tables: TelemetryTables, period: Range<Timestamp>) {
    self.path = path
    self.tables = tables
    self.period = period
  }
}

/// What shards must agree on, besides the rows of their tables, to be of one data set.
enum ShardAgreement {
  /// Two simulations of one time are not shards of one: their requests differ and their replicas are charged twice, or
  /// once for both.
  /// - Throws: `DatasetError` for runs of different scenarios or seeds that share a model and some time.
  static func checkSimulations(_ shards: [Dataset], _ periods: [Range<Timestamp>]) throws {
    for later in shards.indices {
      guard let own = shards[later].manifest, let scenario = own.scenario else { continue }
      let models = Set(shards[later].tables.models.map(\.modelID))
      for earlier in 0..<later where periods[earlier].overlaps(periods[later]) {
        guard let other = shards[earlier].manifest, let otherScenario = other.scenario,
          own.seed != other.seed || scenario.sha256 != otherScenario.sha256
            || scenario.overrides != otherScenario.overrides,
          shards[earlier].tables.models.contains(where: { models.contains($0.modelID) })
        else { continue }
        let common = periods[earlier].clamped(to: periods[later])
        let what =
          own.seed != other.seed
          ? "with the seeds \(own.seed.map(String.init) ?? "–") and \(other.seed.map(String.init) ?? "–")"
          : "of different scenarios"
        throw DatasetError(
          shards[later].path,
          "it and \(shards[earlier].path) are two simulations, \(what), of the time from \(common.lowerBound.rfc3339) to \(common.upperBound.rfc3339). Merge runs of different times, or shards of one run; replications are compared, not added up."
        )
      }
    }
  }

  /// Replicas of a version at one time are one number, no matter which shard states it.
  /// - Throws: `DatasetError` if shards contradict each other about the time that both cover.
  static func checkReplicas(_ shards: [MergedTables]) throws {
    let logs = shards.map {
      Dictionary(grouping: $0.tables.replicas) { Series(modelID: $0.modelID, version: $0.version) }
    }
    for later in shards.indices {
      for earlier in 0..<later where shards[earlier].period.overlaps(shards[later].period) {
        let common = shards[earlier].period.clamped(to: shards[later].period)
        for (series, rows) in logs[later].sorted(by: {
          ($0.key.modelID, $0.key.version) < ($1.key.modelID, $1.key.version)
        }) {
          guard let others = logs[earlier][series], others != rows,
            let (at, one, other) = contradiction(others, rows, in: common)
          else { continue }
          throw DatasetError(
            shards[later].path,
            "it contradicts \(shards[earlier].path): at \(at.rfc3339), \(series.version.isEmpty ? "" : "version \(series.version) of ")model \(shards[later].tables.models.first { $0.modelID == series.modelID }?.name ?? "\(series.modelID)") has \(other) here and \(one) there. Shards of one data set must agree on the time that both cover."
          )
        }
      }
    }
  }

  /// The replicas of a version at an instant, by hardware; only hardware without replicas is left out.
  private struct State: Equatable {
    var counts: [ExactName: [Int]] = [:]

    mutating func apply(_ row: ReplicaRecord) {
      let key = ExactName(row.hardware)
      counts[key] = row.replicas == 0 ? nil : [row.starting, row.ready, row.draining]
    }

    var words: String {
      if counts.isEmpty { return "no replica" }
      return counts.sorted { $0.key.text < $1.key.text }.map {
        "\($0.value[0]) starting, \($0.value[1]) ready and \($0.value[2]) draining replicas on \($0.key.text)"
      }.joined(separator: " and ")
    }
  }

  /// The first instant of a span at which two logs, in order of time, do not say the same; a log says nothing before its
  /// first row.
  private static func contradiction(
    _ one: [ReplicaRecord], _ other: [ReplicaRecord], in span: Range<Timestamp>
  ) -> (Timestamp, String, String)? {
    var (a, b) = (0, 0)
    var (left, right) = (State(), State())
    while a < one.count || b < other.count {
      let at = min(a < one.count ? one[a].at : other[b].at, b < other.count ? other[b].at : one[a].at)
      guard at < span.upperBound else { return nil }
      let (startA, startB) = (a, b)
      while a < one.count, one[a].at == at {
        left.apply(one[a])
        a += 1
      }
      while b < other.count, other[b].at == at {
        right.apply(other[b])
        b += 1
      }
      guard at >= span.lowerBound, a > 0, b > 0 else { continue }
      if left != right { return (at, left.words, right.words) }
      // Of one instant, what limits them is one thing too.
      if a > startA, b > startB, one[a - 1].limitedBy != other[b - 1].limitedBy {
        func words(_ limit: ReplicaLimit) -> String {
          limit == .none ? "replicas that nothing limits" : "replicas that \(limit.rawValue) limits"
        }
        return (at, words(one[a - 1].limitedBy), words(other[b - 1].limitedBy))
      }
    }
    return nil
  }

  /// Times between the first and the last shard of an account that no shard of it covers, in order.
  static func gaps(_ shards: [MergedTables]) -> [Range<Timestamp>] {
    var found: Set<Range<Timestamp>> = []
    let accounts = Set(shards.flatMap { $0.tables.accounts.map { ExactName($0.account) } })
    for account in accounts {
      let own = shards.filter { shard in
        !shard.period.isEmpty && shard.tables.accounts.contains { ExactName($0.account) == account }
      }.map(\.period).sorted { ($0.lowerBound, $0.upperBound) < ($1.lowerBound, $1.upperBound) }
      guard var covered = own.first?.upperBound else { continue }
      for period in own.dropFirst() {
        if period.lowerBound > covered { found.insert(covered..<period.lowerBound) }
        covered = max(covered, period.upperBound)
      }
    }
    return found.sorted { ($0.lowerBound, $0.upperBound) < ($1.lowerBound, $1.upperBound) }
  }
}
