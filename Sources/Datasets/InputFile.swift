import CCompression
import Foundation

/// Where bytes come from: a file, a child process, a server.
protocol ByteSource: AnyObject {
  /// Reads up to `capacity` bytes; 0 at the end.
  func read(into target: UnsafeMutablePointer<UInt8>, capacity: Int) throws -> Int
  /// How much has been read, in [0, 1]; 1 for what has no size.
  var share: Double { get }
}

final class FileSource: ByteSource {
  private let path: String
  private let descriptor: Int32

  /// A file that somebody names.
  /// - Throws: as `GivenFile.open`.
  init(_ path: String, again: String? = nil) throws {
    self.path = path
    descriptor = try GivenFile.open(path, again: again).released()
  }

  /// A file of a directory: regular, and reached through no link.
  /// - Throws: `NotFoundError`, `DatasetError`.
  init(_ contained: ContainedPath) throws {
    path = contained.path
    descriptor = try contained.open().released()
  }

  deinit { close(descriptor) }

  func read(into target: UnsafeMutablePointer<UInt8>, capacity: Int) throws -> Int {
    while true {
      let count = Foundation.read(descriptor, target, capacity)
      if count >= 0 { return count }
      if errno != EINTR { throw DatasetError(path, "cannot read: \(String(cString: strerror(errno))).") }
    }
  }

  var share: Double {
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_size > 0 else { return 1 }
    return Double(lseek(descriptor, 0, SEEK_CUR)) / Double(status.st_size)
  }
}

/// Bytes being read, chunk by chunk; gzip and zstd are recognised by their first bytes, whatever the name.
final class InputFile {
  /// The file, or what stands for it in messages.
  let path: String
  private let source: any ByteSource
  private var decompressor: Decompressor?
  /// Buffers taken in turn: the digest may still be reading the others.
  private let buffers = UnsafeMutablePointer<UInt8>.allocate(
    capacity: (StreamingDigest.ahead + 1) * InputFile.chunkSize)
  private var turn = 0
  private var raw: UnsafeMutablePointer<UInt8> { buffers + turn * Self.chunkSize }
  /// What the file is verified by at its end.
  private let digest: StreamingDigest?
  private let sha256: String?
  private var isChanged = false
  private var rawStart = 0
  private var rawEnd = 0
  private var hasEnded = false
  private static let chunkSize = 1 << 17

  /// A file that somebody names.
  /// - Parameter again: the subject of the message, if it is read more than once and so cannot be a pipe.
  /// - Throws: as `GivenFile.open`.
  convenience init(_ path: String, again: String? = nil) throws {
    try self.init(FileSource(path, again: again), path: path)
  }

  /// A file of a directory: regular, and reached through no link.
  /// - Parameter sha256: what the whole file must have, in hexadecimal; see `verifyEnd()`.
  /// - Throws: `NotFoundError`, `DatasetError`.
  convenience init(_ contained: ContainedPath, sha256: String? = nil) throws {
    try self.init(FileSource(contained), path: contained.path, sha256: sha256)
  }

  init(_ source: any ByteSource, path: String, sha256: String? = nil) throws {
    self.path = path
    self.source = source
    self.sha256 = sha256
    digest = sha256.map { _ in StreamingDigest() }
    while rawEnd < 4, !hasEnded { try fill() }
    let start = (0..<min(rawEnd, 4)).map { raw[$0] }
    if start.starts(with: [0x1f, 0x8b]) {
      decompressor = try GzipDecompressor()
    } else if start == [0x28, 0xb5, 0x2f, 0xfd] {
      decompressor = try ZstdDecompressor()
    }
  }

  deinit {
    digest?.drain()
    buffers.deallocate()
  }

  var share: Double { source.share }

  private func fill() throws {
    let count = try source.read(into: raw + rawEnd, capacity: Self.chunkSize - rawEnd)
    if let digest, count > 0 { digest.update(UnsafeRawBufferPointer(start: raw + rawEnd, count: count)) }
    rawEnd += count
    hasEnded = count == 0
    if hasEnded, let digest { isChanged = digest.finish() != sha256 }
  }

