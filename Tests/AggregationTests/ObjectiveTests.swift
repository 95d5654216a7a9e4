import Aggregation
import ScenarioModel
import Telemetry
import TestSupport
import Testing

/// Requests written by hand, judged.
struct ObjectiveWorld {
  /// A request, at a minute of the period; durations in ms, `nil` where they are unknown.
  struct Row {
    var minute: Double
    var series: Int32 = 0
    var outcome: UInt8 = 0
    var latency: Int64 = 1000
    var firstToken: Int64? = 500
    var waiting: Int64? = 0
    var output: Int32 = 11
    var requestClass = ""
    var cached: Int64?
  }

  var tables = TelemetryTables()
  var series = [
    Series(modelID: 1, version: "V1"), Series(modelID: 1, version: "V2"), Series(modelID: 2, version: ""),
  ]
  /// Three hours from midnight in Kolkata, half an hour off the hours of UTC.
  var period: Range<Timestamp>?

  init(accounts: [String] = ["acme"]) {
    let start = SmallWorld.instant("2026-01-05T00:00:00+05:30")
    period = start..<(start + 3 * 3_600_000_000)
    tables.accounts = accounts.map {
      .init(account: $0, timeZone: "Asia/Kolkata", subscriptionMaxReplicas: 4)
    }
    tables.models = [
      .init(
        modelID: 1, account: accounts[0], kind: .openSource, name: "chat", provider: "", createdAt: start),
      .init(
        modelID: 2, account: accounts[accounts.count - 1], kind: .external, name: "gpt", provider: "p",
        createdAt: start),
    ]
    for version in ["V1", "V2"] {
      tables.deployments.append(
        .init(
          modelID: 1, version: version, hardware: "A10", minReplicas: 1, maxReplicas: 2, maxBatchSize: 2,
          requestedAt: start, deployedAt: start, undeployedAt: nil, outcome: .deployed))
    }
    tables.hardware = [.init(account: accounts[0], hardware: "A10", creditsMicroPerHour: 2_000_000)]
    // One replica of V1 for all of the time, and two of V2 for the last half hour.
    for (minute, version, ready) in [(0, "V1", 1), (150, "V2", 2)] {
      tables.replicas.append(
        .init(
          at: start + Int64(minute) * 60_000_000, modelID: 1, version: version, hardware: "A10", starting: 0,
          ready: ready, draining: 0, limitedBy: .none))
    }
  }

  func judge(_ objectives: [String], _ rows: [Row]) throws -> ObjectiveJudge {
    let parsed = try objectives.map { try ServiceObjective($0) }
    let rollups = ObjectiveRollups(parsed, series: series, owners: .init(tables), period: period)
    let batch = RequestBatch(capacity: max(rows.count, 1))
    let start = SmallWorld.instant("2026-01-05T00:00:00+05:30").microseconds
    for (index, row) in rows.enumerated() {
      var record = RequestRecord(
        id: Int64(index), arrivedAt: start + Int64(row.minute * 60e6), series: row.series,
        outcome: row.outcome)
      record.measures[.latency] = row.latency * 1000
      record.measures[.firstToken] = (row.firstToken ?? 0) * 1000
      record.measures[.waiting] = (row.waiting ?? 0) * 1000
      record.measures[.inputTokens] = 10
      record.measures[.outputTokens] = Int64(row.output)
      if let cached = row.cached { record.measures[.cachedInputTokens] = cached }
      if row.firstToken == nil { record.unknown |= RequestMeasure.firstToken.bit }
      if row.waiting == nil { record.unknown |= RequestMeasure.waiting.bit }
      record.texts = RequestText.allCases.map { $0 == .requestClass ? row.requestClass : "" }
      batch.append(record)
    }
    try batch.send(to: rollups)
    let all = period ?? Timestamp(microseconds: 0)..<Timestamp(microseconds: 1)
    return ObjectiveJudge(
      parsed, [rollups], tables: tables, reasons: RequestOutcome.names + ["HTTP 500"], period: all)
  }

  func report(_ objectives: String..., of rows: [Row]) throws -> ObjectiveReport {
    try judge(objectives, rows).report()
  }

  func result(_ objective: String, of rows: [Row]) throws -> ObjectiveReport.Result {
    try judge([objective], rows).report().objectives[0]
  }
}

@Suite("Objectives, judged by hand")
struct ObjectiveJudgementTests {
  typealias Row = ObjectiveWorld.Row

  /// A hundred requests of V1: 1 to 100 ms.
  static let hundred: [Row] = (1...100).map { (latency: Int64) -> Row in
    Row(minute: 1, latency: latency, firstToken: latency / 2)
  }

