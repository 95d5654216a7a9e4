import Crypto
import Datasets
import Foundation

/// Inputs of tasks by their content: files named by the SHA-256 of what is in them, so that any copy will do.
struct TaskStore {
  let path: String

  init(_ path: String) { self.path = path }

  /// SHA-256 in hexadecimal, and perhaps an extension.
  static func isName(_ name: String) -> Bool {
    name.wholeMatch(of: /[0-9a-f]{64}(\.[A-Za-z0-9.]{1,16})?/) != nil
  }

  /// - Returns: the file's name.
  func add(_ data: Data, extension suffix: String) throws -> String {
    let name = SHA256.hash(data: data).hexadecimal + suffix
    let file = "\(path)/\(name)"
    if FileManager.default.fileExists(atPath: file), try FileDigest.sha256(of: file) == name.prefix(64) {
      return name
    }
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      try data.write(to: URL(fileURLWithPath: file), options: .atomic)
    } catch {
      throw OutputError(file, "cannot be written: \(error.localizedDescription)")
    }
    return name
  }

  func add(contentsOf file: String) throws -> String {
    let data: Data
    do {
      data = try Data(contentsOf: URL(fileURLWithPath: file), options: .mappedIfSafe)
    } catch {
      throw NotFoundError(file, "cannot read the file.")
    }
    let name = URL(fileURLWithPath: file).lastPathComponent
    // As much of the extensions as says how to read it: .csv.gz.
    let suffix = name.firstIndex(of: ".").map { String(name[$0...]) } ?? ""
    return try add(data, extension: suffix.wholeMatch(of: /\.[A-Za-z0-9.]{1,16}/) == nil ? "" : suffix)
  }

  /// Where an input lies.
  /// - Throws: `NotFoundError` if it is not there, `DatasetError` if it is not what its name says.
  func file(_ name: String) throws -> String {
    let file = "\(path)/\(name)"
    guard FileManager.default.fileExists(atPath: file) else {
      throw NotFoundError(
        file,
        "an input of the task is not in the store. Copy the store here, or say where it is with --store.")
    }
    guard try FileDigest.sha256(of: file) == name.prefix(64) else {
      throw DatasetError(file, "the file is damaged: its content does not fit its name. Copy it here again.")
    }
    return file
  }
}
