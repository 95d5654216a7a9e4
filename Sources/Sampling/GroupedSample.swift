import Foundation

/// A sample in cells so narrow that its likelihood is that of the single values, whatever its size.
///
/// Whole numbers below 65,536 have a cell each; other values cells of at most 1/64 of their size, which keep the mean
/// of what fell into them. A whole number stands for the interval of half a unit around it, zero for everything below
/// a half: left-censored. A value of zero or below that is not whole is left-censored at the resolution.
package struct GroupedSample: Sendable {
  package struct Cell: Sendable {
    /// What it takes, the upper end excluded.
    package var low: Double
    package var high: Double
    package var mean: Double
    package var count: Double
  }

  package let isWhole: Bool
  /// Below it, values cannot be told from zero.
  package let resolution: Double
  package private(set) var smallest = Double.infinity
  package private(set) var largest = -Double.infinity
  package private(set) var count = 0.0
  private var exact: [Double]
  private var counts: [Double]
  private var sums: [Double]
  private static let exactValues = 65_536
  private static let shift: UInt64 = 46
  /// The cell of 2⁻⁶⁴.
  private static let firstCell = Int((1.0 / 18_446_744_073_709_551_616.0).bitPattern >> 46)
  private static let cellCount = 128 * 64

  package init(isWhole: Bool, resolution: Double = 0) {
    self.isWhole = isWhole
    self.resolution = resolution
    exact = isWhole ? Array(repeating: 0, count: Self.exactValues) : [0]
    counts = Array(repeating: 0, count: Self.cellCount)
    sums = counts
  }

  package mutating func add(_ value: Double, count weight: Double = 1) {
    count += weight
    if value < smallest { smallest = value }
    if value > largest { largest = value }
    if isWhole {
      if value < Double(Self.exactValues) {
        exact[max(Int(value), 0)] += weight
        return
      }
    } else if value <= resolution {
      exact[0] += weight
      return
    }
    let index = min(max(Int(value.bitPattern >> Self.shift) - Self.firstCell, 0), Self.cellCount - 1)
    counts[index] += weight
    sums[index] += weight * value
  }

  /// Ascending, none empty.
  package var cells: [Cell] {
    var cells: [Cell] = []
    for (value, count) in exact.enumerated() where count > 0 {
      let v = Double(value)
      cells.append(
        isWhole
          ? Cell(low: v - 0.5, high: v + 0.5, mean: v, count: count)
          : Cell(low: 0, high: max(resolution, .leastNormalMagnitude), mean: resolution / 2, count: count))
    }
    for (index, count) in counts.enumerated() where count > 0 {
      let bits = UInt64(index + Self.firstCell) << Self.shift
      let high = Double(bitPattern: bits + (1 << Self.shift))
      cells.append(Cell(low: Double(bitPattern: bits), high: high, mean: sums[index] / count, count: count))
    }
    return cells
  }

  package var mean: Double { cells.reduce(0) { $0 + $1.mean * $1.count } / count }

  /// The same with neighbouring large whole numbers joined, for likelihoods that are smooth.
  var smoothCells: [Cell] {
    guard isWhole else { return cells }
    var joined: [Cell] = []
    for cell in cells {
      if let last = joined.last, cell.mean > 256, cell.high - last.low < last.low / 64 {
        let count = last.count + cell.count
        joined[joined.count - 1] = Cell(
          low: last.low, high: cell.high, mean: (last.mean * last.count + cell.mean * cell.count) / count,
          count: count)
      } else {
        joined.append(cell)
      }
    }
    return joined
  }

  /// The logarithm of a distribution's likelihood.
  package func logLikelihood(_ distribution: Distribution) -> Double {
    Self.logLikelihood(distribution, smoothCells, isWhole: isWhole)
  }

  static func logLikelihood(_ distribution: Distribution, _ cells: [Cell], isWhole: Bool) -> Double {
    var sum = 0.0
    for cell in cells {
      let term: Double
      if isWhole, cell.mean < 64 {
        term = log(distribution.cdf(cell.high) - (cell.mean == 0 ? 0 : distribution.cdf(cell.low)))
      } else if !isWhole, cell.low == 0 {
        // The mean density of the cell, so that it compares with the densities of the others.
        term = log(distribution.cdf(cell.high) / cell.high)
      } else {
        term = distribution.logDensity(cell.mean)
      }
      guard term > -.infinity else { return -.infinity }
      sum += term * cell.count
    }
    return sum
  }
}
