import Hashing
import Telemetry

/// The keys of a mapping that give optional columns of telemetry, which a row need not have.
enum OptionalFields {
  static let texts: [(key: String, text: RequestText)] = [
    ("session", .session), ("class", .requestClass), ("user", .user), ("adapter", .adapter),
    ("prefix", .prefix),
  ]

  static let measures: [(key: String, measure: RequestMeasure)] = [
    ("cachedInputTokens", .cachedInputTokens), ("reasoningTokens", .reasoningTokens), ("cost", .cost),
    ("turn", .turn), ("attempt", .attempt),
  ]

  /// Whether it counts tokens, some of those that a request has in any case.
  static func isTokens(_ measure: RequestMeasure) -> Bool {
    measure == .cachedInputTokens || measure == .reasoningTokens
  }

  static let keys = texts.map(\.key) + measures.map(\.key)
}

// Values that a row may leave unknown.
extension MappedImport {
  /// Sets what a row says of the optional columns that the mapping names.
  func takeOptional(
    _ row: ForeignRow, _ request: inout RequestRecord, _ notes: inout [ImportReport.Note]
  ) throws {
    for (key, measure) in extras.measures {
      guard let value = try optionalNumber(row, key, measure, &notes) else { continue }
      try checkPart(key, value, measure, of: request)
      request.measures[measure] = value
    }
    var texts: [String]?
    for (key, text) in extras.texts {
      guard let value = try optionalText(row, key, text) else {
        notes.append(.unknown(key))
        continue
      }
      if texts == nil { texts = Array(repeating: "", count: RequestText.allCases.count) }
      texts?[text.rawValue] = value
    }
    request.texts = texts
  }

  private func checkPart(
    _ key: String, _ value: Int64, _ measure: RequestMeasure, of request: RequestRecord
  ) throws {
    let whole: (name: String, measure: RequestMeasure)? =
      switch measure {
      case .cachedInputTokens: ("inputTokens", .inputTokens)
      case .reasoningTokens: ("outputTokens", .outputTokens)
      default: nil
      }
    guard let whole, request.unknown & whole.measure.bit == 0, value > request.measures[whole.measure] else {
      return
    }
    throw RowProblem(
      "\(key) \(value) is more than \(whole.name) \(request.measures[whole.measure]), of which they are a part",
      kind: "\(key) is more than \(whole.name)")
  }

  private func optionalText(_ row: ForeignRow, _ key: String, _ text: RequestText) throws -> String? {
    var value = self.text(row, key)
    if value.isEmpty { return nil }
    switch text {
    case .user: value = Self.hash(user: value, of: account(of: row))
    case .prefix: value = Self.hashes(value)
    case .session, .requestClass, .adapter: break
    }
    do {
      try text.check(value)
    } catch {
      throw RowProblem("\(key) \(error)", kind: "\(key) cannot be taken")
    }
    return value.isEmpty ? nil : value
  }

  /// Names of people are not kept: 128 bits of a hash with the account, the same for the same user of it. Whoever knows
  /// the names can compute it, so it hides them from readers of the data set and not from their owner.
  static func hash(user: String, of account: String) -> String {
    String(SHA256.authenticationCode(of: Array(user.utf8), key: Array(account.utf8)).hexadecimal.prefix(32))
  }

  /// `[46, 47]`, `46,47` and `46 47` are the same.
  private static func hashes(_ text: String) -> String {
    let separators = Set("[], \t\"'".unicodeScalars)
    return text.unicodeScalars.split(whereSeparator: separators.contains).map(String.init).joined(
      separator: " ")
  }
}