  /// For readers at their end: an error in a row is reported before a mismatch of the whole file.
  /// - Throws: `DatasetError` if the file is not the one that is claimed.
  func verifyEnd() throws { if isChanged { throw DatasetClaims.changed(path) } }

  /// Reads up to `capacity` bytes; 0 at the end.
  func read(into target: UnsafeMutablePointer<UInt8>, capacity: Int) throws -> Int {
    while true {
      if rawStart == rawEnd, !hasEnded {
        rawStart = 0
        rawEnd = 0
        turn = digest == nil ? 0 : (turn + 1) % (StreamingDigest.ahead + 1)
        try fill()
      }
      let available = rawEnd - rawStart
      guard let decompressor else {
        let count = min(available, capacity)
        (target).update(from: raw + rawStart, count: count)
        rawStart += count
        return count
      }
      if available == 0, hasEnded {
        guard decompressor.isWhole else {
          throw DatasetError(path, "the compressed file ends too early. It was cut off; get it again.")
        }
        return 0
      }
      var consumed = 0
      let produced = try decompressor.decompress(raw + rawStart, available, target, capacity, &consumed, path)
      rawStart += consumed
      if produced > 0 { return produced }
    }
  }
}

private protocol Decompressor: AnyObject {
  /// Whether what has been read ends at the end of a frame.
  var isWhole: Bool { get }
  func decompress(
    _ input: UnsafePointer<UInt8>, _ count: Int, _ target: UnsafeMutablePointer<UInt8>, _ capacity: Int,
    _ consumed: inout Int, _ path: String
  ) throws -> Int
}

private final class GzipDecompressor: Decompressor {
  private let stream: UnsafeMutablePointer<z_stream>
  private(set) var isWhole = false

  init() throws {
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    guard wb_gzip_inflate_init(stream) == Z_OK else { throw OutputError("gzip", "out of memory.") }
  }

  deinit {
    inflateEnd(stream)
    stream.deallocate()
  }

  func decompress(
    _ input: UnsafePointer<UInt8>, _ count: Int, _ target: UnsafeMutablePointer<UInt8>, _ capacity: Int,
    _ consumed: inout Int, _ path: String
  ) throws -> Int {
    if isWhole {  // Another member follows.
      inflateReset(stream)
      isWhole = false
    }
    stream.pointee.next_in = UnsafeMutablePointer(mutating: input)
    stream.pointee.avail_in = UInt32(count)
    stream.pointee.next_out = target
    stream.pointee.avail_out = UInt32(capacity)
    let status = inflate(stream, Z_NO_FLUSH)
    consumed = count - Int(stream.pointee.avail_in)
    guard status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR else {
      throw DatasetError(path, "the gzip data is damaged. Get the file again.")
    }
    isWhole = status == Z_STREAM_END
    return capacity - Int(stream.pointee.avail_out)
  }
}

private final class ZstdDecompressor: Decompressor {
  private let context: OpaquePointer
  private(set) var isWhole = false

  init() throws {
    guard let context = ZSTD_createDCtx() else { throw OutputError("zstd", "out of memory.") }
    self.context = context
    // A frame may ask for a window of 2 GB; ours need no more than 8 MB.
    ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, 27)
  }

  deinit { ZSTD_freeDCtx(context) }

  func decompress(
    _ input: UnsafePointer<UInt8>, _ count: Int, _ target: UnsafeMutablePointer<UInt8>, _ capacity: Int,
    _ consumed: inout Int, _ path: String
  ) throws -> Int {
    var source = ZSTD_inBuffer(src: input, size: count, pos: 0)
    var output = ZSTD_outBuffer(dst: target, size: capacity, pos: 0)
    let left = ZSTD_decompressStream(context, &output, &source)
    guard ZSTD_isError(left) == 0 else {
      throw DatasetError(
        path, "the zstd data is damaged (\(String(cString: ZSTD_getErrorName(left)))). Get the file again.")
    }
    consumed = source.pos
    isWhole = left == 0
    return output.pos
  }
}
