import CCompression
import CFileSystem
import Foundation
import Hashing

/// Where bytes go: a file, a child process, a server.
protocol ByteSink: AnyObject {
  func write(_ bytes: UnsafeRawBufferPointer) throws
  /// No more bytes.
  func close() throws
}

/// A file or pipe by its descriptor, which it closes.
final class DescriptorSink: ByteSink {
  private let path: String
  private var descriptor: Int32
  private let startsEarly: Bool
  private var written: Int64 = 0
  private var started: Int64 = 0

  /// Bytes after which the disk is asked to begin with them.
  private static let earlyBytes: Int64 = 8 << 20

  /// - Parameter startsEarly: whether the disk writes while the program goes on, so that there is little left to wait for at
  ///   the end.
  init(_ descriptor: Int32, path: String, startsEarly: Bool = false) {
    self.descriptor = descriptor
    self.path = path
    self.startsEarly = startsEarly
  }

  deinit { if descriptor >= 0 { Foundation.close(descriptor) } }

  func write(_ bytes: UnsafeRawBufferPointer) throws {
    var done = 0
    while done < bytes.count {
      let written = Foundation.write(descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done)
      if written < 0 {
        if errno == EINTR { continue }
        throw OutputError(path, cannot: "write")
      }
      done += written
    }
    written += Int64(bytes.count)
    if startsEarly, written - started >= Self.earlyBytes {
      // An error here is reported by the code that waits for the file.
      _ = wb_start_writing(descriptor, started, written - started)
      started = written
    }
  }

  func close() throws {
    let status = Foundation.close(descriptor)
    descriptor = -1
    guard status == 0 else { throw OutputError(path, cannot: "write") }
  }
}

/// Bytes being written, through a buffer, compression and a running SHA-256.
///
/// A file grows under a name of its own and gets the final one, which must be free, when it is closed; dropped before
/// that, it is removed. One inside a directory that is staged itself has its name at once.
package final class OutputFile {
  package let path: String
  private let sink: any ByteSink
  private let staged: StagedPath?
  private let buffer: UnsafeMutablePointer<UInt8>
  private var used = 0
  private let compressor: Compressor?
  private var hash = SHA256()
  /// SHA-256 of the file in hexadecimal, once it is closed.
  package private(set) var digest = ""
  private static let capacity = 1 << 18

  /// - Parameters:
  ///   - existing: what happens to a file of that name.
  ///   - makesFolder: whether its directories are created.
  /// - Throws: `OutputError` if the file exists and must stay, or cannot be made.
  package convenience init(
    _ path: String, compression: Compression = .none, existing: StagedPath.Existing = .refused,
    makesFolder: Bool = false
  ) throws {
    let staged = try StagedPath(path, existing: existing)
    if makesFolder { try staged.name.makeParent() }
    try self.init(
      DescriptorSink(try staged.create(), path: path, startsEarly: true), path: path, staged: staged,
      compression: compression)
  }

  /// A new file in a directory of the program's own.
  /// - Parameters:
  ///   - place: where it is.
  ///   - path: where it will be, for messages.
  ///   - isDurable: whether it is going to be waited for.
  convenience init(
    inside place: String, shownAs path: String, isDurable: Bool, compression: Compression = .none
  ) throws {
    let descriptor = Unfinished.shared.uninterrupted {
      open(place, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o666)
    }
    guard descriptor >= 0 else { throw OutputError(path, cannot: "create the file") }
    try self.init(
      DescriptorSink(descriptor, path: path, startsEarly: isDurable), path: path, compression: compression)
  }

  /// A temporary file that is not needed after the program ends.
  convenience init(scratch path: String) throws {
    try self.init(inside: path, shownAs: path, isDurable: false)
  }

  /// Standard output, plain.
  package static func standardOutput() throws -> OutputFile {
    try OutputFile(DescriptorSink(dup(STDOUT_FILENO), path: "standard output"), path: "standard output")
  }

  /// - Parameter path: what stands for the sink in messages.
  init(_ sink: any ByteSink, path: String, staged: StagedPath? = nil, compression: Compression = .none) throws
  {
    self.path = path
    self.sink = sink
    self.staged = staged
    buffer = .allocate(capacity: Self.capacity)
    switch compression {
    case .none: compressor = nil
    case .gzip: compressor = try GzipCompressor()
    case .zstd: compressor = try ZstdCompressor()
    }
  }

  deinit { buffer.deallocate() }

  /// Room for the next bytes, `count` at least; `advance(by:)` says how many were used.
  @inline(__always)
  func reserve(_ count: Int) throws -> UnsafeMutablePointer<UInt8> {
    if used + count > Self.capacity { try makeRoom(for: count) }
    return buffer + used
  }

  private func makeRoom(for count: Int) throws {
    guard count <= Self.capacity else {
      throw OutputError(path, "a line with names of about \(count) bytes cannot be written. Shorten them.")
    }
    try flush()
  }

  @inline(__always)
  func advance(by count: Int) { used += count }

  package func write(_ bytes: some Sequence<UInt8>) throws {
    let isDone: Void? = try bytes.withContiguousStorageIfAvailable { try write($0) }
    if isDone != nil { return }
    for byte in bytes {
      if used == Self.capacity { try flush() }
      buffer[used] = byte
      used += 1
    }
  }

  private func write(_ bytes: UnsafeBufferPointer<UInt8>) throws {
    var rest = bytes[...]
    while !rest.isEmpty {
      if used == Self.capacity { try flush() }
      let part = rest.prefix(Self.capacity - used)
      _ = UnsafeMutableBufferPointer(start: buffer + used, count: part.count).update(fromContentsOf: part)
      used += part.count
      rest = rest.dropFirst(part.count)
    }
  }

  private func flush() throws {
    let pending = UnsafeRawBufferPointer(start: buffer, count: used)
    used = 0
    if let compressor {
      try compressor.compress(pending, isLast: false) { try store($0) }
    } else {
      try store(pending)
    }
  }

  private func store(_ bytes: UnsafeRawBufferPointer) throws {
    if bytes.isEmpty { return }
    hash.update(bufferPointer: bytes)
    try sink.write(bytes)
  }

  /// Ends the file and returns the SHA-256 of what is on the disk, in hexadecimal.
  @discardableResult
  package func close() throws -> String {
    try flush()
    if let compressor {
      try compressor.compress(UnsafeRawBufferPointer(start: nil, count: 0), isLast: true) { try store($0) }
    }
    try sink.close()
    try staged?.commit()
    digest = hash.finalize().hexadecimal
    return digest
  }
}

