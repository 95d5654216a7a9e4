import Hashing

/// What a random stream is for. Two streams with different names are independent; the same name
/// always gives the same numbers, whatever else a scenario contains. This is what makes common
/// random numbers possible: two variants of a scenario see the same arrivals.
package struct StreamName: Hashable, Sendable {
  package var seed: UInt64
  package var replication: Int
  package var account: String
  package var entity: String
  package var purpose: String

  package init(seed: UInt64, replication: Int = 0, account: String, entity: String, purpose: String) {
    self.seed = seed
    self.replication = replication
    self.account = account
    self.entity = entity
    self.purpose = purpose
  }

  /// The generator's 256-bit state: SHA-256 over the name's parts, each preceded by its length, so
  /// that no two names run together.
  package var state: (UInt64, UInt64, UInt64, UInt64) {
    var hash = SHA256()
    for part in ["workbench stream 1", String(seed), String(replication), account, entity, purpose] {
      let bytes = Array(part.utf8)
      withUnsafeBytes(of: UInt64(bytes.count).littleEndian) { hash.update(bufferPointer: $0) }
      hash.update(data: bytes)
    }
    var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
    withUnsafeMutableBytes(of: &words) { target in
      hash.finalize().withUnsafeBytes { target.copyMemory(from: $0) }
    }
    words = (words.0.littleEndian, words.1.littleEndian, words.2.littleEndian, words.3.littleEndian)
    // The all-zero state is a fixed point of xoshiro; SHA-256 giving it is beyond belief, not beyond code.
    if words == (0, 0, 0, 0) { words.0 = 1 }
    return words
  }
}
