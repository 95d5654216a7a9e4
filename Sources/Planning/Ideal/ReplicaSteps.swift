import ScenarioModel
import Telemetry

/// A number of replicas that changes over time, summed up in the intervals of a period.
struct ReplicaSteps {
  /// µs.
  let width: Int64
  private let from: Int64
  private let to: Int64
  private var changes: [(at: Int64, by: Int)] = []
  /// More are not shown: hours or days instead.
  private static let mostIntervals: Int64 = 5000

  init(_ scenario: Scenario) {
    (from, to) = (scenario.from.microseconds, scenario.to.microseconds)
    let length = to - from
    let widths: [Int64] = [900_000_000, 3_600_000_000]
    width = widths.first { (length + $0 - 1) / $0 <= Self.mostIntervals } ?? 86_400_000_000
  }

  mutating func change(at instant: Int64, by difference: Int) {
    if difference != 0, instant < to { changes.append((max(instant, from), difference)) }
  }

  /// Adds the replicas that requests in service fill.
  /// - Parameters:
  ///   - starts: and ends, each in ascending order.
  ///   - batch: requests that one replica serves at once.
  /// - Returns: replica time within the period, and the most replicas at once.
  mutating func add(_ starts: [Int64], _ ends: [Int64], _ batch: Int) -> (
    replicaMicroseconds: Double, peak: Int
  ) {
    var (i, j, inService, replicas, peak) = (0, 0, 0, 0, 0)
    var last = from
    var area = 0.0
    while i < starts.count || j < ends.count {
      let start = i < starts.count ? starts[i] : Int64.max
      let end = j < ends.count ? ends[j] : Int64.max
      let instant = min(start, end)
      if instant >= to { break }
      if instant > last {
        area += Double(replicas) * Double(instant - last)
        last = instant
      }
      if end <= start {
        inService -= 1
        j += 1
      } else {
        inService += 1
        i += 1
      }
      let now = (inService + batch - 1) / batch
      change(at: instant, by: now - replicas)
      if instant >= from { peak = max(peak, replicas, now) }
      replicas = now
    }
    area += Double(replicas) * Double(max(to - last, 0))
    return (area, peak)
  }

  /// By interval.
  var averages: (needed: [Double], most: [Int]) {
    let count = Int((to - from + width - 1) / width)
    var sums = [Double](repeating: 0, count: count)
    var most = [Int](repeating: 0, count: count)
    var (now, at) = (0, from)
    /// Adds what holds from `at` to an instant.
    func hold(until end: Int64) {
      while at < end {
        let place = Int((at - from) / width)
        let next = min(end, from + Int64(place + 1) * width)
        sums[place] += Double(now) * Double(next - at)
        most[place] = max(most[place], now)
        at = next
      }
    }
    for change in changes.sorted(by: { $0.at < $1.at }) {
      hold(until: change.at)
      now += change.by
    }
    hold(until: to)
    let needed = sums.enumerated().map { place, sum in
      let length = min(width, to - from - Int64(place) * width)
      return (sum / Double(length) * 1e6).rounded() / 1e6
    }
    return (needed, most)
  }
}
