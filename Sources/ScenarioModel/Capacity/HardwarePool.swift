import Documents
import Sampling
import Telemetry

extension Scenario {
  /// Machines on which an account's replicas run, one a replica.
  package struct HardwarePool: Sendable, Equatable {
    /// What deployments, the price list and telemetry call it.
    package var name: String
    /// The hardware configuration of its machines, which may have the same name.
    package var configuration: String
    /// Machines at once; `nil`: as many as are wanted.
    package var limit: Int?
    /// From when a replica asks for a machine until it is there, µs.
    package var provisioning: Distribution
    /// `nil` where machines stay until they are given back.
    package var spot: SpotMachines?
  }

  /// Machines that their provider may want back.
  package struct SpotMachines: Sendable, Equatable {
    /// From when a machine is there until the notice, µs.
    package var timeBetweenReclaims: Distribution
    /// From the notice until the machine is gone, µs.
    package var notice: Int64
  }
}

extension Scenario.HardwarePool {
  static let key = Key(
    "pools", .map(keys: ".+", .object { shape }),
    "Machines on which replicas run, by the hardware that deployments name. Replicas on other hardware always find a machine at once."
  )

  private static let shape = Shape(
    "pool", "Machines of one kind, one for each replica.",
    [
      Key(
        "hardware", .text,
        "The configuration of its machines, as in the price list, if the pool has a name of its own. Deployments then give the pool's name as their hardware."
      ),
      Key(
        "limit", .integer(1...1_000_000),
        "Machines at once, over all deployments; without it: as many as they want."),
      Key(
        "provisioning", .distribution(.duration), default: "0s",
        "From when a replica asks for a machine until it is there; its startup follows. Not charged."),
      Key("spot", .object { spot }, "Machines that their provider may want back."),
    ])

  private static let spot = Shape(
    "spot", "Machines that are cheaper, and that their provider may want back.",
    [
      Key(
        "price", .number(0...1), "What a machine costs, as a share of its hardware's price; or give credits."),
      Key("credits", .number(0...1e6), "What a machine costs an hour, in credits; or give price."),
      Key(
        "timeBetweenReclaims", .distribution(.duration), required: true,
        "From when a machine is there until its provider wants it back."),
      Key(
        "notice", .duration, default: "30s",
        "From the notice until the machine is gone. Its replica takes no requests in that time; those that it still serves at the end fail as replicaLost."
      ),
    ])

  /// - Parameter prices: by hardware; pools with a name or a price of their own are added.
  /// - Returns: `nil` after a diagnostic.
  static func read(_ account: Section, _ prices: inout [String: Int64]) -> [Self]? {
    let configurations = KnownHardware(Set(prices.keys))
    var pools: [Self] = []
    var isSound = true
    for entry in account.map(key.name) {
      guard account.admit(entry.key, "the pool", entry.keyLocation),
        let keys = Section(entry.value, shape, account.diagnostics, account.calendar),
        let configuration = configuration(keys, entry, configurations)
      else {
        isSound = false
        // What is wrong with it is said once, and not at each deployment.
        prices[entry.key] = prices[entry.key] ?? 0
        continue
      }
      let listed = prices[configuration] ?? 0
      prices[entry.key] = listed
      guard let pool = read(keys, entry.key, configuration) else {
        isSound = false
        continue
      }
      if pool.spot != nil, let own = keys.section("spot") {
        guard let price = price(own, listed) else {
          isSound = false
          continue
        }
        prices[entry.key] = price
      }
      pools.append(pool)
    }
    return isSound ? pools.sorted { $0.name < $1.name } : nil
  }

  private static func configuration(
    _ keys: Section, _ entry: DocumentNode.Entry, _ configurations: KnownHardware
  ) -> String? {
    guard keys.has("hardware") else {
      return configurations.isKnown(entry.key, entry.keyLocation, keys.diagnostics) ? entry.key : nil
    }
    guard let name = keys.name("hardware"),
      configurations.isKnown(name, keys.location(of: "hardware"), keys.diagnostics)
    else { return nil }
    guard Name.same(name, entry.key) || !configurations.names.contains(entry.key) else {
      keys.diagnostics.error(
        entry.keyLocation,
        "\(quoted(entry.key)) is hardware of the price list, and the pool is of \(quoted(name)). Give the pool another name, or remove hardware."
      )
      return nil
    }
    return name
  }

  private static func read(_ keys: Section, _ name: String, _ configuration: String) -> Self? {
    let provisioning: Distribution? = keys.has("provisioning") ? keys.distribution("provisioning") : .zero
    let limit = keys.has("limit") ? keys.integer("limit") : nil
    var spot: Scenario.SpotMachines?
    if let own = keys.section("spot") {
      spot = readSpot(own)
      guard spot != nil else { return nil }
    }
    guard let provisioning, keys.has("limit") == (limit != nil), keys.has("spot") == (spot != nil) else {
      return nil
    }
    if limit == nil, spot == nil, !keys.has("provisioning"), !keys.has("hardware") {
      keys.warning(
        nil, "the pool changes nothing: it has no limit, no provisioning and no spot. Give one, or remove it."
      )
    }
    return Self(
      name: name, configuration: configuration, limit: limit, provisioning: provisioning, spot: spot)
  }

  private static func readSpot(_ keys: Section) -> Scenario.SpotMachines? {
    let notice = keys.has("notice") ? keys.duration("notice") : 30_000_000
    guard let between = keys.distribution("timeBetweenReclaims"), let notice,
      positiveMean(between, keys, "timeBetweenReclaims")
    else { return nil }
    guard Double(notice) < between.mean else {
      keys.error(
        "notice",
        "the notice is not shorter than the time between reclaims, on average: a machine would be on notice most of the time. Shorten it, or raise timeBetweenReclaims."
      )
      return nil
    }
    return .init(timeBetweenReclaims: between, notice: notice)
  }

  /// Micro-credits an hour.
  private static func price(_ keys: Section, _ listed: Int64) -> Int64? {
    guard keys.has("price") != keys.has("credits") else {
      keys.error(
        keys.has("price") ? "credits" : nil,
        keys.has("price")
          ? "price and credits cannot be given together. Give one of them."
          : "spot machines have no price. Give price, a share of the hardware's, or credits an hour.")
      return nil
    }
    if keys.has("price") {
      return keys.number("price").map { (Double(listed) * $0).rounded() }.map(Int64.init)
    }
    return keys.number("credits").map { Int64(($0 * 1e6).rounded()) }
  }
}

extension AccountReader {
  /// Pools that no deployment names.
  func warnOfUnusedPools(_ pools: [Scenario.HardwarePool], _ models: [Scenario.Model?]) {
    guard !models.contains(where: { $0 == nil }) else { return }
    let used = Set(models.flatMap { $0?.deployments.map(\.hardware) ?? [] })
    for entry in section.map(Scenario.HardwarePool.key.name) where !used.contains(entry.key) {
      diagnostics.warning(
        entry.keyLocation,
        "no deployment runs on the pool \(quoted(entry.key)). Give it as the hardware of one, or remove it.")
    }
  }
}

extension Scenario.Account {
  /// The pool that a deployment's replicas get their machines from; `nil` where they always find one.
  package func pool(_ hardware: String) -> Scenario.HardwarePool? {
    pools.first { Name.same($0.name, hardware) }
  }
}
