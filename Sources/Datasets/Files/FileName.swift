import Foundation
import Hashing

/// File names derived from other names.
package enum FileName {
  /// Of the bytes of an encoded name that a file system takes 255 of; the rest is for endings.
  private static let longest = 230
  /// What is kept of a longer one, before its hash.
  private static let kept = 150

  /// A name that any file system takes, with room for an ending of 25 bytes: letters, digits, "-" and "_" as they are,
  /// other bytes as "%XX". What would get too long is cut, and gets the SHA-256 of the whole. Different texts have different
  /// names, by their bytes: no name that is short has a "~", and the empty one is just that.
  package static func encoded(_ text: String) -> String {
    encoded(text, keeping: "-_", longest: longest, kept: kept)
  }

  /// - Parameter more: what else stays as it is; not "%", "/" or "~".
  package static func encoded(_ text: String, keeping more: String, longest: Int, kept: Int) -> String {
    if text.isEmpty { return "~" }
    var bytes: [UInt8] = []
    /// How many bytes there are before each character of the encoded name.
    var starts: [Int] = []
    for byte in text.utf8 {
      starts.append(bytes.count)
      let isAlphanumeric = (48...57).contains(byte) || (97...122).contains(byte | 32)
      // A name that begins with a dot is hidden, or leads elsewhere.
      if isAlphanumeric || more.utf8.contains(byte) && !(byte == UInt8(ascii: ".") && bytes.isEmpty) {
        bytes.append(byte)
      } else {
        bytes.append(UInt8(ascii: "%"))
        for digit in [byte >> 4, byte & 15] { bytes.append(digit < 10 ? 48 + digit : 55 + digit) }
      }
    }
    guard bytes.count > longest else { return String(decoding: bytes, as: UTF8.self) }
    let end = starts.last { $0 <= kept } ?? 0
    let hash = SHA256.hash(data: Data(text.utf8)).hexadecimal
    return "\(String(decoding: bytes[..<end], as: UTF8.self))~\(hash)"
  }
}
