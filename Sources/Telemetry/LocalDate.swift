import Foundation

/// A calendar date (proleptic Gregorian), without time or zone.
package struct LocalDate: Hashable, Comparable, Sendable, CustomStringConvertible {
  package let daysSince1970: Int

  package init(daysSince1970: Int) { self.daysSince1970 = daysSince1970 }

  /// `nil` if there is no such date, 30 February for one.
  package init?(year: Int, month: Int, day: Int) {
    guard (1...9999).contains(year), (1...12).contains(month), (1...31).contains(day) else { return nil }
    var parts = tm()
    parts.tm_year = Int32(year - 1900)
    parts.tm_mon = Int32(month - 1)
    parts.tm_mday = Int32(day)
    let seconds = timegm(&parts)
    guard parts.tm_mday == Int32(day) else { return nil }  // timegm turns 30 February into March.
    daysSince1970 = seconds / 86_400 - (seconds % 86_400 < 0 ? 1 : 0)
  }

  /// `2026-01-05`.
  package init?(_ text: some StringProtocol) {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 3, parts[0].utf8.count == 4, parts[1].utf8.count == 2, parts[2].utf8.count == 2,
      text.utf8.allSatisfy({ $0 == UInt8(ascii: "-") || ($0 >= 48 && $0 <= 57) }),
      let year = Int(parts[0]), let month = Int(parts[1]), let day = Int(parts[2])
    else { return nil }
    self.init(year: year, month: month, day: day)
  }

  /// Whether it lies in `Timestamp.supportedYears`.
  package var isSupported: Bool { (1900...2199).contains(year) }

  private var parts: tm {
    var time = time_t(daysSince1970 * 86_400)
    var parts = tm()
    gmtime_r(&time, &parts)
    return parts
  }

  package var year: Int { Int(parts.tm_year) + 1900 }
  package var month: Int { Int(parts.tm_mon) + 1 }
  package var day: Int { Int(parts.tm_mday) }

  /// 0 for Monday to 6 for Sunday.
  package var weekday: Int { (Int(parts.tm_wday) + 6) % 7 }

  package func advanced(byDays days: Int) -> LocalDate { LocalDate(daysSince1970: daysSince1970 + days) }

  package var firstOfMonth: LocalDate { advanced(byDays: 1 - day) }
  package var firstOfYear: LocalDate { advanced(byDays: -Int(parts.tm_yday)) }

  /// The same day a year before; 28 February for 29 February.
  package var oneYearBefore: LocalDate {
    LocalDate(year: year - 1, month: month, day: day)
      ?? LocalDate(year: year - 1, month: month, day: 28) ?? advanced(byDays: -365)
  }

  package static func < (a: LocalDate, b: LocalDate) -> Bool { a.daysSince1970 < b.daysSince1970 }

  package var description: String {
    func padded(_ number: Int, _ width: Int) -> String {
      String(repeating: "0", count: max(0, width - String(number).count)) + String(number)
    }
    let parts = parts
    return
      "\(padded(Int(parts.tm_year) + 1900, 4))-\(padded(Int(parts.tm_mon) + 1, 2))-\(padded(Int(parts.tm_mday), 2))"
  }
}
