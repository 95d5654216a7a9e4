import Foundation
import Telemetry

/// The answer of Prometheus to a range query (`/api/v1/query_range`), saved as a file: series of samples, such as replicas.
///
/// Source: Prometheus, "HTTP API", sections "Range queries" and "Range vectors".
package struct PrometheusRange: Sendable {
  package struct Series: Sendable {
    /// In the order of the file.
    package var labels: [(name: String, value: String)]
    /// µs since 1970, ascending; samples that are NaN are left out.
    package var samples: [(at: Int64, value: Double)]

    /// As PromQL writes it.
    package var text: String {
      let list = labels.filter { $0.name != "__name__" }.map { "\($0.name)=\"\($0.value)\"" }
      return "{\(list.joined(separator: ", "))}"
    }
  }

  package let path: String
  package let series: [Series]

  private static let advice =
    "Save what /api/v1/query_range answers to a query with start, end and step."

  /// - Throws: `NotFoundError`, `DatasetError`.
  package init(contentsOf path: String) throws {
    try self.init(try GivenFile.contents(path), path: path)
  }

  /// - Throws: `DatasetError`.
  package init(_ data: Data, path: String) throws {
    self.path = path
    let root: JSONNode
    do throws(JSONNode.SyntaxError) {
      root = try JSONNode(Array(data)[...])
    } catch {
      throw DatasetError(path, "not JSON: \(error.text). \(Self.advice)")
    }
    if let status = root["status"]?.scalar, status != "success" {
      throw DatasetError(
        path,
        "the query did not succeed: \(root["error"]?.scalar ?? "status \"\(status)\""). Correct it, and save its answer."
      )
    }
    let body = root["data"] ?? root
    if let type = body["resultType"]?.scalar, type != "matrix" {
      throw DatasetError(
        path, "the answer is a \(type) and not a matrix: values at one instant. \(Self.advice)")
    }
    guard let results = body["result"]?.elements else {
      throw DatasetError(path, "there is no data.result, so it is no answer of Prometheus. \(Self.advice)")
    }
    var series: [Series] = []
    for (place, result) in results.enumerated() {
      let place = "\(path), series \(place + 1)"
      guard let metric = result["metric"]?.members, let values = result["values"]?.elements else {
        throw DatasetError(place, "it has no metric or no values. \(Self.advice)")
      }
      let labels = metric.map { (name: $0.key, value: $0.value.scalar ?? "") }
      series.append(Series(labels: labels, samples: try Self.samples(values, place)))
    }
    guard series.contains(where: { !$0.samples.isEmpty }) else {
      throw DatasetError(
        path, "there is no sample. Is the metric's name right, and does the query's time have data?")
    }
    self.series = series
  }

  private static func samples(_ values: [JSONNode], _ place: String) throws -> [(at: Int64, value: Double)] {
    var samples: [(at: Int64, value: Double)] = []
    samples.reserveCapacity(values.count)
    for (row, node) in values.enumerated() {
      let place = "\(place), value \(row + 1)"
      guard let pair = node.elements, pair.count == 2, case .number(let instant) = pair[0].value,
        case .text(let text) = pair[1].value, let seconds = Double(instant), let value = Double(text)
      else {
        throw DatasetError(
          place, "a sample must be an instant in seconds and a value in quotes: [1767225600, \"3\"].")
      }
      guard abs(seconds) < 1e11 else {
        throw DatasetError(
          place, "the instant \(instant) is not in seconds since 1970. Are these milliseconds? \(advice)")
      }
      let at = Int64((seconds * 1e6).rounded())
      if let last = samples.last, last.at >= at {
        throw DatasetError(place, "the samples are not in order of time. Save the answer as it came.")
      }
      if !value.isNaN { samples.append((at, value)) }
    }
    return samples
  }
}
