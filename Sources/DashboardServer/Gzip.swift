import CCompression
import Foundation

/// Compression of what is sent again and again. Source: RFC 1952.
enum Gzip {
  private static let level: Int32 = 9

  /// - Returns: `nil` where it would save nothing, or there is no memory.
  static func compressed(_ data: Data) -> Data? {
    var stream = z_stream()
    guard wb_gzip_deflate_init(&stream, level) == Z_OK else { return nil }
    defer { deflateEnd(&stream) }
    var input = Array(data)
    var output = [UInt8](repeating: 0, count: Int(deflateBound(&stream, UInt(data.count))))
    let status = input.withUnsafeMutableBufferPointer { input in
      output.withUnsafeMutableBufferPointer { output in
        stream.next_in = input.baseAddress
        stream.avail_in = UInt32(input.count)
        stream.next_out = output.baseAddress
        stream.avail_out = UInt32(output.count)
        return deflate(&stream, Z_FINISH)
      }
    }
    guard status == Z_STREAM_END, Int(stream.total_out) < data.count else { return nil }
    return Data(output.prefix(Int(stream.total_out)))
  }
}
