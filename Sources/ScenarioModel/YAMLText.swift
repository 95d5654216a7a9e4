import Foundation
import Telemetry

/// Text as YAML: the one place where it is quoted.
package enum YAMLText {
  /// A double-quoted scalar on one line, which any YAML reader gives back as the same code points.
  /// Source: YAML 1.2.2, 5.7 and 7.3.1.
  package static func quoted(_ text: String) -> String {
    var out = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": out += "\\\""
      case "\\": out += "\\\\"
      case "\n": out += "\\n"
      case "\t": out += "\\t"
      case "\r": out += "\\r"
      case _ where scalar.isHidden || scalar.value & 0xfffe == 0xfffe: out += escape(scalar.value)
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out + "\""
  }

  /// A key: as it is where it is a plain word, otherwise quoted.
  static func key(_ text: String) -> String {
    let isWord = text.utf8.allSatisfy {
      (0x30...0x39).contains($0) || (0x41...0x5a).contains($0) || (0x61...0x7a).contains($0) || $0 == 0x5f
    }
    return isWord && !text.isEmpty ? text : quoted(text)
  }

  private static func escape(_ value: UInt32) -> String {
    let digits = String(value, radix: 16, uppercase: true)
    let (letter, width) = value < 0x100 ? ("x", 2) : value < 0x10000 ? ("u", 4) : ("U", 8)
    return "\\\(letter)\(String(repeating: "0", count: width - digits.utf8.count))\(digits)"
  }

  /// A comment, whatever the text: one line a line of it.
  package static func comment(_ text: String) -> String {
    text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false).map {
      "# \(String(Substring($0)).shown)"
    }.joined(separator: "\n")
  }

  // MARK: Quantities

  package static func moment(_ moment: Timestamp) -> String { "\"\(moment.rfc3339)\"" }

  /// To seven digits.
  package static func number(_ value: Double) -> String { String(format: "%.7g", value) }

  /// In the largest unit of whole minutes, seconds, milliseconds and microseconds that it reaches.
  package static func duration(_ microseconds: Double) -> String {
    let value = abs(microseconds)
    return value >= 60e6 && (microseconds / 60e6).rounded() == microseconds / 60e6
      ? "\(number(microseconds / 60e6))min"
      : value >= 1e6
        ? "\(number(microseconds / 1e6))s"
        : value >= 1000 || value == 0
          ? "\(number(microseconds / 1e3))ms" : "\(number(microseconds))us"
  }

  /// A second, or a day where that would be a small number.
  package static func rate(_ perMicrosecond: Double) -> String {
    perMicrosecond * 1e6 >= 0.01 || perMicrosecond == 0
      ? "\(number(perMicrosecond * 1e6))/s" : "\(number(perMicrosecond * 8.64e10))/d"
  }
}
