import Sampling
import Telemetry

/// The token counts of one window of ServeGen's data: distributions by name, each as a text `{count: probability, …}`.
///
/// Language models have `input_tokens`. Multimodal ones have a distribution of `text_tokens`, and of `image_tokens`,
/// `audio_tokens` and `video_tokens` an item beside the number of items (`image_count`, …; one where that is not
/// given): the input is their sum.
struct TokenCounts {
  let entry: JSONNode
  /// For messages.
  let place: String

  /// Items that a request may have.
  private static let mostItems = 10_000.0
  private static let kindsOfItems = ["image", "audio", "video"]
  /// Those of a response that reasons say what its output tokens are.
  private static let known =
    ["text_tokens"] + kindsOfItems.map { "\($0)_tokens" } + [
      "output_tokens", "reason_tokens", "answer_tokens",
    ]

  /// Input tokens of a request, and what they are the sum of, if of several; `nil` if there were no requests.
  func input() throws -> (distribution: Distribution, kinds: [String])? {
    if entry["input_tokens"] != nil {
      return try distribution("input_tokens").map { ($0, []) }
    }
    guard entry["text_tokens"] != nil else {
      let keys = (entry.members ?? []).prefix(12).map(\.key).joined(separator: ", ")
      throw DatasetError(place, "there is neither input_tokens nor text_tokens. Its keys are: \(keys).")
    }
    let kinds = (entry.members ?? []).map(\.key).filter {
      $0.utf8.reversed().starts(with: "_tokens".utf8.reversed())
    }
    if let unknown = kinds.first(where: { !Self.known.contains($0) }) {
      throw DatasetError(
        place,
        "\(unknown) is not a known kind of tokens; the input would lack them. Known: \(Self.known.joined(separator: ", ")). Add it to one of them, or leave it out."
      )
    }
    guard let text = try weights("text_tokens") else { return nil }
    var found = ["text_tokens"]
    var parts: [(each: [Double: Double], count: [Double: Double])] = []
    for kind in Self.kindsOfItems where entry["\(kind)_tokens"] != nil {
      let counts = entry["\(kind)_count"] == nil ? [1: 1] : try weights("\(kind)_count") ?? [0: 1]
      let each = try weights("\(kind)_tokens") ?? [0: 1]
      if counts.keys.allSatisfy({ $0 == 0 }) || each.keys.allSatisfy({ $0 == 0 }) { continue }
      found.append("\(kind)_tokens")
      parts.append((each, counts))
    }
    let sum = TokenSum(text, parts)
    return (try made("text_tokens", values: sum.values, weights: sum.weights), found)
  }

  /// `nil` if it is empty.
  func distribution(_ name: String) throws -> Distribution? {
    guard let weights = try weights(name) else { return nil }
    let values = weights.keys.sorted()
    return try made(name, values: values, weights: values.map { weights[$0] ?? 0 })
  }

  private func made(_ name: String, values: [Double], weights: [Double]) throws -> Distribution {
    do {
      return try Distribution(.empirical(EmpiricalDistribution(values: values, weights: weights)))
    } catch {
      throw DatasetError("\(place), \(name)", "\(error).")
    }
  }

  /// `{34: 0.0019, 35: 0.0428}`; `nil` if it is empty.
  private func weights(_ name: String) throws -> [Double: Double]? {
    let place = "\(place), \(name)"
    guard let node = entry[name] else {
      let keys = (entry.members ?? []).prefix(12).map(\.key).joined(separator: ", ")
      throw DatasetError(place, "is missing. The window's keys are: \(keys).")
    }
    guard case .text(let text) = node.value, text.utf8.first == UInt8(ascii: "{"),
      text.utf8.last == UInt8(ascii: "}")
    else { throw DatasetError(place, "is not of the form {count: probability, …}.") }
    var weights: [Double: Double] = [:]
    for pair in text.utf8.dropFirst().dropLast().split(separator: UInt8(ascii: ",")) {
      let parts = pair.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false).map {
        NumberText.decimal(
          String(decoding: $0.drop { $0 == 32 }.reversed().drop { $0 == 32 }.reversed(), as: UTF8.self))
      }
      guard parts.count == 2, let value = parts[0], let weight = parts[1], value >= 0, weight >= 0 else {
        throw DatasetError(place, "\"\(String(decoding: pair, as: UTF8.self))\" is not count: probability.")
      }
      guard value == value.rounded() else {
        throw DatasetError(
          place,
          "\(String(decoding: pair, as: UTF8.self)) has a fractional count; counts are whole numbers.")
      }
      guard
        value
          <= (name.utf8.reversed().starts(with: "_count".utf8.reversed())
            ? Self.mostItems : Double(Int32.max))
      else {
        throw DatasetError(
          place, "\(String(decoding: pair, as: UTF8.self)) is an implausibly large count.")
      }
      weights[value, default: 0] += weight
    }
    return weights.isEmpty ? nil : weights
  }
}

/// The distribution of a text's tokens and those of a random number of items, all independent, on a grid of at most
/// 4,096 values: exact where the largest sum fits, else with the mean of every part kept (a count between two values of
/// the grid is shared between them).
struct TokenSum {
  private(set) var values: [Double] = []
  private(set) var weights: [Double] = []
  private static let cells = 4096

  init(_ text: [Double: Double], _ parts: [(each: [Double: Double], count: [Double: Double])]) {
    let largest =
      (text.keys.max() ?? 0)
      + parts.reduce(0) { $0 + ($1.each.keys.max() ?? 0) * ($1.count.keys.max() ?? 0).rounded(.up) }
    let step = max(1, (largest / Double(Self.cells - 1)).rounded(.up))
    var sum = Self.onGrid(text, step)
    for part in parts {
      let each = Self.onGrid(part.each, step)
      let counts = Self.onGrid(part.count, 1)
      var several: [Double] = [1]
      var total: [Double] = []
      for (number, weight) in counts.enumerated() {
        if number > 0 { several = Self.convolved(several, each) }
        guard weight > 0 else { continue }
        if total.count < several.count { total += Array(repeating: 0, count: several.count - total.count) }
        for (place, share) in several.enumerated() { total[place] += weight * share }
      }
      sum = Self.convolved(sum, total)
    }
    for (place, weight) in sum.enumerated() where weight > 0 {
      values.append(Double(place) * step)
      weights.append(weight)
    }
  }

  /// Probabilities by multiples of the step; together 1.
  private static func onGrid(_ weights: [Double: Double], _ step: Double) -> [Double] {
    let total = weights.values.reduce(0, +)
    var grid = Array(repeating: 0.0, count: Int(((weights.keys.max() ?? 0) / step).rounded(.up)) + 1)
    // In order, so that the sums are the same bits wherever.
    for value in weights.keys.sorted() {
      let weight = (weights[value] ?? 0) / max(total, .leastNormalMagnitude)
      let place = value / step
      let below = Int(place)
      let share = place - Double(below)
      grid[below] += weight * (1 - share)
      if share > 0 { grid[below + 1] += weight * share }
    }
    return grid
  }

  private static func convolved(_ a: [Double], _ b: [Double]) -> [Double] {
    var sum = Array(repeating: 0.0, count: a.count + b.count - 1)
    for (place, weight) in a.enumerated() where weight > 0 {
      for (other, share) in b.enumerated() { sum[place + other] += weight * share }
    }
    return sum
  }
}
