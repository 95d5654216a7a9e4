import Documents
import Telemetry

/// When the requests of a model arrive: one of the processes, each described in a file of its own.
///
/// A new process takes that file (an `ArrivalModel`), a case here, its line in `entries`, and in Simulation the type that
/// draws it and a case of `ArrivalProcess`. Nothing else asks which process it is.
package enum Arrivals: Sendable, Equatable {
  case poisson(PoissonArrivals)
  case renewal(RenewalArrivals)
  case markovModulated(MarkovModulatedArrivals)
  case cluster(ClusterArrivals)
  case hawkes(HawkesArrivals)
  case resampled(ResampledArrivals)
  case closedLoop(ClosedLoopArrivals)
  case recorded(ArrivalSource)

  /// What a scenario may write under `arrivals`, in the order of the reference.
  static let entries: [ArrivalEntry] =
    [PoissonArrivals.entry] + RenewalArrivals.entries + [MarkovModulatedArrivals.entry]
    + ClusterArrivals.entries
    + [HawkesArrivals.entry, ResampledArrivals.entry, ClosedLoopArrivals.entry] + ArrivalSource.entries

  private var model: any ArrivalModel {
    switch self {
    case .poisson(let model): model
    case .renewal(let model): model
    case .markovModulated(let model): model
    case .cluster(let model): model
    case .hawkes(let model): model
    case .resampled(let model): model
    case .closedLoop(let model): model
    case .recorded(let model): model
    }
  }

  /// The process that a scenario's `arrivals` choose; `nil` (and a diagnostic) if there is none.
  static func read(_ arrivals: Section) -> Arrivals? {
    guard let (name, node) = arrivals.chosen else { return nil }
    return entries.first { $0.key.name == name }?.read(arrivals, node)
  }

  /// Mean arrivals per microsecond where the profile is 1; `nil` for recorded demand and closed loops.
  package var meanRate: Double? { model.meanRate }

  /// Instants at which the process itself changes, whatever its rate function does; ascending.
  package var changes: [Timestamp] { model.changes }

  /// Whether replications differ: false for a trace that is replayed as it was recorded.
  package var isRandom: Bool { model.isRandom }

  /// The process with every rate multiplied by a factor above 0; a trace has so many times its requests.
  package func scaled(by factor: Double) -> Arrivals { model.scaled(by: factor) }

  /// The process whose changes recur over a period.
  func recurring(_ recurrence: Recurrence, over period: Range<Timestamp>, _ calendar: ZonedCalendar)
    -> Arrivals
  {
    model.recurring(recurrence, over: period, calendar)
  }

  /// The process as a scenario has it under `arrivals`: `{poisson: {rate: 2/s}}`.
  package var yaml: YAMLValue { .flow([model.yaml]) }

  /// Where demand comes from that was recorded, and is not drawn from parameters.
  package var source: ArrivalSource? { if case .recorded(let source) = self { source } else { nil } }

  /// The trace that is replayed, if one is.
  package var replayed: TraceSource? { if case .trace(let trace)? = source { trace } else { nil } }

  /// The process that resamples a record, if this is one.
  package var resampled: ResampledArrivals? { if case .resampled(let model) = self { model } else { nil } }

  /// The users of a closed loop, if this is one.
  package var closedLoop: ClosedLoopArrivals? { if case .closedLoop(let model) = self { model } else { nil } }

  /// The requests that must be read before anything is drawn: of a trace that is replayed, or of a record that is
  /// resampled.
  package var record: TraceSource.Selection? { replayed?.selection ?? resampled?.record }

  /// Files that the process needs, by the names that the scenario gives them.
  package var namedFiles: [String] { source?.namedFiles ?? resampled.map { [$0.record.file] } ?? [] }
}

/// What every arrival process says of itself.
protocol ArrivalModel: Sendable, Equatable {
  var asArrivals: Arrivals { get }
  /// Mean arrivals per microsecond where the profile is 1; `nil` where only recorded data, or the responses, decide it.
  var meanRate: Double? { get }
  var isRandom: Bool { get }
  /// Its key and parameters: `poisson: {rate: 2/s}`.
  var yaml: YAMLValue.Entry { get }
  func scaled(by factor: Double) -> Arrivals

  // A process whose parameters are the same at all times need not say these.

  /// Instants at which the process itself changes; ascending.
  var changes: [Timestamp] { get }
  /// The process whose changes recur over a period.
  func recurring(_ recurrence: Recurrence, over period: Range<Timestamp>, _ calendar: ZonedCalendar)
    -> Arrivals
}

extension ArrivalModel {
  var changes: [Timestamp] { [] }

  func recurring(_ recurrence: Recurrence, over period: Range<Timestamp>, _ calendar: ZonedCalendar)
    -> Arrivals
  {
    asArrivals
  }
}

/// One way to write arrivals in a scenario: its key and shape, and how they are read.
struct ArrivalEntry: Sendable {
  let key: Key
  /// - Returns: `nil` after a diagnostic.
  let read: @Sendable (_ arrivals: Section, _ node: DocumentNode) -> Arrivals?

  init(_ key: Key, read: @escaping @Sendable (_ arrivals: Section, _ node: DocumentNode) -> Arrivals?) {
    self.key = key
    self.read = read
  }

  /// A key whose value is a mapping of one shape.
  init(
    _ name: String, _ shape: Shape, _ about: String,
    read: @escaping @Sendable (Section) -> Arrivals?
  ) {
    self.init(Key(name, .object { shape }, about)) { arrivals, _ in arrivals.section(name).flatMap(read) }
  }
}
