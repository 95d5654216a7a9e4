import Foundation
import Sampling
import ScenarioModel
import Telemetry

/// The stationary block bootstrap of a record, along a rate function.
///
/// It runs in the record's operational time, in which the record's rate is 1 throughout: a block begins at a uniform
/// instant of the record, lasts an exponential time and goes on past the record's end at its beginning, so that the
/// process is stationary and has exactly the record's rate. Source: Politis and Romano (1994), JASA 89:428.
struct ResampledProcess {
  /// Copies of the process, each with streams of its own, at most this many; more of them run faster instead.
  static let mostCopies = 64

  private var rate: RateFunction
  private let record: Record
  private var copies: [Copy]
  /// How much faster than the record each copy runs.
  private let speed: Double
  /// Where the next arrival is drawn from: the copies as a heap by their next arrivals, or one alone.
  private var heap: [Int]
  /// Operational time that has passed, in copies' arrivals of one copy.
  private var now = 0.0

  init(_ model: ResampledArrivals, _ setting: ArrivalSetting) {
    record = Record(model, setting)
    let count = min(max(1, Int(min(model.scale.rounded(.up), Double(Self.mostCopies)))), Self.mostCopies)
    speed = max(model.scale / Double(Self.mostCopies), 1)
    rate = setting.rateFunction(rate: (model.rate ?? record.rate) * speed)
    // The fraction of a copy is thinned.
    let rest = model.scale < Double(Self.mostCopies) ? model.scale - Double(count - 1) : 1
    copies = []
    heap = []
    guard record.count > 0 else { return }
    let record = record
    copies = (0..<count).map { index in
      Copy(
        record, kept: index == count - 1 ? rest : 1,
        blocks: setting.stream(index == 0 ? "arrivalBlocks" : "arrivalBlocks \(index + 1)"),
        thinning: setting.stream("arrivalThinning"))
    }
    heap = copies.indices.sorted { copies[$0].next < copies[$1].next }
  }

  mutating func draw(into block: DemandBlock) {
    guard record.count > 0 else {
      UnsafeMutableBufferPointer(start: block.times, count: block.size).update(repeating: .max)
      return
    }
    if copies.count == 1 { drawAlone(into: block) } else { drawTogether(into: block) }
  }

  private mutating func drawAlone(into block: DemandBlock) {
    var copy = copies[0]
    let record = record
    record.read { record in
      for row in 0..<block.size {
        block.times[row] = rate.time(after: copy.next - now)
        now = copy.next
        record.fill(block, row, copy.request)
        copy.advance(record)
      }
    }
    // So that the operational time stays small, and exact.
    copy.next -= now
    now = 0
    copies[0] = copy
  }

  private mutating func drawTogether(into block: DemandBlock) {
    let record = record
    record.read { record in
      for row in 0..<block.size {
        let first = heap[0]
        block.times[row] = rate.time(after: copies[first].next - now)
        now = copies[first].next
        record.fill(block, row, copies[first].request)
        copies[first].advance(record)
        sink()
      }
    }
    for index in copies.indices { copies[index].next -= now }
    now = 0
  }

  /// Puts the heap's first copy where its next arrival belongs; of equal ones the first copy comes first.
  private mutating func sink() {
    let moved = heap[0]
    let (key, count) = (copies[moved].next, heap.count)
    var place = 0
    while true {
      var child = 2 * place + 1
      guard child < count else { break }
      if child + 1 < count, isBefore(heap[child + 1], heap[child]) { child += 1 }
      let other = heap[child]
      guard copies[other].next < key || (copies[other].next == key && other < moved) else { break }
      heap[place] = other
      place = child
    }
    heap[place] = moved
  }

  private func isBefore(_ a: Int, _ b: Int) -> Bool {
    (copies[a].next, a) < (copies[b].next, b)
  }

  /// One sequence of blocks.
  private struct Copy {
    /// When its next request arrives, operational time.
    var next = 0.0
    /// Which of the record's requests that is.
    private(set) var request = 0
    /// Where it is in the record, and what is left of the block.
    private var position = 0.0
    private var left = 0.0
    /// The share of requests that is kept.
    private let kept: Double
    private let blocks: RandomStream
    private let thinning: RandomStream

