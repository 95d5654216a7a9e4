import ArgumentParser
import Datasets

extension DatasetFormat {
  /// Several, separated by commas.
  /// - Parameter more: what else may be asked for, for the message.
  /// - Throws: `ValidationError`.
  static func list(_ text: String, or more: String = "") throws -> [DatasetFormat] {
    var found: [DatasetFormat] = []
    for name in text.split(separator: ",", omittingEmptySubsequences: false) {
      guard let format = DatasetFormat(name) else {
        throw ValidationError(
          "unknown format \"\(name)\". Known: \(all.map(\.description).joined(separator: ", "))\(more).")
      }
      if !found.contains(format) { found.append(format) }
    }
    return found
  }
}
