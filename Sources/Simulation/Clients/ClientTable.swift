import Sampling
import ScenarioModel
import Telemetry

/// The sessions or the users of a model, each of whom sends the next request after the response to the last.
///
/// A session has turns, drawn when it starts; a user goes on until there are more users than there are to be. What both
/// send next waits in `coming`, by the instant at which it arrives.
///
/// Invariants, checked by `checkInvariants()`: a client that is there has one request that is waiting or served, or is in
/// `coming`, or waits for another attempt; all places of `clients` but those are on the list of free ones.
struct ClientTable: ~Copyable {
  private struct Client {
    var number: Int64
    /// Of the request that was sent last; 0 for users.
    var turn: Int32
    var requestClass: UInt8
    /// Tokens of all that was said so far, where prompts begin with it.
    var history: Int32 = 0
    /// The turns that are to come, in `turns`; −1: none.
    var next: Int32
    /// What it sends next.
    var input: Int32 = 0
    var output: Int32 = 0
    /// What its next prompt begins with, in the tree of prefixes; and of the request that it has sent last.
    var said = PrefixTree.none
    var prompt = PrefixTree.none
    /// The last of its nodes.
    var lastNode = PrefixTree.none
  }

  private enum Kind { case none, sessions, users }

  let isUsed: Bool
  private let kind: Kind
  // What each response is held to, as plain numbers: it is asked for every request.
  private let abandonAfterFailure: Double
  /// µs.
  private let patience: Int64
  /// How many users there are to be, if that never changes.
  private let constantUsers: Int?
  private let loop: ClosedLoopArrivals?
  private let growsContext: Bool
  private let maxContext: Int32
  private let draws: TurnDraws?
  /// What the prompts of sessions begin with; `nil` where no replica keeps it, or they begin with nothing.
  let prefixes: PrefixNodes?
  private let abandonment: RandomStream
  /// End of the period: no request arrives from then on.
  private let noneFrom: Int64

  private var clients: [Client] = []
  private var free: [Int32] = []
  /// Tags are places in `clients`.
  private var coming: RadixHeap
  private var turns: [(turn: TurnDraws.Turn, next: Int32)] = []
  private var freeTurn: Int32 = -1
  private var started: Int64 = 0
  /// Users that there are.
  private var users = 0

  /// - Parameter keepsPrefixes: whether replicas keep what prompts begin with.
  init(_ load: Scenario.Load?, keepsPrefixes: Bool, _ setting: ArrivalSetting) throws {
    // All that may throw comes first: a value with a deinitialiser is made as a whole.
    let sessions = load?.sessions
    let loop = sessions == nil ? load?.arrivals.closedLoop : nil
    var drawn: TurnDraws?
    if let load, let think = sessions?.think ?? loop?.think {
      drawn = try TurnDraws(load, think: think, setting)
    }
    let grows = sessions?.growsContext ?? false
    let constant = loop.flatMap { $0.userChanges.isEmpty ? $0.users : nil }

    draws = drawn
    coming = RadixHeap(from: setting.scenario.simulationStart.microseconds)
    kind = sessions != nil ? .sessions : loop != nil ? .users : .none
    growsContext = grows
    maxContext = Int32(sessions?.maxContext ?? 0)
    prefixes = keepsPrefixes && grows ? PrefixNodes() : nil
    abandonAfterFailure = sessions?.abandonAfterFailure ?? 0
    patience = sessions?.patienceMicroseconds ?? .max
    self.loop = loop
    constantUsers = constant
    abandonment = setting.stream("abandonment")
    noneFrom = setting.scenario.to.microseconds
    isUsed = drawn != nil
  }

  /// When the next request of a client that is there arrives; `Int64.max` if none does.
  var firstTime: Int64 { coming.firstTime }

  /// A session or a user comes.
  /// - Parameters:
  ///   - turns: of the session.
  ///   - tokens: of its first request.
  /// - Returns: the origin of its first request; `nil` if there are as many users as there are to be.
  mutating func begin(
    _ requestClass: UInt8, turns count: Int32, tokens: (input: Int32, output: Int32), at time: Int64
  ) -> RequestOrigin? {
    switch kind {
    case .none: return RequestOrigin.none
    case .users:
      guard users < usersToBe(at: time) else { return nil }
      users += 1
      started += 1
      let place = insert(Client(number: started, turn: 0, requestClass: requestClass, next: -1))
      return RequestOrigin(requestClass: requestClass, client: place, number: started, turn: 0)
    case .sessions:
      started += 1
      guard count > 1 else {
        return RequestOrigin(requestClass: requestClass, client: -1, number: started, turn: 1)
      }
      let drawn = draw(Int(count - 1), of: requestClass)
      let place = insert(Client(number: started, turn: 1, requestClass: requestClass, next: drawn))
      say(tokens.input, tokens.output, Int(place), after: PrefixTree.none)
      return RequestOrigin(requestClass: requestClass, client: place, number: started, turn: 1)
    }
  }

  /// How many users there are to be.
  private func usersToBe(at time: Int64) -> Int {
    constantUsers ?? loop?.users(at: Timestamp(microseconds: time)) ?? 0
  }

