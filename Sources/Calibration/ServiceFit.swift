import Foundation
import Sampling
import ScenarioModel
import Telemetry

/// The service time of one deployment, or of an external model.
///
/// `(firstToken + perInputToken × input + perOutputToken × output) × (1 + batchSlowdown × others)`, from the time to the
/// first token, the time of the rest, and how many others shared the replica. Where tokens explain nothing of the time,
/// or nothing is known of the first token, the whole time is fitted.
package struct ServiceFit: Sendable {
  package enum Form: Sendable {
    /// µs.
    case direct(DistributionFit)
    case tokens(
      firstToken: DistributionFit?, perInputToken: DistributionFit?, perOutputToken: DistributionFit?)
  }

  package private(set) var form: Form
  package private(set) var batchSlowdown = ParameterEstimate(name: "batchSlowdown", value: 0)
  package private(set) var notes: [String] = []
  /// Requests that it was fitted to.
  package private(set) var count: Int

  /// Expected service time alone, µs.
  package func expected(input: Int32, output: Int32) -> Double {
    switch form {
    case .direct(let fit): fit.distribution.mean
    case .tokens(let first, let perInput, let perOutput):
      (first?.distribution.mean ?? 0) + (perInput?.distribution.mean ?? 0) * Double(input)
        + (perOutput?.distribution.mean ?? 0) * Double(output)
    }
  }

  /// The service time without its chance: what its parts are on average. `nil` where it is one time whatever the tokens.
  var typical: ServiceTime? {
    guard case .tokens(let first, let perInput, let perOutput) = form else { return nil }
    func constant(_ fit: DistributionFit?) -> Distribution? {
      Distribution.constant(microseconds: fit?.distribution.mean ?? 0)
    }
    guard let first = constant(first), let perInput = constant(perInput), let perOutput = constant(perOutput)
    else { return nil }
    return .tokens(
      firstToken: first, perInputToken: perInput, perOutputToken: perOutput,
      batchSlowdown: batchSlowdown.value)
  }

  /// The largest sample that is looked at.
  private static let most = 1_000_000

  private struct Request {
    var first: Double
    var rest: Double
    var input: Double
    var output: Double
    var others: Int
    var total: Double { first + rest }
  }

  /// - Parameters:
  ///   - rows: successful requests outside of incidents.
  ///   - occupancy: `nil` where replicas do not share (external models), or nothing is known of them.
  /// - Returns: `nil` without any time to fit.
  init?(_ observations: Observations, rows: [Int], occupancy: Occupancy?) {
    // Of the others the parts of the time are not known.
    let complete = rows.filter {
      observations.isKnown(.firstToken, $0) && observations.isKnown(.outputTokens, $0)
    }
    let rows = complete.isEmpty ? rows : complete
    let step = max(1, rows.count / Self.most)
    var requests: [Request] = []
    requests.reserveCapacity(rows.count / step + 1)
    for index in stride(from: 0, to: rows.count, by: step) {
      let row = rows[index]
      let waiting = Double(observations.waiting[row])
      let latency = Double(observations.latency[row]) - waiting
      let first = Double(observations.firstToken[row]) - waiting
      guard latency > 0 else { continue }
      requests.append(
        Request(
          first: observations.firstToken[row] > 0 ? min(max(first, 0), latency) : 0,
          rest: observations.firstToken[row] > 0 ? latency - min(max(first, 0), latency) : latency,
          input: Double(observations.input[row]), output: Double(observations.output[row]),
          others: max(0, Int(occupancy?.others[row] ?? 0))))
    }
    count = requests.count
    guard !requests.isEmpty else { return nil }
    form = .tokens(firstToken: nil, perInputToken: nil, perOutputToken: nil)
    if requests.count < 100 {
      notes.append(
        "\(requests.count) successful requests: the service time is a rough estimate. Its components need 100, the batch slowdown 1,000."
      )
    }
    dropOutliers(&requests)
    let knowsFirst = requests.count(where: { $0.rest > 0 && $0.first > 0 }) * 2 > requests.count
    if knowsFirst {
      fitParts(requests)
    } else if requests.allSatisfy({ $0.first == 0 || $0.rest == 0 }) {
      fitTotal(requests)
    } else {
      fitParts(requests)
    }
  }

  private mutating func dropOutliers(_ requests: inout [Request]) {
    var sample = GroupedSample(isWhole: false, resolution: 0.5)
    for request in requests { sample.add(request.total / (1 + request.output)) }
    guard let limit = Outliers.limit(sample), sample.largest > limit else { return }
    let before = requests.count
    let largest = requests.max { $0.total < $1.total }?.total ?? 0
    requests.removeAll { $0.total / (1 + $0.output) > limit }
    notes.append(
      "Outliers, left out: \(Figure.count(before - requests.count, "request")) with service times far longer for their length than all others', the longest \(Self.text(largest))."
    )
  }

  private static func text(_ microseconds: Double) -> String {
    microseconds >= 1e6
      ? String(format: "%.3g s", microseconds / 1e6) : String(format: "%.3g ms", microseconds / 1e3)
  }

  // MARK: The batch

  /// The slowdown that leaves the least variance of the logarithm of what it divides: maximum likelihood where that is
  /// normal. Kept if an information criterion prefers it to none.
  private mutating func fitSlowdown(_ values: [(value: Double, others: Int)]) {
    var groups: [Int: (n: Double, sum: Double, square: Double)] = [:]
    for (value, others) in values where value > 0 {
      let y = log(value)
      let old = groups[others] ?? (0, 0, 0)
      groups[others] = (old.n + 1, old.sum + y, old.square + y * y)
    }
    let n = groups.values.reduce(0) { $0 + $1.n }
    guard n >= 200, groups.count > 1 else { return }
    let list = groups.map {
      (others: Double($0.key), n: $0.value.n, sum: $0.value.sum, square: $0.value.square)
    }
    .sorted { $0.others < $1.others }
    func cost(_ slowdown: Double) -> Double {
      guard slowdown >= 0, slowdown < 100 else { return .infinity }
      var sum = 0.0
      var square = 0.0
      for group in list {
        let shift = log1p(slowdown * group.others)
        sum += group.sum - group.n * shift
        square += group.square - 2 * shift * group.sum + group.n * shift * shift
      }
      let variance = max(square / n - (sum / n) * (sum / n), 1e-10)
      return n / 2 * log(variance)
    }
    let minimum = Minimiser.minimum(from: [0.02], step: [0.02], tolerance: 1e-8) { cost($0[0]) }
    guard 2 * (cost(0) - minimum.value) > log(n) else { return }
    let value = minimum.point[0]
    var interval: [Double] = []
    if let covariance = Minimiser.covariance(at: [value], step: [max(value * 0.02, 1e-5)], { cost($0[0]) }) {
      let half = 1.959_964 * covariance[0][0].squareRoot()
      interval = [max(0, value - half), value + half]
    }
    batchSlowdown = .init(name: "batchSlowdown", value: value, interval: interval)
  }

  // MARK: The parts

  private mutating func fitParts(_ requests: [Request]) {
    let answered = requests.filter { $0.output > 0 && $0.rest > 0 }
    // Of output tokens that do not vary, both are the same, and the first token need not be given up.
    let scalesWithOutput =
      Self.logVariance(answered.map { $0.rest / $0.output })
      <= Self.logVariance(answered.map(\.rest)) * (1 + 1e-9)
    guard scalesWithOutput || answered.isEmpty else {
      fitTotal(requests)
      return
    }
    // Time after the first token that no output token stands for would be lost.
    let untold = requests.reduce(0) { $0 + ($1.output == 0 ? $1.rest : 0) }
    guard untold <= 0.01 * requests.reduce(0, { $0 + $1.total }) else {
      notes.append(
        "Requests whose output tokens are zero or unknown take time after the first token: the whole time is fitted."
      )
      fitTotal(requests)
      return
    }
    fitSlowdown(answered.map { ($0.rest / $0.output, $0.others) })
    if answered.isEmpty { fitSlowdown(requests.map { ($0.first, $0.others) }) }
    func alone(_ value: Double, _ request: Request) -> Double {
      value / (1 + batchSlowdown.value * Double(request.others))
    }
    let perOutput = Self.duration(answered.map { alone($0.rest / $0.output, $0) })
    let firsts = requests.map { (value: alone($0.first, $0), input: $0.input) }
    let line = Self.line(firsts)
    var perInput: DistributionFit?
    var first: DistributionFit?
    let left = firsts.map { $0.value - line.slope * $0.input }
    let below = left.count { $0 <= 0 }
    if line.slope > 0, Double(below) > 0.01 * Double(left.count) {
      // What is left would be negative: the slope itself varies, and there is no fixed part to speak of.
      perInput = Self.duration(firsts.compactMap { $0.input > 0 ? $0.value / $0.input : nil })
    } else {
      perInput = line.slope > 0 ? Self.constant(line.slope, interval: line.interval) : nil
      first = Self.duration(left.filter { $0 > 0 })
    }
    form = .tokens(firstToken: first, perInputToken: perInput, perOutputToken: perOutput)
  }

  /// Only whole times are known.
  private mutating func fitTotal(_ requests: [Request]) {
    let totals = requests.map(\.total)
    fitSlowdown(requests.map { ($0.total, $0.others) })
    func alone(_ request: Request) -> Double {
      request.total / (1 + batchSlowdown.value * Double(request.others))
    }
    // Ordinary least squares on both counts; taken if it explains half of the logarithm's variance.
    if let plane = Self.plane(requests.map { (alone($0), $0.input, $0.output) }) {
      let ratios = requests.map {
        alone($0) / max(plane.fixed + plane.input * $0.input + plane.output * $0.output, 1)
      }
      if Self.logVariance(ratios) < 0.5 * Self.logVariance(totals) {
        let spread = Self.duration(ratios.map { $0 * plane.output })
        notes.append(
          "Times to first token are unknown: the components come from a regression of the whole time on both token counts."
        )
        form = .tokens(
          firstToken: plane.fixed > 0 ? Self.constant(plane.fixed) : nil,
          perInputToken: plane.input > 0 ? Self.constant(plane.input) : nil,
          perOutputToken: plane.output > 0 ? spread : nil)
        return
      }
    }
    if let fit = Self.duration(requests.map(alone)) { form = .direct(fit) }
  }

  private static func logVariance(_ values: [Double]) -> Double {
    let logs = values.filter { $0 > 0 }.map { log($0) }
    return logs.count > 1 ? logs.meanSquare(about: logs.mean) : .infinity
  }

  /// Least squares of a value on the input tokens; slope 0 unless it is significant at three standard errors.
  private static func line(_ points: [(value: Double, input: Double)]) -> (slope: Double, interval: [Double])
  {
    guard points.count > 10,
      let line = LeastSquares.line(x: points.map(\.input), y: points.map(\.value))
    else { return (0, []) }
    let (slope, error) = (line.slope, line.standardError)
    return slope > 3 * error ? (slope, [slope - 1.959_964 * error, slope + 1.959_964 * error]) : (0, [])
  }

  private static func plane(
    _ points: [(value: Double, input: Double, output: Double)]
  ) -> (fixed: Double, input: Double, output: Double)? {
    guard points.count >= 100 else { return nil }
    let n = Double(points.count)
    let (mx, my, mz) = (
      points.reduce(0) { $0 + $1.input } / n, points.reduce(0) { $0 + $1.output } / n,
      points.reduce(0) { $0 + $1.value } / n
    )
    var (xx, yy, xy, xz, yz) = (0.0, 0.0, 0.0, 0.0, 0.0)
    for point in points {
      let (x, y, z) = (point.input - mx, point.output - my, point.value - mz)
      xx += x * x
      yy += y * y
      xy += x * y
      xz += x * z
      yz += y * z
    }
    let determinant = xx * yy - xy * xy
    guard yy > 0 else { return nil }
    var input = determinant > 1e-9 * xx * yy ? (yy * xz - xy * yz) / determinant : 0
    var output = determinant > 1e-9 * xx * yy ? (xx * yz - xy * xz) / determinant : yz / yy
    if input < 0 { (input, output) = (0, yz / yy) }
    output = max(output, 0)
    return (max(mz - input * mx - output * my, 0), input, output)
  }

  static func constant(_ value: Double, interval: [Double] = []) -> DistributionFit? {
    MaximumLikelihood.constant(value, interval: interval)
  }

  /// A distribution of durations, µs; a constant where the middle 99 % lie within a thousandth.
  static func duration(_ values: [Double]) -> DistributionFit? {
    guard !values.isEmpty else { return nil }
    let sorted = values.sorted()
    let middle = sorted[sorted.count / 2]
    let (low, high) = (sorted[sorted.count / 200], sorted[sorted.count - 1 - sorted.count / 200])
    if middle <= 0 { return nil }
    if high - low <= 2e-3 * middle { return constant(middle) }
    var sample = GroupedSample(isWhole: false, resolution: 0.5)
    for value in values where value > 0 { sample.add(value) }
    return MaximumLikelihood.best(sample, histogram: sample.count >= 400)
  }
}
