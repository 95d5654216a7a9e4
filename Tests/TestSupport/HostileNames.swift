import Telemetry

/// Names that go wrong where text is put into another language without being escaped there.
package enum HostileNames {
  /// What some language takes for more than a character.
  package static let special: [String] = [
    "'", "\"", "\\", "$", "`", "%", ":", "::", "\n", "\r", "\r\n", ",", ";", "<", ">", "&", "{", "}", "[",
    "]", "#", "*",
    "-", "--", "?", "!", "|", "@", "=", "+", "\t", "/", "..", "~", "(", ")", "]]>", "##[", "\u{1b}[31m",
    "\\.", " ",
  ]

  /// The first assigned character of every general category, and those whose neighbours become part of their grapheme
  /// cluster (or they of their neighbours'), that turn text around, or that nobody sees.
  package static let companions: [Unicode.Scalar] = {
    var found: [Unicode.GeneralCategory: Unicode.Scalar] = [:]
    for value in 1...0x10ffff as ClosedRange<UInt32> {
      guard let scalar = Unicode.Scalar(value) else { continue }
      let category = scalar.properties.generalCategory
      if value >= 0xa0 || category == .control, found[category] == nil { found[category] = scalar }
      if found.count == 29 { break }
    }
    // Prepend, ZWJ and ZWNJ, Extend, SpacingMark, Hangul L V T, regional indicators, directions, separators, the rest.
    let chosen: [UInt32] = [
      0x600, 0x605, 0x6dd, 0x70f, 0x8e2, 0xd4e, 0x110bd, 0x111c2, 0x200d, 0x200c, 0x301, 0x338, 0x20dd,
      0xfe0f, 0x903,
      0x1100, 0x1161, 0x11a8, 0x1f1e6, 0x1f468, 0x1f3fb, 0x5d0, 0x627, 0x202e, 0x2066, 0x200f, 0x2028, 0x2029,
      0x85,
      0xa0, 0xfeff, 0xfffd, 0xfffe, 0xffff, 0x1fffe, 0x10ffff, 0xe000, 0xe0001, 0x1b, 0x07, 0x08, 0x7f, 0x9b,
      0x1,
      0xff1d, 0x3000, 0x65e5,
    ]
    return found.values.sorted { $0.value < $1.value } + chosen.compactMap(Unicode.Scalar.init)
  }()

  /// A special with a companion before, after and around it, in the middle, and behind a letter.
  package static func forms(_ special: String, _ companion: Unicode.Scalar, _ tail: String = "") -> [String] {
    [
      "\(companion)\(special)\(tail)", "\(special)\(companion)\(tail)",
      "\(companion)\(special)\(companion)\(tail)",
      "a\(companion)\(special); DROP \(companion)\(special)\(tail)", "x\(special)\(companion)\(tail)",
    ]
  }

  /// Ten thousand (or as many as are asked for), different and not canonically equal: each special by itself,
  /// then each with each companion in one form or another, then in the next form, and the same again with a
  /// number.
  package static func list(_ count: Int = 10_000) -> [String] {
    var names: [String] = []
    var spellings = NameSpellings()
    var seen: Set<ExactName> = []
    func take(_ name: String) {
      guard names.count < count else { return }
      do {
        try Name.check(name)
        try spellings.admit(name)
      } catch {
        return  // The rule for names refuses it, or its twin came before.
      }
      if seen.insert(ExactName(name)).inserted { names.append(name) }
    }
    var round = 0
    while names.count < count {
      let tail = round == 0 ? "" : "\(round)"
      for special in special { take(special + tail) }
      for turn in 0..<5 {
        for (row, special) in special.enumerated() {
          for (column, companion) in companions.enumerated() {
            take(forms(special, companion, tail)[(row + column + turn) % 5])
          }
        }
      }
      round += 1
    }
    return names
  }

  /// A smaller list; one of 300 or more still has every special and every companion.
  package static func few(_ count: Int) -> [String] {
    let all = list()
    return (0..<count).map { all[$0 * all.count / count] }
  }
}
