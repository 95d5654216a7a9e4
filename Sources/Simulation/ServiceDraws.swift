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
  ///   - helper: draws ahead; `nil`: nobody else does.
  ///   - stream: the deployment's stream for a purpose.
  init(
    _ service: Scenario.DeploymentService, mayFail: Bool, in arena: SamplingArena, helper: DispatchQueue?,
    stream: (String) -> RandomStream
  ) throws {
    let source = try ServiceSource(service, mayFail: mayFail, in: arena, stream: stream)
    isDirect = source.isDirect
    let size = helper == nil ? DrawAhead<DemandBlock>.ownSize : DrawAhead<DemandBlock>.helpedSize
    ahead = DrawAhead(on: helper, spare: { .allocate(capacity: size) }, fill: { source.draw(into: $0) })
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
  private let firstToken: Sampler
  private let perInputToken: Sampler
  private let perOutputToken: Sampler
  private let serviceStream: RandomStream
  private let failureStream: RandomStream

  init(
    _ service: Scenario.DeploymentService, mayFail: Bool, in arena: SamplingArena,
    stream: (String) -> RandomStream
  ) throws {
    let nothing = Sampler(try Distribution(.constant(0)), in: arena)
    switch service {
    case .alone(.direct(let time, _)):
      isDirect = true
      firstToken = Sampler(time, in: arena)
      perInputToken = nothing
      perOutputToken = nothing
    case .alone(.tokens(let first, let input, let output, _)):
      isDirect = false
      firstToken = Sampler(first, in: arena)
      perInputToken = Sampler(input, in: arena)
      perOutputToken = Sampler(output, in: arena)
    case .continuousBatching:
      // Steps are not drawn; whether a request fails is.
      isDirect = true
      firstToken = nothing
      perInputToken = nothing
      perOutputToken = nothing
    }
    self.mayFail = mayFail
    serviceStream = stream("service")
    failureStream = stream("failures")
  }

  @inline(never)
  func draw(into block: UnsafeMutableBufferPointer<ServiceDraw>) {
    guard let rows = block.baseAddress else { return }
    for row in 0..<block.count {
      (rows + row).initialize(
        to: ServiceDraw(
          firstToken: firstToken.draw(from: serviceStream),
          perInputToken: perInputToken.draw(from: serviceStream),
          perOutputToken: perOutputToken.draw(from: serviceStream), chance: 1))
    }
    if mayFail { for row in 0..<block.count { rows[row].chance = failureStream.uniform() } }
  }
}

extension Scenario.DeploymentService {
  var batchSlowdown: Double {
    switch self {
    case .alone(.direct(_, let slowdown)), .alone(.tokens(_, _, _, let slowdown)): slowdown
    case .continuousBatching: 0
    }
  }

  var continuousBatching: Scenario.ContinuousBatching? {
    switch self {
    case .alone: nil
    case .continuousBatching(let batching): batching
    }
  }
}
