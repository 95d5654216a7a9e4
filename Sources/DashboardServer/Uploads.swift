import Datasets
import Foundation
import Hummingbird
import Studio
import Synchronization

/// Files that people at the page have sent, until they are imported: each in a directory of its own that goes away with it.
final class Uploads: Sendable {
  struct Upload: Sendable {
    var id: String
    /// The file name that the user gave.
    var name: String
    var path: String
    var kind: ImportPreview.Kind
    fileprivate var owner: ScratchDirectory
    fileprivate var arrivedAt = ContinuousClock.now
  }

  private let uploads = Mutex<[Upload]>([])
  /// Files that are on their way.
  private let arriving = Mutex(0)
  private static let most = 8
  private static let keptFor = Duration.seconds(3600)
  /// Bytes after which the disk is looked at again.
  private static let roomEvery = 64 << 20

  /// Takes a file in as it arrives.
  /// - Parameter most: bytes.
  /// - Throws: `Problem`, `StudioProblem`; nothing is left behind then.
  func receive(_ request: Request, name: String, most: Int, freeBytes: Int) async throws -> (
    Upload, ImportPreview, bytes: Int
  ) {
    forgetOld()
    let isRoom = uploads.withLock { uploads in
      arriving.withLock { arriving in
        guard uploads.count + arriving < Self.most else { return false }
        arriving += 1
        return true
      }
    }
    guard isRoom else {
      throw Problem(
        title: "Busy", status: 503,
        detail: "\(Self.most) files are already waiting to be imported. Import or remove some.")
    }
    defer { arriving.withLock { $0 -= 1 } }
    let scratch = try ScratchDirectory()
    let path = try scratch.place(of: "upload")
    try DiskRoom.require(freeBytes, at: scratch.path)
    guard FileManager.default.createFile(atPath: path, contents: nil),
      let file = FileHandle(forWritingAtPath: path)
    else { throw Problem(title: "Cannot be written", status: 507, detail: "The file cannot be kept.") }
    defer { file.closeFile() }
    var bytes = 0
    for try await piece in request.body {
      let before = bytes
      bytes += piece.readableBytes
      guard bytes <= most else { throw Problem.tooLarge(most) }
      if bytes / Self.roomEvery > before / Self.roomEvery {
        try DiskRoom.require(freeBytes, at: scratch.path)
      }
      do {
        try file.write(contentsOf: Data(buffer: piece))
      } catch {
        throw Problem(title: "Disk full", status: 507, detail: "The file cannot be kept: the disk is full.")
      }
    }
    guard bytes > 0 else { throw Problem.badParameter("name", "The file is empty.") }
    let preview: ImportPreview
    do {
      preview = try ImportPreview(path, name: name)
    } catch let error as DatasetError {
      throw StudioProblem(.invalid, error.message, parameter: "name")
    }
    let upload = Upload(
      id: String(UInt64.random(in: 1 << 60 ... .max), radix: 16), name: name, path: path, kind: preview.kind,
      owner: scratch)
    uploads.withLock { $0.append(upload) }
    return (upload, preview, bytes)
  }

  private func forgetOld() {
    uploads.withLock { $0.removeAll { ContinuousClock.now - $0.arrivedAt > Self.keptFor } }
  }

  /// - Throws: `Problem` if there is none.
  func upload(_ id: String) throws -> Upload {
    guard let upload = uploads.withLock({ $0.first { $0.id == id } }) else { throw Self.none }
    return upload
  }

  /// - Throws: `Problem` if there is none.
  func remove(_ id: String) throws {
    try uploads.withLock { uploads in
      guard let place = uploads.firstIndex(where: { $0.id == id }) else { throw Self.none }
      uploads.remove(at: place)
    }
  }

  private static let none = Problem.notFound(
    "There is no such file. They are kept for an hour: send it again.")
}
