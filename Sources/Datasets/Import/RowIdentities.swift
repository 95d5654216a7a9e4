/// Rows that have an identity of their own, so that one that is exported again counts once.
///
/// It keeps some 50 bytes for each row: what names it and what it said, as numbers.
struct RowIdentities {
  /// 128 bits: two identities of an export are one by chance less often than a machine fails.
  private struct Key: Hashable {
    var high: Int
    var low: Int
  }

  enum Standing {
    case new
    /// It came before and said the same.
    case repeated
    /// It came before and said something else.
    case contradiction
  }

  private var known: [Key: Int] = [:]
  /// Rows that came again.
  private(set) var repeats: Int64 = 0
  /// Rows that came again with other values.
  private(set) var contradictions: Int64 = 0

  private static func key(_ id: String, _ account: String) -> Key {
    func hash(_ seed: UInt8) -> Int {
      var hasher = Hasher()
      hasher.combine(seed)
      for text in [account, id] {
        hasher.combine(text.utf8.count)
        for byte in text.utf8 { hasher.combine(byte) }
      }
      return hasher.finalize()
    }
    return Key(high: hash(0), low: hash(1))
  }

  /// What a row says in the columns that the mapping reads, as a number.
  private static func content(_ row: ForeignRow) -> Int {
    row.values.reduce(0) { sum, value in
      if value.value.isEmpty { return sum }
      var hasher = Hasher()
      for text in [value.key, value.value] {
        hasher.combine(text.utf8.count)
        for byte in text.utf8 { hasher.combine(byte) }
      }
      return sum &+ hasher.finalize()
    }
  }

  /// Counts a row that came before.
  mutating func standing(of row: ForeignRow, id: String, account: String) -> Standing {
    guard let before = known[Self.key(id, account)] else { return .new }
    if before == Self.content(row) {
      repeats += 1
      return .repeated
    }
    contradictions += 1
    return .contradiction
  }

  /// To be called of a row that became a request: one that was rejected may come again, complete.
  mutating func insert(_ row: ForeignRow, id: String, account: String) {
    known[Self.key(id, account)] = Self.content(row)
  }
}
