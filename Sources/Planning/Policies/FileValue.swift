import Documents
import Foundation
import Telemetry

extension Plan {
  /// What a file gives, where a value is `@FILE`: a policy, or any other value.
  package struct FileValue: Codable, Equatable, Sendable {
    /// For messages.
    package var path: String
    package var text: String
    /// What it is called in results.
    package var label: String

    package init(path: String, text: String, label: String) {
      (self.path, self.text, self.label) = (path, text, label)
    }
  }

  /// Values of the form `@FILE` that nothing has read yet.
  private var unread: Set<String> {
    let varied = (vary + (decisions ?? []).flatMap(\.vary)).flatMap { Factor.split($0.values) }
    let set = (variants.map(\.set) + (decisions ?? []).map(\.set) + (cases ?? []).map(\.set)).flatMap {
      $0.compactMap(Self.value)
    }
    return Set((varied + set).filter(Self.isFile)).subtracting((files ?? [:]).keys)
  }

  static func isFile(_ value: String) -> Bool {
    value.utf8.first == UInt8(ascii: "@") && value.utf8.count > 1
  }

  /// Of `PATH=VALUE`.
  static func value(_ override: String) -> String? {
    let scalars = override.unicodeScalars
    return scalars.firstIndex(of: "=").map { String(scalars[scalars.index(after: $0)...]).trimmed }
  }

  /// Reads the files that values name.
  /// - Parameter read: the bytes of a file, by the name that the value gives it.
  /// - Throws: what `read` throws; `DocumentErrors` for a file that is not YAML.
  package mutating func readFiles(_ read: (String) throws -> Data) throws {
    var all = files ?? [:]
    for value in unread.sorted() {
      let name = String(value.dropFirst())
      let data = try read(name)
      _ = try Document.parse(data, path: name)
      all[value] = FileValue(
        path: name, text: String(decoding: data, as: UTF8.self),
        label: URL(fileURLWithPath: name).deletingPathExtension().lastPathComponent)
    }
    // What two files share does not tell them apart.
    for (value, file) in all where all.values.count(where: { $0.label == file.label }) > 1 {
      all[value]?.label = file.path
    }
    files = all.isEmpty ? nil : all
  }

  /// What a value is called in the names of variants.
  func label(_ value: String) -> String { files?[value.trimmed]?.label ?? value }
}
