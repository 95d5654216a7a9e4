/// A reason for which the platform itself fails a request: the one list of them.
///
/// The name of a case is what files, figures and messages say. Its raw value is the code in columns of this process and
/// nowhere else: files keep names, or codes beside a list of names of their own.
public enum FailureReason: UInt8, CaseIterable, Sendable {
  /// The queue was full when it arrived.
  case overloaded = 1
  /// It waited longer than the queue's timeout.
  case timeout
  /// The replica that served it crashed.
  case replicaLost
  /// The model answered with an error.
  case modelError
  /// The provider answered with an error.
  case providerError
  /// Above the provider's limit of requests or tokens.
  case rateLimited
  /// Its prompt and response are longer than a replica's memory can hold.
  case contextLengthExceeded

  /// What makes requests fail for this reason, in a scenario.
  package enum Cause: Sendable {
    /// A deployment's queue and replicas.
    case deployment
    /// A provider's limits.
    case providerLimit
    /// An error with a probability, whatever the load.
    case chance
  }

  package var cause: Cause {
    switch self {
    case .overloaded, .timeout, .replicaLost, .contextLengthExceeded: .deployment
    case .rateLimited: .providerLimit
    case .modelError, .providerError: .chance
    }
  }

  /// How far a request gets that fails for this reason.
  package enum Progress: Sendable {
    /// Turned away on arrival: it waited for nothing.
    case refused
    /// It waited and gave up.
    case waited
    /// A replica began to serve it and did not finish.
    case interrupted
    /// Served to its end.
    case served
  }

  package var progress: Progress {
    switch self {
    case .overloaded, .rateLimited, .contextLengthExceeded: .refused
    case .timeout: .waited
    case .replicaLost: .interrupted
    case .modelError, .providerError: .served
    }
  }

  /// Whether more capacity, or a higher limit, would have served it.
  package var isLostToLimit: Bool {
    switch self {
    case .overloaded, .timeout, .rateLimited: true
    case .replicaLost, .modelError, .providerError, .contextLengthExceeded: false
    }
  }

  /// As written in `failure_reason`.
  package var name: String { String(describing: self) }

  /// As columns have it.
  public var code: UInt8 { rawValue }
}

/// How a request ended, as a number: success, else the place of a failure reason in `FailureReasons`.
///
/// Computed and public, so that loops in other modules see the number and not a call.
public enum RequestOutcome {
  @inlinable public static var success: UInt8 { 0 }

  /// `failure_reason` for each outcome that the platform has; empty on success.
  package static let names = [""] + FailureReason.allCases.map(\.name)
}

/// Some of the outcomes that the platform has, to be asked for in a loop.
package struct OutcomeSet: Sendable {
  /// A bit for each code.
  @usableFromInline let bits: UInt64

  /// - Parameter reasons: those whose failures are members; the platform has fewer than 64.
  package init(_ reasons: some Sequence<FailureReason>, success: Bool = false) {
    bits = reasons.reduce(success ? 1 : 0) { bits, reason in
      precondition(reason.code < UInt64.bitWidth, "an outcome set has room for 63 reasons")
      return bits | 1 << UInt64(reason.code)
    }
  }

  /// A foreign reason is never a member.
  @inlinable
  package func contains(_ outcome: UInt8) -> Bool { bits >> UInt64(outcome) & 1 != 0 }
}
