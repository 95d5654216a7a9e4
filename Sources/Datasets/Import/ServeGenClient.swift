import Foundation
import Sampling
import ScenarioModel

/// A client of ServeGen's data: arrival windows from its CSV, token counts from its JSON.
/// Source: Xiang et al. (2025), "ServeGen: Workload Characterization and Generation of Large Language Model Serving in
/// Production", arXiv 2505.09999.
package struct ServeGenClient: Sendable {
  package let demand: WindowedDemand
  /// What had to be settled: pauses, and empty token windows.
  package let pauses: Int
  package let emptyTokenWindows: Int
  package var windows: Int { demand.windows.count }

  /// - Throws: `NotFoundError`, `DatasetError`.
  package init(trace: String, dataset: String) throws {
    let windows = try Self.windows(trace)
    let tokens = try Self.tokens(dataset)
    pauses = windows.count { $0.rate == 0 }
    emptyTokenWindows = tokens.empty
    demand = WindowedDemand(windows: windows, tokens: tokens.tokens)
  }

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
        guard let value = Double(try reader.text(field)), value >= 0, value <= most else {
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

  /// Windows without counts take those of the window before them, the first ones those of the first that has some.
  private static func tokens(_ path: String) throws -> (tokens: [WindowedDemand.Tokens], empty: Int) {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw NotFoundError(path, "there is no such file.")
    }
    let object: Any
    do {
      object = try JSONSerialization.jsonObject(with: data)
    } catch {
      throw DatasetError(path, "not JSON: \(error.localizedDescription).")
    }
    guard let byStart = object as? [String: [String: String]] else {
      throw DatasetError(
        path,
        "not a ServeGen dataset: it must be an object keyed by window start, with input_tokens and output_tokens."
      )
    }
    var windows: [WindowedDemand.Tokens] = []
    var empty = 0
    for (start, entry) in try byStart.map({ key, value -> (Double, [String: String]) in
      guard let start = Double(key), start >= 0, start <= longestSeconds else {
        throw DatasetError(path, "the window start \"\(key)\" is not a number of seconds.")
      }
      return (start, value)
    }).sorted(by: { $0.0 < $1.0 }) {
      let place = "\(path), window \(Int(start))"
      guard let input = try distribution(entry["input_tokens"], "\(place), input_tokens"),
        let output = try distribution(entry["output_tokens"], "\(place), output_tokens")
      else {
        empty += 1
        continue
      }
      windows.append(.init(start: Int64(start * 1e6), input: input, output: output))
    }
    guard !windows.isEmpty else {
      throw DatasetError(path, "no window has token counts. There is nothing to draw from.")
    }
    return (windows, empty)
  }

  /// `{34: 0.0019, 35: 0.0428}`; `nil` if it is empty.
  private static func distribution(_ text: String?, _ place: String) throws -> Distribution? {
    guard let text else { throw DatasetError(place, "is missing.") }
    guard text.hasPrefix("{"), text.hasSuffix("}") else {
      throw DatasetError(place, "is not of the form {count: probability, …}.")
    }
    var values: [Double] = []
    var weights: [Double] = []
    for pair in text.dropFirst().dropLast().split(separator: ",") {
      let parts = pair.split(separator: ":")
      guard parts.count == 2, let value = Double(parts[0].trimmingCharacters(in: .whitespaces)),
        let weight = Double(parts[1].trimmingCharacters(in: .whitespaces)), value >= 0, weight >= 0
      else { throw DatasetError(place, "\"\(pair)\" is not count: probability.") }
      values.append(value)
      weights.append(weight)
    }
    if values.isEmpty { return nil }
    do {
      return try Distribution(.empirical(EmpiricalDistribution(values: values, weights: weights)))
    } catch {
      throw DatasetError(place, "\(error).")
    }
  }
}
