import Aggregation
import Foundation
import Telemetry
import Testing

@Suite("The list of figures")
struct FigureListTests {
  private static func answers() throws -> [Dashboard] {
    let world = SmallWorld()
    return try [
      world.dashboard("7d"), world.dashboard("30d", .init(kind: .external)),
      world.dashboard("2026-03-06", .init(kind: .fineTuned, model: "chat", version: "V1")),
      world.dashboard("24h", .init(kind: .external, provider: "OpenAI")), served(world),
    ]
  }

  /// Of a deployment whose replicas have a KV cache, of clients who number their attempts, and of a request of which the cost is known.
  private static func served(_ world: SmallWorld) throws -> Dashboard {
    var tables = world.tables
    tables.kvCache = [
      KVCacheRecord(
        at: SmallWorld.instant("2026-03-02T09:00:00-05:00"), modelID: 1, version: "V1", hardware: "A10",
        blocks: 100, replicaMilliseconds: 900_000, usedBlockMilliseconds: 45_000_000, peakBlocks: 90,
        preemptions: 2)
    ]
    let rollups = RequestRollups(series: world.series, now: AnalysisTests.now, reasons: FailureReasons())
    try world.batch(nil).send(to: rollups)
    let again = RequestBatch(capacity: 1)
    var second = RequestRecord(
      id: 1_000_000, arrivedAt: SmallWorld.instant("2026-03-02T09:00:00-05:00").microseconds, series: 0)
    second.measures[.attempt] = 2
    second.measures[.cost] = 5
    again.append(second)
    try again.send(to: rollups)
    try rollups.finish()
    return try DashboardQuery(
      account: world.tables.accounts[0], filter: TimelineFilter("7d"), now: AnalysisTests.now,
      selection: .init(kind: .fineTuned), tables: tables, series: world.series
    ).answer(rollups)
  }

  /// Every path of a document; elements of a list, and counts by names that are data, are alike.
  private static func paths(_ value: Any, _ prefix: String = "") -> Set<String> {
    if let object = value as? [String: Any], prefix != "requests.failuresByReason" {
      return object.reduce(into: []) { paths, member in
        paths.formUnion(Self.paths(member.value, prefix.isEmpty ? member.key : "\(prefix).\(member.key)"))
      }
    }
    if let list = value as? [Any] {
      return list.reduce(into: []) { $0.formUnion(Self.paths($1, "\(prefix)[]")) }
    }
    return [prefix]
  }

  @Test("what answers have is what the list has, whatever was asked")
  func written() throws {
    var written: Set<String> = []
    for answer in try Self.answers() {
      written.formUnion(Self.paths(try JSONSerialization.jsonObject(with: answer.json())))
    }
    let listed = Set(Dashboard.group.paths().map(\.path))
    // Widgets that do not apply, and a filter that nobody set.
    #expect(written.subtracting(listed) == ["scaling", "tokens"])
    #expect(listed.subtracting(written) == ["query.deployedAt"])
  }

  @Test("nothing that a part of the dashboard holds is left out of its list")
  func parts() throws {
    let external = try Self.answers()[1]
    let hosted = try Self.answers()[0]
    func check<Part: DashboardPart>(_ part: Part?, but others: Set<String> = []) throws {
      let part = try #require(part)
      let held = Set(Mirror(reflecting: part).children.compactMap(\.label))
      let listed = Set(Part.group.figures.map(\.name))
      #expect(held.subtracting(listed) == others, "\(Part.self)")
    }
    // Filters and quantiles have lists of their own; `modelId` is a Swift name's other spelling.
    try check(hosted)
    try check(hosted.query, but: ["filters"])
    try check(hosted.account)
    try check(hosted.latency)
    try check(hosted.latency.points.first)
    try check(hosted.latency.summary, but: ["quantiles"])
    try check(hosted.latency.buckets.first, but: ["quantiles"])
    try check(hosted.requests)
    try check(hosted.requests.points.first)
    try check(hosted.scaling)
    try check(hosted.scaling?.points.first, but: ["modelID"])
    try check(external.tokens)
    try check(external.tokens?.points.first)
    try check(try Self.answers()[4].serving)
    try check(try Self.answers()[4].attempts)
    try check(try Self.answers()[4].cost)
    try check(try Self.answers()[4].cost?.points.first)
  }

