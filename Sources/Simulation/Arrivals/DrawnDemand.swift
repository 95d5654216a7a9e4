import Sampling
import ScenarioModel
import Telemetry

/// The demand of one model over a period, drawn as a simulation draws it, without serving it.
package struct DrawnDemand: Sendable {
  /// µs since 1970, ascending.
  package private(set) var arrivedAt: [Int64] = []
  package private(set) var inputTokens: [Int32] = []
  package private(set) var outputTokens: [Int32] = []

  /// Where demand is uncertain, it is what the replication draws.
  /// - Parameters:
  ///   - traces: the records that the load names.
  ///   - most: no more requests than this are drawn.
  /// - Throws: what a distribution of parameters out of range throws.
  package init(
    _ load: Scenario.Load, over time: Range<Timestamp>, calendar: ZonedCalendar,
    traces: [TraceSource.Selection: Trace] = [:], seed: UInt64 = 1, replication: Int = 0, most: Int = .max
  ) throws {
    let draw = load.uncertainty?.draw(
      seed: seed, replication: replication, account: "drawn", entity: "demand")
    let load = draw.map { load.with($0) } ?? load
    let arena = SamplingArena()
    let setting = ArrivalSetting(
      scenario: Scenario(over: time, seed: seed, replication: replication), calendar: calendar,
      profile: load.profile, traces: traces, arena: arena,
      stream: {
        arena.stream(
          StreamName(seed: seed, replication: replication, account: "drawn", entity: "demand", purpose: $0))
      })
    var source = try DemandSource(load, setting)
    let block = DemandBlock(256, hasPrefixes: source.hasPrefixes)
    defer { block.deallocate() }
    while arrivedAt.count < most {
      source.draw(into: block)
      let times = UnsafeBufferPointer(start: block.times, count: block.size)
      let count = min(times.firstIndex(of: .max) ?? block.size, most - arrivedAt.count)
      arrivedAt += times.prefix(count)
      inputTokens += UnsafeBufferPointer(start: block.inputs, count: count)
      outputTokens += UnsafeBufferPointer(start: block.outputs, count: count)
      if count < block.size { break }
    }
    withExtendedLifetime(arena) {}
  }
}
