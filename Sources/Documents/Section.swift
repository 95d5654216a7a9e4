import Telemetry

/// Reads one mapping of the document by its shape. What is wrong goes to the diagnostics; the value is
/// then `nil`, and reading continues, so that one pass finds every error.
package struct Section {
  package let location: Location
  package let shape: Shape
  package let diagnostics: Diagnostics
  /// What instants without an offset refer to.
  package var calendar: ZonedCalendar
  private let entries: [String: DocumentNode]
  package let keyLocations: [String: Location]
  /// Whether it has keys that the shape has not, which have been reported.
  package private(set) var hasUnknownKeys = false

  /// `nil` (and a diagnostic) if the node is not a mapping.
  package init?(_ node: DocumentNode, _ shape: Shape, _ diagnostics: Diagnostics, _ calendar: ZonedCalendar) {
    guard let list = node.entries else {
      diagnostics.error(
        node.location,
        "\(node.kindName) where a mapping is expected (\(shape.about.prefix(while: { $0 != ":" && $0 != "." }))). It may have the keys \(shape.keys.prefix(12).map(\.name).joined(separator: ", "))."
      )
      return nil
    }
    self.shape = shape
    self.diagnostics = diagnostics
    self.calendar = calendar
    location = node.location
    var entries: [String: DocumentNode] = [:]
    var locations: [String: Location] = [:]
    for entry in list {
      guard shape.key(entry.key) != nil else {
        let hint =
          nearest(entry.key, among: shape.keys.map(\.name)).map { "Did you mean \($0)?" }
          ?? "Known here: \(shape.keys.map(\.name).joined(separator: ", "))."
        diagnostics.error(entry.keyLocation, "unknown key \(quoted(entry.key)). \(hint)")
        hasUnknownKeys = true
        continue
      }
      locations[entry.key] = entry.keyLocation
      if !entry.value.isNull { entries[entry.key] = entry.value }
    }
    self.entries = entries
    keyLocations = locations
    for key in shape.keys where key.isRequired && entries[key.name] == nil {
      diagnostics.error(location, "\(key.name) is missing. \(key.about)")
    }
    if shape.isChoice, entries.count > 1 {
      diagnostics.error(
        location,
        "\(entries.keys.sorted().joined(separator: " and ")) cannot be given together; give one of them.")
    }
    if shape.isChoice, entries.isEmpty, list.allSatisfy({ shape.key($0.key) != nil }) {
      diagnostics.error(
        location, "nothing is given. Give one of \(shape.keys.map(\.name).joined(separator: ", ")).")
    }
  }

  package func has(_ name: String) -> Bool { entries[name] != nil }
  package func node(_ name: String) -> DocumentNode? { entries[name] }
  package func location(of name: String) -> Location {
    entries[name]?.location ?? keyLocations[name] ?? location
  }

  /// The single key of a choice.
  package var chosen: (key: String, node: DocumentNode)? {
    entries.count == 1 ? entries.first.map { ($0.key, $0.value) } : nil
  }

  package func error(_ name: String?, _ message: String) {
    diagnostics.error(name.map(location(of:)) ?? location, message)
  }

  package func warning(_ name: String?, _ message: String) {
    diagnostics.warning(name.map(location(of:)) ?? location, message)
  }

  package func section(_ name: String) -> Section? {
    guard let node = entries[name], case .object(let shape)? = shape.key(name)?.kind else { return nil }
    return Section(node, shape(), diagnostics, calendar)
  }

  package func sections(_ name: String) -> [Section] {
    guard case .list(.object(let shape))? = shape.key(name)?.kind else { return [] }
    let shared = shape()
    return list(name).compactMap { Section($0, shared, diagnostics, calendar) }
  }

  package func list(_ name: String) -> [DocumentNode] {
    guard let node = entries[name] else { return [] }
    guard let elements = node.elements else {
      diagnostics.error(
        node.location,
        "\(name) must be a list, not \(node.kindName). Write [ … ], or a line with a dash for each.")
      return []
    }
    return elements
  }

  package func map(_ name: String) -> [DocumentNode.Entry] {
    guard let node = entries[name] else { return [] }
    guard let entries = node.entries else {
      diagnostics.error(
        node.location,
        "\(name) must be a mapping of names to values, not \(node.kindName). Write \(name): { NAME: … }.")
      return []
    }
    return entries
  }

  package func text(_ name: String) -> String? {
    guard let node = entries[name] else { return nil }
    guard let text = node.scalar else {
      diagnostics.error(node.location, "\(name) must be text, not \(node.kindName).")
      return nil
    }
    do {
      try Name.check(text)
    } catch {
      diagnostics.error(node.location, "\(name) \(error)")
      return nil
    }
    return text
  }

  /// A list of texts; anything else is reported and left out.
  package func texts(_ name: String) -> [String] {
    list(name).compactMap { node in
      if node.scalar == nil {
        diagnostics.error(node.location, "an entry of \(name) must be text, not \(node.kindName).")
      }
      return node.scalar
    }
  }

  /// A name, or a reference to one: spelt one way in the whole document.
  package func name(_ name: String) -> String? {
    guard let text = text(name) else { return nil }
    return admit(text, name, location(of: name)) ? text : nil
  }

  /// Whether a name that is the key of a mapping may be one.
  package func admit(_ text: String, _ what: String, _ location: Location) -> Bool {
    do {
      try Name.check(text)
      try diagnostics.spellings.admit(text)
      return true
    } catch {
      diagnostics.error(location, "\(what) \(error)")
      return false
    }
  }

  package func choice(_ name: String) -> String? {
    guard let text = text(name), case .choice(let choices)? = shape.key(name)?.kind else { return nil }
    guard choices.contains(text) else {
      let hint = nearest(text, among: choices).map { " Did you mean \($0)?" } ?? ""
      error(name, "\(name) \(quoted(text)) is not one of \(choices.joined(separator: ", ")).\(hint)")
      return nil
    }
    return text
  }

  package func integer(_ name: String) -> Int? {
    guard let node = entries[name], case .integer(let range)? = shape.key(name)?.kind else { return nil }
    return integer(node, name, range)
  }

  package func integer(_ node: DocumentNode, _ name: String, _ range: ClosedRange<Int>) -> Int? {
    let limits =
      range.upperBound == .max
      ? "at least \(range.lowerBound), and less than 2⁶³"
      : range.count == 1 ? "\(range.lowerBound)" : "\(range.lowerBound) to \(range.upperBound)"
    guard let text = node.scalar, let value = Quantity.integer(text) else {
      // Digits that 64 bits do not hold.
      let isTooLong = node.scalar.flatMap { Quantity.number($0) }.map { abs($0) >= 0x1p63 } ?? false
      diagnostics.error(
        node.location,
        isTooLong
          ? "\(name) \(node.scalar ?? "") is out of range. It must be \(limits)."
          : "\(name) must be a whole number, not \(node.kindName).")
      return nil
    }
    guard range.contains(value) else {
      diagnostics.error(node.location, "\(name) \(value) is out of range. It must be \(limits).")
      return nil
    }
    return value
  }

  package func number(_ name: String) -> Double? {
    guard let node = entries[name], case .number(let range)? = shape.key(name)?.kind else { return nil }
    return number(node, name, range)
  }

  package func number(_ node: DocumentNode, _ name: String, _ range: ClosedRange<Double>) -> Double? {
    guard let text = node.scalar, let value = Quantity.number(text) else {
      diagnostics.error(node.location, "\(name) must be a number, not \(node.kindName).")
      return nil
    }
    guard range.contains(value) else {
      diagnostics.error(
        node.location,
        "\(name) \(text) is out of range. It must be \(plain(range.lowerBound)) to \(plain(range.upperBound))."
      )
      return nil
    }
    return value
  }

  /// Microseconds, rounded.
  package func duration(_ name: String) -> Int64? {
    guard let node = entries[name] else { return nil }
    return durationMicroseconds(node, name).map { Int64($0.rounded()) }
  }

  /// µs, not rounded: a token's share of the time may be less than a microsecond.
  package func exactDuration(_ name: String) -> Double? {
    entries[name].flatMap { durationMicroseconds($0, name) }
  }

  package func durationMicroseconds(_ node: DocumentNode, _ name: String, allowNegative: Bool = false)
    -> Double?
  {
    guard let text = node.scalar, let value = Quantity.duration(text) else {
      let unitless = node.scalar.flatMap { Quantity.number($0) } != nil
      diagnostics.error(
        node.location,
        unitless
          ? "\(name) \(node.scalar ?? "") has no unit. Write \(Quantity.durationHelp)."
          : "\(name) must be a duration, not \(node.kindName). Write \(Quantity.durationHelp).")
      return nil
    }
    guard abs(value) <= Quantity.longestMicroseconds, allowNegative || value >= 0 else {
      diagnostics.error(
        node.location, "\(name) \(quoted(text)) is out of range. A duration is between 0 and 100 years.")
      return nil
    }
    return value
  }

  /// Events per microsecond.
  package func rate(_ name: String, allowZero: Bool = false) -> Double? {
    guard let node = entries[name] else { return nil }
    guard let text = node.scalar, let value = Quantity.rate(text) else {
      let unitless = node.scalar.flatMap { Quantity.number($0) } != nil
      diagnostics.error(
        node.location,
        unitless
          ? "\(name) \(node.scalar ?? "") has no unit. Write \(Quantity.rateHelp)."
          : "\(name) must be a rate, not \(node.kindName). Write \(Quantity.rateHelp).")
      return nil
    }
    guard allowZero ? value >= 0 : value > 0, value <= 0.1 else {
      diagnostics.error(
        node.location, "\(name) \(quoted(text)) is out of range. It must be above 0 and at most 100000/s.")
      return nil
    }
    return value
  }

  package func instant(_ name: String) -> Timestamp? {
    guard let node = entries[name] else { return nil }
    guard let text = node.scalar else {
      diagnostics.error(node.location, "\(name) must be an instant, not \(node.kindName).")
      return nil
    }
    switch InstantText.parse(text, calendar) {
    case .success(let instant):
      guard Timestamp.supported.contains(instant) else {
        error(
          name, "\(name) \(quoted(text)) is out of range. An instant lies in \(Timestamp.supportedYears).")
        return nil
      }
      return instant
    case .failure(let problem):
      error(name, "\(name) \(quoted(text)) \(problem.text)")
      return nil
    }
  }
}

/// A number as a person would write it: 1e6 as `1000000`, 0.5 as `0.5`.
package func plain(_ value: Double) -> String {
  value == value.rounded() && abs(value) < 1e15 ? String(Int64(value)) : String(value)
}
