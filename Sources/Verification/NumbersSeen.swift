/// A set of whole numbers that says of each whether it has come before, at the end: runs of consecutive numbers, so that
/// what is numbered 1, 2, 3, …, in order or in a few interleaved orders, takes next to no memory.
struct NumbersSeen {
  private var runs: [ClosedRange<Int64>] = []
  private var compactAt = 4096
  /// A number that came more than once; `nil` as long as none is known.
  private(set) var repeated: Int64?

  mutating func insert(_ number: Int64) {
    if let last = runs.last, number > last.lowerBound, number &- 1 == last.upperBound {
      runs[runs.count - 1] = last.lowerBound...number
      return
    }
    runs.append(number...number)
    if runs.count >= compactAt {
      compact()
      compactAt = max(4096, 2 * runs.count)
    }
  }

  /// Examines all numbers that were added.
  mutating func finish() { compact() }

  private mutating func compact() {
    runs.sort { $0.lowerBound < $1.lowerBound }
    var joined: [ClosedRange<Int64>] = []
    for run in runs {
      guard let last = joined.last else {
        joined.append(run)
        continue
      }
      if run.lowerBound <= last.upperBound {
        repeated = repeated ?? run.lowerBound
        joined[joined.count - 1] = last.lowerBound...max(last.upperBound, run.upperBound)
      } else if run.lowerBound - 1 == last.upperBound {
        joined[joined.count - 1] = last.lowerBound...run.upperBound
      } else {
        joined.append(run)
      }
    }
    runs = joined
  }
}