private protocol Compressor: AnyObject {
  func compress(
    _ bytes: UnsafeRawBufferPointer, isLast: Bool, _ store: (UnsafeRawBufferPointer) throws -> Void) throws
}

private final class GzipCompressor: Compressor {
  private let stream: UnsafeMutablePointer<z_stream>
  private let out = UnsafeMutablePointer<UInt8>.allocate(capacity: 1 << 17)

  init() throws {
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    guard wb_gzip_deflate_init(stream, 6) == Z_OK else { throw OutputError("gzip", "out of memory.") }
  }

  deinit {
    deflateEnd(stream)
    stream.deallocate()
    out.deallocate()
  }

  func compress(
    _ bytes: UnsafeRawBufferPointer, isLast: Bool, _ store: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    stream.pointee.next_in = UnsafeMutablePointer(mutating: bytes.bindMemory(to: UInt8.self).baseAddress)
    stream.pointee.avail_in = UInt32(bytes.count)
    repeat {
      stream.pointee.next_out = out
      stream.pointee.avail_out = 1 << 17
      deflate(stream, isLast ? Z_FINISH : Z_NO_FLUSH)
      try store(UnsafeRawBufferPointer(start: out, count: (1 << 17) - Int(stream.pointee.avail_out)))
    } while stream.pointee.avail_out == 0
  }
}

private final class ZstdCompressor: Compressor {
  private let context: OpaquePointer
  private let out = UnsafeMutablePointer<UInt8>.allocate(capacity: 1 << 17)

  init() throws {
    guard let context = ZSTD_createCCtx() else { throw OutputError("zstd", "out of memory.") }
    self.context = context
    ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, 3)
    ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)
  }

  deinit {
    ZSTD_freeCCtx(context)
    out.deallocate()
  }

  func compress(
    _ bytes: UnsafeRawBufferPointer, isLast: Bool, _ store: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    var input = ZSTD_inBuffer(src: bytes.baseAddress, size: bytes.count, pos: 0)
    while true {
      var output = ZSTD_outBuffer(dst: out, size: 1 << 17, pos: 0)
      let left = ZSTD_compressStream2(context, &output, &input, isLast ? ZSTD_e_end : ZSTD_e_continue)
      guard ZSTD_isError(left) == 0 else {
        throw OutputError("zstd", "cannot compress: \(String(cString: ZSTD_getErrorName(left))).")
      }
      try store(UnsafeRawBufferPointer(start: out, count: output.pos))
      if isLast ? left == 0 : input.pos == input.size { return }
    }
  }
}
