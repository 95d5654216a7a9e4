import Telemetry

/// The quarter of an hour that a series' requests fall into at present, or the part of it between two cuts.
///
/// Invariants: `bins` has `LatencyBin.count` entries, all 0 outside `lowBin...highBin`; `reasons` has 256; `columns` has
/// `QuarterPoints.columns`, all empty outside a quarter; `first` has room for `QuarterPoints.mostKept`.
final class OpenQuarter {
  /// How many requests a quarter takes before it has to be closed: its bins are 32 bits wide, and the tokens of so few
  /// requests stay within 64 bits.
  static let mostRequests = Int64(UInt32.max)

  private(set) var start = Int64.max
  private(set) var end = Int64.min
  private var quarter: Int64 = 0
  private var cell = RollupCell()
  private var lowBin = Int.max
  private var highBin = -1
  private let bins: UnsafeMutablePointer<UInt32>
  private let reasons: UnsafeMutablePointer<Int64>
  private let columns: UnsafeMutablePointer<LatencyExtremes>
  private let first: UnsafeMutablePointer<LatencyPoint>
  private(set) var hasOverflowed = false

  init() {
    bins = .allocate(capacity: LatencyBin.count)
    bins.initialize(repeating: 0, count: LatencyBin.count)
    reasons = .allocate(capacity: 256)
    reasons.initialize(repeating: 0, count: 256)
    columns = .allocate(capacity: QuarterPoints.columns)
    columns.initialize(repeating: LatencyExtremes(), count: QuarterPoints.columns)
    first = .allocate(capacity: QuarterPoints.mostKept)
    first.initialize(repeating: LatencyPoint(at: 0, latency: 0), count: QuarterPoints.mostKept)
  }

  deinit {
    bins.deallocate()
    reasons.deallocate()
    columns.deallocate()
    first.deallocate()
  }

  /// - Parameter cuts: ascending, µs.
  func begin(containing instant: Int64, cuts: [Int64]) {
    quarter = instant / Rollup.quarterMicroseconds
    if instant % Rollup.quarterMicroseconds < 0 { quarter -= 1 }
    start = quarter * Rollup.quarterMicroseconds
    end = start + Rollup.quarterMicroseconds
    if cuts.isEmpty { return }
    var low = 0
    var high = cuts.count
    while low < high {
      let middle = (low + high) / 2
      if cuts[middle] <= instant { low = middle + 1 } else { high = middle }
    }
    if low > 0 { start = max(start, cuts[low - 1]) }
    if low < cuts.count { end = min(end, cuts[low]) }
  }

  /// Requests so far.
  var requests: Int64 { cell.requests }

  /// Adds rows as long as they lie in the quarter; returns the first that does not.
  func add(_ requests: RequestColumns, _ rows: Range<Int>, before limit: Int64) -> Int {
    var cell = cell
    var lowBin = lowBin
    var highBin = highBin
    var overflowed = false
    var column = columns
    var columnStart = Int64.max
    var columnEnd = Int64.min
    var row = rows.lowerBound
    let whole = quarter * Rollup.quarterMicroseconds
    let unknownOfRow = requests.extras?.unknown
    while row < rows.upperBound {
      let arrived = requests.arrivedAt[row]
      if arrived < start || arrived >= limit { break }
      let waiting = cell.waitingSum.addingReportingOverflow(requests.waitingMicroseconds[row])
      cell.waitingSum = waiting.partialValue
      overflowed = overflowed || waiting.overflow
      cell.inputTokens &+= Int64(requests.inputTokens[row])
      cell.outputTokens &+= Int64(requests.outputTokens[row])
      let unknown = unknownOfRow?[row] ?? 0
      if let cached = requests.cachedInputTokens?[row], cached >= 0,
        unknown & RequestMeasure.inputTokens.bit == 0
      {
        cell.cachedTokens &+= Int64(cached)
        cell.cachedOf &+= Int64(requests.inputTokens[row])
      }
      let outcome = requests.outcome[row]
      if outcome == RequestOutcome.success {
        let latency = requests.latencyMicroseconds[row]
        if cell.successes < QuarterPoints.mostKept {
          first[Int(cell.successes)] = LatencyPoint(at: arrived, latency: latency)
        }
        if arrived < columnStart || arrived >= columnEnd {
          let index = Int((arrived - whole) / QuarterPoints.columnMicroseconds)
          column = columns + index
          columnStart = whole + Int64(index) * QuarterPoints.columnMicroseconds
          columnEnd = columnStart + QuarterPoints.columnMicroseconds
        }
        column.pointee.add(LatencyPoint(at: arrived, latency: latency))
        cell.successes += 1
        let sum = cell.latencySum.addingReportingOverflow(latency)
        cell.latencySum = sum.partialValue
        let firstToken = cell.firstTokenSum.addingReportingOverflow(requests.firstTokenMicroseconds[row])
        cell.firstTokenSum = firstToken.partialValue
        if unknown != 0 { cell.addUnknown(unknown, requests, row) }
        overflowed = overflowed || sum.overflow || firstToken.overflow
        cell.latencyMin = min(cell.latencyMin, latency)
        cell.latencyMax = max(cell.latencyMax, latency)
        let bin = LatencyBin.index(latency)
        bins[bin] &+= 1
        lowBin = min(lowBin, bin)
        highBin = max(highBin, bin)
      } else {
        cell.failures += 1
        cell.untimedTokens &+= Int64(requests.outputTokens[row])
        reasons[Int(outcome)] += 1
      }
      row += 1
    }
    if let attempts = requests.extras?[.attempt] {
      cell.addAttempts(attempts, requests, rows.lowerBound..<row)
    }
    if let costs = requests.extras?[.cost] { cell.addCosts(costs, requests, rows.lowerBound..<row) }
    self.cell = cell
    self.lowBin = lowBin
    self.highBin = highBin
    hasOverflowed = hasOverflowed || overflowed
    return row
  }

  /// The rollup of the quarter, `nil` if it has no requests; then starts the next.
  func close() -> Rollup? {
    guard cell.requests > 0 else { return nil }
    var packed = PackedBins()
    if highBin >= 0 {
      for bin in lowBin...highBin where bins[bin] > 0 {
        packed.append(bin, Int64(bins[bin]))
        bins[bin] = 0
      }
    }
    var byReason: [(reason: UInt8, count: Int64)] = []
    if cell.failures > 0 {
      for reason in 0..<256 where reasons[reason] > 0 {
        byReason.append((UInt8(reason), reasons[reason]))
        reasons[reason] = 0
      }
    }
    let rollup = Rollup(
      quarter: quarter, offset: start - quarter * Rollup.quarterMicroseconds, cell: cell, reasons: byReason,
      latencies: packed, points: points())
    for index in 0..<QuarterPoints.columns { columns[index] = LatencyExtremes() }
    cell = RollupCell()
    lowBin = .max
    highBin = -1
    return rollup
  }

  private func points() -> QuarterPoints {
    var kept: [LatencyPoint] = []
    let start = quarter * Rollup.quarterMicroseconds
    if cell.successes <= QuarterPoints.mostKept {
      for index in 0..<Int(cell.successes) { kept.append(first[index]) }
      return QuarterPoints(kept, isComplete: true, start: start)
    }
    for index in 0..<QuarterPoints.columns { columns[index].append(to: &kept) }
    return QuarterPoints(kept, isComplete: false, start: start)
  }
}
