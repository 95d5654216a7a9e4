import Documents
import Foundation
import Sampling
import Telemetry

/// A scenario file that has been read and found valid.
package struct ScenarioDocument: Sendable {
  /// µs: ten years.
  package static let longestPeriod: Int64 = 10 * 366 * 86_400_000_000

  package var scenario: Scenario
  /// The document as run: the file's own bytes, or with overrides applied.
  package let textAsRun: String
  /// What is valid but probably not meant, in the order of the document.
  package let warnings: [Diagnostic]

  /// Profiles that it names, by the name it gives them: they are part of it.
  package private(set) var profiles: [String: ServiceProfile] = [:]

  /// - Parameters:
  ///   - path: for messages, and what trace files are relative to.
  ///   - overrides: `PATH=VALUE` each, applied in turn.
  ///   - read: the bytes of a profile, by the name that the scenario gives it; `nil` where files are not read.
  /// - Throws: `DocumentErrors` with everything that is wrong, and for overrides that change hardware without the service
  ///   that goes with it.
  package init(
    _ data: Data, path: String, overrides: [String] = [], profiles read: ((String) throws -> Data)? = nil
  ) throws {
    var root = try Document.parse(data, path: path, remedies: Self.remedies)
    if let version = root.entries?.first(where: { $0.key == ServiceProfile.versionKey }) {
      throw DocumentErrors(
        path: path,
        diagnostics: [
          Diagnostic(
            location: version.keyLocation,
            message:
              "this is a service profile, not a scenario. A deployment of a scenario names it: service: { profile: FILE }."
          )
        ])
    }
    let diagnostics = Diagnostics()
    var profiles: [String: ServiceProfile] = [:]
    func resolve() {
      guard let read else { return }
      ServiceProfile.resolve(in: &root, diagnostics, read: read) { profiles[$0] = $1 }
    }
    resolve()
    for override in overrides {
      try root.apply(override)
      // It may name a profile, and the next may change what is in it.
      resolve()
    }
    self.profiles = profiles
    textAsRun =
      overrides.isEmpty && profiles.isEmpty
      ? String(decoding: data, as: UTF8.self)
      : root.yamlText(overrides: overrides, notes: Self.notes(profiles))
    let isChanged = overrides.contains { !$0.utf8.starts(with: "seed=".utf8) }
    let scenario = ScenarioReader(diagnostics: diagnostics, isChanged: isChanged).read(root)
    let found = diagnostics.inOrder()
    guard found.isEmpty, let scenario else { throw DocumentErrors(path: path, diagnostics: found) }
    // One that is valid only with overrides has nothing to be compared with.
    if let override = overrides.last(where: { $0.contains("hardware") }),
      let plain = try? ScenarioDocument(data, path: path, profiles: read),
      let change = PriceOnlyChange(from: plain.scenario, to: scenario)
    {
      throw DocumentErrors(
        path: path,
        diagnostics: [Diagnostic(location: .override(override), message: change.description.shown)])
    }
    self.scenario = scenario
    warnings = diagnostics.warnings.inOrder()
  }

  private static let remedies = Document.Remedies(
    empty: "\"workbench init\" writes a starter.",
    large: "Use a template with a count, or a trace file, instead of listing everything.")

  /// A line for each profile.
  private static func notes(_ profiles: [String: ServiceProfile]) -> [String] {
    profiles.sorted { $0.key < $1.key }.map { file, profile in
      "profile \(file.shown): \(profile.name.shown); \(profile.basis.rawValue) on \(profile.source.shown)"
    }
  }
}

/// Turns the document into a scenario, and notes all that cannot work on the way.
struct ScenarioReader {
  let diagnostics: Diagnostics
  /// Whether something else than the seed is not as the document has it: a question of what if.
  let isChanged: Bool

  static let mostArrivals = 1e11

