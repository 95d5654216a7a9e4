import Documents
import Foundation
import Telemetry
import TestSupport
import Testing

@Suite("Quantities of documents")
struct QuantityTests {
  @Test(
    "durations are a number and a unit, in microseconds",
    arguments: [
      ("1us", 1.0), ("1µs", 1), ("1μs", 1), ("250ms", 250_000), ("1.5 s", 1_500_000), ("10min", 6e8),
      ("2h", 7.2e9),
      ("1d", 8.64e10), ("1w", 6.048e11), ("+1s", 1e6), ("1e3ms", 1e6), ("0s", 0), ("1", nil),
      ("s", nil), ("", nil), ("1 minute", nil), ("1  s", nil), ("0x10s", nil), ("nans", nil), ("infs", nil),
      ("1,5s", nil), ("1s ", nil), ("١s", nil), ("1S", nil),
    ])
  func duration(_ text: String, microseconds: Double?) {
    #expect(Quantity.duration(text) == microseconds, "\(text)")
  }

  @Test(
    "rates are a number per time, in events per microsecond",
    arguments: [
      ("1/s", 1e-6), ("60/min", 1e-6), ("3600/h", 1e-6), ("86400/d", 1e-6), ("1", nil), ("/s", nil),
      ("1/ms", nil),
      ("1//s", nil), ("1/s/s", nil), ("nan/s", nil), ("1 /s", nil),
    ])
  func rate(_ text: String, perMicrosecond: Double?) throws {
    let found = Quantity.rate(text)
    guard let perMicrosecond else {
      #expect(found == nil, "\(text)")
      return
    }
    #expect(abs(try #require(found) - perMicrosecond) < 1e-18)
  }

  @Test("what is written as a duration or a rate is read as it, to seven digits")
  func written() throws {
    var generator = SeededGenerator(state: 11)
    for _ in 0..<2000 {
      let value =
        Double.random(in: 0...1, using: &generator) * pow(10, Double.random(in: -6...15, using: &generator))
      for (node, read) in [(YAMLValue.duration(value), Quantity.duration), (.rate(value), Quantity.rate)] {
        guard case .word(let word) = node else {
          Issue.record("\(node) is no word")
          continue
        }
        let again = try #require(read(word), "\(word)")
        #expect(abs(again - value) <= 1e-6 * value, "\(value) became \(word)")
      }
    }
  }

  @Test(
    "a local instant is what the zone's clocks show",
    arguments: [
      ("2026-01-05", "2026-01-04T23:00:00Z"), ("2026-01-05T09:00", "2026-01-05T08:00:00Z"),
      ("2026-01-05 09:00:30", "2026-01-05T08:00:30Z"), ("2026-01-05T24:00", "2026-01-05T23:00:00Z"),
      ("2026-07-05T09:00", "2026-07-05T07:00:00Z"), ("2026-01-05T09:00:00Z", "2026-01-05T09:00:00Z"),
      ("2026-01-05T09:00+05:30", "2026-01-05T03:30:00Z"), ("2026-10-25T02:30", "2026-10-25T00:30:00Z"),
    ])
  func instants(_ text: String, instant: String) throws {
    let berlin = try #require(ZonedCalendar(identifier: "Europe/Berlin"))
    #expect(try InstantText.parse(text, berlin).get().rfc3339(in: .utc) == instant)
  }

  @Test(
    "what is no instant says what would be one",
    arguments: [
      ("2026-02-30", "not a date of the calendar"), ("2026-1-5", "Write 2026-01-05"),
      ("tomorrow", "Write 2026-01-05"),
      ("2026-01-05T9:00", "Write 2026-01-05"), ("2026-01-05T24:01", "Write 2026-01-05"),
      ("2026-01-05T09:60", "Write 2026-01-05"), ("2026-01-05T09", "Write 2026-01-05"),
      ("2026-01-05T09:00X", "Write 2026-01-05"), ("2026-03-29T02:30", "clocks skip it"),
    ])
  func noInstants(_ text: String, words: String) throws {
    let berlin = try #require(ZonedCalendar(identifier: "Europe/Berlin"))
    let result = InstantText.parse(text, berlin)
    guard case .failure(let error) = result else {
      Issue.record("\(text) was read as \(result)")
      return
    }
    #expect(error.text.contains(words), "\(error.text)")
  }
}
