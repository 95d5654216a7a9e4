/// A request on a latency graph.
package struct LatencyPoint: Hashable, Comparable, Sendable {
  /// µs since 1970, UTC.
  package var at: Int64
  /// µs.
  package var latency: Int64

  package static func < (a: LatencyPoint, b: LatencyPoint) -> Bool { (a.at, a.latency) < (b.at, b.latency) }
}

/// The smallest and the largest latency of a stretch of time; of equal ones, the earliest.
struct LatencyExtremes {
  var lowest = LatencyPoint(at: .max, latency: .max)
  var highest = LatencyPoint(at: .max, latency: .min)

  var isEmpty: Bool { lowest.at == .max }

  @inline(__always)
  mutating func add(_ point: LatencyPoint) {
    if point.latency < lowest.latency || (point.latency == lowest.latency && point.at < lowest.at) {
      lowest = point
    }
    if point.latency > highest.latency || (point.latency == highest.latency && point.at < highest.at) {
      highest = point
    }
  }

  func append(to points: inout [LatencyPoint]) {
    if isEmpty { return }
    points.append(lowest)
    if highest != lowest { points.append(highest) }
  }
}

/// The latency points that a quarter of an hour keeps: all, if they are few; otherwise the extremes of every column of
/// 30 seconds. Screens' columns are whole numbers of these, so that theirs survive as well.
///
/// Which points these are depends on the requests alone, not on their order or on how shards were merged.
package struct QuarterPoints: Equatable, Sendable {
  static let mostKept = 60
  static let columns = 30
  package static let columnMicroseconds: Int64 = 30_000_000

  /// Pairs of (instant since the last one's, latency) as LEB128, in order of instant and latency.
  private(set) var bytes: [UInt8] = []
  private(set) var isComplete = true

  init() {}

  init(_ points: [LatencyPoint], isComplete: Bool, start: Int64) {
    self.isComplete = isComplete
    var writer = ByteWriter()
    var last = start
    for point in points.sorted() {
      writer.unsigned(UInt64(bitPattern: point.at &- last))
      writer.unsigned(UInt64(bitPattern: max(point.latency, 0)))
      last = point.at
    }
    bytes = writer.bytes
  }

  init(bytes: [UInt8], isComplete: Bool) {
    self.bytes = bytes
    self.isComplete = isComplete
  }

  /// - Parameter start: of the quarter, µs.
  func visit(start: Int64, _ body: (LatencyPoint) -> Void) {
    bytes.withUnsafeBytes { Self.visit($0, start: start, body) }
  }

  static func visit(_ bytes: UnsafeRawBufferPointer, start: Int64, _ body: (LatencyPoint) -> Void) {
    var reader = ByteReader(bytes)
    var at = start
    while !reader.isAtEnd, !reader.isDamaged {
      at &+= Int64(bitPattern: reader.unsigned())
      body(LatencyPoint(at: at, latency: Int64(bitPattern: reader.unsigned())))
    }
  }

  static func extremes(_ points: [LatencyPoint], start: Int64) -> [LatencyPoint] {
    var columns = [LatencyExtremes](repeating: LatencyExtremes(), count: Self.columns)
    for point in points {
      let column = Int((point.at &- start) / columnMicroseconds)
      columns[min(max(column, 0), Self.columns - 1)].add(point)
    }
    var kept: [LatencyPoint] = []
    for column in columns { column.append(to: &kept) }
    return kept
  }
}
