import Datasets
import Foundation
import ScenarioModel
import Telemetry

/// What makes a run a replication of its own: two runs of one scenario and seed, or of the same requests, are one
/// replication, however often it was copied or simulated again.
struct ReplicationOrigin {
  let path: String
  let seed: UInt64?
  /// SHA-256 of the scenario as it was run; `nil` of what is not the whole of a run.
  private let scenario: String?
  /// SHA-256 of its requests in each format; none without requests.
  private let requests: Set<String>
  /// What was simulated, whatever its name and seed; `nil` of what does not come from a scenario that this program reads.
  private let system: Scenario?

  init(_ manifest: Manifest, path: String) {
    self.path = path
    seed = manifest.seed
    // A fixture has some of a run's requests, or altered ones.
    scenario = manifest.source == nil && manifest.chosenFrom == nil ? manifest.scenario?.sha256 : nil
    system = manifest.scenario.flatMap { kept in
      var read = try? ScenarioDocument(Data(kept.text.utf8), path: path).scenario
      read?.seed = 0
      read?.name = ""
      read?.description = ""
      return read
    }
    let files = manifest.files.filter { $0.key.utf8.starts(with: "telemetry/requests.".utf8) }.values
    requests =
      (manifest.rows["requests"] ?? 0) > 0
      ? Set(files).union(manifest.contents?["requests"].map { [$0] } ?? []) : []
  }

  /// - Throws: `DatasetError` naming two runs that are one replication, or that are not of one scenario.
  static func check(_ runs: [ReplicationOrigin]) throws {
    if let first = runs.first(where: { $0.system != nil }),
      let other = runs.first(where: { $0.system != nil && $0.system != first.system })
    {
      throw DatasetError(
        other.path,
        "this and \(first.path.shown) differ in more than their seed, so they are not replications of one scenario. Keep runs of one scenario in a directory, one for each seed."
      )
    }
    var known: [String: String] = [:]
    for run in runs {
      var marks: [(mark: String, why: String)] = []
      if let scenario = run.scenario, let seed = run.seed {
        marks.append(("scenario \(scenario) \(seed)", "their scenario and seed are the same"))
      }
      marks += run.requests.map { ("requests \($0)", "their requests are the same") }
      for (mark, why) in marks {
        guard let other = known.updateValue(run.path, forKey: mark) else { continue }
        throw DatasetError(
          run.path,
          "this and \(other.shown) are one replication: \(why). Counted twice, chance would look like evidence. Run the scenario with a seed for each replication, or compare one run with one."
        )
      }
    }
  }
}
