/// The one rule for names: of accounts, models, versions, hardware, providers, base models and failure reasons.
///
/// A name is data. Any Unicode text may be one, line breaks and other control characters too, which are escaped where
/// they are shown or written. It has no U+0000, because C libraries end a text there and would take two names for one;
/// it does not start with a byte order mark, which readers drop; and it has at most `longest` bytes.
package enum Name {
  /// Bytes of UTF-8.
  package static let longest = 1024

  /// - Parameter mayBeEmpty: for columns where an empty text says that there is no name.
  package static func check(_ text: String, mayBeEmpty: Bool = false) throws(NameProblem) {
    if text.utf8.isEmpty, !mayBeEmpty { throw NameProblem("is empty. Give a name.") }
    guard text.utf8.count <= longest else {
      throw NameProblem("has \(text.utf8.count) bytes of UTF-8; a name has at most \(longest). Shorten it.")
    }
    // Foundation drops one there, and so do YAML's reader and many others: two names would be one.
    if text.utf8.starts(with: [0xef, 0xbb, 0xbf]) {
      throw NameProblem(
        "\(quoted(text)) starts with a byte order mark, U+FEFF, which readers drop. Remove it.")
    }
    if text.utf8.contains(0) {
      throw NameProblem("\(quoted(text)) has a character U+0000, which names cannot have. Remove it.")
    }
  }

  /// Whether both are the same code points. Swift's `==` also takes é and e + U+0301 for one.
  @inlinable
  package static func same(_ a: String, _ b: String) -> Bool { a.utf8.elementsEqual(b.utf8) }

  fileprivate static func quoted(_ text: String) -> String {
    "\"\(String(String.UnicodeScalarView(text.unicodeScalars.prefix(60))).shown)\""
  }

  /// `U+0065 U+0301`.
  package static func codePoints(_ text: String) -> String {
    let points = text.unicodeScalars.prefix(20).map { scalar in
      let digits = String(scalar.value, radix: 16, uppercase: true)
      return "U+" + String(repeating: "0", count: max(0, 4 - digits.utf8.count)) + digits
    }
    return points.joined(separator: " ") + (text.unicodeScalars.count > 20 ? " …" : "")
  }
}

/// Why a text cannot be a name: what follows the place or the column in a message.
package struct NameProblem: Error, CustomStringConvertible {
  package let description: String
  package init(_ description: String) { self.description = description }
}

/// The names of one data set or scenario. Two that differ in their code points and are canonically equal (é as U+00E9
/// and as U+0065 U+0301) look the same to everybody and are one to many programs, so they are refused.
package struct NameSpellings: Sendable {
  /// By canonical equivalence, which is what a dictionary's keys are compared by.
  private var known: [String: String] = [:]

  package init() {}

  /// What is wrong with the spelling of some names together, if anything.
  package static func problem(in names: some Sequence<String>) -> NameProblem? {
    var spellings = NameSpellings()
    do {
      for name in names { try spellings.admit(name) }
      return nil
    } catch {
      return error
    }
  }

  package var isEmpty: Bool { known.isEmpty }

  package mutating func admit(_ name: String) throws(NameProblem) {
    guard let first = known[name] else {
      known[name] = name
      return
    }
    if Name.same(first, name) { return }
    throw NameProblem(
      "\(Name.quoted(name)) is spelt \(Name.codePoints(name)) here and \(Name.codePoints(first)) elsewhere: one name to a reader, two to a program. Spell it one way."
    )
  }
}

/// A name as a key that is compared by code points.
package struct ExactName: Hashable, Sendable {
  package let text: String
  package init(_ text: String) { self.text = text }
  package static func == (a: ExactName, b: ExactName) -> Bool { Name.same(a.text, b.text) }
  package func hash(into hasher: inout Hasher) {
    for byte in text.utf8 { hasher.combine(byte) }
  }
}