  @Test(
    "quantiles have the rank ⌈q·n⌉, within a bin; means are exact",
    arguments: [
      ("p50", 50.0), ("p90", 90), ("p95", 95), ("p99", 99), ("mean", 50.5),
    ])
  func quantiles(_ statistic: String, _ expected: Double) throws {
    let result = try ObjectiveWorld().result("latency.\(statistic) <= 1s", of: Self.hundred)
    let value = try #require(result.worst?.value)
    #expect(abs(value / expected - 1) <= (statistic == "mean" ? 1e-12 : 0.008), "\(value)")
    #expect(result.verdict == .kept && result.worst?.requests == 100)
  }

  @Test("a time per output token is of the tokens after the first, of responses with several")
  func perToken() throws {
    // (1000 − 500) ÷ 10, (900 − 500) ÷ 4; one token has none.
    let rows = [
      Row(minute: 1), Row(minute: 1, latency: 900, output: 5), Row(minute: 1, latency: 600, output: 1),
    ]
    let result = try ObjectiveWorld().result("tpot.mean <= 80ms", of: rows)
    #expect(result.worst?.value == 75 && result.worst?.requests == 2 && result.verdict == .kept)
  }

  @Test("a time from token to token is over tokens: a long response counts for more than a short one")
  func interToken() throws {
    // 500 ms for ten tokens and 400 for four; one token has none, nor has one whose first is unknown, or that failed.
    let rows = [
      Row(minute: 1), Row(minute: 1, latency: 900, output: 5), Row(minute: 1, latency: 600, output: 1),
      Row(minute: 2, latency: 9000, firstToken: nil, output: 90), Row(minute: 2, outcome: 1, output: 40),
    ]
    let result = try ObjectiveWorld().result("itl.mean <= 64ms in 90% of hours", of: rows)
    #expect(abs(try #require(result.worst?.worst?.value) - 900.0 / 14) < 1e-12)
    #expect(result.verdict == .broken && result.worst?.requests == 2)
  }

  @Test("without a scope each model is judged, the worst is named, and the other that breaks it too")
  func eachModel() throws {
    let rows = [
      Row(minute: 1, latency: 2000), Row(minute: 2, series: 2, latency: 9000),
      Row(minute: 3, series: 2, latency: 9000),
    ]
    let result = try ObjectiveWorld().result("latency.mean <= 5s", of: rows)
    #expect(result.verdict == .broken && result.worst?.subject.model == "gpt" && result.worst?.value == 9000)
    #expect(result.scope == "each of 2 models" && result.alsoBroken.isEmpty)
    let both = try ObjectiveWorld().result("latency.mean <= 1s", of: rows)
    #expect(both.worst?.subject.model == "gpt" && both.alsoBroken.map(\.subject.model) == ["chat"])
    // (2 + 9 + 9) ÷ 3
    let pooled = try ObjectiveWorld().result("pooled.latency.mean <= 7s", of: rows)
    let mean: Double = try #require(pooled.worst?.value)
    #expect(pooled.verdict == .kept && abs(mean - 20_000.0 / 3) < 1e-9)
    #expect(pooled.worst?.subject.model == nil && pooled.scope == "all models together")
  }

  @Test("versions, accounts and classes are judged apart")
  func scopes() throws {
    let rows = [
      Row(minute: 1, latency: 1000, requestClass: "batch"), Row(minute: 2, series: 1, latency: 3000),
      Row(minute: 3, series: 2, latency: 5000, requestClass: "batch"),
    ]
    let world = ObjectiveWorld(accounts: ["acme", "initech"])
    func worst(_ objective: String) throws -> ObjectiveReport.Finding? {
      try world.result(objective, of: rows).worst
    }
    #expect(try worst("models.chat.latency.mean <= 9s")?.value == 2000)
    #expect(try worst("models.acme/chat.latency.mean <= 9s")?.value == 2000)
    #expect(try worst("models.chat.versions.V2.latency.mean <= 9s")?.value == 3000)
    let version = try worst("models.*.versions.*.latency.mean <= 9s")
    #expect(version?.subject.version == "V2" && version?.value == 3000)
    let account = try worst("accounts.*.latency.mean <= 9s")
    #expect(account?.subject.account == "initech" && account?.subject.model == nil && account?.value == 5000)
    #expect(try worst("accounts.acme.latency.mean <= 9s")?.value == 2000)
    let batch = try worst("classes.batch.latency.mean <= 9s")
    #expect(batch?.subject.model == "gpt" && batch?.subject.requestClass == "batch" && batch?.value == 5000)
    #expect(try worst("pooled.classes.batch.latency.mean <= 9s")?.value == 3000)
    #expect(try worst("models.chat.classes.*.latency.mean <= 9s")?.value == 1000)
    // Objectives on classes and on all side by side.
    let report = try world.report(
      "classes.batch.latency.mean <= 9s", "pooled.latency.mean <= 9s", of: rows)
    #expect(report.objectives.map { $0.worst?.value } == [5000, 3000])
  }

