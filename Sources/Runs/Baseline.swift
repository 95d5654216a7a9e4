import Datasets
import Foundation

/// The expected results of a scenario: the figures of its dashboards without their lists, and hashes of everything,
/// as JSON that reads well in a diff.
package enum Baseline {
  /// Of more accounts, only hashes.
  private static let mostAccounts = 4

  /// Simulates a scenario and takes the results that a baseline records.
  /// - Throws: what reading and running a scenario throws.
  package static func make(_ path: String) throws -> Data {
    let bundle = try ScenarioBundle(path)
    let scenario = bundle.scenario
    let scratch = try ScratchDirectory()
    let run = scratch.path + "/run"
    let directory = try RunDirectory(run, manifest: bundle.manifest(program: ""), isDurable: false)
    var recorder = RunRecorder()
    recorder.formats = [DatasetFormat(.csv)]
    recorder.hasScenario = false
    _ = try recorder.record(bundle.simulation(), into: directory)
    let manifest = directory.manifest
    let kept = Set(scenario.accounts.prefix(mostAccounts).map { RunDirectory.folderName(of: $0.name) })
    var dashboards: [String: Any] = [:]
    var hashes: [String: String] = [:]
    for (name, hash) in manifest.files {
      hashes[name] = String(hash.prefix(16))
      guard name.hasPrefix("dashboard/"),
        kept.contains(name.split(separator: "/").dropFirst().first.map(String.init) ?? "")
      else { continue }
      let json = try JSONSerialization.jsonObject(
        with: try Data(contentsOf: URL(fileURLWithPath: "\(run)/\(name)")))
      dashboards[String(name.dropFirst("dashboard/".count).dropLast(".json".count))] = withoutLists(json)
    }
    let root: [String: Any] = [
      "baseline": 1, "scenario": scenario.name, "seed": scenario.seed, "rows": manifest.rows,
      "notDeployed": manifest.notDeployed, "hashes": hashes, "dashboards": dashboards,
    ]
    return try withExtendedLifetime(scratch) {
      try JSONSerialization.data(
        withJSONObject: root, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
        + Data("\n".utf8)
    }
  }

  /// A baseline as documents that can be compared within tolerances: each dashboard by itself, so that the rules are those
  /// for dashboards, and everything else but the hashes.
  /// - Parameter name: the scenario's; dashboards are named NAME/ACCOUNT/KIND-PERIOD.
  /// - Throws: `DatasetError` for what is not a baseline.
  package static func documents(_ baseline: Data, name: String, path: String) throws -> [String: Data] {
    guard var root = (try? JSONSerialization.jsonObject(with: baseline)) as? [String: Any],  // Said here.
      let dashboards = root["dashboards"] as? [String: Any]
    else {
      throw DatasetError(path, "this is not a baseline. Record it again: workbench baseline update.")
    }
    root["dashboards"] = nil
    root["hashes"] = nil
    var found = [name: try JSONSerialization.data(withJSONObject: root)]
    for (dashboard, figures) in dashboards {
      found["\(name)/\(dashboard)"] = try JSONSerialization.data(withJSONObject: figures)
    }
    return found
  }

  /// Lists become their lengths: what they hold is in the hash.
  private static func withoutLists(_ value: Any) -> Any {
    switch value {
    case let object as [String: Any]: object.mapValues(withoutLists)
    case let list as [Any]: list.count
    default: value
    }
  }
}
