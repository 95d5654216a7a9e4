import Sampling
import ScenarioModel

/// The class of each request, session or user, in the order of arrival, and the tokens of those whose class has its own.
struct ClassDraws {
  /// Cumulated shares.
  private let ends: [Double]
  /// By class; `nil` where it has those of the load.
  private let tokens: [TokenReservoir?]
  private let stream: RandomStream

  init(_ classes: [Scenario.RequestClass], _ setting: ArrivalSetting) throws {
    var sum = 0.0
    ends = classes.map {
      sum += $0.share
      return sum
    }
    tokens = try classes.map { one in
      try one.tokens.map { try TokenReservoir($0, purpose: "tokens of \(one.name)", setting) }
    }
    stream = setting.stream("classes")
  }

  /// Draws the classes of a block whose tokens have been drawn.
  func draw(into block: DemandBlock) {
    guard let classes = block.classes else { return }
    for row in 0..<block.size {
      let chance = stream.uniform()
      let chosen = min(ends.firstIndex { chance < $0 } ?? ends.count, ends.count - 1)
      classes[row] = UInt8(truncatingIfNeeded: chosen)
      if let own = tokens[chosen] { (block.inputs[row], block.outputs[row]) = own.next() }
    }
  }
}

/// Token counts that are taken one by one, and drawn in blocks.
final class TokenReservoir {
  private var draws: TokenDraws
  private let block = DemandBlock(64, hasPrefixes: false)
  private var index = 64

  /// - Parameter purpose: of their stream.
  init(_ tokens: Scenario.Tokens?, purpose: String, _ setting: ArrivalSetting) throws {
    draws = try TokenDraws(tokens, purpose: purpose, setting)
  }

  deinit { block.deallocate() }

  func next() -> (input: Int32, output: Int32) {
    if index == block.size {
      draws.draw(into: block)
      index = 0
    }
    defer { index += 1 }
    return (block.inputs[index], block.outputs[index])
  }
}
