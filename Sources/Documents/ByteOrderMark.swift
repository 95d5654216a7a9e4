import Foundation

/// The three bytes that some programs put before UTF-8: no part of any document, data or line.
/// Source: RFC 3629, section 6; YAML 1.2.2, section 5.2; RFC 8259, section 8.1.
package enum ByteOrderMark {
  package static let bytes: [UInt8] = [0xef, 0xbb, 0xbf]

  /// The data without one at its start.
  package static func dropped(_ data: Data) -> Data {
    data.starts(with: bytes) ? Data(data.dropFirst(bytes.count)) : data
  }
}
