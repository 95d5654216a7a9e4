/// Rows whose local time occurs twice, because clocks go back: the order of the export tells which of the two is meant.
///
/// In an export in order of arrival the wall clock steps back once where the second pass begins; rows before that step
/// are of the first pass, rows after it of the second. Where there is no such step, or more than one, or the export is in
/// no order, nothing tells them apart; those rows are assigned to the first pass, and counted. An export in descending order is read
/// backwards.
package struct RepeatedHours<Request> {
  private enum Pass {
    /// Both are possible; the request under each.
    case unknown(first: Request, second: Request)
    /// What else the row says leaves one.
    case first, second
  }

  private struct Row {
    var wall: Int64
    var pass: Pass
  }

  /// Rows of one repeated stretch, as they follow each other in the export.
  private var runs: [[Row]] = []
  private var isInRun = false
  private var lastWall: Int64?
  private var forward = 0
  private var backward = 0
  /// Largest steps of the wall clock outside of such stretches, µs.
  private var largestForward: Int64 = 0
  private var largestBackward: Int64 = 0
  private var held = 0

  package init() {}

  /// Rows that are held back at most: beyond that, nothing is told of them.
  package static var most: Int { 1 << 20 }

  /// Rows whose pass their order has told.
  package private(set) var told: Int64 = 0
  /// Rows that nothing tells apart, assigned to the first pass.
  package private(set) var untold: Int64 = 0

  /// A row whose local time comes once.
  package mutating func once(wall: Int64) {
    step(to: wall)
    isInRun = false
  }

  /// A row whose local time occurs twice, of which something else in it leaves one.
  package mutating func certain(wall: Int64, isSecond: Bool) {
    add(Row(wall: wall, pass: isSecond ? .second : .first))
    told += 1
  }

  /// A row whose local time occurs twice.
  /// - Returns: the request, if it cannot be held back.
  package mutating func twice(wall: Int64, first: Request, second: Request) -> Request? {
    guard held < Self.most else {
      untold += 1
      return first
    }
    held += 1
    add(Row(wall: wall, pass: .unknown(first: first, second: second)))
    return nil
  }

  private mutating func add(_ row: Row) {
    if isInRun, let last = runs[runs.count - 1].last, abs(last.wall - row.wall) < 86_400_000_000 {
      runs[runs.count - 1].append(row)
    } else {
      step(to: row.wall)
      runs.append([row])
    }
    isInRun = true
    lastWall = row.wall
  }

  private mutating func step(to wall: Int64) {
    if let last = lastWall {
      if wall > last { forward += 1 }
      if wall < last { backward += 1 }
      // The wall clock's own step back lies in a run, or at its end.
      if !isInRun {
        largestForward = max(largestForward, wall - last)
        largestBackward = max(largestBackward, last - wall)
      }
    }
    lastWall = wall
  }

  /// At the end of the export: the requests that were held back.
  package mutating func settle(_ body: (Request) throws -> Void) rethrows {
    let isDescending = backward > forward
    let disorder = isDescending ? largestForward : largestBackward
    for run in runs {
      let rows = isDescending ? Array(run.reversed()) : run
      let border = Self.border(rows, disorder)
      for (index, row) in rows.enumerated() {
        guard case .unknown(let first, let second) = row.pass else { continue }
        if let border, index < border.lowerBound || index >= border.upperBound {
          told += 1
          try body(index < border.lowerBound ? first : second)
        } else {
          untold += 1
          try body(first)
        }
      }
    }
    runs = []
  }

  /// Rows before the range are of the first pass, rows after it of the second; `nil` if the order makes no sense.
  private static func border(_ rows: [Row], _ disorder: Int64) -> Range<Int>? {
    var lastFirst = -1
    var firstSecond = rows.count
    var turns = 0
    for (index, row) in rows.enumerated() {
      if index > 0, rows[index - 1].wall - row.wall > disorder {
        turns += 1
        lastFirst = max(lastFirst, index - 1)
        firstSecond = min(firstSecond, index)
      }
      switch row.pass {
      case .first: lastFirst = max(lastFirst, index)
      case .second: firstSecond = min(firstSecond, index)
      case .unknown: break
      }
    }
    guard turns <= 1, lastFirst < firstSecond else { return nil }
    return lastFirst + 1..<firstSecond
  }
}
