import Documents

/// A Markov-modulated Poisson process: states follow each other in turn, each for an exponential time, and requests
/// arrive at the rate of the state.
package struct MarkovModulatedArrivals: ArrivalModel {
  package struct State: Sendable, Equatable {
    /// Per microsecond, at least 0.
    package var rate: Double
    /// Mean time spent in it, at least 1,000.
    package var meanMicroseconds: Double

    package init(rate: Double, meanMicroseconds: Double) {
      self.rate = rate
      self.meanMicroseconds = meanMicroseconds
    }
  }

  /// 2 to 100.
  package var states: [State]

  package init(_ states: [State]) { self.states = states }

  // MARK: In a scenario

  static let shape = Shape(
    "markovModulated",
    "A Markov-modulated Poisson process: the states follow each other in turn, each for an exponential time.",
    [Key("states", .list(.object { state }), required: true, "Two or more.")])

  static let state = Shape(
    "markovState", "A state of the chain.",
    [
      Key("rate", .rate, required: true, "Arrivals per time while in it; may be 0/s."),
      Key("mean", .duration, required: true, "Mean time spent in it."),
    ])

  static let entry = ArrivalEntry(
    "markovModulated", shape, "Poisson arrivals whose rate follows a Markov chain.", read: read)

  private static func read(_ keys: Section) -> Arrivals? {
    let states = keys.sections("states").compactMap { state -> State? in
      guard let rate = state.rate("rate", allowZero: true), let mean = state.duration("mean") else {
        return nil
      }
      guard mean >= 1000 else {
        state.error("mean", "a state's mean time must be at least 1ms.")
        return nil
      }
      return State(rate: rate, meanMicroseconds: Double(mean))
    }
    guard states.count == keys.list("states").count else { return nil }
    guard (2...100).contains(states.count) else {
      keys.error("states", "\(states.count) states. Give 2 to 100.")
      return nil
    }
    guard states.contains(where: { $0.rate > 0 }) else {
      keys.error("states", "every state's rate is 0: no request would ever arrive. Raise one.")
      return nil
    }
    return .markovModulated(MarkovModulatedArrivals(states))
  }

  var yaml: YAMLValue.Entry {
    let list = states.map {
      YAMLValue.flow([.init("rate", .rate($0.rate)), .init("mean", .duration($0.meanMicroseconds))])
    }
    return .init("markovModulated", .flow([.init("states", .flow(list))]))
  }

  // MARK: What follows from them

  var meanRate: Double? {
    states.reduce(0) { $0 + $1.rate * $1.meanMicroseconds } / states.reduce(0) { $0 + $1.meanMicroseconds }
  }
  var isRandom: Bool { true }
  var asArrivals: Arrivals { .markovModulated(self) }

  func scaled(by factor: Double) -> Arrivals {
    .markovModulated(
      MarkovModulatedArrivals(
        states.map { State(rate: $0.rate * factor, meanMicroseconds: $0.meanMicroseconds) }))
  }
}
