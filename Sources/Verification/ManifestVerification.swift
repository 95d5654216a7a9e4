import Aggregation
import Datasets
import Documents
import Foundation
import ScenarioModel
import Telemetry

/// I15: what the manifest says of the run as a whole, against everything else that says it too.
struct ManifestVerification {
  private let data: Dataset

  init(_ data: Dataset) { self.data = data }

  /// - Parameter arrivals: of the first and the last request.
  func check(_ arrivals: ClosedRange<Timestamp>?, _ report: inout InvariantReport) throws {
    guard let manifest = data.manifest else {
      report.skip(.i15, "there is no manifest")
      return
    }
    try checkSeal(manifest, &report)
    var parser = TimestampParser()
    guard let from = parser.parse(manifest.period.from), let to = parser.parse(manifest.period.to), from < to
    else {
      report.violated(.i15, "\(manifest.period.from) to \(manifest.period.to) is not a period")
      return
    }
    checkScenario(manifest, from, to, arrivals, &report)
    checkRollups(manifest, to, &report)
    // A database keeps the manifest and no files.
    guard FileManager.default.fileExists(atPath: data.path + "/manifest.json") else { return }
    try RunContents(data, manifest).check(&report)
    // A fixture's dashboards have a "now" each.
    if manifest.files[RunContents.questions] == nil { checkDashboards(manifest, to, &report) }
  }

  /// Of a file of the run; `nil` if there is none that can be read, or it is not a regular one.
  private func contents(_ name: String) -> Data? {
    try? ContainedPath(name, in: data.path).contents()  // Said where files are checked.
  }

  /// The manifest's checksum, of the file as it is.
  private func checkSeal(_ manifest: Manifest, _ report: inout InvariantReport) throws {
    guard let json = contents("manifest.json") else { return }
    guard let checksum = manifest.checksum else {
      report.miss(
        .i15, "manifest.json has no checksum, like those of older programs, so it may have changed")
      return
    }
    if !JSONSeal.holds(checksum, for: json) {
      report.violated(.i15, "manifest.json has changed since it was written: its checksum does not match")
    }
  }

  private func checkScenario(
    _ manifest: Manifest, _ from: Timestamp, _ to: Timestamp, _ arrivals: ClosedRange<Timestamp>?,
    _ report: inout InvariantReport
  ) {
    guard let kept = manifest.scenario else { return }
    if Manifest.Scenario(name: kept.name, text: kept.text, overrides: []).sha256 != kept.sha256 {
      report.violated(.i15, "the scenario's text is not that of its SHA-256")
    }
    if let file = contents("scenario.yaml"),
      file != Data(kept.text.utf8)
    {
      report.violated(.i15, "scenario.yaml is not the manifest's scenario")
    }
    checkOverrides(kept, &report)
    if let arrivals, arrivals.lowerBound < from || arrivals.upperBound >= to {
      report.violated(
        .i15,
        "requests arrive from \(arrivals.lowerBound.rfc3339) to \(arrivals.upperBound.rfc3339), but the period is \(manifest.period.from) to \(manifest.period.to)"
      )
    }
    do {
      let scenario = try ScenarioDocument(Data(kept.text.utf8), path: "\(data.path)/manifest.json").scenario
      if scenario.from != from || scenario.to != to {
        report.violated(
          .i15,
          "the period is \(manifest.period.from) to \(manifest.period.to), but the scenario's is \(scenario.from.rfc3339) to \(scenario.to.rfc3339)"
        )
      }
      if scenario.seed != manifest.seed {
        report.violated(
          .i15,
          "the seed is \(manifest.seed.map { "\($0)" } ?? "not given"), but the scenario's is \(scenario.seed)"
        )
      }
      let accounts = Set(scenario.accounts.map { Array($0.name.utf8) })
      if accounts != Set(data.tables.accounts.map { Array($0.account.utf8) }) {
        report.violated(.i15, "the scenario's accounts are not those of the data")
      }
    } catch {
      report.miss(.i15, "this program cannot read the run's scenario")
    }
  }

  /// The scenario as run notes its overrides at its top.
  private func checkOverrides(_ kept: Manifest.Scenario, _ report: inout InvariantReport) {
    let noted = Overrides.noted(in: kept.text)
    if noted == kept.overrides.map(\.shown) { return }
    // A file that an earlier program ran again kept its notes.
    if kept.overrides.isEmpty {
      report.miss(.i15, "the scenario notes overrides of which the manifest has none: \(noted[0])")
    } else {
      report.violated(
        .i15,
        "the manifest's overrides are \(kept.overrides.joined(separator: ", ")), but the scenario was run with \(noted.isEmpty ? "none" : noted.joined(separator: ", "))"
      )
    }
  }

  private func checkRollups(_ manifest: Manifest, _ to: Timestamp, _ report: inout InvariantReport) {
    for account in data.tables.accounts {
      let name = RunDirectory.rollupsName(of: account.account)
      // Damage is what I14 reports.
      guard let archive = try? data.rollups(of: account.account) else {
        if manifest.rollups?[name] != nil,
          !FileManager.default.fileExists(atPath: "\(data.path)/\(name)")
        {
          report.violated(.i15, "\(name) is in the manifest but not in the directory")
        }
        continue
      }
      if archive.end != to {
        report.violated(
          .i15, "\(name) ends at \(archive.end.rfc3339), but the period ends at \(manifest.period.to)")
      }
      if let known = manifest.rollups, known[name] != archive.fingerprint {
        report.violated(.i15, "\(name) is not the archive that the manifest describes")
      }
    }
  }

  /// Files of a run are named for what they show: kind and period, now being the period's end.
  private func checkDashboards(_ manifest: Manifest, _ to: Timestamp, _ report: inout InvariantReport) {
    var parser = TimestampParser()
    for name in manifest.files.keys.sorted() where name.utf8.starts(with: "dashboard/".utf8) {
      // What is no JSON is reported where figures are checked.
      guard let bytes = contents(name),
        let json = try? JSONSerialization.jsonObject(with: bytes) as? [String: Any],
        let query = json["query"] as? [String: Any]
      else { continue }
      let account = data.tables.accounts.first {
        name.utf8.starts(with: "dashboard/\(RunDirectory.folderName(of: $0.account))/".utf8)
      }
      func text(_ key: String) -> String { query[key] as? String ?? "" }
      if !name.utf8.elementsEqual(
        "dashboard/\(account.map { RunDirectory.folderName(of: $0.account) } ?? "")/\(text("kind"))-\(text("period")).json"
          .utf8)
      {
        report.violated(.i15, "\(name) shows \(text("kind")), \(text("period"))")
      }
      for filter in ["model", "version", "provider", "deployedAt"] where query[filter] is String {
        report.violated(.i15, "\(name) is of one \(filter) alone")
      }
      if parser.parse(text("now")) != to {
        report.violated(.i15, "\(name) is as of \(text("now")), but the period ends at \(manifest.period.to)")
      }
      if let account, !text("timeZone").utf8.elementsEqual(account.timeZone.utf8) {
        report.violated(.i15, "\(name) is in \(text("timeZone")), but the account is in \(account.timeZone)")
      }
    }
  }
}
