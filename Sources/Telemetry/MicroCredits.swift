/// Credits as integers: 1 credit is 1,000,000 micro-credits.
package enum MicroCredits {
  private static let microsecondsPerHour: Int64 = 3_600_000_000

  /// What a duration (µs, not negative) costs at a price per hour, rounded half up to a whole micro-credit.
  package static func charge(_ duration: Int64, perHour price: Int64) -> Int64 {
    let product = duration.multipliedFullWidth(by: price)
    let (quotient, remainder) = microsecondsPerHour.dividingFullWidth(product)
    return quotient + (remainder * 2 >= microsecondsPerHour ? 1 : 0)
  }

  package static func credits(_ micro: Int64) -> Double { Double(micro) / 1e6 }
}