  @Test("failures count against a rate, and by their reason, the platform's or another's")
  func failures() throws {
    let code = UInt8(RequestOutcome.names.count)
    let rows =
      (0..<96).map { Row(minute: Double($0)) } + [
        Row(minute: 97, outcome: FailureReason.timeout.code), Row(minute: 98, outcome: code),
        Row(minute: 99, outcome: code), Row(minute: 100, outcome: FailureReason.overloaded.code),
      ]
    func value(_ metric: String) throws -> Double? {
      try ObjectiveWorld().result("models.chat.\(metric)", of: rows).worst?.value
    }
    #expect(try value("failureRate <= 5%") == 0.04)
    #expect(try value("failureRate.timeout <= 5%") == 0.01)
    #expect(try value("failureRate.HTTP 500 <= 5%") == 0.02)
    #expect(try value("failureRate.modelError <= 5%") == 0)
    #expect(try value("lost <= 5") == 2)
    #expect(try value("requests >= 5") == 100)
    let exact = try ObjectiveWorld().result("failureRate <= 4%", of: rows)
    #expect(exact.verdict == .kept)
    #expect(try ObjectiveWorld().result("failureRate <= 3.9%", of: rows).verdict == .broken)
  }

  @Test("goodput: the share of requests that succeed and meet all conditions; the unknown is not judged")
  func goodput() throws {
    let rows = [
      Row(minute: 1),  // 500 ms, 50 ms
      Row(minute: 1, firstToken: 1001),
      Row(minute: 1, latency: 1001, output: 11),  // (1001 − 500) ÷ 10 is 50.1 ms
      Row(minute: 1, outcome: FailureReason.timeout.code),
      Row(minute: 1, latency: 1000, firstToken: nil),
    ]
    let result = try ObjectiveWorld().result("goodput(ttft <= 1s, tpot <= 50ms) >= 20%", of: rows)
    #expect(result.worst?.value == 0.25 && result.worst?.requests == 4 && result.verdict == .kept)
    // Its latency alone is beyond the bound: that its first token is not known does not matter.
    let slow = try ObjectiveWorld().result("goodput(ttft <= 1s, latency <= 999ms) >= 20%", of: rows)
    #expect(slow.worst?.value == 0 && slow.worst?.requests == 5 && slow.verdict == .broken)
  }

  @Test("the worst hour is one of the account's clock, and a share of hours counts those with requests")
  func hours() throws {
    // By the minute in Kolkata: hour 0, 1 and 2 have means of 1, 4 and 2 s.
    let rows = [
      Row(minute: 10, latency: 1000), Row(minute: 59.99, latency: 1000), Row(minute: 60, latency: 4000),
      Row(minute: 130, latency: 2000),
    ]
    let result = try ObjectiveWorld().result("latency.mean <= 1500ms", of: rows)
    #expect(result.verdict == .broken && result.worst?.value == 2000)
    let worst = try #require(result.worst?.worst)
    #expect(worst.from == "2026-01-05T01:00:00+05:30" && worst.to == "2026-01-05T02:00:00+05:30")
    #expect(worst.value == 4000 && worst.requests == 1)
    #expect(result.worst?.windows == 3 && result.worst?.brokenWindows == 2)
    let most = try ObjectiveWorld().result("latency.mean <= 3s in 66% of hours", of: rows)
    let share: Double = try #require(most.worst?.value)
    #expect(most.verdict == .kept && abs(share - 2.0 / 3) < 1e-12)
    #expect(try ObjectiveWorld().result("latency.mean <= 3s in 67% of hours", of: rows).verdict == .broken)
    // All three are of one day, whose mean is 2 s.
    let day = try ObjectiveWorld().result("latency.mean <= 2s in 100% of days", of: rows)
    #expect(day.verdict == .kept && day.worst?.windows == 1)
    #expect(day.worst?.worst?.from == "2026-01-05T00:00:00+05:30")
    #expect(day.worst?.worst?.to == "2026-01-06T00:00:00+05:30")
  }

