/// What a mapping in a scenario may hold. Decoding and the JSON Schema both read these tables, so that
/// they cannot disagree.
struct Shape: Sendable {
  /// Its name in the JSON Schema's `$defs`.
  let name: String
  let about: String
  let keys: [Key]
  /// One key of them all, rather than any number (`{ poisson: … }` or `{ gamma: … }`).
  let isChoice: Bool

  init(_ name: String, _ about: String, choice: Bool = false, _ keys: [Key]) {
    self.name = name
    self.about = about
    self.keys = keys
    isChoice = choice
  }

  func key(_ name: String) -> Key? { keys.first { $0.name == name } }
}

struct Key: Sendable {
  let name: String
  let kind: Kind
  let isRequired: Bool
  /// As it would stand in the document.
  let defaultText: String?
  let about: String

  init(
    _ name: String, _ kind: Kind, required: Bool = false, default defaultText: String? = nil, _ about: String
  ) {
    self.name = name
    self.kind = kind
    isRequired = required
    self.defaultText = defaultText
    self.about = about
  }
}

indirect enum Kind: Sendable {
  case text
  case integer(ClosedRange<Int>)
  case number(ClosedRange<Double>)
  case duration
  case rate
  /// A date or a date and time.
  case moment
  case choice([String])
  case object(@Sendable () -> Shape)
  case list(Kind)
  /// Any keys, values of one kind; a pattern that the keys follow.
  case map(keys: String, Kind)
  /// A constant, or one of the distributions.
  case distribution(Dimension)
  /// One of two ways to write it.
  case either(Kind, Kind)
}

/// What the numbers of a distribution are.
enum Dimension: String, Sendable {
  /// `3h`, `250ms`: durations, which become microseconds.
  case duration
  /// Plain numbers.
  case count
}
