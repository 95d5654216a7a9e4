import Aggregation
import Foundation
import Telemetry
import TestSupport
import Testing

/// A small world written by hand: two entries of one name, two hardwares, an external model, in New York in the week of
/// the clock change of 8 March 2026.
struct SmallWorld {
  var tables = TelemetryTables()
  var requests:
    [(at: String, model: Int32, version: String, outcome: UInt8, latency: Int64, input: Int32, output: Int32)] =
      []

  static func instant(_ text: String) -> Timestamp {
    var parser = TimestampParser()
    guard let instant = parser.parse(text) else { fatalError("\(text) is not an instant") }
    return instant
  }

  init() {
    tables.accounts = [.init(account: "acme", timeZone: "America/New_York", subscriptionMaxReplicas: 8)]
    tables.hardware = [
      .init(account: "acme", hardware: "A10", creditsMicroPerHour: 2_000_000),
      .init(account: "acme", hardware: "T4", creditsMicroPerHour: 1_000_000),
    ]
    let created = Self.instant("2026-03-01T00:00:00-05:00")
    tables.models = [
      .init(modelID: 1, account: "acme", kind: .fineTuned, name: "chat", provider: "", createdAt: created),
      .init(modelID: 2, account: "acme", kind: .fineTuned, name: "chat", provider: "", createdAt: created),
      .init(
        modelID: 3, account: "acme", kind: .external, name: "gpt", provider: "OpenAI", createdAt: created),
    ]
    func deployment(
      _ model: Int32, _ version: String, _ hardware: String, _ most: Int, _ from: String, _ to: String?
    ) {
      tables.deployments.append(
        .init(
          modelID: model, version: version, hardware: hardware, minReplicas: 1, maxReplicas: most,
          maxBatchSize: 4,
          requestedAt: Self.instant(from), deployedAt: Self.instant(from), undeployedAt: to.map(Self.instant),
          outcome: .deployed))
    }
    deployment(1, "V1", "A10", 4, "2026-03-02T00:00:00-05:00", "2026-03-07T12:00:00-05:00")
    deployment(1, "V2", "T4", 6, "2026-03-06T00:00:00-05:00", "2026-03-07T12:00:00-05:00")
    deployment(2, "V1", "A10", 2, "2026-03-08T00:00:00-05:00", nil)
    func replicas(_ at: String, _ model: Int32, _ version: String, _ hardware: String, _ ready: Int) {
      tables.replicas.append(
        .init(
          at: Self.instant(at), modelID: model, version: version, hardware: hardware, starting: 0,
          ready: ready, draining: 0, limitedBy: .none))
    }
    replicas("2026-03-02T00:00:00-05:00", 1, "V1", "A10", 1)
    replicas("2026-03-06T00:00:00-05:00", 1, "V2", "T4", 2)
    replicas("2026-03-06T12:00:00-05:00", 1, "V1", "A10", 3)
    replicas("2026-03-06T18:00:00-05:00", 1, "V1", "A10", 1)
    replicas("2026-03-07T12:00:00-05:00", 1, "V1", "A10", 0)
    replicas("2026-03-07T12:00:00-05:00", 1, "V2", "T4", 0)
    replicas("2026-03-08T00:00:00-05:00", 2, "V1", "A10", 1)
    tables.fineTuningJobs = [
      .init(
        jobID: 1, modelID: 1, baseModel: "b", hardware: "A10",
        startedAt: Self.instant("2026-03-01T22:00:00-05:00"),
        finishedAt: Self.instant("2026-03-02T02:00:00-05:00"), outcome: .succeeded, creditsMicro: 8_000_001),
      .init(
        jobID: 2, modelID: 2, baseModel: "b", hardware: "A10",
        startedAt: Self.instant("2026-03-05T00:00:00-05:00"),
        finishedAt: Self.instant("2026-03-05T01:00:00-05:00"), outcome: .failed, creditsMicro: 2_000_000),
    ]
    func add(
      _ at: String, _ model: Int32, _ version: String, _ outcome: UInt8 = 0, _ latency: Int64 = 1000,
      _ input: Int32 = 10, _ output: Int32 = 5
    ) {
      requests.append((at, model, version, outcome, latency, input, outcome == 0 ? output : 0))
    }
    add("2026-03-02T09:00:00-05:00", 1, "V1", 0, 100_000)
    add("2026-03-02T09:59:59-05:00", 1, "V1", 0, 200_001)
    add("2026-03-02T10:00:00-05:00", 1, "V1", FailureReason.timeout.code, 60_000_000)
    add("2026-03-06T12:00:00-05:00", 1, "V2", 0, 50_000)
    add("2026-03-08T00:30:00-05:00", 2, "V1", 0, 70_000)
    add("2026-03-08T03:00:00-04:00", 2, "V1", 0, 90_000)
    add("2026-03-08T23:59:59.999999-04:00", 2, "V1", FailureReason.modelError.code, 1_000)
    add("2026-03-02T12:00:00-05:00", 3, "", 0, 500_000, 1000, 200)
    add("2026-03-02T13:00:00-05:00", 3, "", FailureReason.rateLimited.code, 0, 700)
  }

