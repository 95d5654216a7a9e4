import Sampling
import ScenarioModel

/// What comes after a response, of sessions and users: how long the next request lets wait for itself, and its tokens.
///
/// The turns of a session are drawn when it starts, so that they are the same however fast it is answered; a user's next
/// request is drawn when the response to the last one is known.
final class TurnDraws {
  struct Turn {
    /// From the response to the request, µs.
    var think: Int64
    /// What is new in it.
    var input: Int32
    var output: Int32
  }

  /// By class; one where there are none.
  private let tokens: [TokenReservoir]
  private let think: BlockSampler
  private var index = BlockSampler.most

  init(_ load: Scenario.Load, think distribution: Distribution, _ setting: ArrivalSetting) throws {
    let classes = load.classes
    tokens =
      classes.isEmpty
      ? [try TokenReservoir(load.tokens, purpose: "tokens of turns", setting)]
      : try classes.map {
        try TokenReservoir($0.tokens ?? load.tokens, purpose: "tokens of turns of \($0.name)", setting)
      }
    think = BlockSampler([Sampler(distribution, in: setting.arena)], from: setting.stream("think"))
  }

  func tokens(of requestClass: UInt8) -> TokenReservoir { tokens[Int(requestClass)] }

  /// - Parameter tokens: of the class.
  func next(_ tokens: TokenReservoir) -> Turn {
    if index == BlockSampler.most {
      think.draw(BlockSampler.most)
      index = 0
    }
    defer { index += 1 }
    let (input, output) = tokens.next()
    return Turn(think: microseconds(think.column(0)[index]), input: input, output: output)
  }
}
