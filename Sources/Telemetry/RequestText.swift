/// A text that some telemetry has of each request; where it is unknown, it is empty. To add one, add a case and its
/// description here, and raise `RequestTexts.count`.
package enum RequestText: Int, CaseIterable, Sendable {
  case session, requestClass, user, adapter, prefix

  package var column: RequestColumn {
    switch self {
    case .session:
      RequestColumn(
        name: "session", type: .text, isOptional: true,
        about: "The conversation or task that it is a turn of.")
    case .requestClass:
      RequestColumn(
        name: "class", type: .text, isOptional: true,
        about: "Its class of service, such as interactive or batch.")
    case .user:
      RequestColumn(
        name: "user", type: .text, isOptional: true,
        about: "Who asked, as a hash: names of people are not kept.")
    case .adapter:
      RequestColumn(
        name: "adapter", type: .text, isOptional: true, about: "The fine-tuned adapter (LoRA) that served it."
      )
    case .prefix:
      RequestColumn(
        name: "prefix", type: .text, isOptional: true,
        about: "Hashes of the blocks of its prompt, first to last, with a space between two.")
    }
  }

  /// Its place in `RequestColumn.all`.
  package var place: Int { RequestColumn.Place.texts + rawValue }

  /// Bytes of UTF-8.
  package var longest: Int { self == .prefix ? Limits.prefix : Name.longest }

  /// - Throws: `NameProblem`, which says what follows the column's name in a message.
  package func check(_ text: String) throws(NameProblem) {
    guard self == .prefix else { return try Name.check(text, mayBeEmpty: true) }
    guard text.utf8.count <= longest else {
      throw NameProblem("has \(text.utf8.count) bytes; the hashes of a prompt have at most \(longest).")
    }
    guard text.utf8.allSatisfy(Self.isOfHash), Self.hasSingleSpaces(text.utf8) else {
      throw NameProblem("is not hashes of letters and digits with a space between two, such as 46 47 48.")
    }
  }

  /// Whether ASCII without quotes is a value for certain; for callers that leave everything else to `check`.
  package func takes(ascii bytes: UnsafeRawBufferPointer) -> Bool {
    bytes.count <= longest && bytes.allSatisfy { self == .prefix ? Self.isOfHash($0) : $0 != 0 }
      && (self != .prefix || Self.hasSingleSpaces(bytes))
  }

  /// Whether each space has a hash on both sides.
  private static func hasSingleSpaces(_ bytes: some Collection<UInt8>) -> Bool {
    var isAfterSpace = true
    for byte in bytes {
      if byte == 0x20, isAfterSpace { return false }
      isAfterSpace = byte == 0x20
    }
    return bytes.isEmpty || !isAfterSpace
  }

  private static func isOfHash(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
      UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: " "):
      true
    default: false
    }
  }
}

/// The columns of requests that a data set need not have, and of which one has these, in the schema's order.
package struct OptionalColumns: Equatable, Sendable {
  package let measures: [RequestMeasure]
  package let texts: [RequestText]

  package init(measures: [RequestMeasure] = [], texts: [RequestText] = []) {
    self.measures = RequestMeasure.optional.filter(measures.contains)
    self.texts = RequestText.allCases.filter(texts.contains)
  }

  /// - Parameter has: whether there is a column of a name.
  package init(where has: (String) throws -> Bool) rethrows {
    measures = try RequestMeasure.optional.filter { try has($0.column.name) }
    texts = try RequestText.allCases.filter { try has($0.column.name) }
  }

  package static let none = OptionalColumns()
  package static let all = OptionalColumns(measures: RequestMeasure.optional, texts: RequestText.allCases)

  package var isEmpty: Bool { measures.isEmpty && texts.isEmpty }
  package var columns: [RequestColumn] { measures.map(\.column) + texts.map(\.column) }
}