  var series: [Series] {
    [
      .init(modelID: 1, version: "V1"), .init(modelID: 1, version: "V2"), .init(modelID: 2, version: "V1"),
      .init(modelID: 3, version: ""),
    ]
  }

  func batch(_ order: [Int]? = nil) -> RequestBatch {
    let batch = RequestBatch(capacity: max(requests.count, 1))
    for (id, index) in (order ?? Array(requests.indices)).enumerated() {
      let request = requests[index]
      let entry = Series(modelID: request.model, version: request.version)
      batch.append(
        requestID: Int64(id + 1), arrivedAt: Self.instant(request.at).microseconds,
        series: Int32(series.firstIndex(of: entry) ?? -1),
        outcome: request.outcome, waitingMicroseconds: 0,
        firstTokenMicroseconds: request.outcome == 0 ? request.latency / 2 : 0,
        latencyMicroseconds: request.latency, inputTokens: request.input, outputTokens: request.output)
    }
    return batch
  }

  func dashboard(
    _ period: String, _ selection: ModelSelection = .init(kind: .fineTuned),
    now: String = "2026-03-09T00:00:00-04:00",
    order: [Int]? = nil, maxPoints: Int = 5000
  ) throws -> Dashboard {
    let query = try DashboardQuery(
      account: tables.accounts[0], filter: TimelineFilter(period), now: Self.instant(now),
      selection: selection, tables: tables,
      series: series, maxPoints: maxPoints)
    let rollups = RequestRollups(series: series, now: Self.instant(now), reasons: FailureReasons())
    query.points.map(rollups.collect)
    try batch(order).send(to: rollups)
    try rollups.finish()
    return try query.answer(rollups)
  }
}

@Suite("The dashboard's figures, by hand")
struct DashboardTests {
  let world = SmallWorld()