  @Test("the order of requests does not matter")
  func order() throws {
    var rows: [Row] = []
    for minute in 0..<180 {
      let latency = Int64(1 + minute * 7919 % 997)
      rows.append(
        Row(minute: Double(minute), latency: latency, requestClass: minute.isMultiple(of: 3) ? "a" : "b"))
    }
    var shuffled = rows
    var generator = SeededGenerator(state: 7)
    shuffled.shuffle(using: &generator)
    let objectives = [
      "latency.p95 <= 1s", "latency.p50 <= 300ms in 50% of hours", "classes.*.latency.mean <= 1s",
      "throughput.requests >= 1/min",
    ]
    let report = try ObjectiveWorld().judge(objectives, rows).report()
    #expect(try ObjectiveWorld().judge(objectives, shuffled).report() == report)
  }

  @Test("figures of replicas by hand: credits, hours, peak, utilisation, of all, of a model, of a version")
  func replicas() throws {
    // V1: 3 h of one replica, V2: half an hour of two: 4 h at 2 credits. A request is served for 18 min of them.
    let rows = [Row(minute: 0, latency: 1_200_000, waiting: 120_000)]
    func value(_ objective: String) throws -> Double? {
      try ObjectiveWorld().result(objective, of: rows).worst?.value
    }
    #expect(try value("credits <= 9") == 8)
    #expect(try value("models.chat.versions.V2.credits <= 9") == 2)
    #expect(try value("creditsPerRequest <= 9") == 8)
    #expect(try value("replicaHours <= 9h") == 4)
    #expect(try value("peakReplicas <= 9") == 3)
    #expect(try value("models.chat.versions.V1.peakReplicas <= 9") == 1)
    // 18 min ÷ (4 h × 2 slots)
    let whole: Double = try #require(try value("utilisation <= 90%"))
    let first: Double = try #require(try value("models.chat.versions.V1.utilisation <= 90%"))
    #expect(abs(whole - 0.0375) < 1e-12 && abs(first - 0.05) < 1e-12)
    let external = try ObjectiveWorld().result("models.gpt.credits <= 9", of: rows)
    #expect(external.verdict == .inconclusive && external.summary.contains("no replicas"))
  }

  @Test("rates are per second of the period; a lower bound on requests is broken by none")
  func rates() throws {
    // 108 in three hours are 0.01 a second.
    let rows = (0..<108).map { Row(minute: Double($0)) }
    let rate = try ObjectiveWorld().result("models.chat.throughput.requests >= 36/h", of: rows)
    let perSecond: Double = try #require(rate.worst?.value)
    #expect(rate.verdict == .kept && abs(perSecond - 0.01) < 1e-15)
    let tokens = try ObjectiveWorld().result("models.chat.throughput.tokens >= 0.12/s", of: rows)
    let tokensPerSecond: Double = try #require(tokens.worst?.value)
    #expect(tokens.verdict == .broken && abs(tokensPerSecond - 0.11) < 1e-12)
    let none = try ObjectiveWorld().result("requests >= 1", of: rows)
    #expect(none.verdict == .broken && none.worst?.subject.model == "gpt" && none.worst?.value == 0)
    // Before and after the period is in no figure.
    let outside = rows + [Row(minute: -1), Row(minute: 180)]
    #expect(try ObjectiveWorld().result("models.chat.requests >= 1", of: outside).worst?.value == 108)
  }

  @Test("input tokens that a cache had, of those of which that is known")
  func cache() throws {
    let rows = [Row(minute: 1, cached: 8), Row(minute: 1, cached: 0), Row(minute: 1)]
    #expect(try ObjectiveWorld().result("cacheHitRate >= 40%", of: rows).worst?.value == 0.4)
  }

  struct Open: Sendable, CustomTestStringConvertible {
    var objective: String
    var rows: [Row]
    var reason: String
    var testDescription: String { objective }
  }

