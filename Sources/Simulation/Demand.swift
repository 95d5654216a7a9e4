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
  let hasClasses: Bool

  /// - Parameter helper: draws ahead; `nil` for drawing on the simulating thread.
  init(_ load: Scenario.Load?, _ setting: ArrivalSetting, helper: DrawHelper?) throws {
    let drawn = try DemandSource(load, setting)
    let source = UnsafeMutablePointer<DemandSource>.allocate(capacity: 1)
    source.initialize(to: drawn)
    self.source = source
    let size = helper?.blockSize ?? DrawAhead<DemandBlock>.ownSize
    hasPrefixes = drawn.hasPrefixes
    hasClasses = drawn.hasClasses
    func empty() -> DemandBlock {
      DemandBlock(
        size, hasPrefixes: drawn.hasPrefixes, hasClasses: drawn.hasClasses, hasTurns: drawn.hasTurns)
    }
    ahead = DrawAhead(
      on: helper?.queue, keeping: setting.arena, spare: empty, fill: { source.pointee.draw(into: $0) })
    block = ahead.next(for: empty())
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

  /// The class of the next request, session or user.
  var nextClass: UInt8 { block.classes?[index] ?? 0 }

  /// The turns of the next session.
  var nextTurns: Int32 { block.turns?[index] ?? 1 }

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
  /// `nil` where there are none.
  let classes: UnsafeMutablePointer<UInt8>?
  /// Of sessions; `nil` where there are none.
  let turns: UnsafeMutablePointer<Int32>?

  init(_ size: Int, hasPrefixes: Bool, hasClasses: Bool = false, hasTurns: Bool = false) {
    self.size = size
    times = .allocate(capacity: size)
    inputs = .allocate(capacity: size)
    outputs = .allocate(capacity: size)
    prefixes = hasPrefixes ? .allocate(capacity: size) : nil
    classes = hasClasses ? .allocate(capacity: size) : nil
    turns = hasTurns ? .allocate(capacity: size) : nil
  }

  func deallocate() {
    times.deallocate()
    inputs.deallocate()
    outputs.deallocate()
    prefixes?.deallocate()
    classes?.deallocate()
    turns?.deallocate()
  }
}

/// What draws the demand for one model.
struct DemandSource {
  private var arrivals: ArrivalProcess
  private var tokens: TokenDraws
  private let prefixes: PrefixDraws?
  private let classes: ClassDraws?
  private let turns: TurnCounts?
  let hasPrefixes: Bool
  var hasClasses: Bool { classes != nil }
  var hasTurns: Bool { turns != nil }

  init(_ load: Scenario.Load?, _ setting: ArrivalSetting) throws {
    arrivals = try ArrivalProcess(load?.arrivals, setting)
    tokens = try TokenDraws(load, setting)
    prefixes = try load?.tokens?.prefix.map {
      try PrefixDraws($0, in: setting.arena, setting.stream("prefixes"))
    }
    classes = try load.flatMap { $0.classes.isEmpty ? nil : try ClassDraws($0.classes, setting) }
    turns = load?.sessions.map { TurnCounts($0, setting) }
    hasPrefixes =
      prefixes != nil || load?.recordedTokens.map { setting.traces[$0]?.prefixes != nil } == true
  }

  /// The next requests, in order of arrival.
  @inline(never)
  mutating func draw(into block: DemandBlock) {
    arrivals.draw(into: block)
    tokens.draw(into: block)
    classes?.draw(into: block)
    turns?.draw(into: block)
    prefixes?.draw(into: block)
  }
}
