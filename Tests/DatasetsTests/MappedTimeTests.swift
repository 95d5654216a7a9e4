import Datasets
import Foundation
import ScenarioModel
import Telemetry
import TestSupport
import Testing

@Suite("Times and numbers of an export: instants, differences, origins")
struct MappedTimeTests {
  static let day = "2026-03-02T10:00"

  @Test("service, first token and end may be instants; what a row does not have is not made up")
  func instants() throws {
    let csv = """
      at,start,first,end,model
      \(Self.day):00Z,\(Self.day):00.25Z,\(Self.day):01Z,\(Self.day):03.5Z,m
      \(Self.day):10Z,\(Self.day):10Z,,\(Self.day):11Z,m
      \(Self.day):20Z,\(Self.day):19Z,\(Self.day):21Z,\(Self.day):22Z,m
      \(Self.day):30Z,\(Self.day):30Z,\(Self.day):29Z,\(Self.day):32Z,m
      \(Self.day):40Z,\(Self.day):40Z,\(Self.day):43Z,\(Self.day):42Z,m
      \(Self.day):50.0004Z,\(Self.day):50Z,\(Self.day):51Z,\(Self.day):52Z,m
      \(Self.day):55Z,,\(Self.day):56Z,\(Self.day):57Z,m

      """
    let found = try Mapped(
      csv, "t.csv",
      Mapped.columns(
        "arrivedAt: at", "startedAt: start", "firstTokenAt: { column: first, missing: 0 }", "endedAt: end"))
    #expect(found.requests.map(\.waiting) == [250_000, 0, 0])
    // Half a second before the 51st: the clock of the start shows no thousandths.
    #expect(found.requests.map(\.firstToken) == [1_000_000, 0, 999_600])
    #expect(found.requests.map(\.latency) == [3_500_000, 1_000_000, 1_999_600])
    #expect(
      found.rejects.kinds == [
        "startedAt lies before arrivedAt": 1, "firstTokenAt lies before arrivedAt": 1,
        "firstTokenAt lies after the end": 1, "startedAt is missing": 1,
      ])
    #expect(
      found.sentences == [
        "1 request has no firstTokenAt in the export: left unknown.",
        "The mapping says nothing about inputTokens, outputTokens: not known, written as 0.",
      ])
  }

  @Test("without an arrival it is the end minus the latency, across a change of clocks too")
  func arrivals() throws {
    let csv = """
      end,s,wait,model
      2026-03-29 03:00:05,10,2,m
      2026-10-25 02:30:00,5400,0,m
      2026-10-25 01:00:00,-1,0,m

      """
    let found = try Mapped(
      csv, "t.csv",
      Mapped.columns(
        "endedAt: { column: end, zone: Europe/Berlin }", "latency: { column: s, unit: s }",
        "waiting: { column: wait, unit: s }"))
    // Berlin's clocks skip 02:00 to 03:00 on 29 March, and show 02:00 to 03:00 twice on 25 October: the first is taken.
    #expect(
      found.requests.map { Timestamp(microseconds: $0.arrivedAt).rfc3339 } == [
        "2026-03-29T00:59:55.000000Z", "2026-10-24T23:00:00.000000Z",
      ])
    #expect(found.requests.map(\.latency) == [10_000_000, 5_400_000_000])
    #expect(found.requests.map(\.waiting) == [2_000_000, 0])
    #expect(found.rejects.kinds == ["latency is not a duration": 1])
  }

  @Test("numbers of an instant count from its origin, each clock of a row from its own")
  func origins() throws {
    let found = try Mapped(
      "t,end,model\n1500,90.25,m\n-500,92,m\n", "t.csv",
      Mapped.columns(
        "arrivedAt: { column: t, format: ms, origin: 2026-01-05T00:00:00+01:00 }",
        "endedAt: { column: end, format: s, origin: 2026-01-04T22:58:32Z }"))
    #expect(
      found.requests.map { Timestamp(microseconds: $0.arrivedAt).rfc3339 } == [
        "2026-01-04T22:59:59.500000Z", "2026-01-04T23:00:01.500000Z",
      ])
    // 22:58:32 and 92 s are 23:00:04; and 90.25 s, 23:00:02.25.
    #expect(found.requests.map(\.latency) == [4_500_000, 750_000])
  }

  @Test("an end on another clock that lies before the arrival rejects the row")
  func originsApart() throws {
    let found = try Mapped(
      "t,end,model\n1.5,90.25,m\n2,93.75,m\n", "t.csv",
      Mapped.columns(
        "arrivedAt: { column: t, format: s, origin: 2026-01-05 }",
        "endedAt: { column: end, format: s, origin: 2026-01-04T23:58:30Z }"))
    #expect(found.requests.map(\.latency) == [1_750_000])
    #expect(found.rejects.kinds == ["endedAt lies before arrivedAt": 1])
  }

  @Test("a difference is exact to the microsecond, however large its parts; a negative one rejects the row")
  func differences() throws {
    let csv = """
      t,q,s,e,all,out,model
      1787267980.0827403,27536.660701067,27536.660721646,27554.231018618,100,30,m
      1787267981,1787267980999999000,1787267981000000499,1787267981000001500,7,7,m
      1787267982,5,4,6,1,0,m
      1787267983,5,5,6,1,2,m
      1787267984,5,x,6,1,0,m
      1787267985,5,,6,1,0,m
      1787267986,5,5,6,1.5,0,m

      """
    let found = try Mapped(
      csv, "t.csv",
      Mapped.columns(
        "arrivedAt: { column: t, format: s }", "waiting: { difference: [ s, q ], unit: s }",
        "latency: { difference: [ e, q ], unit: s }", "inputTokens: { difference: [ all, out ] }"))
    // 27536.660721646 − 27536.660701067 = 20.579 µs; 27554.231018618 − 27536.660701067 = 17.570317551 s.
    #expect(found.requests.map(\.waiting) == [21] && found.requests.map(\.latency) == [17_570_318])
    #expect(found.requests.map(\.input) == [70])
    #expect(
      found.rejects.kinds == [
        "latency is not a difference of numbers": 1, "waiting is negative": 1, "inputTokens is negative": 1,
        "waiting is not a difference of numbers": 1, "waiting is missing": 1,
        "inputTokens is not a difference of numbers": 1,
      ])
    #expect(found.rejects.examples[1].hasSuffix("t.csv:4: waiting is negative: s 4 minus q 5"))
    let nanoseconds = try Mapped(
      csv, "t.csv",
      Mapped.columns("arrivedAt: { column: t, format: s }", "latency: { difference: [ e, q ], unit: ns }"))
    // As doubles both numbers of the second row would be multiples of 256.
    #expect(nanoseconds.requests.map(\.latency).prefix(2) == [0, 3])
  }

  @Test("a failure may lack a difference, and a success too where the mapping says what stands for it")
  func missingDifferences() throws {
    let csv = "t,e,s,model,ok\n\(Self.day):00Z,,8,m,n\n\(Self.day):01Z,,8,m,y\n\(Self.day):02Z,9,8,m,y\n"
    func latencies(_ more: String) throws -> Mapped {
      try Mapped(
        csv, "t.csv",
        Mapped.columns(
          "arrivedAt: t", "status: { column: ok, success: [ y ] }",
          "latency: { difference: [ e, s ], unit: s\(more) }"))
    }
    let found = try latencies("")
    #expect(found.requests.map(\.latency) == [0, 1_000_000])
    #expect(found.rejects.kinds == ["latency is missing": 1])
    #expect(try latencies(", missing: 2").requests.map(\.latency) == [2_000_000, 2_000_000, 1_000_000])
  }

  @Test("cached tokens are known of a row, or unknown; never more than the input")
  func cached() throws {
    let csv = """
      t,in,hit,model
      \(Self.day):00Z,10,4,m
      \(Self.day):01Z,10,,m
      \(Self.day):02Z,10,0,m
      \(Self.day):03Z,10,11,m

      """
    let found = try Mapped(
      csv, "t.csv", Mapped.columns("arrivedAt: t", "inputTokens: in", "cachedInputTokens: hit"))
    #expect(
      found.requests.map(\.cached) == [4, nil, 0]
        && found.optional == OptionalColumns(measures: [.cachedInputTokens]))
    #expect(
      found.rejects.examples.first?.contains("cachedInputTokens 11 is more than inputTokens 10") == true)
    #expect(found.sentences.contains("1 request has no cachedInputTokens in the export: left unknown."))
    let without = try Mapped(csv, "t.csv", Mapped.columns("arrivedAt: t", "inputTokens: in"))
    #expect(without.requests.map(\.cached) == [nil, nil, nil, nil] && without.optional.isEmpty)
    let taken = try Mapped(
      csv, "t.csv",
      Mapped.columns("arrivedAt: t", "inputTokens: in", "cachedInputTokens: { column: hit, missing: 1 }"))
    #expect(taken.requests.map(\.cached) == [4, 1, 0])
    let rest = try Mapped(
      csv, "t.csv",
      Mapped.columns("arrivedAt: t", "inputTokens: in", "cachedInputTokens: { difference: [ in, hit ] }"))
    #expect(rest.requests.map(\.cached) == [6, nil, 10])
  }

  @Test("a request takes 100 days and not a microsecond more, however the export says it")
  func longest() throws {
    // From 2 March 29 days to the end of the month, then 30, 31 and 10.
    let end = "2026-06-10T10:00:00"
    let exports = [
      ("latency: { column: l, unit: us }", "8640000000000", "8640000000001"),
      ("latency: { difference: [ l, one ], unit: us }", "8640000000001", "8640000000002"),
      ("endedAt: l", "\(end)Z", "\(end).000001Z"),
    ]
    #expect(Limits.latency == 8_640_000_000_000)
    for (column, longest, tooLong) in exports {
      let csv = "t,l,one,model\n\(Self.day):00Z,\(longest),1,m\n\(Self.day):00Z,\(tooLong),1,m\n"
      let found = try Mapped(csv, "t.csv", Mapped.columns("arrivedAt: t", column))
      #expect(found.requests.map(\.latency) == [Limits.latency], "\(column)")
      #expect(found.rejects.kinds == ["latency is not a duration": 1], "\(column)")
    }
  }

  @Test(
    "contradictions of times and numbers are errors with their place",
    arguments: [
      (["latency: l"], "map.yaml:4:3: error: arrivedAt is missing."),
      (["endedAt: e"], "arrivedAt is missing. Say which column is the arrival, or give both"),
      (["arrivedAt: t", "latency: l", "endedAt: e"], "8:12: error: latency and endedAt cannot be given"),
      (["arrivedAt: t", "latency: l", "waiting: w", "startedAt: s"], "9:14: error: waiting and startedAt"),
      (["arrivedAt: t", "latency: l", "firstToken: w", "firstTokenAt: s"], "firstToken and firstTokenAt"),
      (["arrivedAt: t", "firstTokenAt: s"], "7:17: error: firstTokenAt without a latency"),
      (["arrivedAt: t", "startedAt: s"], "startedAt without a latency, which includes it"),
      (["arrivedAt: { column: t, origin: 2026-01-05 }"], "6:35: error: origin is what numbers count from"),
      (["arrivedAt: { column: t, format: s, origin: Mars }"], "origin \"Mars\" is not an instant"),
      (["arrivedAt: t", "inputTokens: { column: i, origin: 2026-01-05 }"], "inputTokens is not an instant"),
      (["arrivedAt: { column: t, unit: s }"], "arrivedAt is an instant, and unit is of durations"),
      (["arrivedAt: t", "latency: { column: l, format: s }"], "latency is a duration, and format is of"),
      (["arrivedAt: { difference: [ a, b ] }"], "arrivedAt is an instant, so it cannot be a difference"),
      (["arrivedAt: t", "provider: { difference: [ a, b ] }"], "provider is not a number, so it cannot be"),
      (["arrivedAt: t", "latency: { difference: [ a ] }"], "difference has 1 column, and it is the first"),
      (["arrivedAt: t", "latency: { difference: [ a, a ] }"], "a column minus itself is always 0"),
      (["arrivedAt: t", "latency: { difference: [ a, b ], column: c }"], "latency needs a column, a sum or"),
      (
        ["arrivedAt: t", "latency: l", "firstTokenAt: { column: f, missing: 3 }"],
        "missing \"3\" is not an instant of every row. Give unknown"
      ),
      (["arrivedAt: t", "cachedInputTokens: c"], "cachedInputTokens without inputTokens"),
    ])
  func contradictions(columns: [String], message: String) {
    let text =
      "account: { name: a }\ncolumns:\n  model: model\n  kind: { constant: external }\n"
      + columns.map { "  \($0)\n" }.joined()
    let found = Mapped.problems(text)
    #expect(found.contains(message), "\(found)")
  }

  @Test("instants give the same measures as durations, for every request of a simulation")
  func property() throws {
    let simulated = try Simulated(
      String(contentsOfFile: repository("Scenarios/subscription-exhausted.yaml"), encoding: .utf8))
    let requests = simulated.requests.prefix(20_000)
    #expect(requests.count > 1000)
    var durations = "t,w,f,l,ok,model\n"
    var instants = "t,w,f,l,ok,model\n"
    func instant(_ at: Int64) -> String { Timestamp(microseconds: at).rfc3339 }
    for request in requests {
      let start = request.arrivedAt
      let ok = request.isSuccess ? "y" : "n"
      durations +=
        "\(instant(start)),\(request.waiting),\(request.isSuccess ? "\(request.firstToken)" : ""),\(request.latency),\(ok),m\n"
      instants +=
        "\(instant(start)),\(instant(start + request.waiting)),\(request.isSuccess ? instant(start + request.firstToken) : ""),\(instant(start + request.latency)),\(ok),m\n"
    }
    let status = "status: { column: ok, success: [ y ] }"
    let unit = "unit: us"
    let first = try Mapped(
      durations, "d.csv",
      Mapped.columns(
        "arrivedAt: t", "waiting: { column: w, \(unit) }", "firstToken: { column: f, \(unit) }",
        "latency: { column: l, \(unit) }", status))
    let second = try Mapped(
      instants, "i.csv",
      Mapped.columns("arrivedAt: t", "startedAt: w", "firstTokenAt: f", "endedAt: l", status))
    #expect(first.requests == second.requests)
    #expect(first.requests.count == requests.count && first.rejects.count == 0)
    #expect(zip(first.requests, requests).allSatisfy { $0.waiting == $1.waiting && $0.latency == $1.latency })
  }
}
