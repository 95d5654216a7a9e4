/// Paths taken apart by their bytes. Foundation's `NSString.deletingLastPathComponent` stops the program for "d/".
package enum PathText {
  private static let slash = UInt8(ascii: "/")

  /// The directory that a path lies in: "" for the current one, "/" for the root. Slashes at the end of a path do not count.
  package static func parent(_ path: String) -> String {
    var bytes = trimmed(path)[...]
    guard let last = bytes.lastIndex(of: slash) else { return "" }
    bytes = bytes[..<last]
    while bytes.count > 1, bytes.last == slash { bytes.removeLast() }
    return bytes.isEmpty ? "/" : String(decoding: bytes, as: UTF8.self)
  }

  /// The last name of a path; "" for the root.
  package static func name(_ path: String) -> String {
    let bytes = trimmed(path)
    return String(decoding: bytes[((bytes.lastIndex(of: slash) ?? -1) + 1)...], as: UTF8.self)
  }

  private static func trimmed(_ path: String) -> [UInt8] {
    var bytes = Array(path.utf8)
    while bytes.count > 1, bytes.last == slash { bytes.removeLast() }
    return bytes
  }
}
