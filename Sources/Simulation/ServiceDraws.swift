import Dispatch
import Sampling
import ScenarioModel

/// What one request's service takes, before batch, incidents and tokens have their say.
struct ServiceDraw {
  /// µs.
  var firstToken: Double
  /// µs a token.
  var perInputToken: Double
  var perOutputToken: Double
  /// Uniform on [0, 1): decides whether the request fails.
  var chance: Double
}

/// The service draws of a deployment, in the order in which its requests start service. They are the same
/// whatever the requests, so they are drawn ahead (see `DrawAhead`).
struct ServiceDraws: ~Copyable {
  let isDirect: Bool
  private let ahead: DrawAhead<UnsafeMutableBufferPointer<ServiceDraw>>
  private var block: UnsafeMutableBufferPointer<ServiceDraw>
  private var index = 0

  /// - Parameters:
  ///   - mayFail: whether a failure draw is needed.
  ///   - helper: draws ahead; `nil` for drawing on the simulating thread.
  ///   - stream: the deployment's stream for a purpose.
  init(
    _ service: DeploymentService, mayFail: Bool, in arena: SamplingArena, helper: DrawHelper?,
    stream: (String) -> RandomStream
  ) throws {
    let source = try ServiceSource(service, mayFail: mayFail, in: arena, stream: stream)
    isDirect = source.isDirect
    let size = helper?.blockSize ?? DrawAhead<DemandBlock>.ownSize
    ahead = DrawAhead(
      on: helper?.queue, keeping: arena, spare: { .allocate(capacity: size) },
      fill: { source.draw(into: $0) })
    block = .allocate(capacity: size)
    // The first request asks for the first block.
    index = size
  }

  deinit {
    ahead.finish()?.deallocate()
    block.deallocate()
  }

  @inline(__always)
  mutating func next() -> ServiceDraw {
    if index == block.count { nextBlock() }
    let draw = block[index]
    index &+= 1
    return draw
  }

  @inline(never)
  private mutating func nextBlock() {
    index = 0
    block = ahead.next(for: block)
  }
}

/// What draws the service of a deployment's requests.
private struct ServiceSource {
  let isDirect: Bool
  private let mayFail: Bool
  /// First token, a token of input, a token of output.
  private let parts: BlockSampler
  private let failureStream: RandomStream

  init(
    _ service: DeploymentService, mayFail: Bool, in arena: SamplingArena,
    stream: (String) -> RandomStream
  ) throws {
    func parts(_ times: [Distribution]) throws -> BlockSampler {
      let nothing = try Distribution(.constant(0))
      let all = times + Array(repeating: nothing, count: 3 - times.count)
      return BlockSampler(all.map { Sampler($0, in: arena) }, from: stream("service"))
    }
    switch service {
    case .alone(let time):
      isDirect = time.isDirect
      self.parts = try parts(time.parts)
    case .continuousBatching:
      // Steps are not drawn; whether a request fails is.
      isDirect = true
      self.parts = try parts([])
    }
    self.mayFail = mayFail
    failureStream = stream("failures")
  }

  @inline(never)
  func draw(into block: UnsafeMutableBufferPointer<ServiceDraw>) {
    guard let draws = block.baseAddress else { return }
    var start = 0
    while start < block.count {
      let rows = min(BlockSampler.most, block.count - start)
      parts.draw(rows)
      let (first, input, output) = (parts.column(0), parts.column(1), parts.column(2))
      for row in 0..<rows {
        (draws + start + row).initialize(
          to: ServiceDraw(
            firstToken: first[row], perInputToken: input[row], perOutputToken: output[row], chance: 1))
      }
      if mayFail { drawChances(draws + start, rows) }
      start += rows
    }
  }
}

extension ServiceSource {
  private func drawChances(_ draws: UnsafeMutablePointer<ServiceDraw>, _ rows: Int) {
    withUnsafeTemporaryAllocation(of: Double.self, capacity: BlockSampler.most) { chances in
      guard let values = chances.baseAddress else { return }
      failureStream.uniforms(rows, into: values)
      for row in 0..<rows { draws[row].chance = values[row] }
    }
  }
}

extension DeploymentService {
  var batchSlowdown: Double {
    switch self {
    case .alone(let time): time.batchSlowdown
    case .continuousBatching: 0
    }
  }
}
