import Datasets
import Documents
import Foundation
import Runs
import Synchronization
import Telemetry

/// Where runs that people at the page make are kept, and where those that they delete go.
///
/// A run that is deleted moves into the hidden folder `.trash` under a name of its own, and can come back until it is
/// deleted from there.
package final class RunFolder: Sendable {
  package struct Trashed: Encodable, Sendable {
    package var id: String
    package var name: String
    package var deleted: String
  }

  package let path: String
  private let moving = Mutex(())

  package init(_ path: String) { self.path = path }

  private var trash: String { "\(path)/.trash" }

  /// Simulates a scenario and records it as a run, under its name or the next free one with a number.
  /// - Returns: where it is.
  /// - Throws: `OutputError`; what `check` throws. Nothing is left behind then.
  package func keep(
    _ bundle: ScenarioBundle, formats: [DatasetFormat], program: String,
    check: @escaping @Sendable () throws -> Void, progress: @escaping @Sendable (Double) -> Void
  ) throws -> String {
    let directory = try RunDirectory(
      OutputName.free(bundle.scenario.name, in: path), manifest: bundle.manifest(program: program),
      existing: .numbered)
    var recorder = RunRecorder()
    recorder.formats = formats
    _ = try recorder.record(
      Interruptible(bundle.simulation(), check: check), into: directory, progress: progress)
    note(directory.finalPath)
    return directory.finalPath
  }

  /// The file that names the runs that were made here, a JSON text a line.
  private var register: String { "\(path)/.made-on-the-page" }

  /// Notes a run that was made here, so that the next server shows it, too. Where that cannot be written down, this server
  /// shows it all the same.
  func note(_ run: String) {
    guard let name = try? JSONEncoder().encode(PathText.name(run)) else { return }
    // Appended in one piece, also beside other servers.
    let file = open(register, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0o644)
    guard file >= 0 else { return }
    defer { close(file) }
    _ = (name + Data("\n".utf8)).withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
  }

  /// Where the runs are that people at the page have made, in this order; without those that are there no longer.
  package func made() -> [String] {
    guard let text = try? ContainedPath(ofFile: register).contents() else { return [] }
    var seen: Set<String> = []
    return text.split(separator: UInt8(ascii: "\n")).compactMap { line in
      guard let name = try? JSONDecoder().decode(String.self, from: line), seen.insert(name).inserted,
        ContainedPath.problem(with: name) == nil, !name.contains("/"),
        FileKind(of: "\(path)/\(name)/manifest.json") != nil
      else { return nil }
      return "\(path)/\(name)"
    }
  }

  /// Whether a path is that of something in the folder.
  package func contains(_ run: String) -> Bool {
    guard let folder = Self.real(path), let run = Self.real(run) else { return false }
    return PathText.parent(run) == folder
  }

  private static func real(_ path: String) -> String? {
    guard let resolved = realpath(path, nil) else { return nil }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  /// Moves a run into the trash.
  /// - Throws: `StudioProblem`, `OutputError`.
  package func discard(_ run: String) throws -> Trashed {
    guard contains(run) else {
      throw StudioProblem(
        .conflict, "The run is not in the folder in which this server keeps runs. Delete it where it is.")
    }
    let name = PathText.name(run)
    let id = String(UInt64.random(in: 1 << 60 ... .max), radix: 16)
    let instant = Timestamp(seconds: Int64(Date().timeIntervalSince1970))
    let place = "\(instant.secondsRoundedDown)-\(id)"
    try moving.withLock { _ in
      let target = try FinalName("\(trash)/\(place)/\(name)")
      try target.makeParent()
      try target.take(run, isDirectory: true)
    }
    return Trashed(id: place, name: name, deleted: instant.rfc3339)
  }

  /// What is in the trash, the last first.
  package func discarded() throws -> [Trashed] {
    try ContainedPath.folders(in: trash).compactMap { place in
      guard let dash = place.firstIndex(of: "-"), let seconds = Int64(place[..<dash]),
        let name = try ContainedPath.folders(in: "\(trash)/\(place)").first
      else { return nil }
      return Trashed(id: place, name: name, deleted: Timestamp(seconds: seconds).rfc3339)
    }.reversed()
  }

  /// Moves a run back to where it lay.
  /// - Returns: where it is.
  /// - Throws: `StudioProblem` if it is not there, or its place is taken.
  package func restore(_ id: String) throws -> String {
    let (trashed, place) = try find(id)
    return try moving.withLock { _ in
      let target = try FinalName("\(path)/\(trashed.name)")
      guard FileKind(of: target.path) == nil else {
        throw StudioProblem(
          .conflict, "Another run is in its place, \(quoted(trashed.name)). Delete or move that run first.")
      }
      try target.take("\(place)/\(trashed.name)", isDirectory: true)
      rmdir(place)  // Empty now.
      note(target.path)
      return target.path
    }
  }

  /// Permanently deletes a run from the trash.
  /// - Throws: `StudioProblem`.
  package func destroy(_ id: String) throws {
    let (_, place) = try find(id)
    try moving.withLock { _ in
      do {
        try FileManager.default.removeItem(atPath: place)
      } catch {
        throw StudioProblem(.conflict, "It cannot be deleted: \(error.localizedDescription)")
      }
    }
  }

  private func find(_ id: String) throws -> (Trashed, place: String) {
    guard let trashed = try discarded().first(where: { $0.id == id }) else {
      throw StudioProblem(.absent, "There is no such run in the trash.")
    }
    return (trashed, "\(trash)/\(id)")
  }
}
