import Documents
import Sampling
import Telemetry

/// How a deployment's replicas serve: one of the service models, each described in a file of its own.
package enum DeploymentService: Sendable, Equatable {
  /// Each request has a service time of its own.
  case alone(ServiceTime)
  case continuousBatching(ContinuousBatching)

  /// Of one hardware.
  private static let keys =
    ServiceTime.keys + [
      ServiceTime.slowdownKey, ContinuousBatching.key, Roofline.key,
    ]

  private static let about =
    "Service time of one request alone on a replica, stretched by the batch it shares: either time, or firstToken + perInputToken × input + perOutputToken × output. Or continuousBatching, or roofline."

  static let ofOneHardware = Shape("serviceOfHardware", about, keys)

  static let byHardware = Key(
    "byHardware", .map(keys: ".+", .object { ofOneHardwareOrProfile }),
    "Instead of the other keys: the service on each hardware that the deployment may have.")

  /// An entry of `byHardware`.
  private static let ofOneHardwareOrProfile = Shape(
    "serviceOfHardware", about + " Or a profile.", keys + [ServiceProfile.key])

  static let shape = Shape(
    "service", about + " Or a profile. Or byHardware, with one of these for each.",
    keys + [ServiceProfile.key, byHardware])

  /// - Parameters:
  ///   - hardware: of the deployment; `nil` if there is something wrong with it.
  ///   - isKnown: whether hardware of that name has a price; gives a diagnostic at the location otherwise.
  ///   - scaling: of the deployment; `nil` if there is something wrong with it.
  /// - Returns: the service on the deployment's hardware, and whether it was stated for that hardware; `nil` after a
  ///   diagnostic. What is stated for other hardware is read as well, so that everything that is wrong with it is found.
  static func read(
    _ section: Section, hardware: String?, isKnown: (String, Location) -> Bool, scaling: Scenario.Scaling?
  ) -> (service: DeploymentService, isOfHardware: Bool)? {
    let name = byHardware.name
    guard section.has(name) else {
      // What is computed for hardware is of that hardware.
      return read(section, hardware: hardware, scaling: scaling).map { ($0, section.has(Roofline.key.name)) }
    }
    for key in keys where section.has(key.name) {
      section.error(
        key.name,
        "byHardware and \(key.name) cannot be given together. Either the service is the same on all hardware, or each hardware has its own: move \(key.name) into the entries of byHardware, or remove one."
      )
    }
    if let file = section.diagnostics.files[section.location(of: name)], let hardware,
      let own = section.node(name)?.entries?.first?.key, !Name.same(own, hardware)
    {
      section.error(
        name,
        "\(quoted(file)) is a profile of \(quoted(own)), and the deployment runs on \(quoted(hardware)). Name a profile of \(quoted(hardware)) (under byHardware, one for each hardware), let the deployment run on \(quoted(own)), or, if the service is the same on both, remove hardware from a copy of the profile."
      )
      return nil
    }
    var found: DeploymentService?
    var stated: [String] = []
    for entry in section.map(name) {
      guard isKnown(entry.key, entry.keyLocation) else { continue }
      stated.append(entry.key)
      guard
        let service = Section(entry.value, ofOneHardwareOrProfile, section.diagnostics, section.calendar)
          .flatMap({ read($0, hardware: entry.key, scaling: scaling) })
      else { continue }
      if entry.key == hardware { found = service }
    }
    // Anything that is not a mapping has been reported.
    if section.node(name)?.entries != nil, let hardware, !stated.contains(where: { Name.same($0, hardware) })
    {
      section.error(
        name,
        "the deployment runs on \(quoted(hardware)), for which no service is stated here. Add \(quoted(hardware)): { … } to byHardware, or choose other hardware\(stated.isEmpty ? "" : ": \(stated.sorted().joined(separator: ", "))")."
      )
    }
    return found.map { ($0, true) }
  }

  /// - Returns: `nil` after a diagnostic, or if the hardware would have to be known and is not.
  static func read(
    _ keys: Section, hardware: String?, scaling: Scenario.Scaling?
  ) -> DeploymentService? {
    guard !keys.has(ServiceProfile.key.name) else {
      // One that could be read stands there no more; what is wrong with another has been said.
      if keys.diagnostics.all.isEmpty, keys.node(ServiceProfile.key.name)?.scalar != nil {
        keys.error(ServiceProfile.key.name, "files that a scenario names are not read here.")
      }
      return nil
    }
    let whole = [ContinuousBatching.key.name, Roofline.key.name]
    guard let name = whole.first(where: keys.has) else {
      let others = (whole + [ServiceProfile.key.name, byHardware.name]).filter { keys.shape.key($0) != nil }
      return ServiceTime.read(keys, instead: others).map { .alone($0) }
    }
    for key in Self.keys where key.name != name && keys.has(key.name) {
      keys.error(
        key.name,
        whole.contains(key.name)
          ? "\(name) and \(key.name) cannot be given together. One is stated, the other computed: remove one."
          : "\(name) and \(key.name) cannot be given together. Either a replica works in steps, or each request has its own service time: remove one."
      )
    }
    guard let section = keys.section(name) else { return nil }
    let batching =
      name == Roofline.key.name
      ? Roofline.read(section, hardware: hardware, scaling: scaling)
      : ContinuousBatching(section, scaling: scaling)
    return batching.map { .continuousBatching($0) }
  }

  /// `nil` where requests are served alone.
  package var continuousBatching: ContinuousBatching? {
    switch self {
    case .alone: nil
    case .continuousBatching(let batching): batching
    }
  }

  /// Whether it takes random numbers.
  var varies: Bool {
    switch self {
    case .alone(let time): time.varies
    case .continuousBatching: false
    }
  }

  /// Requests that a replica with a full batch serves per microsecond; `nil` where that is not known.
  func capacity(batch: Double, tokens: Scenario.Tokens?, _ part: Scenario.Deployment.Part) -> Double? {
    switch self {
    case .alone(let time): time.capacity(batch: batch, tokens: tokens)
    case .continuousBatching(let batching): batching.capacity(batch: batch, tokens: tokens, part)
    }
  }
}
