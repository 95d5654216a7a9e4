import ArgumentParser
import Datasets
import Foundation

/// Names of what is written where the user gave none.
enum OutputName {
  /// `Outputs/NAME`, or the first of `Outputs/NAME-2`, `-3`, … that is free.
  static func free(_ name: String) -> String {
    let base = "Outputs/" + file(name)
    if !FileManager.default.fileExists(atPath: base) { return base }
    var number = 2
    while FileManager.default.fileExists(atPath: "\(base)-\(number)") { number += 1 }
    return "\(base)-\(number)"
  }

  /// A name that any file system takes.
  static func file(_ name: String) -> String {
    let safe = CharacterSet(
      charactersIn: "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.=, ")
    let encoded = name.addingPercentEncoding(withAllowedCharacters: safe) ?? "run"
    return encoded.hasPrefix(".") ? "_" + encoded : String(encoded.prefix(120))
  }
}

extension DatasetFormat {
  /// Several, separated by commas.
  /// - Parameter more: what else may be asked for, for the message.
  /// - Throws: `ValidationError`.
  static func list(_ text: String, or more: String = "") throws -> [DatasetFormat] {
    var found: [DatasetFormat] = []
    for name in text.split(separator: ",", omittingEmptySubsequences: false) {
      guard let format = DatasetFormat(name) else {
        throw ValidationError(
          "unknown format \"\(name)\". Known are \(all.map(\.description).joined(separator: ", "))\(more).")
      }
      if !found.contains(format) { found.append(format) }
    }
    return found
  }
}
