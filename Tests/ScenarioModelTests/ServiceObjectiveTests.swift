import Documents
import Foundation
import ScenarioModel
import Testing

@Suite("The notation of service-level objectives")
struct ServiceObjectiveTests {
  struct Valid: Sendable, CustomTestStringConvertible {
    var text: String
    var metric: String
    /// In the metric's unit.
    var bound: Double
    var isUpper = true
    var account: String?
    var model: String?
    var version: String?
    var requestClass: String?
    var isPooled = false
    var testDescription: String { text }
  }

  static let valid: [Valid] = [
    .init(text: "latency.p95 <= 5s", metric: "latency.p95", bound: 5000),
    .init(text: "latency.p95<=5s", metric: "latency.p95", bound: 5000),
    .init(text: "  latency.p95 < 1.5 min ", metric: "latency.p95", bound: 90_000),
    .init(text: "latency.p95 ≤ 800ms", metric: "latency.p95", bound: 800),
    .init(text: "ttft.p999 <= 2s", metric: "ttft.p999", bound: 2000),
    .init(text: "tpot.mean <= 40ms", metric: "tpot.mean", bound: 40),
    .init(text: "models.chat.itl.mean <= 40ms", metric: "itl.mean", bound: 40, model: "chat"),
    .init(text: "waiting.p99 <= 0s", metric: "waiting.p99", bound: 0),
    .init(text: "failureRate <= 0%", metric: "failureRate", bound: 0),
    .init(text: "failureRate.timeout <= 0.5 %", metric: "failureRate.timeout", bound: 0.005),
    .init(text: "failureRate.HTTP 500. gone <= 1%", metric: "failureRate.HTTP 500. gone", bound: 0.01),
    .init(text: "throughput.requests >= 600/min", metric: "throughput.requests", bound: 10, isUpper: false),
    .init(text: "throughput.tokens >= 2000/s", metric: "throughput.tokens", bound: 2000, isUpper: false),
    .init(text: "credits <= 100", metric: "credits", bound: 100),
    .init(text: "credits <= 100 credits", metric: "credits", bound: 100),
    .init(text: "replicaHours <= 36h", metric: "replicaHours", bound: 36),
    .init(text: "utilisation >= 40%", metric: "utilisation", bound: 0.4, isUpper: false),
    .init(
      text: "models.chat.ttft.p99 <= 800ms", metric: "ttft.p99", bound: 800, model: "chat"),
    .init(
      text: "models.llama-3.1-8b.ttft.p99 <= 800ms", metric: "ttft.p99", bound: 800, model: "llama-3.1-8b"),
    .init(
      text: #"models."a, \"b\".c <= 1".ttft.p99 <= 800ms"#, metric: "ttft.p99", bound: 800,
      model: #"a, "b".c <= 1"#),
    .init(text: "models.*.latency.p95 <= 5s", metric: "latency.p95", bound: 5000, model: "*"),
    .init(text: #"models."*".latency.p95 <= 5s"#, metric: "latency.p95", bound: 5000, model: "\"*\""),
    .init(text: "models.latency.latency.p95 <= 5s", metric: "latency.p95", bound: 5000, model: "latency"),
    .init(text: "accounts.*.failureRate <= 0.1%", metric: "failureRate", bound: 0.001, account: "*"),
    .init(
      text: "models.chat.versions.V2.tpot.p95 <= 40ms", metric: "tpot.p95", bound: 40, model: "chat",
      version: "V2"),
    .init(
      text: "accounts.acme.models.chat.versions.V2.classes.batch.latency.mean <= 1h", metric: "latency.mean",
      bound: 3_600_000, account: "acme", model: "chat", version: "V2", requestClass: "batch"),
    .init(
      text: "classes.interactive.ttft.p95 <= 1s", metric: "ttft.p95", bound: 1000,
      requestClass: "interactive"),
    .init(text: "pooled.latency.p95 <= 5s", metric: "latency.p95", bound: 5000, isPooled: true),
    .init(
      text: "pooled.classes.batch.latency.p95 <= 5s", metric: "latency.p95", bound: 5000,
      requestClass: "batch", isPooled: true),
    .init(text: "latency.p95[all] <= 5s", metric: "latency.p95", bound: 5000, isPooled: true),
    .init(text: "latency.p95[model=chat] <= 5s", metric: "latency.p95", bound: 5000, model: "chat"),
    .init(
      text: "goodput(ttft <= 1s,tpot<=50ms) >= 99%", metric: "goodput(ttft <= 1s, tpot <= 50ms)", bound: 0.99,
      isUpper: false),
    .init(
      text: "models.chat.goodput(latency <= 2s) >= 100%", metric: "goodput(latency <= 2s)", bound: 1,
      isUpper: false, model: "chat"),
  ]

  @Test("what is written is what is meant: metric, scope and bound", arguments: valid)
  func reading(_ expected: Valid) throws {
    let objective = try ServiceObjective(expected.text)
    #expect(objective.metric.name == expected.metric)
    #expect(abs(objective.bound - expected.bound) <= 1e-12 * max(expected.bound, 1))
    #expect(objective.isUpper == expected.isUpper && objective.windows == nil)
    func text(_ selector: ObjectiveScope.Selector?) -> String? {
      switch selector {
      case nil: nil
      case .each: "*"
      case .named("*"): "\"*\""
      case .named(let name): name
      }
    }
    let scope = objective.scope
    #expect(text(scope.account) == expected.account && text(scope.model) == expected.model)
    #expect(text(scope.version) == expected.version && text(scope.requestClass) == expected.requestClass)
    #expect(scope.isPooled == expected.isPooled)
    // What is shown reads back as the same.
    let again = try ServiceObjective(objective.description)
    #expect(again.metric == objective.metric && again.scope == objective.scope)
    #expect(again.bound == objective.bound && again.description == objective.description)
  }

  @Test("a share of hours or days follows the bound")
  func windows() throws {
    let hours = try ServiceObjective("latency.p95 <= 5s in 95% of hours")
    #expect(hours.windows?.share == 0.95 && hours.windows?.window == .hours && hours.bound == 5000)
    #expect(hours.boundText == "5s" && hours.description == "latency.p95 <= 5s in 95% of hours")
    let days = try ServiceObjective("models.in.failureRate <= 1 % in 100 % of days")
    #expect(days.windows?.share == 1 && days.windows?.window == .days && days.bound == 0.01)
    #expect(days.scope.model == .named("in"))
  }

  @Test("several are separated by commas, except those in parentheses, brackets and quotes")
  func lists() throws {
    let all = try ServiceObjective.list(
      #"latency.p95 <= 5s, goodput(ttft <= 1s, tpot <= 50ms) >= 99%,models."a, b".failureRate <= 1%, "#)
    #expect(
      all.map(\.description) == [
        "latency.p95 <= 5s", "goodput(ttft <= 1s, tpot <= 50ms) >= 99%", #"models."a, b".failureRate <= 1%"#,
      ])
  }

  struct Wrong: Sendable, CustomTestStringConvertible {
    var text: String
    /// How the message begins.
    var message: String
    var testDescription: String { text }
    init(_ text: String, _ message: String) { (self.text, self.message) = (text, message) }
  }

  static let wrong: [Wrong] = [
    .init("", "\"\" is not a service-level objective. Write for instance latency.p95 <= 2s"),
    .init("latency.p95", "\"latency.p95\" is not a service-level objective."),
    .init("<= 5s", "\"<= 5s\" is not a service-level objective."),
    .init(
      "latency.p95 = 5s", "\"latency.p95 = 5s\" has no bound. Write latency.p95 <= … or latency.p95 >= …."),
    .init("latency.p95 == 5s", "\"latency.p95 == 5s\" has no bound."),
    .init("latency.p95 <= ", "\"\" is not a bound on latency.p95. Write a duration such as 2s or 800ms."),
    .init("latency.p95 <= 5", "\"5\" is not a bound on latency.p95. Write a duration such as 2s or 800ms."),
    .init("latency.p95 <= 5 parsecs", "\"5 parsecs\" is not a bound on latency.p95."),
    .init("latency.p95 <= -5s", "latency.p95 <= -5s can never be met: latency.p95 is never below 0."),
    .init("latency.p95 <= 0s", "latency.p95 <= 0s can never be met: latency.p95 is always above 0."),
    .init(
      "latency.p95 >= 5s",
      "latency.p95 >= 5s asks for more of a metric for which less is better. Write latency.p95 <= 5s."),
    .init(
      "latncy.p95 <= 5s", "there is no metric \"latncy.p95\". Did you mean latency.p95? There are: latency."),
    .init("latency.p97 <= 5s", "there is no metric \"latency.p97\". Did you mean latency.p9"),
    .init(
      "latency <= 5s", "there is no metric \"latency\": it is of single requests. Say which of all requests:"),
    .init("speed <= 2", "there is no metric \"speed\"."),
    .init(
      "itl.p95 <= 40ms",
      "there is no metric \"itl.p95\": telemetry has the times of a response's first and last token, not of those between. Use itl.mean, their average over all tokens, or tpot.p95, of the averages of responses."
    ),
    .init("itl.mean <= 0s", "itl.mean <= 0s can never be met: itl.mean is always above 0."),
    .init(
      "costPerMillionTokens <= 2%",
      "\"2%\" is not a bound on costPerMillionTokens. Write an amount of money, such as 500."),
    .init("failureRate <= 0.1", "\"0.1\" is not a bound on failureRate. Write shares in percent, 10%."),
    .init("failureRate <= 5", "\"5\" is not a bound on failureRate. Write a share such as 0.1%."),
    .init(
      "failureRate <= 100%",
      "failureRate <= 100% can never be violated: failureRate lies between 0 and 100 %."),
    .init("failureRate >= 1%", "failureRate >= 1% asks for more of a metric for which less is better."),
    .init(
      "utilisation >= 101%", "utilisation >= 101% can never be met: utilisation lies between 0 and 100 %."),
    .init(
      "utilisation >= 0%", "utilisation >= 0% can never be violated: utilisation lies between 0 and 100 %."),
    .init(
      "throughput.tokens >= 100", "\"100\" is not a bound on throughput.tokens. Write a number per time,"),
    .init(
      "replicaHours <= 12", "\"12\" is not a bound on replicaHours. Write a number of hours, such as 100h."),
    .init("credits <= nan", "\"nan\" is not a bound on credits. Write a number of credits, such as 100."),
    .init("models.chat <= 5s", "\"models.chat\" names no metric."),
    .init("models.latency.p95 <= 5s", "there is no metric \"p95\"."),
    .init("models", "\"models\" is not a service-level objective."),
    .init("models. <= 5s", "models has no name. Write models.NAME, or models.* for each of them."),
    .init("models.\"chat.latency.p95 <= 5s", "\"models.\"chat.latency.p95 <= 5s\" is not a service-level"),
    .init("models.\"\".latency.p95 <= 5s", "models has no name."),
    .init("versions.V1.latency.p95 <= 5s", "a version belongs to a model. Write models.NAME.versions.NAME."),
    .init("models.a.models.b.latency.p95 <= 5s", "models is given twice. Name one model,"),
    .init(
      "models.a.accounts.b.latency.p95 <= 5s", "accounts stands after models. Write accounts.NAME before"),
    .init("pooled.models.a.latency.p95 <= 5s", "pooled means all models together,"),
    .init("goodput >= 99%", "there is no metric \"goodput\": it needs its conditions."),
    .init("goodput() >= 99%", "\"\" is not a condition of goodput. Write for instance ttft <= 1s;"),
    .init("goodput(ttft >= 1s) >= 99%", "\"ttft >= 1s\" is not a condition of goodput."),
    .init(
      "goodput(ttft.p95 <= 1s) >= 99%",
      "\"ttft.p95\" cannot be a condition of goodput. It is of each request,"),
    .init(
      "goodput(cost <= 1s) >= 99%", "\"cost\" cannot be a condition of goodput. There are latency, ttft,"),
    .init("goodput(ttft <= 1) >= 99%", "\"1\" is not a bound on ttft."),
    .init("goodput(ttft <= 0s) >= 99%", "ttft <= 0s can never be met: ttft is always above 0."),
    .init("goodput(ttft <= 1s, ttft <= 2s) >= 99%", "goodput has two conditions on ttft."),
    .init(
      "goodput(ttft <= 1s) <= 99%", "goodput(ttft <= 1s) <= 99% asks for less of a metric for which more is"),
    .init("goodput(ttft <= 1s) >= 101%", "goodput(ttft <= 1s) >= 101% can never be met:"),
    .init("latency.p95 <= 5s in 95 of hours", "\"in 95 of hours\" is not a share of hours or days."),
    .init("latency.p95 <= 5s in most hours", "\"in most hours\" is not a share of hours or days."),
    .init("latency.p95 <= 5s in 95% of weeks", "\"in 95% of weeks\" is not a share of hours or days."),
    .init(
      "latency.p95 <= 5s in 0% of hours", "an objective in 0% of hours can never be violated: no hour has to"),
    .init("latency.p95 <= 5s in 101% of days", "an objective in 101% of days can never be met:"),
    .init("credits <= 5 in 95% of days", "credits is a figure of the whole period and not of each day."),
    .init("latency.p95[chat] <= 5s", "there is no metric \"latency.p95[chat]\": in brackets stands all or"),
  ]

  @Test("what is wrong is said with its place and how to fix it", arguments: wrong)
  func mistakes(_ mistake: Wrong) {
    #expect(throws: ServiceObjective.Problem.self, "\(mistake.text)") {
      do {
        _ = try ServiceObjective(mistake.text)
      } catch let error as ServiceObjective.Problem {
        let text = error.description
        #expect(text.utf8.starts(with: mistake.message.utf8), "\(text)")
        #expect(!text.contains("\n") && text.hasSuffix("."), "\(text)")
        throw error
      }
    }
  }

  @Test("plans take shares and rates as plain numbers too, as they always did")
  func lenient() throws {
    #expect(try ServiceObjective("failureRate <= 0.001", .lenient).bound == 0.001)
    #expect(try ServiceObjective("throughput.tokens >= 100", .lenient).bound == 100)
    #expect(try ServiceObjective("replicaHours <= 12", .lenient).bound == 12)
  }

  @Test("a bound in percent is met by the fraction that it is, whatever its last binary digit")
  func digits() throws {
    for thousandths in 1..<1000 {
      let objective = try ServiceObjective("failureRate <= \(Double(thousandths) / 10)%")
      #expect(objective.isKept(Double(thousandths) / 1000), "\(thousandths)")
      #expect(!objective.isKept(Double(thousandths) / 1000 + 1e-9), "\(thousandths)")
    }
  }

  @Test(
    "the fewest requests that can show an objective kept: one must be able to lie beyond the bound",
    arguments: [
      ("latency.p50 <= 1s", 2), ("latency.p95 <= 1s", 20), ("ttft.p99 <= 1s", 100), ("tpot.p999 <= 1s", 1000),
      ("latency.mean <= 1s", 1), ("failureRate <= 0.1%", 1000), ("failureRate <= 0%", 1),
      ("goodput(latency <= 1s) >= 99%", 100), ("goodput(latency <= 1s) >= 100%", 1), ("requests >= 5", 1),
    ])
  func fewest(_ text: String, _ count: Int64) throws {
    #expect(try ServiceObjective(text).fewestRequests == count)
  }
}

@Suite("What `check` says of objectives")
struct ExpectationTests {
  /// The valid document of the other checks, with objectives.
  static func errors(_ expect: String, _ change: (String) -> String = { $0 }) -> [String] {
    CheckTests.errors(change(CheckTests.valid) + expect)
  }

