import Foundation
import Sampling
import ScenarioModel
import Telemetry

/// A client of ServeGen's data: arrival windows from its CSV, token counts from its JSON.
/// Source: Xiang et al. (2025), "ServeGen: Workload Characterization and Generation of Large Language Model Serving in
/// Production", arXiv 2505.09999.
package struct ServeGenClient: Sendable {
  package let demand: WindowedDemand
  /// Starts of the token windows without counts, µs.
  private let emptyTokens: [Int64]
  /// What makes up the input tokens, where the data have them by kind: text_tokens, image_tokens, …
  package let inputKinds: [String]

  /// - Throws: `NotFoundError`, `DatasetError`.
  package init(trace: String, dataset: String) throws {
    let windows = try Self.windows(trace)
    let tokens = try Self.tokens(dataset)
    emptyTokens = tokens.empty
    inputKinds = tokens.kinds
    demand = WindowedDemand(windows: windows, tokens: tokens.tokens)
  }

  /// Windows that start in the first so many µs.
  package func windows(within length: Int64) -> Int { demand.windows.count { $0.start < length } }

  /// Those of them in which nothing arrives.
  package func pauses(within length: Int64) -> Int {
    demand.windows.count { $0.start < length && $0.rate == 0 }
  }

  /// Token windows without counts that start in the first so many µs.
  package func emptyTokenWindows(within length: Int64) -> Int { emptyTokens.count { $0 < length } }

  /// Expected requests of all windows.
  package var expectedRequests: Double {
    demand.windows.reduce(0) { $0 + $1.rate * Double($1.length) }
  }

  /// Per second.
  package var peakRate: Double { (demand.windows.map(\.rate).max() ?? 0) * 1e6 }

  /// A century.
  private static let longestSeconds = 3.2e9

  private static func windows(_ path: String) throws -> [WindowedDemand.Window] {
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
            4, "the shape \(shape) is none: it must be at least \(least) where there were requests.")
        }
        window.family = family
        window.shape = shape
      }
      rows.append((reader.line, start, window))
    }
    guard rows.count > 1 else { throw DatasetError(path, "a ServeGen trace has at least two windows.") }
    // Each window lasts until the next; the last as long as the one before it.
    for index in rows.indices {
      rows[index].window.length =
        index + 1 < rows.count
        ? rows[index + 1].window.start - rows[index].window.start : rows[index - 1].window.length
    }
    return rows.map(\.window)
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
    guard let data = FileManager.default.contents(atPath: path) else {
      throw NotFoundError(path, "there is no such file.")
    }
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
    for (start, entry) in try members.map({ member -> (Double, JSONNode) in
      guard let start = NumberText.decimal(member.key), start >= 0, start <= longestSeconds else {
        throw DatasetError(path, "the window start \"\(member.key)\" is not a number of seconds.")
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
    return found
  }
}
