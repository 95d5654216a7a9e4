import ArgumentParser
import Datasets
import Documents

extension DatasetFormat {
  /// Several, separated by commas.
  /// - Parameter others: what else may be asked for, for the message.
  /// - Throws: `ValidationError`.
  static func list(_ text: String, or others: [String] = []) throws -> [DatasetFormat] {
    var found: [DatasetFormat] = []
    for name in text.split(separator: ",", omittingEmptySubsequences: false) {
      let format = try named(String(name), or: others)
      if !found.contains(format) { found.append(format) }
    }
    return found
  }

  /// - Throws: `ValidationError` for a name that is none.
  static func named(_ name: String, or others: [String] = []) throws -> DatasetFormat {
    guard let format = DatasetFormat(name[...]) else {
      throw ValidationError(unknown("format", name, among: all.map(\.description) + others))
    }
    return format
  }
}