  static let open: [Open] = [
    .init(objective: "latency.p95 <= 5s", rows: [], reason: "has no request in the period"),
    .init(objective: "models.gpt.latency.mean <= 5s", rows: hundred, reason: "model gpt has no request"),
    .init(
      objective: "latency.p99 <= 5s", rows: Array(hundred.prefix(99)),
      reason: "model chat has 99 requests to judge it by, and 100 are the fewest"),
    .init(
      objective: "failureRate <= 0.5%", rows: hundred,
      reason: "model chat has 100 requests to judge it by, and 200 are the fewest"),
    .init(
      objective: "ttft.mean <= 5s", rows: [Row(minute: 1, firstToken: nil)],
      reason: "the telemetry does not have ttft of any request"),
    // A source that does not measure it gives the whole latency.
    .init(
      objective: "ttft.mean <= 5s", rows: [Row(minute: 1, firstToken: 1000)],
      reason: "the telemetry has no time of a first token"),
    .init(
      objective: "itl.mean <= 5s", rows: [Row(minute: 1, firstToken: 1000)],
      reason: "the telemetry has no time of a first token"),
    .init(
      objective: "itl.mean <= 5s", rows: [Row(minute: 1, output: 1)], reason: "no response has a second token"
    ),
    .init(
      objective: "goodput(tpot <= 5s) >= 50%", rows: [Row(minute: 1, firstToken: 1000)],
      reason: "the telemetry has no time of a first token"),
    .init(
      objective: "waiting.mean <= 5s", rows: [Row(minute: 1, waiting: nil)],
      reason: "the telemetry does not have waiting of any request"),
    .init(objective: "cacheHitRate >= 5%", rows: hundred, reason: "does not say which input tokens a cache"),
    .init(objective: "failureRate.timeuot <= 1%", rows: hundred, reason: "Did you mean timeout?"),
    .init(objective: "kvUtilisation <= 90%", rows: hundred, reason: "knows of no KV cache"),
    .init(objective: "classes.*.latency.mean <= 5s", rows: hundred, reason: "no request has a class"),
    .init(
      objective: "latency.p50 <= 5s in 95% of hours", rows: [Row(minute: 1)],
      reason: "model chat has 1 request to judge it by, and 2 are the fewest"),
  ]

  @Test("what cannot be judged is inconclusive, with its reason, and never kept", arguments: open)
  func inconclusive(_ open: Open) throws {
    let report = try ObjectiveWorld().judge([open.objective], open.rows).report()
    #expect(report.verdict == .inconclusive && report.objectives[0].verdict == .inconclusive)
    let words = try #require(report.inconclusive)
    #expect(words.contains(open.reason) && words.hasPrefix(open.objective), "\(words)")
  }

  @Test(
    "too few requests do not hide a break, nor does one that cannot be judged; without objectives nothing is")
  func precedence() throws {
    let slow = [Row(minute: 1, latency: 9000)]
    #expect(try ObjectiveWorld().result("latency.p99 <= 5s", of: slow).verdict == .broken)
    let mixed = try ObjectiveWorld().report("latency.p99 <= 5s", "cacheHitRate >= 5%", of: slow)
    #expect(mixed.verdict == .broken && mixed.inconclusive == nil)
    let open = try ObjectiveWorld().report("latency.mean <= 10s", "cacheHitRate >= 5%", of: slow)
    #expect(open.verdict == .inconclusive)
    #expect(try ObjectiveWorld().judge([], slow).report().verdict == .inconclusive)
    // Requests of which none succeeded violate what is asked of successes.
    let failed = [Row(minute: 1, outcome: FailureReason.timeout.code)]
    let none = try ObjectiveWorld().result("latency.mean <= 5s", of: failed)
    #expect(none.verdict == .broken && none.worst?.value == nil)
    #expect(none.summary.contains("none of its 1 request succeeded"), "\(none.summary)")
  }

  @Test("names that there are not: the nearest is suggested")
  func names() throws {
    var tables = ObjectiveWorld(accounts: ["acme", "initech"]).tables
    tables.models[0].name = "chat\n"
    let names = ObjectiveNames(tables, classes: ["batch"])
    for (objective, words) in [
      ("models.gptt.latency.p95 <= 1s", "there is no model \"gptt\". Did you mean gpt?"),
      ("accounts.acne.failureRate <= 1%", "there is no account \"acne\". Did you mean acme?"),
      ("accounts.acme.models.gpt.latency.p95 <= 1s", "there is no model \"gpt\"."),
      (
        "models.gpt.versions.V1.latency.p95 <= 1s",
        "there is no version \"V1\" of model \"gpt\": there is none"
      ),
      ("classes.bach.latency.p95 <= 1s", "there is no class \"bach\". Did you mean batch?"),
    ] {
      let problem = try #require(names.problem(ServiceObjective(objective).scope))
      #expect(problem.hasPrefix(words) && !problem.contains("\n"), "\(problem)")
    }
    #expect(try names.problem(ServiceObjective("models.*.latency.p95 <= 1s").scope) == nil)
    #expect(try names.problem(ServiceObjective("models.initech/gpt.latency.p95 <= 1s").scope) == nil)
  }
}
