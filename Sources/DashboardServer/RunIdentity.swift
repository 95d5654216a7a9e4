import Datasets
import Foundation
import Hashing
import Synchronization

/// Which run lies at a place, and whether it is still the one that was read.
///
/// Tables are read once and requests when a question needs them. Were the run replaced between the two, an answer would
/// mix both; so the files are looked at before and after each answer.
final class RunIdentity: Sendable {
  /// SHA-256 in hexadecimal: of the manifest; without one, of the file's contents, or of the names and contents of all
  /// files of the directory. The same data have the same one no matter where they lie and who reads them, so that links
  /// to them last and reports of them are the same byte for byte. For a database it is new each time.
  let id: String
  private let stamps: [Stamp]
  private let hasChanged = Atomic(false)

  /// What changes when somebody writes to a file or puts another in its place.
  private struct Stamp: Equatable, Sendable {
    var path: String
    var device: UInt64 = 0
    var inode: UInt64 = 0
    var bytes: Int64 = -1
    var changed: [Int] = []

    init(_ path: String) {
      self.path = path
      var status = stat()
      guard stat(path, &status) == 0 else { return }
      (device, inode) = (UInt64(status.st_dev), UInt64(status.st_ino))
      // Which directory it is: a file that is put beside a run does not belong to it.
      if status.st_mode & S_IFMT == S_IFDIR {
        bytes = 0
        return
      }
      bytes = Int64(status.st_size)
      changed = [
        status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_ctim.tv_sec, status.st_ctim.tv_nsec,
      ]
    }
  }

  /// - Throws: `NotFoundError`, if there is nothing at the place; `DatasetError`, if it cannot be read.
  convenience init(_ path: String) throws {
    if PostgreSQLLocation(path) != nil {
      // A database tells nobody when it changes: it is read again whenever the page asks for a refresh.
      self.init(id: SHA256.hash(data: Data("\(path) \(UUID().uuidString)".utf8)).hexadecimal, stamps: [])
      return
    }
    let stamps = Self.files(path).map(Stamp.init)
    guard stamps.contains(where: { $0.bytes >= 0 }) else {
      throw NotFoundError(path, "there is no such data set. Correct its name, or put it there.")
    }
    self.init(id: try Self.id(of: path, stamps), stamps: stamps)
  }

  private static func id(of path: String, _ stamps: [Stamp]) throws -> String {
    if FileKind(of: path + "/manifest.json") != nil {
      return SHA256.hash(data: try ContainedPath("manifest.json", in: path).contents()).hexadecimal
    }
    // Neither place nor time: a copy of the same data is the same, and so it is for another process.
    if FileKind(following: path) == .regular { return try FileDigest.sha256(of: path, again: "a data set") }
    var hash = SHA256()
    for stamp in stamps where FileKind(of: stamp.path) == .regular {
      hash.update(data: Data("\(stamp.path.dropFirst(path.count))\u{0}".utf8))
      hash.update(data: Data(try FileDigest.sha256(of: stamp.path, again: "a data set").utf8))
    }
    return hash.finalize().hexadecimal
  }

  private init(id: String, stamps: [Stamp]) { (self.id, self.stamps) = (id, stamps) }

  /// What a data set is read from: the file, or the tables and rollups of a directory.
  private static func files(_ path: String) -> [String] {
    [path, path + "/manifest.json"]
      + ["", "/telemetry", "/rollups"].flatMap { folder in
        // A folder that is not there holds nothing.
        ((try? FileManager.default.contentsOfDirectory(atPath: path + folder)) ?? []).sorted()
          .map { "\(path)\(folder)/\($0)" }
      }
  }

  /// Whether nothing has been written or replaced since. Once it has, never again.
  var isCurrent: Bool {
    if hasChanged.load(ordering: .relaxed) { return false }
    let same = stamps.allSatisfy { $0 == Stamp($0.path) }
    if !same { hasChanged.store(true, ordering: .relaxed) }
    return same
  }

  /// Whether it can tell: files can, a database cannot.
  var isWatched: Bool { !stamps.isEmpty }
}
