import Foundation

/// How figures are shown to people.
enum Figure {
  /// `1,234`, from a million on `1.23 M`.
  static func count(_ number: some BinaryInteger) -> String { count(Double(number)) }

  static func count(_ number: Double) -> String {
    for (limit, unit) in [(1e12, "T"), (1e9, "G"), (1e6, "M")] where number >= limit {
      return String(format: "%.2f %@", number / limit, unit)
    }
    return Int(number.rounded()).formatted(.number.locale(Locale(identifier: "en_US")))
  }

  static func milliseconds(_ value: Double?) -> String {
    guard let value else { return "–" }
    if value >= 100_000 { return String(format: "%.0f s", value / 1000) }
    if value >= 10_000 { return String(format: "%.1f s", value / 1000) }
    return String(format: value >= 100 ? "%.0f ms" : "%.1f ms", value)
  }

  static func credits(_ value: Double?) -> String {
    guard let value else { return "–" }
    return value != 0 && value < 0.01 ? String(format: "%.3g", value) : String(format: "%.2f", value)
  }

  /// `0.42 %`; some of very many are not `0.00 %`, nor nearly all `100.00 %`.
  static func percent(_ part: Int64, of whole: Int64) -> String {
    whole == 0 ? "–" : percent(Double(part) / Double(whole), decimals: 2)
  }

  /// A share in percent with so many decimals, and more where it would look like nothing, like all, or a tenth off:
  /// `0.0006 %`, `99.9994 %`.
  static func percent(_ share: Double, decimals: Int) -> String {
    let value = share * 100
    for places in decimals...max(decimals, 12) {
      let text = String(format: "%.\(places)f", value)
      let error = abs((Double(text) ?? value) - value)
      if error <= 0.1 * min(abs(value), abs(100 - abs(value))) { return text + " %" }
    }
    return String(format: "%.2e %%", value)
  }

  /// Values from 0 to the largest as eighths of a block; a value that is absent is a gap.
  static func chart(_ values: [Double?]) -> String {
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
