/// Credits as integers: 1 credit is 1,000,000 micro-credits.
package enum MicroCredits {
  private static let microsecondsPerHour: Int64 = 3_600_000_000

  /// What a duration (µs, not negative) costs at a price per hour, rounded half up to a whole micro-credit. A century at
  /// a million credits an hour is a tenth of what 64 bits hold; beyond them it is the largest number that there is.
  package static func charge(_ duration: Int64, perHour price: Int64) -> Int64 {
    let whole =
      (Int128(duration) * Int128(price) * 2 + Int128(microsecondsPerHour)) / Int128(2 * microsecondsPerHour)
    return Int64(clamping: whole)
  }

  package static func credits(_ micro: Int64) -> Double { Double(micro) / 1e6 }
}

extension FineTuningJobRecord {
  /// Micro-credits that have accrued by an instant: evenly from start to finish, rounded half up to whole ones. All of
  /// a job without duration accrue just after its start.
  private func accrued(by instant: Timestamp) -> Int64 {
    guard instant > startedAt else { return 0 }
    guard instant < finishedAt else { return creditsMicro }
    let whole = Int128(finishedAt.microseconds) - Int128(startedAt.microseconds)
    let past = Int128(instant.microseconds) - Int128(startedAt.microseconds)
    return Int64((2 * Int128(creditsMicro) * past + whole) / (2 * whole))
  }

  /// Micro-credits that accrue in a period. The sum is rounded, not its terms: those of consecutive periods
  /// add up to those of the whole.
  package func accrued(in range: Range<Timestamp>) -> Int64 {
    accrued(by: range.upperBound) - accrued(by: range.lowerBound)
  }
}
