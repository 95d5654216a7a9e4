import Hashing

/// Text as JSON: the one place where it is quoted by hand.
package enum JSONText {
  package static func quoted(_ text: String) -> [UInt8] {
    var out: [UInt8] = [0x22]
    for byte in text.utf8 {
      switch byte {
      case 0x22, 0x5c: out += [0x5c, byte]
      case 0..<0x20: out += Array("\\u00".utf8) + [byte].hexadecimal.utf8
      default: out.append(byte)
      }
    }
    return out + [0x22]
  }
}