  /// The turns of a session after the first.
  /// - Returns: the first of them.
  private mutating func draw(_ count: Int, of requestClass: UInt8) -> Int32 {
    guard let draws else { return -1 }
    let tokens = draws.tokens(of: requestClass)
    var first: Int32 = -1
    var last: Int32 = -1
    for _ in 0..<count {
      let turn = draws.next(tokens)
      var place = freeTurn
      if place >= 0 {
        freeTurn = turns[Int(place)].next
        turns[Int(place)] = (turn, -1)
      } else {
        place = Int32(turns.count)
        turns.append((turn, -1))
      }
      if last >= 0 { turns[Int(last)].next = place } else { first = place }
      last = place
    }
    return first
  }

  private mutating func insert(_ client: Client) -> Int32 {
    guard let place = free.popLast() else {
      clients.append(client)
      return Int32(clients.count - 1)
    }
    clients[Int(place)] = client
    return place
  }

  /// The response to a client's request is there, or has failed for good.
  /// - Parameters:
  ///   - input: of the prompt.
  ///   - output: of the response; 0 of a failure.
  ///   - firstToken: how long it let wait for itself, µs.
  /// - Returns: when its next request arrives; `Int64.max` if none does.
  mutating func respond(
    _ place: Int32, succeeded: Bool, input: Int32, output: Int32, firstToken: Int64, at time: Int64
  ) -> Int64 {
    let index = Int(place)
    let turn: TurnDraws.Turn
    switch kind {
    case .none: return .max
    case .users:
      guard let draws else { return .max }
      turn = draws.next(draws.tokens(of: clients[index].requestClass))
    case .sessions:
      if succeeded ? firstToken > patience : abandonment.uniform() < abandonAfterFailure {
        return leave(place)
      }
      guard let taken = takeTurn(of: index) else { return leave(place) }
      turn = taken
    }
    if growsContext, succeeded {
      clients[index].history = input + min(output, .max - input)
      if let prefixes {
        let prompt = clients[index].prompt
        let response = prefixes.response(to: prompt)
        clients[index].said = response >= 0 ? response : prompt
      }
    }
    let history = clients[index].history
    clients[index].input = prompt(history, turn.input)
    clients[index].output = turn.output
    let pause = succeeded ? 1 : Scenario.Load.pauseAfterFailure
    let next = time + max(turn.think, pause)
    guard next < noneFrom else { return leave(place) }
    // Where the oldest was left out, the prompt begins as no other does.
    let isWhole = Int64(clients[index].input) == Int64(history) + Int64(turn.input)
    say(
      clients[index].input, turn.output, index, after: isWhole ? clients[index].said : PrefixTree.none)
    coming.insert(time: next, tag: Int(place))
    return next
  }

  /// Notes what a session's next prompt begins with.
  private mutating func say(_ input: Int32, _ output: Int32, _ index: Int, after said: Int32) {
    guard let prefixes else { return }
    (clients[index].prompt, clients[index].lastNode) = prefixes.append(
      parent: said, prompt: input, output: output, after: clients[index].lastNode)
  }

  /// What the prompt of a client's request begins with.
  func prefix(_ client: Int32) -> Int32 {
    prefixes == nil || client < 0 ? PrefixTree.none : clients[Int(client)].prompt
  }

  /// What is new, after as much of what was said before as the context has room for.
  private func prompt(_ history: Int32, _ input: Int32) -> Int32 {
    guard growsContext else { return input }
    return max(input, min(maxContext, history + min(input, .max - history)))
  }

  private mutating func takeTurn(of index: Int) -> TurnDraws.Turn? {
    let place = clients[index].next
    guard place >= 0 else { return nil }
    let (turn, next) = turns[Int(place)]
    clients[index].next = next
    turns[Int(place)].next = freeTurn
    freeTurn = place
    return turn
  }

  /// A client comes no more.
  /// - Returns: never.
  @discardableResult
  private mutating func leave(_ place: Int32) -> Int64 {
    while takeTurn(of: Int(place)) != nil {}
    if kind == .users { users -= 1 }
    prefixes?.end(clients[Int(place)].lastNode)
    free.append(place)
    return .max
  }

  /// Takes out the first request that is coming.
  /// - Returns: `nil` if its user leaves instead.
  mutating func takeFirst() -> (origin: RequestOrigin, input: Int32, output: Int32)? {
    let (time, index) = coming.removeFirst()
    let place = Int32(truncatingIfNeeded: index)
    if kind == .users, users > usersToBe(at: time) {
      leave(place)
      return nil
    }
    if clients[index].turn > 0 { clients[index].turn += 1 }
    let client = clients[index]
    return (
      RequestOrigin(
        requestClass: client.requestClass, client: place, number: client.number, turn: client.turn),
      client.input, client.output
    )
  }

  func checkInvariants() -> Bool {
    let unused = Set(free)
    return coming.checkInvariants() && unused.count == free.count
      && coming.tags().allSatisfy { $0 < clients.count && !unused.contains(Int32($0)) }
  }
}
