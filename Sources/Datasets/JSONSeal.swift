import Foundation
import Hashing

/// The checksum that a document in JSON, a manifest or a plan, carries of itself as its member `checksum`: of what it
/// says, however it is laid out.
package enum JSONSeal {
  /// SHA-256 of a JSON object without its member `checksum`, in hexadecimal.
  package static func checksum(of json: Data) throws -> String {
    var root = try JSONSerialization.jsonObject(with: json) as? [String: Any] ?? [:]
    root["checksum"] = nil
    var hash = SHA256()
    add(root, to: &hash)
    return hash.finalize().hexadecimal
  }

  /// Whether a document says what it said when it was sealed. One that is no JSON does not: a decoder passes over what
  /// nobody asks for, so a byte that is no UTF-8 may be noticed only here.
  package static func holds(_ checksum: String, for json: Data) -> Bool {
    (try? self.checksum(of: json)) == checksum
  }

  private static func add(_ value: Any, to hash: inout SHA256) {
    func text(_ kind: String, _ text: String) {
      hash.update(data: Data("\(kind)\(text.utf8.count):\(text)".utf8))
    }
    switch value {
    case let object as [String: Any]:
      text("object", "\(object.count)")
      for (key, member) in object.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
        text("key", key)
        add(member, to: &hash)
      }
    case let list as [Any]:
      text("list", "\(list.count)")
      for element in list { add(element, to: &hash) }
    case let string as String: text("text", string)
    case let number as NSNumber: text("number", number.stringValue)
    default: text("null", "")
    }
  }
}