  @Test("requests: only buckets with requests have points; failures count")
  func requests() throws {
    let dashboard = try world.dashboard("7d")
    #expect(dashboard.query.from == "2026-03-02T00:00:00-05:00")
    #expect(
      dashboard.requests.points.map { "\($0.at) \($0.successes) \($0.failures)" } == [
        "2026-03-02T00:00:00-05:00 2 1",
        "2026-03-06T00:00:00-05:00 1 0",
        "2026-03-08T00:00:00-05:00 2 1",
      ])
    #expect(dashboard.requests.totalRequests == 7)
    #expect(dashboard.requests.failuresByReason == ["timeout": 1, "modelError": 1])
    #expect(dashboard.tokens == nil)
  }

  @Test(
    "latency: one point for each success, at its arrival; above seven days the mean of the day's successes")
  func latency() throws {
    let every = try world.dashboard("7d").latency
    #expect(every.mode == .perRequest)
    #expect(every.points.map(\.latency) == [100, 200.001, 50, 70, 90])
    #expect(
      every.points[3].at == "2026-03-08T00:30:00-05:00" && every.points[4].at == "2026-03-08T03:00:00-04:00")
    let daily = try world.dashboard("2026-03-01..2026-03-08").latency
    #expect(daily.mode == .dailyAverage)
    #expect(
      daily.points.map { "\($0.at) \($0.latency) \($0.requests)" } == [
        "2026-03-02T00:00:00-05:00 150.0005 2", "2026-03-06T00:00:00-05:00 50.0 1",
        "2026-03-08T00:00:00-05:00 80.0 2",
      ])
    #expect(daily.summary.average == 510_001.0 / 5000)
    #expect(daily.summary.minimum == 50 && daily.summary.maximum == 200.001)
  }

  @Test("the day of the clock change: hours are local, the skipped one does not come")
  func clockChange() throws {
    let dashboard = try world.dashboard("2026-03-08")
    #expect(dashboard.query.granularity == "hour")
    #expect(
      dashboard.requests.points.map(\.at) == [
        "2026-03-08T00:00:00-05:00", "2026-03-08T03:00:00-04:00", "2026-03-08T23:00:00-04:00",
      ])
    #expect(dashboard.scaling?.maxReplicas == 2)
    // 23 hours of one replica.
    #expect(dashboard.account.deploymentCredits == 46)
  }

  @Test("credits: replica time × price inside the period, per request and per response")
  func credits() throws {
    let dashboard = try world.dashboard("7d")
    // Model 1 V1: 5.5 days with 1, and 2 more for 6 h, at 2/h; V2: 36 h with 2 at 1/h; model 2: 23 h at 2/h.
    let expected: Double = 288 + 72 + 46
    #expect(dashboard.account.deploymentCredits == expected)
    #expect(dashboard.requests.creditsPerRequest == expected / 7)
    #expect(dashboard.requests.creditsPerResponse == expected / 5)
    let second = try world.dashboard("7d", .init(kind: .fineTuned, model: "chat", version: "V2"))
    #expect(second.requests.creditsPerRequest == 72)
    #expect(second.account.deploymentCredits == expected)
    // Only what lies in the period: 6 March until 18:00 now.
    let cut = try world.dashboard("2026-03-06", now: "2026-03-06T18:00:00-05:00")
    // V1: 12 h with 1 and 6 h with 3 at 2/h; V2: 18 h with 2 at 1/h.
    let partial = 60.0 + 36
    #expect(cut.account.deploymentCredits == partial)
  }

  @Test(
    "fine-tuning credits accrue evenly: half of a job lies in the period; failed jobs are paid for, not counted"
  )
  func fineTuning() throws {
    let dashboard = try world.dashboard("7d")
    // 8,000,001 micro-credits: by the period's start half has accrued, 4,000,000.5, which rounds to 4,000,001 and is the
    // day's before; the period has the other 4,000,000, and 2 credits.
    #expect(dashboard.account.fineTuningCredits == 6)
    #expect(dashboard.account.fineTunedModels == 1)
    #expect(try world.dashboard("2026-03-05").account.fineTunedModels == 0)
  }

  @Test("deployed models of every kind; an external one counts from its creation")
  func deployedModels() throws {
    #expect(try world.dashboard("7d").account.deployedModels == 3)
    #expect(try world.dashboard("2026-03-08").account.deployedModels == 2)
    #expect(try world.dashboard("2026-03-01").account.deployedModels == 1)
  }

  @Test("scaling: a point at each change, the state at the start, the hardware")
  func scaling() throws {
    let scaling = try #require(try world.dashboard("2026-03-06..2026-03-08").scaling)
    let points = scaling.points.map { "\($0.at.prefix(13)) \($0.version) \($0.replicas) \($0.hardware)" }
    #expect(
      points == [
        "2026-03-06T00 V1 1 A10", "2026-03-06T00 V2 2 T4", "2026-03-06T12 V1 3 A10", "2026-03-06T18 V1 1 A10",
        "2026-03-07T12 V1 0 A10", "2026-03-07T12 V2 0 T4", "2026-03-08T00 V1 1 A10",
      ])
    #expect(scaling.hardware == "Multiple Hardware")
    #expect(scaling.maxReplicas == nil)
    let single = try #require(
      try world.dashboard("2026-03-06", .init(kind: .fineTuned, model: "chat", version: "V1")).scaling)
    #expect(single.hardware == "A10")
    #expect(single.maxReplicas == 4)
    #expect(try world.dashboard("2026-03-06").scaling?.maxReplicas == 6)
    #expect(try world.dashboard("2026-03-01").scaling?.points == [])
    #expect(try world.dashboard("2026-03-01").scaling?.hardware == nil)
  }

  @Test("external models: tokens of all requests, no scaling, no credits")
  func external() throws {
    let dashboard = try world.dashboard("2026-03-02", .init(kind: .external, provider: "OpenAI"))
    #expect(
      dashboard.tokens?.points.map { "\($0.at) \($0.inputTokens) \($0.outputTokens)" } == [
        "2026-03-02T12:00:00-05:00 1000 200", "2026-03-02T13:00:00-05:00 700 0",
      ])
    #expect(dashboard.tokens?.totalInputTokens == 1700)
    #expect(dashboard.scaling == nil)
    #expect(dashboard.requests.creditsPerRequest == nil)
  }

  @Test("same-name models: the name takes both, the deployment time picks one")
  func sameName() throws {
    let both = try world.dashboard("7d", .init(kind: .fineTuned, model: "chat"))
    #expect(both.requests.totalRequests == 7)
    let second = try world.dashboard(
      "7d",
      .init(kind: .fineTuned, model: "chat", deployedAt: SmallWorld.instant("2026-03-08T00:00:00-05:00"))
    )
    #expect(second.requests.totalRequests == 3)
  }

  @Test("a filter that fits nothing, or does not apply, is an error that names what there is")
  func wrongFilters() {
    func said(_ selection: ModelSelection) -> String {
      do {
        _ = try world.dashboard("7d", selection)
        return ""
      } catch {
        return "\(error)"
      }
    }
    #expect(said(.init(kind: .fineTuned, model: "chta")).contains("There are: chat."))
    #expect(said(.init(kind: .fineTuned, version: "V9")).contains("There are: V1, V2."))
    #expect(said(.init(kind: .external, version: "V1")).contains("External models have no versions"))
    #expect(
      said(.init(kind: .fineTuned, provider: "OpenAI")).contains("Only external models have a provider"))
  }

  @Test("figures without a base are null in the JSON, never zero")
  func undefined() throws {
    let dashboard = try world.dashboard("2026-03-04")
    #expect(dashboard.requests.points.isEmpty)
    let json = try #require(try JSONSerialization.jsonObject(with: dashboard.json()) as? [String: Any])
    let requests = try #require(json["requests"] as? [String: Any])
    #expect(requests["creditsPerRequest"] is NSNull && requests["creditsPerResponse"] is NSNull)
    #expect(json["tokens"] is NSNull)
    let latency = try #require(json["latency"] as? [String: Any])
    let summary = try #require(latency["summary"] as? [String: Any])
    #expect(summary["average"] is NSNull && summary["p99"] is NSNull)
  }

  @Test("shuffled requests give the same bytes")
  func shuffled() throws {
    let inOrder = try world.dashboard("7d").json()
    var generator = SeededGenerator(state: 11)
    for _ in 0..<20 {
      let order = Array(world.requests.indices).shuffled(using: &generator)
      #expect(try world.dashboard("7d", order: order).json() == inOrder, "\(order)")
    }
  }
}
