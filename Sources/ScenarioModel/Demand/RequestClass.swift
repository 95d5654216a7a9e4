import Documents
import Sampling
import Telemetry

extension Scenario {
  /// A class of a model's requests, such as interactive or batch.
  package struct RequestClass: Sendable, Equatable {
    package var name: String
    /// Of the model's requests, above 0; the shares of all classes add up to 1.
    package var share: Double
    /// Where a queue goes by priority, the larger one is served first.
    package var priority = 0
    /// Of its requests; `nil`: those of the load.
    package var tokens: Tokens?
    /// How long its clients wait for a response, µs; `nil`: as long as those of the load.
    package var deadlineMicroseconds: Int64?

    /// Classes of one model: the engine's queues look at each.
    package static let most = 32
  }
}

extension Scenario.RequestClass {
  static let shape = Shape(
    "requestClass", "A class of a model's requests.",
    [
      Key("name", .text, required: true, "Its name, as in telemetry and objectives."),
      Key(
        "share", .number(0...1), required: true,
        "Share of the model's requests, or of its sessions or users; all shares add up to 1."),
      Key(
        "priority", .integer(-1000...1000), default: "0",
        "Where a queue goes by priority, requests with the larger one are served first."),
      Key("tokens", .object { tokens }, "Token counts of its requests; by default those of the load."),
      Key(
        "deadline", .duration,
        "How long its clients wait for a response before they cancel; by default as long as those of the load."
      ),
    ])

  private static let tokens = Shape(
    "classTokens", "Token counts of a class's requests, rounded to whole numbers.",
    Grammar.tokens.keys.filter { $0.name != "prefix" })

  /// The classes of a load.
  /// - Returns: `nil` after a diagnostic.
  static func read(_ load: Section) -> [Scenario.RequestClass]? {
    guard load.has("classes") else { return [] }
    let sections = load.sections("classes")
    let read = sections.map(Self.init)
    guard sections.count == load.list("classes").count, !read.contains(where: { $0 == nil }) else {
      return nil
    }
    let classes = read.compactMap { $0 }
    guard (1...most).contains(classes.count) else {
      load.error("classes", "\(classes.count) classes. Give 1 to \(most), or leave classes out.")
      return nil
    }
    var names: Set<ExactName> = []
    for (one, keys) in zip(classes, sections) where !names.insert(ExactName(one.name)).inserted {
      keys.error("name", "a second class is called \(quoted(one.name)). Rename one of them.")
      return nil
    }
    let sum = classes.reduce(0) { $0 + $1.share }
    guard abs(sum - 1) <= 1e-9 else {
      load.error(
        "classes",
        "the shares of the classes add up to \(plain((sum * 1e9).rounded() / 1e9)), not to 1. Change one of them by \(plain(((1 - sum) * 1e9).rounded() / 1e9))."
      )
      return nil
    }
    return classes
  }

  /// `nil` after a diagnostic.
  private init?(_ keys: Section) {
    guard let name = keys.name("name"), let share = keys.number("share"),
      let priority = keys.has("priority") ? keys.integer("priority") : 0
    else { return nil }
    guard share > 0 else {
      keys.error(
        "share", "no request is of class \(quoted(name)): its share is 0. Raise it, or leave the class out.")
      return nil
    }
    var tokens: Scenario.Tokens?
    if keys.has("tokens") {
      guard let own = keys.section("tokens").flatMap({ Scenario.Tokens($0) }) else { return nil }
      tokens = own
    }
    var deadline: Int64?
    if keys.has("deadline") {
      guard let own = Scenario.Load.deadline(keys) else { return nil }
      deadline = own
    }
    self.init(
      name: name, share: share, priority: priority, tokens: tokens, deadlineMicroseconds: deadline)
  }
}

extension Scenario.Tokens {
  /// `nil` after a diagnostic.
  init?(_ section: Section) {
    guard let input = section.distribution("input"), let output = section.distribution("output"),
      let correlation = section.has("correlation") ? section.number("correlation") : 0
    else { return nil }
    for (key, counts) in [("input", input), ("output", output)] {
      // A mean that does not exist (Pareto) is not checked; draws are cut to the limit.
      if counts.mean.isFinite, counts.mean > Double(Limits.tokens) {
        section.error(
          key,
          "\(key) has \(plain(counts.mean)) tokens on average: a request has at most \(Limits.tokens). Lower it."
        )
      }
    }
    var prefix: Scenario.SharedPrefix?
    if section.has("prefix") {
      guard let shared = section.section("prefix").flatMap({ Scenario.SharedPrefix($0) }) else { return nil }
      prefix = shared
    }
    self.init(input: input, output: output, correlation: correlation, prefix: prefix)
  }
}

extension Scenario.SharedPrefix {
  /// `nil` after a diagnostic.
  init?(_ keys: Section) {
    guard let tokens = keys.integer("tokens"), let count = keys.has("count") ? keys.integer("count") : 1,
      let skew = keys.has("skew") ? keys.number("skew") : 0
    else { return nil }
    self.init(tokens: tokens, count: count, skew: skew)
  }
}

extension Scenario.Load {
  /// How long clients wait for a response, µs; `nil` after a diagnostic.
  static func deadline(_ keys: Section) -> Int64? {
    guard let deadline = keys.duration("deadline") else { return nil }
    guard deadline >= 1000 else {
      keys.error(
        "deadline",
        "no response comes in time: the deadline must be at least 1ms. Lengthen it, or leave it out.")
      return nil
    }
    return deadline
  }

  /// The deadline of each class, or of all requests where there are none, µs; `Int64.max` without one.
  package var deadlines: [Int64] {
    classes.isEmpty
      ? [deadlineMicroseconds ?? .max]
      : classes.map { $0.deadlineMicroseconds ?? deadlineMicroseconds ?? .max }
  }
}