  func read(_ root: DocumentNode) -> Scenario? {
    guard let top = Section(root, Grammar.scenario, diagnostics, .utc) else { return nil }
    _ = top.integer("workbench")
    let name = top.text("name")
    let description = top.has("description") ? top.text("description") : ""
    let seed = top.has("seed") ? top.integer("seed") : 1
    let warmUp = top.has("warmUp") ? top.duration("warmUp") : 0
    let accountSections = self.accountSections(top)
    let calendars = accountSections.map(calendar)
    var zoned = top
    zoned.calendar = calendars.first ?? .utc
    let period = self.period(zoned)
    guard let (from, to) = period else {
      // The rest can be read only against a period; this one shows what else is wrong.
      _ = accounts(
        zoned, accountSections, calendars, Timestamp(seconds: 0)..<Timestamp(seconds: 1 << 33), 0,
        checkTimes: false)
      return nil
    }
    if let warmUp, warmUp > (to - from) * 10 + 86_400_000_000 {
      top.error("warmUp", "warmUp is more than ten times the period. Shorten it.")
    }
    let read = accounts(zoned, accountSections, calendars, from..<to, warmUp ?? 0, checkTimes: true)
    warnOfUnusedProfiles(top, accountSections, simulated: from + -(warmUp ?? 0)..<to)
    let expected = expectations(top, read.accounts, simulated: to - from + (warmUp ?? 0))
    guard let name, let description, let seed, let warmUp, diagnostics.all.isEmpty else { return nil }
    guard read.expectedArrivals <= Self.mostArrivals else {
      top.error(
        "period",
        "the scenario expects \(atLeast(read.expectedArrivals)) requests; at most 10¹¹ are simulated. Shorten the period or lower a rate."
      )
      return nil
    }
    guard read.largestArrivals <= Self.mostArrivals else {
      top.error(
        "period",
        "the demand is so uncertain that a replication may draw \(atLeast(read.largestArrivals)) requests; at most 10¹¹ are simulated. Shorten the period, or lower cv of uncertainty.level or sd of uncertainty.growth."
      )
      return nil
    }
    var scenario = Scenario(
      name: name, description: description, seed: UInt64(seed), from: from, to: to,
      warmUpMicroseconds: warmUp,
      accounts: read.accounts, expectedArrivals: read.expectedArrivals)
    scenario.expectations = expected
    return scenario
  }

  /// `1.01 × 10¹¹`: rounded up, so that what exceeds a limit does not read like it.
  private func atLeast(_ count: Double) -> String {
    let exponent = Int(log10(count))
    let mantissa = (count / pow(10, Double(exponent - 2))).rounded(.up) / 100
    let digits = Array("⁰¹²³⁴⁵⁶⁷⁸⁹")
    return "\(mantissa) × 10\(String("\(exponent)".utf8.map { digits[Int($0) - 48] }))"
  }

  private func period(_ top: Section) -> (Timestamp, Timestamp)? {
    guard let period = top.section("period"), let from = period.instant("from"), let to = period.instant("to")
    else { return nil }
    guard from < to else {
      period.error(
        "to", "the period ends before it starts. It is half open: to is the instant after its last.")
      return nil
    }
    guard to - from <= ScenarioDocument.longestPeriod else {
      period.error("to", "the period is longer than ten years. Shorten it.")
      return nil
    }
    return (from, to)
  }

  private func accountSections(_ top: Section) -> [Section] {
    if top.has("accounts") {
      for key in ["account", "models", "incidents"] where top.has(key) {
        top.error(
          key,
          "\(key) and accounts cannot be given together. With accounts, each has its own models and incidents."
        )
      }
      let sections = top.sections("accounts")
      if sections.isEmpty, top.list("accounts").isEmpty {
        top.error("accounts", "accounts is empty. Name at least one.")
      }
      return sections
    }
    if !top.has("account") { top.error(nil, "account is missing. Give account, or accounts for several.") }
    if !top.has("models") { top.error(nil, "models is missing. Name at least one model.") }
    return top.section("account").map { [$0] } ?? []
  }

  private func calendar(_ section: Section) -> ZonedCalendar {
    guard let identifier = section.has("timeZone") ? section.text("timeZone") : "UTC" else { return .utc }
    if let calendar = ZonedCalendar(identifier: identifier) { return calendar }
    let hint = nearest(identifier, among: ZonedCalendar.knownIdentifiers).map { " Did you mean \($0)?" } ?? ""
    section.error(
      "timeZone", "unknown time zone \(quoted(identifier)). Use an IANA name such as America/New_York.\(hint)"
    )
    return .utc
  }

