import Dispatch
import Sampling
import ScenarioModel
import Telemetry

/// The demand for one model: when its requests arrive, and their tokens. Drawn ahead (see `DrawAhead`).
struct Demand: ~Copyable {
  private let source: UnsafeMutablePointer<DemandSource>
  private let ahead: DrawAhead<DemandBlock>
  private var block: DemandBlock
  private var index = 0

  /// - Parameters:
  ///   - helper: draws ahead; `nil`: nobody else does.
  ///   - stream: the model's stream for a purpose.
  init(
    _ load: Scenario.Load?, plan: ArrivalPlan, scenario: Scenario, in arena: SamplingArena,
    helper: DrawHelper?, stream: (String) -> RandomStream
  ) throws {
    let drawn = try DemandSource(load, plan: plan, scenario: scenario, in: arena, stream: stream)
    let source = UnsafeMutablePointer<DemandSource>.allocate(capacity: 1)
    source.initialize(to: drawn)
    self.source = source
    let size = helper?.blockSize ?? DrawAhead<DemandBlock>.ownSize
    ahead = DrawAhead(
      on: helper?.queue, spare: { DemandBlock(size) }, fill: { source.pointee.draw(into: $0) })
    block = ahead.next(for: DemandBlock(size))
  }

  deinit {
    ahead.finish()?.deallocate()
    block.deallocate()
    source.deinitialize(count: 1)
    source.deallocate()
  }

  /// When the next request arrives, µs since 1970; `Int64.max` when there are no more.
  @inline(__always)
  var nextTime: Int64 { block.times[index] }

  /// The tokens of the next request, which arrives with this.
  @inline(__always)
  mutating func takeNext() -> (input: Int32, output: Int32) {
    let tokens = (block.inputs[index], block.outputs[index])
    index &+= 1
    if index == block.size { nextBlock() }
    return tokens
  }

  @inline(never)
  private mutating func nextBlock() {
    index = 0
    block = ahead.next(for: block)
  }
}

/// Room for so many requests.
struct DemandBlock {
  let size: Int
  let times: UnsafeMutablePointer<Int64>
  let inputs: UnsafeMutablePointer<Int32>
  let outputs: UnsafeMutablePointer<Int32>

  init(_ size: Int) {
    self.size = size
    times = .allocate(capacity: size)
    inputs = .allocate(capacity: size)
    outputs = .allocate(capacity: size)
  }

  func deallocate() {
    times.deallocate()
    inputs.deallocate()
    outputs.deallocate()
  }
}

/// What draws the demand for one model.
struct DemandSource {
  private var arrivals: ArrivalProcess
  private let replaysTrace: Bool
  private let tokenStream: RandomStream
  /// Input, then output.
  private let tokens: BlockSampler
  private let copula: GaussianCopula?
  /// Of measured demand: from when on which counts hold.
  private let tokenWindows: [(start: Int64, input: Sampler, output: Sampler)]
  private var tokenWindow = 0

  /// - Parameter stream: the model's stream for a purpose.
  init(
    _ load: Scenario.Load?, plan: ArrivalPlan, scenario: Scenario, in arena: SamplingArena,
    stream: (String) -> RandomStream
  ) throws {
    let nothing = Sampler(try Distribution(.constant(0)), in: arena)
    arrivals = try ArrivalProcess(load?.arrivals, plan: plan, in: arena, stream: stream)
    if case .trace = load?.arrivals { replaysTrace = true } else { replaysTrace = false }
    tokenStream = stream("tokens")
    let given = load?.tokens
    tokens = BlockSampler(
      [
        given.map { Sampler($0.input, in: arena) } ?? nothing,
        given.map { Sampler($0.output, in: arena) } ?? nothing,
      ], from: tokenStream)
    if let given, given.correlation != 0 {
      copula = GaussianCopula(given.input, given.output, correlation: given.correlation, in: arena)
    } else {
      copula = nil
    }
    if case .serveGen(let trace, _, let startAt, _)? = load?.arrivals, let demand = scenario.measured[trace] {
      let origin = (startAt ?? scenario.from).microseconds
      tokenWindows = demand.tokens.map {
        (origin + $0.start, Sampler($0.input, in: arena), Sampler($0.output, in: arena))
      }
    } else {
      tokenWindows = []
    }
  }

  /// The next requests, in order of arrival.
  @inline(never)
  mutating func draw(into block: DemandBlock) {
    let (times, inputs, outputs) = (block.times, block.inputs, block.outputs)
    if replaysTrace {
      for row in 0..<block.size {
        guard let request = arrivals.nextOfTrace() else {
          times[row] = .max
          return
        }
        times[row] = request.arrivedAt
        inputs[row] = request.inputTokens
        outputs[row] = request.outputTokens
      }
      return
    }
    arrivals.next(UnsafeMutableBufferPointer(start: times, count: block.size))
    if !tokenWindows.isEmpty {
      drawMeasuredTokens(block)
    } else if let copula {
      for row in 0..<block.size {
        let pair = copula.draw(from: tokenStream)
        inputs[row] = Self.tokens(pair.0)
        outputs[row] = Self.tokens(pair.1)
      }
    } else {
      drawTokens(block)
    }
  }

  private func drawTokens(_ block: DemandBlock) {
    var start = 0
    while start < block.size {
      let rows = min(BlockSampler.most, block.size - start)
      tokens.draw(rows)
      tokens.roundedColumn(0, rows, into: block.inputs + start)
      tokens.roundedColumn(1, rows, into: block.outputs + start)
      start += rows
    }
  }

  @inline(never)
  private mutating func drawMeasuredTokens(_ block: DemandBlock) {
    let (times, inputs, outputs) = (block.times, block.inputs, block.outputs)
    for row in 0..<block.size {
      while tokenWindow + 1 < tokenWindows.count, tokenWindows[tokenWindow + 1].start <= times[row] {
        tokenWindow += 1
      }
      inputs[row] = Self.tokens(tokenWindows[tokenWindow].input.draw(from: tokenStream))
      outputs[row] = Self.tokens(tokenWindows[tokenWindow].output.draw(from: tokenStream))
    }
  }

  /// A drawn token count: whole, not negative.
  @inline(__always)
  private static func tokens(_ drawn: Double) -> Int32 {
    drawn > 0 ? drawn < 2_147_483_000 ? Int32(drawn + 0.5) : 2_147_483_000 : 0
  }
}
