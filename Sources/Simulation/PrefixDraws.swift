import Foundation
import Sampling
import ScenarioModel
import Telemetry

/// Which of its model's shared beginnings each prompt has.
struct PrefixDraws {
  private let tokens: Int32
  /// Of numbers from 0, the most frequent first.
  private let numbers: Sampler
  private let stream: RandomStream

  init(_ prefix: Scenario.SharedPrefix, in arena: SamplingArena, _ stream: RandomStream) throws {
    tokens = Int32(prefix.tokens)
    let ranks = (0..<prefix.count).map(Double.init)
    numbers = Sampler(
      try Distribution(
        .empirical(EmpiricalDistribution(values: ranks, weights: ranks.map { pow($0 + 1, -prefix.skew) }))),
      in: arena)
    self.stream = stream
  }

  /// Draws the beginnings of a block, and puts their tokens before those that have been drawn.
  func draw(into block: DemandBlock) {
    for row in 0..<block.size {
      block.prefixes?[row] = Int32(numbers.draw(from: stream))
      block.inputs[row] = min(block.inputs[row], Int32(Limits.tokens) - tokens) + tokens
    }
  }
}

extension Scenario.Model {
  /// Whether some of its prompts begin alike, and some of its replicas keep what they begin with.
  package func keepsPrefixes(_ traces: [TraceSource.Selection: Trace]) -> Bool {
    let beginAlike =
      load?.tokens?.prefix != nil || load?.sessions?.growsContext == true
      || load?.recordedTokens.map { traces[$0]?.prefixes != nil } ?? false
    return beginAlike
      && deployments.contains { $0.service.continuousBatching?.kvCache?.keepsPrefixes == true }
  }
}

/// How the prompts of a model begin alike, for one deployment.
struct DeploymentPrefixes {
  let tree: PrefixNodes
  /// Of each beginning that is drawn; 1 in traces, which name nodes.
  private let nodes: Int32
  /// Steps, at most, in which a beginning that is drawn is cached and goes.
  private static let mostNodes = 8

  /// - Parameter sessions: what the prompts of the model's sessions begin with; `nil` if it has none.
  /// - Returns: `nil` where no prompts begin alike, or the deployment does not share what they begin with.
  init?(
    _ load: Scenario.Load?, _ batching: ContinuousBatching?, _ traces: [TraceSource.Selection: Trace],
    sessions: PrefixNodes?
  ) {
    guard let cache = batching?.kvCache, cache.keepsPrefixes else { return nil }
    if let prefix = load?.tokens?.prefix {
      let blocks = (prefix.tokens + Int(cache.blockSize) - 1) / Int(cache.blockSize)
      let step = Int(cache.blockSize) * ((blocks + Self.mostNodes - 1) / Self.mostNodes)
      tree = PrefixNodes(PrefixTree(separate: prefix.count, tokens: Int32(prefix.tokens), step: Int32(step)))
      nodes = Int32(tree.count / prefix.count)
    } else if let trace = load?.recordedTokens, let tree = traces[trace]?.prefixes {
      self.tree = PrefixNodes(tree)
      nodes = 1
    } else if let sessions {
      tree = sessions
      nodes = 1
    } else {
      return nil
    }
  }

  func leaf(_ prefix: Int32) -> Int32 { prefix < 0 ? PrefixTree.none : (prefix + 1) * nodes - 1 }
}
