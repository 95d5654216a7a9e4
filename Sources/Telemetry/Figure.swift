import Foundation

/// How figures are shown to people.
package enum Figure {
  /// `1,234`, from a million on `1.23 M`.
  package static func count(_ number: some BinaryInteger) -> String { count(Double(number)) }

  package static func count(_ number: Double) -> String {
    for (limit, unit) in [(1e12, "T"), (1e9, "G"), (1e6, "M")] where number >= limit {
      return String(format: "%.2f %@", number / limit, unit)
    }
    guard number > -1e15 else { return String(format: "%.3g", number) }
    return Int(number.rounded()).formatted(.number.locale(Locale(identifier: "en_US")))
  }

  /// `1,234 requests`, `1 request`.
  /// - Parameter noun: one of them; its plural has an s.
  package static func count(_ number: some BinaryInteger, _ noun: String) -> String {
    "\(count(number)) \(noun)\(number == 1 ? "" : "s")"
  }

  /// Four digits that count, from a thousand on as counts are shown.
  package static func decimal(_ value: Double) -> String {
    abs(value) >= 1000 ? count(value) : String(format: "%.4g", value)
  }

  package static func milliseconds(_ value: Double?) -> String {
    guard let value else { return "–" }
    if value >= 100_000 { return String(format: "%.0f s", value / 1000) }
    if value >= 10_000 { return String(format: "%.1f s", value / 1000) }
    return String(format: value >= 100 ? "%.0f ms" : "%.1f ms", value)
  }

  package static func credits(_ value: Double?) -> String {
    guard let value else { return "–" }
    return value != 0 && value < 0.01 ? String(format: "%.3g", value) : String(format: "%.2f", value)
  }

  /// `0.42 %`; some of very many are not `0.00 %`, nor nearly all `100.00 %`.
  package static func percent(_ part: Int64, of whole: Int64) -> String {
    whole == 0 ? "–" : percent(Double(part) / Double(whole))
  }

  /// A share as `12.34 %`. What is not nothing is never shown as nothing, nor what is not all as all: `< 0.01 %`,
  /// `> 99.99 %`.
  package static func percent(_ share: Double, decimals: Int = 2) -> String {
    let least = String(format: "%.*f %%", decimals, pow(10, -Double(decimals)))
    let most = String(format: "%.*f %%", decimals, 100 - pow(10, -Double(decimals)))
    let hundredths = (share * 100 * pow(10, Double(decimals))).rounded() / pow(10, Double(decimals))
    if share != 0, hundredths == 0 { return share > 0 ? "< \(least)" : "> -\(least)" }
    if abs(share) < 1, abs(hundredths) == 100 { return share > 0 ? "> \(most)" : "< -\(most)" }
    return String(format: "%.*f %%", decimals, share * 100)
  }

  /// `12.3 %`: three digits that count.
  package static func share(_ value: Double) -> String {
    let text = String(format: "%.3g %%", value * 100)
    return abs(value) < 1 && abs(value * 100) >= 99.95 ? (value > 0 ? "> 99.9 %" : "< -99.9 %") : text
  }

  /// Values from 0 to the largest as eighths of a block; a value that is absent is a gap.
  package static func chart(_ values: [Double?]) -> String {
    let blocks = Array("▁▂▃▄▅▆▇█")
    let largest = values.compactMap { $0 }.max() ?? 0
    return String(
      values.map { value -> Character in
        guard let value else { return " " }
        guard largest > 0, value > 0 else { return blocks[0] }
        return blocks[min(Int(value / largest * 8), 7)]
      })
  }
}
