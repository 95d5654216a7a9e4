import Sampling
import ScenarioModel

/// The token counts of a model's requests, drawn in the order of their arrival.
struct TokenDraws {
  private enum Method {
    /// They come with the arrivals.
    case recorded
    /// Input, then output.
    case independent(BlockSampler)
    case correlated(GaussianCopula)
    /// From each start (µs since 1970) on, counts hold until the next; at least one.
    case windowed([(start: Int64, input: Sampler, output: Sampler)])
  }

  private let method: Method
  private let stream: RandomStream
  /// The window at hand.
  private var window = 0

  /// Those of a load.
  init(_ load: Scenario.Load?, _ setting: ArrivalSetting) throws {
    let arena = setting.arena
    stream = setting.stream("tokens")
    if load?.recordedTokens != nil {
      method = .recorded
    } else if case .serveGen(let source)? = load?.arrivals.source,
      let demand = setting.scenario.measured[source.trace], !demand.tokens.isEmpty
    {
      let origin = source.start(in: setting.scenario).microseconds
      method = .windowed(
        demand.tokens.map {
          (origin + $0.start, Sampler($0.input, in: arena), Sampler($0.output, in: arena))
        })
    } else {
      method = try Self.drawn(load?.tokens, stream, arena)
    }
  }

  /// - Parameter purpose: of their stream.
  init(_ tokens: Scenario.Tokens?, purpose: String, _ setting: ArrivalSetting) throws {
    stream = setting.stream(purpose)
    method = try Self.drawn(tokens, stream, setting.arena)
  }

  private static func drawn(_ given: Scenario.Tokens?, _ stream: RandomStream, _ arena: SamplingArena) throws
    -> Method
  {
    if let given, given.correlation != 0 {
      return .correlated(
        GaussianCopula(given.input, given.output, correlation: given.correlation, in: arena))
    }
    let nothing = try Distribution(.constant(0))
    return .independent(
      BlockSampler(
        [Sampler(given?.input ?? nothing, in: arena), Sampler(given?.output ?? nothing, in: arena)],
        from: stream))
  }

  /// Fills in the tokens of a block whose times have been drawn.
  mutating func draw(into block: DemandBlock) {
    switch method {
    case .recorded: break
    case .independent(let tokens): Self.draw(tokens, into: block)
    case .correlated(let copula):
      for row in 0..<block.size {
        let pair = copula.draw(from: stream)
        block.inputs[row] = Self.count(pair.0)
        block.outputs[row] = Self.count(pair.1)
      }
    case .windowed(let windows): draw(windows, into: block)
    }
  }

  private static func draw(_ tokens: BlockSampler, into block: DemandBlock) {
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
  private mutating func draw(
    _ windows: [(start: Int64, input: Sampler, output: Sampler)], into block: DemandBlock
  ) {
    for row in 0..<block.size {
      while window + 1 < windows.count, windows[window + 1].start <= block.times[row] { window += 1 }
      block.inputs[row] = Self.count(windows[window].input.draw(from: stream))
      block.outputs[row] = Self.count(windows[window].output.draw(from: stream))
    }
  }

  /// A drawn token count: whole, not negative.
  @inline(__always)
  private static func count(_ drawn: Double) -> Int32 {
    drawn > 0 ? drawn < 2_147_483_000 ? Int32(drawn + 0.5) : 2_147_483_000 : 0
  }
}
