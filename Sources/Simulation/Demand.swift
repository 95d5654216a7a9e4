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
  let hasPrefixes: Bool

  /// - Parameter helper: draws ahead; `nil` for drawing on the simulating thread.
  init(_ load: Scenario.Load?, _ setting: ArrivalSetting, helper: DrawHelper?) throws {
    let drawn = try DemandSource(load, setting)
    let source = UnsafeMutablePointer<DemandSource>.allocate(capacity: 1)
    source.initialize(to: drawn)
    self.source = source
    let size = helper?.blockSize ?? DrawAhead<DemandBlock>.ownSize
    let hasPrefixes = drawn.hasPrefixes
    self.hasPrefixes = hasPrefixes
    ahead = DrawAhead(
      on: helper?.queue, keeping: setting.arena, spare: { DemandBlock(size, hasPrefixes: hasPrefixes) },
      fill: { source.pointee.draw(into: $0) })
    block = ahead.next(for: DemandBlock(size, hasPrefixes: hasPrefixes))
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

  /// How the prompt of the next request begins.
  var nextPrefix: Int32 { block.prefixes?[index] ?? PrefixTree.none }

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

/// Room for this many requests.
struct DemandBlock {
  let size: Int
  let times: UnsafeMutablePointer<Int64>
  let inputs: UnsafeMutablePointer<Int32>
  let outputs: UnsafeMutablePointer<Int32>
  /// How prompts begin; `nil` where none begin alike.
  let prefixes: UnsafeMutablePointer<Int32>?

  init(_ size: Int, hasPrefixes: Bool) {
    self.size = size
    times = .allocate(capacity: size)
    inputs = .allocate(capacity: size)
    outputs = .allocate(capacity: size)
    prefixes = hasPrefixes ? .allocate(capacity: size) : nil
  }

  func deallocate() {
    times.deallocate()
    inputs.deallocate()
    outputs.deallocate()
    prefixes?.deallocate()
  }
}

/// What draws the demand for one model.
struct DemandSource {
  private var arrivals: ArrivalProcess
  private var tokens: TokenDraws
  private let prefixes: PrefixDraws?
  let hasPrefixes: Bool

  init(_ load: Scenario.Load?, _ setting: ArrivalSetting) throws {
    arrivals = try ArrivalProcess(load?.arrivals, setting)
    tokens = try TokenDraws(load, setting)
    prefixes = try load?.tokens?.prefix.map {
      try PrefixDraws($0, in: setting.arena, setting.stream("prefixes"))
    }
    hasPrefixes =
      prefixes != nil || load?.recordedTokens.map { setting.traces[$0]?.prefixes != nil } == true
  }

  /// The next requests, in order of arrival.
  @inline(never)
  mutating func draw(into block: DemandBlock) {
    arrivals.draw(into: block)
    tokens.draw(into: block)
    prefixes?.draw(into: block)
  }
}