  @Test("a scenario keeps its objectives in order")
  func kept() throws {
    let text =
      CheckTests.valid
      + "expect:\n  - latency.p95 <= 5s\n  - goodput(latency <= 2s, waiting <= 1s) >= 99%\n  - models.m.versions.V1.failureRate.overloaded <= 1%\n"
    let scenario = try ScenarioDocument(Data(text.utf8), path: "t.yaml").scenario
    #expect(
      scenario.expectations.map(\.description) == [
        "latency.p95 <= 5s", "goodput(latency <= 2s, waiting <= 1s) >= 99%",
        "models.m.versions.V1.failureRate.overloaded <= 1%",
      ])
    #expect(try ScenarioDocument(Data(CheckTests.valid.utf8), path: "t.yaml").scenario.expectations.isEmpty)
  }

  @Test(
    "each mistake has its line and column",
    arguments: [
      ("expect:\n", "t.yaml:20:1: error: expect is empty. Name at least one objective"),
      ("expect: []\n", "t.yaml:20:9: error: expect is empty."),
      ("expect: latency.p95 <= 5s\n", "t.yaml:20:9: error: expect must be a list"),
      (
        "expect:\n  - { latency: 5s }\n",
        "t.yaml:21:5: error: an entry of expect must be an objective such as"
      ),
      ("expect:\n  - latency.p95 <= 5\n", "t.yaml:21:5: error: \"5\" is not a bound on latency.p95."),
      (
        "expect:\n  - latency.p95 <= 5s\n  - latency.p95 <= 5s\n",
        "t.yaml:22:5: error: latency.p95 <= 5s is given twice."
      ),
      (
        "expect:\n  - latency.p95 <= 5s\n  - models.n.latency.p95 <= 5s\n",
        "t.yaml:22:5: error: models.n.latency.p95 <= 5s: there is no model \"n\". Did you mean m? There are: m."
      ),
      (
        "expect:\n  - models.m.versions.V2.latency.p95 <= 5s\n",
        "t.yaml:21:5: error: models.m.versions.V2.latency.p95 <= 5s: there is no version \"V2\" of model \"m\". Did you mean V1?"
      ),
      (
        "expect:\n  - accounts.acmee.failureRate <= 1%\n",
        "t.yaml:21:5: error: accounts.acmee.failureRate <= 1%: there is no account \"acmee\". Did you mean acme?"
      ),
      (
        "expect:\n  - classes.batch.latency.p95 <= 5s\n",
        "t.yaml:21:5: error: classes.batch.latency.p95 <= 5s: no request has a class"
      ),
      (
        "expect:\n  - ttft.p95 <= 5s\n",
        "t.yaml:21:5: error: ttft.p95 <= 5s: no response comes token by token"
      ),
      (
        "expect:\n  - goodput(tpot <= 5s) >= 99%\n",
        "t.yaml:21:5: error: goodput(tpot <= 5s) >= 99%: no response comes token by token"
      ),
      (
        "expect:\n  - latency.p95 <= 31d\n",
        "t.yaml:21:5: error: latency.p95 <= 31d: it can never be violated: 744 hours are simulated"
      ),
      (
        "expect:\n  - failureRate.timeout <= 1%\n",
        "t.yaml:21:5: error: failureRate.timeout <= 1%: it can never be violated: nothing makes requests of any model fail with timeout."
      ),
      (
        "expect:\n  - failureRate.timeuot <= 1%\n",
        "t.yaml:21:5: error: failureRate.timeuot <= 1%: there is no failure reason \"timeuot\". Did you mean timeout?"
      ),
      (
        "expect:\n  - peakReplicas <= 4\n",
        "t.yaml:21:5: error: peakReplicas <= 4: it can never be violated: the subscription and maxReplicas allow 4."
      ),
      (
        "expect:\n  - kvUtilisation <= 90%\n",
        "t.yaml:21:5: error: kvUtilisation <= 90%: no replica has a KV cache."
      ),
      (
        "expect:\n  - timeAtLimit.maxReplicas <= 5%\n",
        "t.yaml:21:5: error: timeAtLimit.maxReplicas <= 5%: timeAtLimit.maxReplicas is a metric of plans."
      ),
      ("expcet: []\n", "t.yaml:20:1: error: unknown key \"expcet\". Did you mean expect?"),
    ])
  func mistakes(_ expect: String, _ message: String) {
    let errors = Self.errors(expect)
    #expect(errors.count == 1 && errors[0].utf8.starts(with: message.utf8), "\(errors)")
  }

