/// What a mapping in a document may hold. Decoding and the JSON Schema both read these tables, so that
/// they cannot disagree.
package struct Shape: Sendable {
  /// Its name in the JSON Schema's `$defs`.
  package let name: String
  package let about: String
  package let keys: [Key]
  /// One key of them all, rather than any number (`{ poisson: … }` or `{ gamma: … }`).
  package let isChoice: Bool

  package init(_ name: String, _ about: String, choice: Bool = false, _ keys: [Key]) {
    self.name = name
    self.about = about
    self.keys = keys
    isChoice = choice
  }

  package func key(_ name: String) -> Key? { keys.first { $0.name == name } }
}

package struct Key: Sendable {
  package let name: String
  package let kind: Kind
  package let isRequired: Bool
  /// As it would be written in the document.
  package let defaultText: String?
  package let about: String

  package init(
    _ name: String, _ kind: Kind, required: Bool = false, default defaultText: String? = nil, _ about: String
  ) {
    self.name = name
    self.kind = kind
    isRequired = required
    self.defaultText = defaultText
    self.about = about
  }
}

package indirect enum Kind: Sendable {
  case text
  case integer(ClosedRange<Int>)
  case number(ClosedRange<Double>)
  case duration
  case rate
  /// A date or a date and time.
  case instant
  case choice([String])
  case object(@Sendable () -> Shape)
  case list(Kind)
  /// Any keys, values of one kind; a pattern that the keys follow.
  case map(keys: String, Kind)
  /// A constant, or a mapping in its place.
  case constant(Quantity.Dimension, or: @Sendable () -> Shape)
  /// One of two ways to write it.
  case either(Kind, Kind)
}

extension Quantity {
  /// What a constant is.
  package enum Dimension: String, Sendable {
    /// `3h`, `250ms`: durations, which become microseconds.
    case duration
    /// Plain numbers.
    case count
  }
}
