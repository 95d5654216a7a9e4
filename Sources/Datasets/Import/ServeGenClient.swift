import Documents
import Foundation
import Sampling
import ScenarioModel
import Telemetry

/// A client of ServeGen's data: arrival windows from its CSV, token counts from its JSON.
/// Source: Xiang et al. (2025), "ServeGen: Workload Characterization and Generation of Large Language Model Serving in
/// Production", arXiv 2505.09999.
package struct ServeGenClient: Sendable {
  package let demand: WindowedDemand
  /// Starts of the windows that the data lack, µs: nothing arrives in them.
  private let missing: [Int64]
  /// Starts of the token windows without counts, µs.
  private let emptyTokens: [Int64]
  /// What makes up the input tokens, where the data have them by kind: text_tokens, image_tokens, …
  package let inputKinds: [String]

  /// - Throws: `NotFoundError`, `DatasetError`.
  package init(trace: String, dataset: String) throws {
    let (windows, missing) = try Self.windows(trace)
    self.missing = missing
    let tokens = try Self.tokens(dataset)
    emptyTokens = tokens.empty
    inputKinds = tokens.kinds
    demand = WindowedDemand(windows: windows, tokens: tokens.tokens)
  }

  /// Windows that start in the first `length` µs.
  package func windows(within length: Int64) -> Int { demand.windows.count { $0.start < length } }

  /// Those of them in which nothing arrives.
  package func inactiveWindows(within length: Int64) -> Int {
    demand.windows.count { $0.start < length && $0.rate == 0 }
  }

  /// Windows that the data lack, and that start in the first `length` µs. A client is inactive in them too.
  package func missingWindows(within length: Int64) -> Int { missing.count { $0 < length } }

  /// Token windows without counts that start in the first `length` µs.
  package func emptyTokenWindows(within length: Int64) -> Int { emptyTokens.count { $0 < length } }

  /// Expected requests of all windows.
  package var expectedRequests: Double {
    demand.windows.reduce(0) { $0 + $1.rate * Double($1.length) }
  }

  /// Per second.
  package var peakRate: Double { (demand.windows.map(\.rate).max() ?? 0) * 1e6 }

  /// A century.
  private static let longestSeconds = 3.2e9

  /// The windows of a trace, including those that it lacks, as inactive ones, and the starts of the latter.
  private static func windows(
    _ path: String
  ) throws -> (windows: [WindowedDemand.Window], missing: [Int64]) {
    let reader = try CSVReader(try InputFile(path))
    var rows: [(line: Int, start: Double, window: WindowedDemand.Window)] = []
    while try reader.next() {
      guard reader.fieldCount == 6 else {
        throw reader.error(
          reader.fieldCount - 1,
          "the row has \(reader.fieldCount) fields; a ServeGen trace has 6: start, rate, cv, family, shape, scale."
        )
      }
      func number(_ field: Int, _ name: String, most: Double) throws -> Double {
        guard let value = NumberText.decimal(try reader.text(field)), value >= 0, value <= most else {
          throw reader.error(field, "\(name) \"\(try reader.text(field))\" is not a number in 0…\(most).")
        }
        return value
      }
      let start = try number(0, "the window's start", most: Self.longestSeconds)
      let rate = try number(1, "the rate", most: 1e5)
      let name = try reader.text(3).lowercased()
      if let last = rows.last, Int64(start * 1e6) <= last.window.start {
        throw reader.error(0, "the window starts at or before the one above it. Sort the rows.")
      }
      var window = WindowedDemand.Window(
        start: Int64(start * 1e6), length: 0, rate: rate / 1e6, family: .gamma, shape: 1)
      if rate > 0 {
        guard let family = WindowedDemand.Family(rawValue: name) else {
          throw reader.error(3, "the family \"\(name)\" is neither Gamma nor Weibull.")
        }
        let shape = try number(4, "the shape", most: 1e4)
        // Below, the mean of a Weibull interval is beyond numbers.
        let least = family == .gamma ? 1e-7 : 0.01
        guard shape >= least else {
          throw reader.error(
            4, "the shape \(shape) is invalid: it must be at least \(least) where there were requests.")
        }
        window.family = family
        window.shape = shape
      }
      rows.append((reader.line, start, window))
    }
    guard rows.count > 1 else { throw DatasetError(path, "a ServeGen trace has at least two windows.") }
    let length = step(rows.map(\.window.start))
    var windows: [WindowedDemand.Window] = []
    var missing: [Int64] = []
    for row in rows {
      if let last = windows.last {
        let apart = row.window.start - last.start
        guard apart % length == 0 else {
          throw DatasetError(
            path, line: row.line, column: 1,
            "the window starts \(plain(Double(apart) / 1e6)) s after the one above it, which is not a multiple of the windows' \(plain(Double(length) / 1e6)) s. Correct the row."
          )
        }
        guard apart / length <= mostMissing else {
          throw DatasetError(
            path, line: row.line, column: 1,
            "\(apart / length - 1) windows are missing before this one: more than \(mostMissing). Is its start right?"
          )
        }
        for start in stride(from: last.start + length, to: row.window.start, by: Int(length)) {
          missing.append(start)
          windows.append(.init(start: start, length: length, rate: 0, family: .gamma, shape: 1))
        }
      }
      var window = row.window
      window.length = length
      windows.append(window)
    }
    return (windows, missing)
  }

  /// Windows that may be missing in a row: a year of ten minutes, and some.
  private static let mostMissing: Int64 = 100_000

  /// What windows are apart, µs: mostly, and of two that are as frequent the shorter.
  private static func step(_ starts: [Int64]) -> Int64 {
    var counts: [Int64: Int] = [:]
    for (start, next) in zip(starts, starts.dropFirst()) { counts[next - start, default: 0] += 1 }
    return counts.max { ($0.value, -$0.key) < ($1.value, -$1.key) }?.key ?? 1
  }

  /// What a dataset says.
  private struct TokenWindows {
    var tokens: [WindowedDemand.Tokens] = []
    /// Starts of the windows without counts, µs.
    var empty: [Int64] = []
    var kinds: [String] = []
  }

  /// Windows without counts take those of the window before them, the first ones those of the first that has some.
  private static func tokens(_ path: String) throws -> TokenWindows {
    let data = ByteOrderMark.dropped(try GivenFile.contents(path))
    let root: JSONNode
    do {
      root = try JSONNode(ArraySlice(data))
    } catch {
      throw DatasetError(path, "not JSON: \(error.text).")
    }
    guard let members = root.members, members.allSatisfy({ $0.value.members != nil }) else {
      throw DatasetError(
        path,
        "not a ServeGen dataset: it must be an object keyed by window start, with input_tokens and output_tokens."
      )
    }
    var found = TokenWindows()
    var kinds: Set<String> = []
    var keys: [Int64: String] = [:]
    for (start, entry) in try members.map({ member -> (Double, JSONNode) in
      guard let start = NumberText.decimal(member.key), start >= 0, start <= longestSeconds else {
        throw DatasetError(path, "the window start \"\(member.key)\" is not a number of seconds.")
      }
      if let other = keys.updateValue(member.key, forKey: Int64(start * 1e6)) {
        throw DatasetError(
          path, "the windows \"\(other)\" and \"\(member.key)\" start at the same time. Leave one of them.")
      }
      return (start, member.value)
    }).sorted(by: { $0.0 < $1.0 }) {
      let counts = TokenCounts(entry: entry, place: "\(path), window \(Int(start))")
      let microseconds = Int64(start * 1e6)
      guard let input = try counts.input(), let output = try counts.distribution("output_tokens") else {
        found.empty.append(microseconds)
        continue
      }
      kinds.formUnion(input.kinds)
      found.tokens.append(.init(start: microseconds, input: input.distribution, output: output))
    }
    guard !found.tokens.isEmpty else {
      throw DatasetError(path, "no window has token counts. There is nothing to draw from.")
    }
    found.kinds = kinds.sorted()
    // Windows that are not there are without counts, too.
    let starts = (found.tokens.map(\.start) + found.empty).sorted()
    let length = step(starts)
    for (start, next) in zip(starts, starts.dropFirst()) where (next - start) / length <= mostMissing {
      found.empty += stride(from: start + length, to: next, by: Int(length))
    }
    return found
  }
}