  private func accounts(
    _ top: Section, _ sections: [Section], _ calendars: [ZonedCalendar], _ period: Range<Timestamp>,
    _ warmUp: Int64,
    checkTimes: Bool
  ) -> (accounts: [Scenario.Account], expectedArrivals: Double, largestArrivals: Double) {
    var accounts: [Scenario.Account] = []
    var expected = 0.0
    var largest = 0.0
    var counted = 0
    var names: Set<String> = []
    for (section, calendar) in zip(sections, calendars) {
      var section = section
      section.calendar = calendar
      var owner = section
      if !top.has("accounts") {
        owner = top
        owner.calendar = calendar
      }
      var profilesSection = top
      profilesSection.calendar = calendar
      let reader = AccountReader(
        section: section, owner: owner, diagnostics: diagnostics, period: period, warmUp: warmUp,
        checkTimes: checkTimes, profiles: profiles(profilesSection))
      guard let account = reader.read() else { continue }
      let count =
        section.shape.key("count") != nil && section.has("count") ? section.integer("count") ?? 1 : nil
      let simulated = (period.lowerBound + -warmUp)..<period.upperBound
      if checkTimes, diagnostics.all.isEmpty {
        expected +=
          Double(count ?? 1)
          * account.models.reduce(0) {
            $0 + $1.expectedArrivals(simulated, origin: period.lowerBound, account.calendar)
          }
        largest +=
          Double(count ?? 1)
          * account.models.reduce(0) {
            $0 + $1.largestArrivals(simulated, origin: period.lowerBound, account.calendar)
          }
      }
      counted += (count ?? 1) * account.models.reduce(0) { $0 + 1 + $1.deployments.count }
      guard counted <= Limits.modelsAndDeployments else {
        section.error(
          count == nil ? "name" : "count",
          "\(counted) models and deployments in all accounts: at most \(Limits.modelsAndDeployments) are simulated. Lower count, or remove some."
        )
        break
      }
      for instance in 1...(count ?? 1) {
        var copy = account
        if count != nil { copy.name = "\(account.name)-\(instance)" }
        if !names.insert(copy.name).inserted {
          section.error("name", "a second account is called \(quoted(copy.name)). Rename one of them.")
          break
        }
        accounts.append(copy)
      }
    }
    return (accounts, expected, largest)
  }

  private func profiles(_ top: Section) -> [String: RateProfile] {
    guard let profiles = top.section("profiles") else { return [:] }
    var read: [String: RateProfile] = [:]
    for entry in profiles.map("rates") {
      guard let section = Section(entry.value, Grammar.rateProfile, diagnostics, top.calendar) else {
        continue
      }
      read[entry.key] = rateProfile(section)
    }
    return read
  }

  private func rateProfile(_ section: Section) -> RateProfile {
    var profile = RateProfile()
    if section.has("hourly") {
      let nodes = section.list("hourly")
      profile.hourly = nodes.compactMap { section.number($0, "hourly", 0...1e6) }
      if nodes.count != 24 {
        section.error(
          "hourly", "hourly has \(nodes.count) factors. It needs 24, one for each hour of the day.")
      }
      // Errors in any of them have been reported; later code may rely on all or none.
      if profile.hourly.count != 24 { profile.hourly = [] }
    }
    for entry in section.map("weekly") {
      guard let day = Grammar.weekdays.firstIndex(of: entry.key) else {
        let hint = nearest(entry.key, among: Grammar.weekdays).map { " Did you mean \($0)?" } ?? ""
        diagnostics.error(
          entry.keyLocation,
          "unknown weekday \(quoted(entry.key)). Write \(Grammar.weekdays.joined(separator: ", ")).\(hint)")
        continue
      }
      if profile.weekly.isEmpty { profile.weekly = Array(repeating: 1, count: 7) }
      profile.weekly[day] = section.number(entry.value, entry.key, 0...1e6) ?? 1
    }
    if let trend = section.section("trend") { profile.trendPerWeek = trend.number("perWeek") ?? 1 }
    for entry in section.map("dates") {
      guard let date = LocalDate(entry.key) else {
        diagnostics.error(
          entry.keyLocation, "\(quoted(entry.key)) is not a date of the calendar. Write 2026-01-19.")
        continue
      }
      profile.dates[date] = section.number(entry.value, entry.key, 0...1e6) ?? 1
    }
    for spike in section.sections("spikes") {
      guard let at = spike.instant("at"), let duration = spike.duration("duration"),
        let factor = spike.number("factor")
      else { continue }
      profile.spikes.append(.init(from: at, to: at + duration, factor: factor))
    }
    for breakpoint in section.sections("breakpoints") {
      guard let at = breakpoint.instant("at"), let factor = breakpoint.number("factor") else { continue }
      if let last = profile.breakpoints.last, at <= last.at {
        breakpoint.error(
          "at", "breakpoints must be in order of time, each later than the one before. Sort them.")
      }
      profile.breakpoints.append(.init(at: at, factor: factor))
    }
    return profile
  }
}
