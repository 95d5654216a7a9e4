import Sampling

/// Requests that clients will send again, by the instant of the next attempt.
struct RetryBuffer: ~Copyable {
  struct Request {
    var input: Int32
    var output: Int32
    var attempt: UInt8
    var prefix: Int32
    var origin = RequestOrigin.none
  }

  let isUsed: Bool
  private let probability: Double
  private let attempts: Int
  private let backoff: Sampler
  private let stream: RandomStream
  /// End of the period: no request arrives from then on.
  private let noneFrom: Int64
  /// Tags index `requests`.
  private var times = EventList()
  private var requests: [Request] = []
  private var free: [Int] = []

  init(probability: Double, attempts: Int, backoff: Sampler, stream: RandomStream, noneFrom: Int64) {
    isUsed = probability > 0
    self.probability = probability
    self.attempts = attempts
    self.backoff = backoff
    self.stream = stream
    self.noneFrom = noneFrom
  }

  var firstTime: Int64 { times.firstTime }

  /// Decides whether the client tries a request again that has failed. Returns when, or `Int64.max` if not.
  mutating func consider(_ request: Request, endedAt: Int64) -> Int64 {
    guard Int(request.attempt) < attempts, stream.uniform() < probability else { return .max }
    let time = endedAt + max(microseconds(backoff.draw(from: stream)), 1)
    guard time < noneFrom else { return .max }
    var request = request
    request.attempt += 1
    if let slot = free.popLast() {
      requests[slot] = request
      times.insert(time: time, tag: UInt64(slot))
    } else {
      times.insert(time: time, tag: UInt64(requests.count))
      requests.append(request)
    }
    return time
  }

  mutating func removeFirst() -> Request {
    let slot = Int(times.removeFirst().tag)
    free.append(slot)
    return requests[slot]
  }
}
