import Datasets
import Telemetry
import Testing

@Suite("Tables of parts that are merged")
struct MergingTests {
  private static let day: Int64 = 86_400_000_000
  private static let start = Timestamp(seconds: 1_767_571_200)

  private static func replica(_ day: Int64, _ ready: Int, _ hardware: String = "A10") -> ReplicaRecord {
    ReplicaRecord(
      at: start + day * Self.day, modelID: 1, version: "V1", hardware: hardware, starting: 0, ready: ready,
      draining: 0, limitedBy: .none)
  }

  private static func part(
    _ path: String, days: Range<Int64>, replicas: [ReplicaRecord] = [],
    _ change: (inout DeploymentRecord) -> Void = { _ in }
  ) -> MergedTables {
    var tables = TelemetryTables()
    tables.accounts = [AccountRecord(account: "acme", timeZone: "UTC", subscriptionMaxReplicas: 9)]
    tables.models = [
      ModelRecord(
        modelID: 1, account: "acme", kind: .openSource, name: "chat", provider: "", createdAt: start)
    ]
    var deployment = DeploymentRecord(
      modelID: 1, version: "V1", hardware: "A10", minReplicas: 1, maxReplicas: 4, maxBatchSize: 8,
      requestedAt: start, deployedAt: start, undeployedAt: nil, outcome: .deployed)
    change(&deployment)
    tables.deployments = [deployment]
    tables.replicas = replicas
    return MergedTables(
      path: path, tables: tables,
      period: start + days.lowerBound * day..<start + days.upperBound * day)
  }

  private static func error(_ parts: [MergedTables]) -> String {
    do {
      _ = try TelemetryTables(merging: parts)
      return ""
    } catch {
      return "\(error)"
    }
  }

  @Test(
    "a deployment that is another in two parts is refused in either order, with both files and what differs",
    arguments: [
      ("max_replicas is 5 here and 4 there", 0), ("min_replicas is 2 here and 1 there", 1),
      ("hardware is \"T4\" here and \"A10\" there", 2), ("max_batch_size is 9 here and 8 there", 3),
      ("outcome is \"deferred\" here and \"deployed\" there", 4),
    ])
  func deployments(_ difference: String, _ which: Int) {
    let other = Self.part("b", days: 0..<2) {
      switch which {
      case 0: $0.maxReplicas = 5
      case 1: $0.minReplicas = 2
      case 2: $0.hardware = "T4"
      case 3: $0.maxBatchSize = 9
      default: $0.outcome = .deferred
      }
    }
    let error = Self.error([Self.part("a", days: 0..<2), other])
    #expect(
      error.hasPrefix("b: error:") && error.contains("from that of a") && error.contains(difference),
      "\(error)")
    #expect(Self.error([other, Self.part("a", days: 0..<2)]).hasPrefix("a: error:"))
  }

  @Test(
    "of parts of different times, the first tells how a deployment began and the last how it ended, in any order"
  )
  func times() throws {
    let late = Self.start + 3_600_000_000
    let first = Self.part("a", days: 0..<1) {
      $0.deployedAt = late
      $0.outcome = .deferred
    }
    let second = Self.part("b", days: 1..<2) { $0.undeployedAt = Self.start + Self.day + 5 }
    let merged = try TelemetryTables(merging: [first, second])
    #expect(merged.deployments.count == 1)
    #expect(merged.deployments[0].deployedAt == late && merged.deployments[0].outcome == .deferred)
    #expect(merged.deployments[0].undeployedAt == Self.start + Self.day + 5)
    #expect(try TelemetryTables(merging: [second, first]) == merged)
  }

  @Test("replicas of one time are one number: other counts or hardware are refused, other times are not")
  func replicas() throws {
    let own = Self.part("a", days: 0..<2, replicas: [Self.replica(0, 1), Self.replica(1, 2)])
    func error(_ days: Range<Int64>, _ replicas: [ReplicaRecord]) -> String {
      Self.error([own, Self.part("b", days: days, replicas: replicas)])
    }
    let counts = error(0..<2, [Self.replica(0, 1), Self.replica(1, 3)])
    #expect(
      counts.hasPrefix(
        "b: error: it contradicts a: at 2026-01-06T00:00:00.000000Z, version V1 of model chat has 0 starting, 3 ready"
      ),
      "\(counts)")
    #expect(counts.contains("and 0 starting, 2 ready and 0 draining replicas on A10 there"))
    // Another instant of the change is another number in between.
    #expect(error(0..<2, [Self.replica(0, 1)]).contains("contradicts"))
    #expect(
      error(0..<2, [Self.replica(0, 1, "T4"), Self.replica(1, 2, "T4")]).contains("replicas on T4 here"))
    #expect(error(1..<3, [Self.replica(1, 1), Self.replica(2, 4)]).contains("contradicts"))
    // The same, the rest of it, and what comes later.
    #expect(error(0..<2, [Self.replica(0, 1), Self.replica(1, 2)]) == "")
    #expect(error(1..<3, [Self.replica(1, 2), Self.replica(2, 4)]) == "")
    #expect(error(2..<3, [Self.replica(2, 1)]) == "")
    let merged = try TelemetryTables(merging: [
      own, Self.part("b", days: 1..<3, replicas: [Self.replica(1, 2), Self.replica(2, 4)]),
    ])
    #expect(merged.replicas.map(\.ready) == [1, 2, 4])
  }
}
