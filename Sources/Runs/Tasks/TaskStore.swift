import Datasets
import Foundation
import Hashing

/// Inputs of tasks by their content: files named by the SHA-256 of what is in them, so that any copy will do.
package struct TaskStore {
  package let path: String

  package init(_ path: String) { self.path = path }

  /// SHA-256 in hexadecimal, and perhaps an extension.
  package static func isName(_ name: String) -> Bool {
    let bytes = Array(name.utf8)
    guard bytes.count >= 64, bytes[..<64].allSatisfy(isHexadecimal) else { return false }
    return bytes.count == 64 || isExtension(bytes[64...])
  }

  private static func isHexadecimal(_ byte: UInt8) -> Bool {
    (48...57).contains(byte) || (97...102).contains(byte)
  }

  /// A dot, and up to 16 more dots, letters or digits.
  private static func isExtension(_ bytes: some Collection<UInt8>) -> Bool {
    (2...17).contains(bytes.count) && bytes.first == UInt8(ascii: ".")
      && bytes.allSatisfy {
        (48...57).contains($0) || (97...122).contains($0 | 32) || $0 == UInt8(ascii: ".")
      }
  }

  /// - Returns: the file's name.
  package func add(_ data: Data, extension suffix: String) throws -> String {
    let name = SHA256.hash(data: data).hexadecimal + suffix
    let file = "\(path)/\(name)"
    let known = try ContainedPath(name, in: path)
    if known.isFile, try known.digest().sha256.utf8.elementsEqual(name.utf8.prefix(64)) { return name }
    let output = try OutputFile(file, existing: .replaced, makesFolder: true)
    try output.write(data)
    try output.close()
    return name
  }

  package func add(contentsOf file: String) throws -> String {
    let data: Data
    _ = try GivenFile.open(file, again: "a file that a scenario names")
    do {
      data = try Data(contentsOf: URL(fileURLWithPath: file), options: .mappedIfSafe)
    } catch {
      throw NotFoundError(file, "cannot read the file.")
    }
    let name = URL(fileURLWithPath: file).lastPathComponent
    // As much of the extensions as says how to read it: .csv.gz.
    let suffix = name.utf8.drop { $0 != UInt8(ascii: ".") }
    return try add(data, extension: Self.isExtension(suffix) ? String(decoding: suffix, as: UTF8.self) : "")
  }

  /// Where an input lies.
  /// - Throws: `NotFoundError` if it is not there, `DatasetError` if it is not what its name says.
  package func file(_ name: String) throws -> String {
    let file = try ContainedPath(name, in: path)
    let digest: String
    do {
      digest = try file.digest().sha256
    } catch is NotFoundError {
      throw NotFoundError(
        file.path,
        wording:
          "an input of the task is not in the store. Copy the store here, or say where it is with \(setting: .store)."
      )
    }
    guard digest.utf8.elementsEqual(name.utf8.prefix(64)) else {
      throw DatasetError(
        file.path, "the file is damaged: its content does not match its name. Copy it here again.")
    }
    return file.path
  }
}
