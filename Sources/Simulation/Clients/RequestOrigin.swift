import ScenarioModel
import Telemetry

/// Where a request comes from: its class, and the session or user that it is of.
struct RequestOrigin {
  /// A place in the model's list of classes; 0 where there are none.
  var requestClass: UInt8 = 0
  /// A place in the `ClientTable`; −1 if nothing follows.
  var client: Int32 = -1
  /// Of its session or user, from 1; 0 for none.
  var number: Int64 = 0
  /// Its place in the session, from 1; 0 for none.
  var turn: Int32 = 0

  static let none = RequestOrigin()
}

/// The origins of requests as columns beside those of a `RequestRing`, whose rows they share.
struct RequestOrigins {
  let requestClass: UnsafeMutablePointer<UInt8>
  let client: UnsafeMutablePointer<Int32>
  let number: UnsafeMutablePointer<Int64>
  let turn: UnsafeMutablePointer<Int64>
  let attempt: UnsafeMutablePointer<Int64>
  /// The deployment and the replica that serves it, where that is asked for; see `server(_:_:)`.
  let server: UnsafeMutablePointer<UInt32>

  init(capacity: Int) {
    requestClass = .allocate(capacity: capacity)
    client = .allocate(capacity: capacity)
    number = .allocate(capacity: capacity)
    turn = .allocate(capacity: capacity)
    attempt = .allocate(capacity: capacity)
    server = .allocate(capacity: capacity)
  }

  func deallocate() {
    requestClass.deallocate()
    client.deallocate()
    number.deallocate()
    turn.deallocate()
    attempt.deallocate()
    server.deallocate()
  }

  /// - Parameter attempt: further attempts before it.
  @inline(__always)
  func set(_ row: Int, _ origin: RequestOrigin, attempt previous: UInt8) {
    requestClass[row] = origin.requestClass
    client[row] = origin.client
    number[row] = origin.number
    turn[row] = origin.turn > 0 ? Int64(origin.turn) : RequestMeasure.missing
    attempt[row] = Int64(previous) + 1
  }

  func origin(_ row: Int) -> RequestOrigin {
    RequestOrigin(
      requestClass: requestClass[row], client: client[row], number: number[row],
      turn: Int32(max(turn[row], 0)))
  }

  /// A copy of a row of others.
  func copy(_ row: Int, of others: RequestOrigins, _ place: Int) {
    requestClass[row] = others.requestClass[place]
    client[row] = others.client[place]
    number[row] = others.number[place]
    turn[row] = others.turn[place]
    attempt[row] = others.attempt[place]
    server[row] = others.server[place]
  }

  /// A deployment and one of its replicas in 32 bits, as in `DepartureList`.
  static func server(_ deployment: Int, _ replica: Int) -> UInt32 {
    UInt32(truncatingIfNeeded: deployment << 8 | replica)
  }
}

/// What a model's requests have of these, as optional columns of telemetry.
struct OriginColumns {
  /// Names of classes; empty where requests have none.
  let classes: [String]
  /// `session` or `user`; `nil` where they have neither.
  let client: RequestText?
  let hasTurns: Bool
  let hasAttempts: Bool
  /// Of the model, which makes the names of its sessions and users unique in a data set.
  private let prefix: [UInt8]
  private let names: [[UInt8]]
  private var texts: [RequestText: TextColumnBuilder] = [:]

  /// - Parameter hasTexts: whether anybody looks at texts.
  init(_ model: Scenario.Model, modelID: Int32, hasTexts: Bool) {
    var columns = model.originColumns
    if !hasTexts { columns = OptionalColumns(measures: columns.measures) }
    let classes = columns.texts.contains(.requestClass) ? model.load?.classes.map(\.name) ?? [] : []
    self.classes = classes
    client = columns.texts.first { $0 != .requestClass }
    hasTurns = columns.measures.contains(.turn)
    hasAttempts = columns.measures.contains(.attempt)
    prefix = Array("\(modelID)-".utf8)
    names = classes.map { Array($0.utf8) }
    if !classes.isEmpty { texts[.requestClass] = TextColumnBuilder() }
    if let client { texts[client] = TextColumnBuilder() }
  }

  var isEmpty: Bool { texts.isEmpty && !hasTurns && !hasAttempts }

  /// Of rows that lie in one piece, valid until the next call.
  mutating func view(_ origins: RequestOrigins, from row: Int, count: Int) -> RequestExtras {
    var measures: [(RequestMeasure, UnsafePointer<Int64>)] = []
    if hasTurns { measures.append((.turn, UnsafePointer(origins.turn + row))) }
    if hasAttempts { measures.append((.attempt, UnsafePointer(origins.attempt + row))) }
    var columns: [(RequestText, TextColumn)] = []
    if let builder = texts[.requestClass] {
      builder.begin(count)
      for place in row..<row + count { builder.append(names[Int(origins.requestClass[place])]) }
      columns.append((.requestClass, builder.column))
    }
    if let client, let builder = texts[client] {
      builder.begin(count)
      for place in row..<row + count { builder.append(prefix, number: origins.number[place]) }
      columns.append((client, builder.column))
    }
    return RequestExtras(measures: measures, texts: columns)
  }
}

extension Scenario.Model {
  /// What telemetry knows of where its requests come from.
  var originColumns: OptionalColumns {
    guard let load else { return .none }
    var measures: [RequestMeasure] = []
    var texts: [RequestText] = []
    if !load.classes.isEmpty { texts.append(.requestClass) }
    if load.sessions != nil {
      texts.append(.session)
      measures.append(.turn)
    } else if load.arrivals.closedLoop != nil {
      texts.append(.user)
    }
    if let retries = load.retries, retries.isNumbered || !texts.isEmpty { measures.append(.attempt) }
    return OptionalColumns(measures: measures, texts: texts)
  }
}
