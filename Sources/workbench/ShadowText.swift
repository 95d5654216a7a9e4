import Foundation
import Planning
import Telemetry

/// A shadow's summary on the terminal, at most 80 columns wide but for names and notes.
enum ShadowText {
  /// Of the differences, as many as fit on a screen.
  private static let most = 12

  static func print(_ result: ShadowResult) {
    for deployment in result.deployments { print(deployment) }
    for note in result.notes { for line in wrapped(note) { Terminal.print(Terminal.dim(line)) } }
  }

  private static func print(_ own: ShadowResult.Deployment) {
    let hardware = own.hardware.isEmpty ? "" : " on \(own.hardware.shown)"
    Terminal.print(
      Terminal.bold("\(own.name.shown)\(hardware): \(own.policy), \(own.minReplicas) to \(own.maxReplicas)"))
    Terminal.print("  \(instant(own.from)) to \(instant(own.to))")
    guard own.comparedHours > 0 else {
      Terminal.print("  No time has recorded replicas: there is nothing to compare.")
      return
    }
    let agreement = own.agreement
    Terminal.print(
      "  equal \(percent(agreement.equal)) of the time, more \(percent(agreement.above)), fewer \(percent(agreement.below)); apart by \(number(agreement.meanAbsoluteDifference)) on average"
    )
    Terminal.print("")
    row("", "recorded", "policy", "difference")
    row("mean replicas", own.recorded.meanReplicas, own.shadow.meanReplicas)
    row("most replicas", Double(own.recorded.peakReplicas), Double(own.shadow.peakReplicas))
    row("replica-hours", own.recorded.replicaHours, own.shadow.replicaHours)
    if let recorded = own.recorded.credits, let shadow = own.shadow.credits {
      row("credits", recorded, shadow)
    } else {
      row("credits", "unknown", "unknown", "no price is known")
    }
    row("hours short", own.recorded.shortHours, own.shadow.shortHours)
    Terminal.print("")
    if own.differences.isEmpty {
      Terminal.print("  The policy would never have decided otherwise.")
    } else {
      let shown = own.differences.enumerated().sorted {
        (weight($0.element), -$0.offset) > (weight($1.element), -$1.offset)
      }.prefix(most).sorted { $0.offset < $1.offset }
      Terminal.print(
        own.differencesInAll > shown.count
          ? "  It would have differed \(Figure.count(own.differencesInAll)) times; the largest \(shown.count):"
          : "  It would have differed:")
      Terminal.print(
        "  \(padded("from", 28))\(padded("for", 12, left: false))\(padded("recorded", 12, left: false))\(padded("policy", 10, left: false))"
      )
      for (_, one) in shown {
        Terminal.print(
          "  \(padded(instant(one.from), 28))\(padded(duration(one.hours), 12, left: false))\(padded("\(one.recorded)", 12, left: false))\(padded("\(one.shadow)", 10, left: false))"
        )
      }
    }
    for note in own.notes { for line in wrapped(note) { Terminal.print(Terminal.dim(line)) } }
    Terminal.print("")
  }

  private static func weight(_ one: ShadowResult.Difference) -> Double {
    one.hours * Double(abs(one.shadow - one.recorded))
  }

  private static func row(_ name: String, _ recorded: Double?, _ shadow: Double?) {
    guard let recorded, let shadow else {
      row(name, recorded.map(number) ?? "unknown", shadow.map(number) ?? "unknown", "")
      return
    }
    let difference = shadow - recorded
    let share = recorded > 0 ? String(format: " (%+.1f %%)", 100 * difference / recorded) : ""
    guard difference != 0 else { return row(name, number(recorded), number(shadow), "0") }
    row(name, number(recorded), number(shadow), "\(difference > 0 ? "+" : "")\(number(difference))\(share)")
  }

  private static func row(_ name: String, _ recorded: String, _ shadow: String, _ difference: String) {
    Terminal.print(
      "  \(padded(name, 16))\(padded(recorded, 14, left: false))\(padded(shadow, 14, left: false))\(padded(difference, 28, left: false))"
    )
  }

  /// To two places, without the zeros at the end.
  private static func number(_ value: Double) -> String {
    if abs(value) >= 1000 { return Figure.count(Int64(value.rounded())) }
    let hundredths = (value * 100).rounded()
    if hundredths == 0 { return "0" }
    let decimals =
      hundredths.remainder(dividingBy: 100) == 0 ? 0 : hundredths.remainder(dividingBy: 10) == 0 ? 1 : 2
    return String(format: "%.*f", decimals, value)
  }

  static func percent(_ share: Double) -> String { Figure.percent(share, decimals: 1) }

  private static func duration(_ hours: Double) -> String {
    let seconds = hours * 3600
    if seconds < 120 { return "\(number(seconds)) s" }
    return hours < 2 ? "\(number(seconds / 60)) min" : "\(number(hours)) h"
  }

  /// Without a fraction of 0.
  private static func instant(_ text: String) -> String {
    text.utf8.suffix(8).elementsEqual(".000000Z".utf8)
      ? String(decoding: text.utf8.dropLast(8), as: UTF8.self) + "Z" : text
  }

  private static func padded(_ text: String, _ width: Int, left: Bool = true) -> String {
    let space = String(repeating: " ", count: max(0, width - text.count))
    return left ? text + space : space + text
  }

  private static func wrapped(_ text: String) -> [String] {
    var lines = ["  "]
    for word in text.shown.utf8.split(separator: UInt8(ascii: " ")).map({
      String(decoding: $0, as: UTF8.self)
    }) {
      if lines[lines.count - 1].count + word.count > 78 { lines.append("  ") }
      lines[lines.count - 1] += lines[lines.count - 1].count > 2 ? " \(word)" : word
    }
    return lines
  }
}