  @Test("where a what-if makes an objective unbreakable, it is a warning; a name that it removes is an error")
  func changed() throws {
    let text = CheckTests.valid + "expect:\n  - peakReplicas <= 3\n"
    #expect(CheckTests.errors(text).isEmpty)
    let smaller = "models.m.deployments.V1.scaling.maxReplicas=3"
    let document = try ScenarioDocument(Data(text.utf8), path: "t.yaml", overrides: [smaller])
    #expect(document.scenario.expectations.count == 1)
    #expect(document.warnings.map(\.message).contains { $0.contains("can never be violated") })
    let plain = CheckTests.valid + "expect:\n  - peakReplicas <= 4\n"
    #expect(CheckTests.errors(plain, overrides: ["seed=7"]).count == 1)
    let named = CheckTests.valid + "expect:\n  - models.m.latency.p95 <= 5s\n"
    #expect(CheckTests.errors(named, overrides: ["models.m.name=n"]).count == 1)
  }

  @Test("a file of objectives is read with its places, and its mistakes too")
  func file() throws {
    let text = "workbenchObjectives: 1\nexpect:\n  - latency.p95 <= 5s\n"
    let entries = try Expectations(Data(text.utf8), path: "o.yaml").entries
    #expect(entries.map(\.objective.description) == ["latency.p95 <= 5s"])
    #expect(entries[0].location.words(path: "o.yaml") == "o.yaml:3:5")
    for (text, message) in [
      ("workbenchObjectives: 1\n", "o.yaml:1:1: error: expect is missing."),
      (
        "workbenchObjectives: 1\nexpect: [ latency.p95 ]\n",
        "o.yaml:2:11: error: \"latency.p95\" is not a service"
      ),
      ("- a\n", "o.yaml:1:1: error: "),
    ] {
      do {
        _ = try Expectations(Data(text.utf8), path: "o.yaml")
        Issue.record("accepted: \(text)")
      } catch let errors as DocumentErrors {
        #expect(errors.description.utf8.starts(with: message.utf8), "\(errors.description)")
      }
    }
    #expect(try Expectations.schemaJSON().contains("workbenchObjectives"))
    #expect(try ScenarioSchema.json().contains("\"expect\""))
  }
}
