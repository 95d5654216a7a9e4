import Telemetry

/// Requests of one model that wait to be merged with those of the others, in order of arrival. Also hands them on
/// at once to the sink that does not care for the order between models.
final class RequestBuffer: TelemetrySink {
  private let direct: (any TelemetrySink)?
  private(set) var batch = RequestBatch(capacity: 1024)
  /// Rows before this one have been merged.
  var taken = 0

  init(direct: (any TelemetrySink)?) { self.direct = direct }

  func receive(_ requests: RequestColumns) throws {
    try direct?.receive(requests)
    if batch.count + requests.count > batch.capacity {
      var capacity = batch.capacity
      while capacity < batch.count - taken + requests.count { capacity *= 2 }
      let larger = RequestBatch(capacity: capacity)
      let rows = batch.columns
      for row in taken..<batch.count { larger.append(row, of: rows, requestID: 0) }
      batch = larger
      taken = 0
    }
    for row in 0..<requests.count { batch.append(row, of: requests, requestID: 0) }
  }

  func receiveWarmUp(_ requests: RequestColumns) throws { try direct?.receiveWarmUp(requests) }

  /// When the first request that has not been merged arrived; `Int64.max` if there is none.
  var firstTime: Int64 { taken < batch.count ? batch.columns.arrivedAt[taken] : .max }
}

/// Brings the requests of many models into one order, by (arrival, model), and numbers them from 1.
final class RequestMerger {
  private let sink: any TelemetrySink
  private let out = RequestBatch(capacity: 32_768)
  private var nextID: Int64 = 1

  init(sink: any TelemetrySink) { self.sink = sink }

  /// Hands on all requests that arrived before `frontier`.
  func merge(_ buffers: [RequestBuffer], before frontier: Int64) throws {
    var heads = EventList(capacity: buffers.count)
    for (index, buffer) in buffers.enumerated() where buffer.firstTime < frontier {
      heads.insert(time: buffer.firstTime, tag: UInt64(index))
    }
    while heads.count > 0 {
      let index = Int(heads.first.tag)
      let buffer = buffers[index]
      out.append(buffer.taken, of: buffer.batch.columns, requestID: nextID)
      nextID += 1
      buffer.taken += 1
      if out.isFull { try flush() }
      let next = buffer.firstTime
      if next < frontier { heads.replaceFirst(time: next, tag: UInt64(index)) } else { heads.removeFirst() }
    }
  }

  func flush() throws {
    if out.count > 0 { try sink.receive(out.columns) }
    out.removeAll()
  }
}
