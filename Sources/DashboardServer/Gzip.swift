import CCompression
import Foundation
import Hummingbird

/// Compression of what is sent. Source: RFC 1952.
package enum Gzip {
  /// Whether the client takes compressed answers. Source: RFC 9110, section 12.5.3.
  static func isAccepted(by request: Request) -> Bool {
    request.headers[.acceptEncoding]?.split(separator: ",").contains {
      $0.trimmingCharacters(in: .whitespaces).lowercased() == "gzip"
    } == true
  }

  /// - Parameter level: 1, the fastest, to 9, the smallest: for what is sent many times.
  /// - Returns: `nil` where it would save nothing, or there is no memory.
  package static func compressed(_ data: Data, level: Int32 = 9) -> Data? {
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
