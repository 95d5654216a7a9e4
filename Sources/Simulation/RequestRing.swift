import Telemetry

/// Requests of one model from arrival until they are handed on, in columns, in order of arrival.
///
/// A request is known by its sequence number; its row is that number modulo the capacity, a power of 2.
/// Invariants: `first <= next`, `next - first <= capacity`; rows of `first..<next` are in use; a row's
/// `outcome` is `unfinished` until the request has ended.
struct RequestRing: ~Copyable {
  static let unfinished: UInt8 = 255

  private(set) var first = 0
  private(set) var next = 0
  private var capacity: Int
  private(set) var mask: Int

  private(set) var arrivedAt: UnsafeMutablePointer<Int64>
  private(set) var waiting: UnsafeMutablePointer<Int64>
  private(set) var firstToken: UnsafeMutablePointer<Int64>
  private(set) var latency: UnsafeMutablePointer<Int64>
  private(set) var input: UnsafeMutablePointer<Int32>
  private(set) var output: UnsafeMutablePointer<Int32>
  private(set) var series: UnsafeMutablePointer<Int32>
  private(set) var outcome: UnsafeMutablePointer<UInt8>
  private(set) var attempt: UnsafeMutablePointer<UInt8>
  /// How prompts begin, and how many of their tokens were not read since a replica still had them; `nil` where none
  /// begin alike.
  private(set) var prefix: UnsafeMutablePointer<Int32>?
  private(set) var cached: UnsafeMutablePointer<Int32>?
  /// Where requests come from; `nil` where they are all alike.
  private(set) var origins: RequestOrigins?

  init(capacity: Int, hasPrefixes: Bool, hasOrigins: Bool) {
    self.capacity = capacity
    mask = capacity - 1
    arrivedAt = .allocate(capacity: capacity)
    waiting = .allocate(capacity: capacity)
    firstToken = .allocate(capacity: capacity)
    latency = .allocate(capacity: capacity)
    input = .allocate(capacity: capacity)
    output = .allocate(capacity: capacity)
    series = .allocate(capacity: capacity)
    outcome = .allocate(capacity: capacity)
    attempt = .allocate(capacity: capacity)
    prefix = hasPrefixes ? .allocate(capacity: capacity) : nil
    cached = hasPrefixes ? .allocate(capacity: capacity) : nil
    origins = hasOrigins ? RequestOrigins(capacity: capacity) : nil
  }

  deinit {
    arrivedAt.deallocate()
    waiting.deallocate()
    firstToken.deallocate()
    latency.deallocate()
    input.deallocate()
    output.deallocate()
    series.deallocate()
    outcome.deallocate()
    attempt.deallocate()
    prefix?.deallocate()
    cached?.deallocate()
    origins?.deallocate()
  }

  @inline(__always)
  func row(_ sequence: Int) -> Int { sequence & mask }

  @inline(__always)
  var isFull: Bool { next - first == capacity }

  /// A row for the next request, which must fit.
  @inline(__always)
  mutating func append() -> Int {
    let sequence = next
    next += 1
    return sequence
  }

  /// Notes how a prompt begins, of which nothing has been found in a cache yet.
  @inline(never)
  func begin(_ row: Int, prefix begins: Int32) {
    prefix?[row] = begins
    cached?[row] = Int32(RequestMeasure.missing)
  }

  /// How many of the oldest requests have ended.
  func finishedCount() -> Int {
    var sequence = first
    while sequence < next, outcome[row(sequence)] != Self.unfinished { sequence += 1 }
    return sequence - first
  }

  /// The oldest `count` requests (as many as lie in one chunk), without taking them out.
  func oldest(_ count: Int) -> RequestColumns {
    let start = row(first)
    return RequestColumns(
      count: min(count, capacity - start), arrivedAt: arrivedAt + start, series: series + start,
      outcome: outcome + start, waitingMicroseconds: waiting + start,
      firstTokenMicroseconds: firstToken + start,
      latencyMicroseconds: latency + start, inputTokens: input + start, outputTokens: output + start,
      cachedInputTokens: cached.map { UnsafePointer($0 + start) }, requestID: nil)
  }

  mutating func removeOldest(_ count: Int) { first += count }

  /// Doubles the room.
  mutating func grow() {
    let old = capacity
    capacity *= 2
    let newMask = capacity - 1
    func moved<T>(_ column: UnsafeMutablePointer<T>) -> UnsafeMutablePointer<T> {
      let larger = UnsafeMutablePointer<T>.allocate(capacity: capacity)
      for sequence in first..<next {
        (larger + (sequence & newMask)).initialize(to: column[sequence & (old - 1)])
      }
      column.deallocate()
      return larger
    }
    arrivedAt = moved(arrivedAt)
    waiting = moved(waiting)
    firstToken = moved(firstToken)
    latency = moved(latency)
    input = moved(input)
    output = moved(output)
    series = moved(series)
    outcome = moved(outcome)
    attempt = moved(attempt)
    prefix = prefix.map(moved)
    cached = cached.map(moved)
    if let old = origins {
      let larger = RequestOrigins(capacity: capacity)
      for sequence in first..<next { larger.copy(sequence & newMask, of: old, sequence & mask) }
      old.deallocate()
      origins = larger
    }
    mask = newMask
  }
}