  @Test("values are of the kinds that the list says: null only where it may be, counts whole")
  func kinds() throws {
    for answer in try Self.answers() {
      let json = try JSONSerialization.jsonObject(with: answer.json())
      let root = try #require(json as? [String: Any])
      for (path, figure) in Dashboard.group.paths() {
        for value in Self.values(root, path.split(separator: ".").map(String.init)[...]) {
          #expect(Self.fits(value, figure.kind), "\(path): \(value)")
        }
      }
    }
  }

  private static func values(_ value: Any, _ path: ArraySlice<String>) -> [Any] {
    guard let name = path.first else { return [value] }
    let isList = name.hasSuffix("[]")
    let member = (value as? [String: Any])?[isList ? String(name.dropLast(2)) : name]
    guard let member else { return [] }
    return isList
      ? (member as? [Any] ?? []).flatMap { values($0, path.dropFirst()) } : values(member, path.dropFirst())
  }

  private static func fits(_ value: Any, _ kind: FigureKind) -> Bool {
    func number(_ value: Any) -> Double? { (value as? NSNumber)?.doubleValue }
    let isNull = value is NSNull
    switch kind {
    case .count(let isOptional):
      return isNull ? isOptional : number(value).map { $0 >= 0 && $0 == $0.rounded() } ?? false
    case .counts: return (value as? [String: Any])?.values.allSatisfy { number($0) != nil } ?? false
    case .number(_, let isOptional, _): return isNull ? isOptional : number(value) != nil
    case .text(let choices, let isOptional):
      guard let text = value as? String else { return isNull && isOptional }
      return choices.isEmpty || choices.contains(text)
    case .pattern(let pattern):
      return (value as? String)?.range(of: pattern, options: .regularExpression) != nil
    case .constant(let text): return value as? String == text
    case .flag: return value is Bool
    case .instant:
      var parser = TimestampParser()
      return (value as? String).map { parser.parse($0) != nil } ?? false
    case .group, .list: return false
    }
  }

  @Test("each figure has a name for people, and one of its own in its part")
  func names() {
    for (path, figure) in Dashboard.group.paths() { #expect(!figure.label.isEmpty, "\(path)") }
    let paths = Dashboard.group.paths().map(\.path)
    #expect(Set(paths).count == paths.count)
  }
}

@Suite("The list of filters")
struct FilterListTests {
  @Test("an answer repeats what each filter was set to", arguments: DashboardFilter.allCases)
  func repeats(filter: DashboardFilter) throws {
    let world = SmallWorld()
    let kind: ModelKind = filter == .provider ? .external : .fineTuned
    let model = try #require(world.tables.models.first { $0.kind == kind })
    let own = world.tables.deployments.filter { $0.modelID == model.modelID }
    let value = try #require(filter.values(of: model, own).first)
    let answer = try world.dashboard("7d", ModelSelection(kind: kind) { $0 == filter ? value : nil })
    let asked = try #require(answer.query.filters[filter])
    #expect(filter.value(asked) == value && answer.query.filters.count == 1)
  }

  @Test("a value that no model has is refused", arguments: DashboardFilter.allCases)
  func refuses(filter: DashboardFilter) {
    let value = filter.value(filter.isInstant ? "2001-01-01T00:00:00Z" : "nobody")
    for kind in ModelKind.allCases {
      #expect(throws: QueryError.self) {
        try SmallWorld().dashboard("7d", ModelSelection(kind: kind) { $0 == filter ? value : nil })
      }
    }
  }
}