    init(_ record: Record, kept: Double, blocks: RandomStream, thinning: RandomStream) {
      self.kept = kept
      self.blocks = blocks
      self.thinning = thinning
      record.read { own in
        begin(own)
        advance(own)
      }
    }

    private mutating func begin(_ record: Record.Reader) {
      position = blocks.uniform() * record.length
      left = blocks.exponential(mean: record.block)
      request = record.first(after: position) - 1
    }

    /// Goes on to the next request.
    @inline(__always)
    mutating func advance(_ record: Record.Reader) {
      repeat {
        while true {
          var following = request + 1
          if following == record.count {
            following = 0
            position -= record.length
          }
          let gap = record.positions[following] - position
          if gap <= left {
            next += gap
            left -= gap
            position = record.positions[following]
            request = following
            break
          }
          next += left
          begin(record)
        }
      } while kept < 1 && thinning.uniform() >= kept
    }
  }

  /// What is resampled: instants in the record's operational time, ascending, from 0 up to `length`.
  private struct Record {
    private let positions: [Double]
    private let requests: [TraceRequest]
    private let length: Double
    /// Mean length of a block, operational time; at least 1: a block of less would hardly hold a request.
    private let block: Double
    var count: Int { positions.count }
    /// Of the record itself, per µs.
    let rate: Double

    init(_ model: ResampledArrivals, _ setting: ArrivalSetting) {
      let trace = setting.traces[model.record]
      let (kept, from, length) = trace?.observed(by: model) ?? ([], 0, 1)
      let count = Double(max(kept.count, 1))
      rate = count / length
      positions = kept.map { min(Double($0.arrivedAt - from) * (count / length), count) }
      requests = Array(kept)
      self.length = count
      block = max(model.blocks * (count / length), 1)
    }

    struct Reader {
      let positions: UnsafeBufferPointer<Double>
      let requests: UnsafeBufferPointer<TraceRequest>
      let length: Double
      let block: Double
      var count: Int { positions.count }

      /// The index of the first request after a position; `count` if there is none.
      func first(after position: Double) -> Int {
        var (low, high) = (0, positions.count)
        while low < high {
          let middle = (low + high) / 2
          if positions[middle] <= position { low = middle + 1 } else { high = middle }
        }
        return low
      }

      /// The tokens of a request of the record; a load that has its own overwrites them.
      @inline(__always)
      func fill(_ block: DemandBlock, _ row: Int, _ request: Int) {
        block.inputs[row] = requests[request].inputTokens
        block.outputs[row] = requests[request].outputTokens
        block.prefixes?[row] = requests[request].prefix
      }
    }

    @inline(__always)
    func read(_ body: (Reader) -> Void) {
      positions.withUnsafeBufferPointer { positions in
        requests.withUnsafeBufferPointer { requests in
          body(
            Reader(
              positions: positions, requests: requests, length: length, block: block))
        }
      }
    }
  }
}

extension Trace {
  /// The requests within the time in which a record was observed, when that began and how long it lasted, µs.
  func observed(by model: ResampledArrivals) -> (
    requests: ArraySlice<TraceRequest>, from: Int64, length: Double
  ) {
    guard let first = requests.first, let last = requests.last else { return ([], 0, 1) }
    let start = model.from?.microseconds ?? first.arrivedAt
    let end = model.to?.microseconds ?? .max
    let low = requests.firstIndex { $0.arrivedAt >= start } ?? requests.count
    let high = requests.lastIndex { $0.arrivedAt < end }.map { $0 + 1 } ?? 0
    guard low < high else { return ([], start, 1) }
    let kept = requests[low..<high]
    let (from, length) = model.observed(
      first: kept[low].arrivedAt, last: min(last.arrivedAt, kept[high - 1].arrivedAt), count: kept.count)
    return (kept, from, length)
  }

  /// The rate that a record has by itself, per µs; `nil` unless two requests at different times were observed.
  package func rate(of model: ResampledArrivals) -> Double? {
    let (kept, _, length) = observed(by: model)
    guard let first = kept.first, let last = kept.last, first.arrivedAt < last.arrivedAt else { return nil }
    return Double(kept.count) / length
  }
}
