import ArgumentParser
import Datasets
import Foundation

/// Where a command writes a file: a new one, one in the place of another, or standard output.
enum OutputTarget {
  /// What stands for standard output where a file is named.
  static let stream = "-"

  static let anotherName = "Give another name, or --replace to replace it."

  /// - Parameter replace: whether a file of that name is replaced.
  /// - Throws: `OutputError`.
  static func file(_ path: String, replace: Bool, compression: Compression = .none) throws -> OutputFile {
    if path == stream {
      Terminal.takeOutput()
      return try .standardOutput()
    }
    if !replace { try requireFree(path) }
    return try OutputFile(path, compression: compression, existing: replace ? .replaced : .refused)
  }

  /// Said before the work.
  /// - Throws: `OutputError` if there is something of that name.
  static func requireFree(_ path: String) throws {
    if path != stream { try StagedDirectory.requireFree(path, anotherName) }
  }

  /// What happens to a directory that is there.
  static func existing(replace: Bool) -> StagedDirectory.Existing { replace ? .runReplaced : .refused }

  /// A report, which takes the place of an earlier report of this program unasked.
  /// - Throws: `OutputError`.
  static func report(_ path: String, replace: Bool) throws -> OutputFile {
    guard path != stream, !replace, FileKind(of: path) != nil else { return try file(path, replace: replace) }
    guard FileKind(of: path) == .regular, isReport(path) else {
      throw OutputError(
        path,
        "it exists already, and is not a report of this program. Give another name, or --replace to replace it."
      )
    }
    return try OutputFile(path, existing: .replaced)
  }

  /// What reports of this program have near their beginning: pages, and JUnit reports.
  private static let marks = [
    "<meta name=\"generator\" content=\"Model Analytics Workbench\">", "<testsuites name=\"workbench ",
  ]
  /// A page's policy stands before its mark.
  private static let mostBeforeMark = 8192

  private static func isReport(_ path: String) -> Bool {
    guard let handle = FileHandle(forReadingAtPath: path),
      let start = try? handle.read(upToCount: mostBeforeMark)  // Not ours then.
    else { return false }
    return marks.contains { start.firstRange(of: Data($0.utf8)) != nil }
  }

  /// Standard output takes one thing.
  /// - Parameter outputs: options with what they name.
  /// - Throws: `ValidationError` if several are to go there.
  static func checkStreams(_ outputs: [(option: String, path: String?)], json: Bool = false) throws {
    let taking = outputs.filter { $0.path == stream }.map(\.option) + (json ? ["--json"] : [])
    guard taking.count < 2 else {
      throw ValidationError(
        "\(taking.joined(separator: " and ")) cannot both write to standard output. Give one of them a file.")
    }
  }
}
