import Calibration
import Telemetry
import TestSupport
import Testing

@Suite("Telemetry of which some rows do not know their tokens and first tokens")
struct UnknownRowTests {
  private static let start: Int64 = 1_767_571_200_000_000

  /// 100 ms and 0.1 ms for each input token to the first token, 20 ms for each one after it; every second row knows only
  /// its latency.
  private static func observations() throws -> Observations {
    var generator = SeededGenerator(state: 9)
    let batch = RequestBatch(capacity: 600)
    for row in 0..<600 {
      let input = Int64.random(in: 400...600, using: &generator)
      let output = Int64.random(in: 50...150, using: &generator)
      var record = RequestRecord(
        id: Int64(row + 1), arrivedAt: start + Int64(row) * 20_000_000, series: 0)
      record.measures[.firstToken] = 100_000 + 100 * input
      record.measures[.latency] = record.measures[.firstToken] + 20_000 * (output - 1)
      (record.measures[.inputTokens], record.measures[.outputTokens]) = (input, output)
      if row % 2 == 1 {
        for measure in [RequestMeasure.waiting, .firstToken, .inputTokens, .outputTokens] {
          record.measures[measure] = 0
          record.unknown |= measure.bit
        }
      }
      batch.append(record)
    }
    let collector = ObservationCollector(groups: [0])
    try batch.send(to: collector)
    collector.settle(isForeign: true)
    return collector.observations[0]
  }

  @Test("tokens are fitted and compared as far as they are known")
  func tokens() throws {
    let observations = try Self.observations()
    let span = Self.start..<Self.start + 12_000_000_000
    let fit = try #require(TokenFit(observations, spans: [span]))
    #expect(fit.notes.contains("300 requests do not state their tokens: left out of the output tokens."))
    let quality = FitQuality(observed: observations, simulated: [observations], judged: [span], seen: nil)
    for (name, range) in [
      ("input tokens", 490.0...510), ("output tokens", 95...105), ("first token", 149...151),
    ] {
      let marginal = try #require(quality.marginals.first { $0.name == name })
      #expect(marginal.observedCount == 300 && range.contains(marginal.observedMean), "\(name)")
    }
  }
}
