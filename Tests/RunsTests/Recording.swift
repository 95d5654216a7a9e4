import Datasets
import Foundation
import Runs
import TestSupport

/// What tests record.
enum Recording {
  /// Two accounts, failures of several kinds, tokens, three deployments.
  static let scenario = """
    workbench: 1
    name: small
    seed: 5
    period: { from: 2026-03-02, to: 2026-03-05 }
    accounts:
      - name: acme
        timeZone: Europe/Berlin
        subscription: { maxReplicas: 6 }
        models:
          - name: "chat, \\"the\\" бот"
            kind: openSource
            load: { arrivals: { poisson: { rate: 60/h } }, tokens: { input: 100, output: 50 } }
            deployments:
              - version: V1
                deployAt: 2026-03-02
                hardware: A10 single
                scaling: { minReplicas: 1, maxReplicas: 2, maxBatchSize: 8 }
                service: { time: 300ms }
              - version: V2
                deployAt: 2026-03-03
                traffic: 0.5
                hardware: A10 single
                scaling: { minReplicas: 1, maxReplicas: 2, maxBatchSize: 8 }
                service: { time: 200ms }
                failures: { modelError: 0.1 }
      - name: globex
        timeZone: America/New_York
        subscription: { maxReplicas: 2 }
        models:
          - name: gpt
            kind: external
            provider: OpenAI
            load: { arrivals: { poisson: { rate: 30/h } }, tokens: { input: 100, output: 50 } }
            service: { time: 900ms }
            failures: { providerError: 0.2 }
    """

  static func bundle(_ scratch: Scratch, _ overrides: [String] = []) throws -> ScenarioBundle {
    try ScenarioBundle(try scratch.write("small.yaml", scenario), overrides: overrides)
  }

  /// Records a scenario with its requests as CSV.
  /// - Returns: the path of the run.
  @discardableResult
  static func record(_ bundle: ScenarioBundle, _ path: String, hasDashboards: Bool = false) throws -> String {
    let directory = try RunDirectory(path, manifest: bundle.manifest(program: "test"), isDurable: false)
    var recorder = RunRecorder()
    recorder.formats = [DatasetFormat(.csv)]
    recorder.hasDashboards = hasDashboards
    _ = try recorder.record(bundle.simulation(), into: directory)
    return path
  }
}
