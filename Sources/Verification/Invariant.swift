import Telemetry

/// What holds in every run, whatever the scenario. For users: docs/invariants.md.
package enum Invariant: String, CaseIterable, Sendable {
  case i1 = "I1"
  case i2 = "I2"
  case i3 = "I3"
  case i4 = "I4"
  case i5 = "I5"
  case i6 = "I6"
  case i7 = "I7"
  case i8 = "I8"
  case i9 = "I9"
  case i10 = "I10"
  case i11 = "I11"
  case i12 = "I12"
  case i13 = "I13"
  case i14 = "I14"
  case i15 = "I15"
  case i16 = "I16"
  case i17 = "I17"
  case i18 = "I18"
  case i19 = "I19"
  case i20 = "I20"
  case i21 = "I21"
  case i22 = "I22"
  case i23 = "I23"
  case i24 = "I24"

  package var sentence: String {
    switch self {
    case .i1: "An account's replicas never exceed its subscription."
    case .i2: "A deployment's replicas never exceed its maxReplicas."
    case .i3: "A request arrives while its version is deployed."
    case .i4: "Requests are successes plus failures, in the data and in every dashboard figure."
    case .i5: "Deployment credits are replica time × price."
    case .i6: "Replicas of a new deployment start only inside the deploy windows."
    case .i7:
      "0 ≤ waiting time ≤ time to first token ≤ latency; a failure has no first token and, in a simulation, no output."
    case .i8:
      "Requests are in order of arrival and numbered 1, 2, 3, …; from elsewhere, each by a number of its own."
    case .i9: "A deployment has its minReplicas from deployed to undeploying."
    case .i10: "The manifest's row counts and hashes are those of the files, and it knows every file."
    case .i11: "Requests in service never exceed the batch slots of ready and draining replicas."
    case .i12: "Requests of a first-in-first-out queue start service in order of arrival."
    case .i13: "Every dashboard figure is that of an independent recomputation in SQL."
    case .i14: "Stored rollups are, bit for bit, those of the requests."
    case .i15:
      "The manifest's period, seed, scenario and overrides are those of the run, and it has the rollups and dashboards that such a run has."
    case .i16: "A draining replica serves at least one request: without any it is released."
    case .i17:
      "A deployment's limits and instants are in order; an incident has a kind, model and provider that exist, and ends no earlier than it starts."
    case .i18:
      "What a prefix cache spares a request is part of its prompt, and in a simulation not all of it; tokens of reasoning are part of its output."
    case .i19:
      "The context of an answered request, all tokens but the last, fits into the KV cache of a replica."
    case .i20: "An answer takes at least a step for each token after the first, preempted or not."
    case .i21: "An undeployed version has no replicas once its last request has ended."
    case .i22:
      "KV blocks in use never exceed those of ready and draining replicas, whose time in kv_cache is that of replicas."
    case .i23: "In a queue by priority, no request is overtaken by one that priority and age put after it."
    case .i24: "An account's replicas on a hardware never exceed what its subscription allows of it."
    }
  }
}

/// Findings of one verification.
package struct InvariantReport: Sendable {
  package struct Finding: Sendable {
    package var invariant: Invariant
    package var message: String
  }

  /// Examples, few of each.
  package private(set) var findings: [Finding] = []
  /// How often each was violated.
  package private(set) var violations: [Invariant: Int] = [:]
  /// What does not apply to the data, or could not be checked, and why.
  package private(set) var skipped: [(invariant: Invariant, reason: String)] = []
  /// Why there is no verdict although nothing was violated: something that applies was not checked.
  package private(set) var missing: [String] = []

  private static let mostExamples = 5

  package init() {}

  /// Whether all that applies was checked, and holds.
  package var holds: Bool { violations.isEmpty && missing.isEmpty }

  /// What was found of one invariant.
  package struct Entry: Encodable, Sendable {
    package var invariant: String
    package var sentence: String
    /// `holds`, `violated` or `skipped`.
    package var result: String
    package var violations: Int
    package var examples: [String]
    package var reason: String?
    /// If it was skipped: whether it applies, so that there is no verdict without it.
    package var isMissing: Bool?
  }

  /// One for each invariant, in their order.
  package var entries: [Entry] {
    Invariant.allCases.map { invariant in
      let count = violations[invariant] ?? 0
      let reason = skipped.first { $0.invariant == invariant }?.reason
      let isMissing = missing.contains { $0.hasPrefix("\(invariant.rawValue) ") }
      return Entry(
        invariant: invariant.rawValue, sentence: invariant.sentence,
        result: count > 0 ? "violated" : reason == nil ? "holds" : "skipped", violations: count,
        examples: findings.filter { $0.invariant == invariant }.map(\.message), reason: reason,
        isMissing: reason == nil ? nil : isMissing)
    }
  }

  package mutating func violated(_ invariant: Invariant, _ message: @autoclosure () -> String) {
    violations[invariant, default: 0] += 1
    if violations[invariant, default: 0] <= Self.mostExamples {
      findings.append(Finding(invariant: invariant, message: message().shown))
    }
  }

  /// Notes that an invariant does not apply: the data have nothing that it is about. It does not keep the rest from
  /// holding.
  package mutating func skip(_ invariant: Invariant, _ reason: String) {
    skipped.append((invariant, reason.shown))
  }

  /// Notes that an invariant applies but could not be checked: there is no verdict then, unless another is violated.
  package mutating func miss(_ invariant: Invariant, _ reason: String) {
    skipped.append((invariant, reason.shown))
    missing.append("\(invariant.rawValue) was not checked: \(reason)".shown)
  }

  /// Notes that there is nothing that could be checked at all.
  package mutating func missAll(_ reason: String) { missing.append(reason) }

  package mutating func add(_ other: InvariantReport) {
    for (invariant, count) in other.violations { violations[invariant, default: 0] += count }
    findings += other.findings
    skipped += other.skipped
    missing += other.missing
  }
}
