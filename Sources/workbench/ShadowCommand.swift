import Aggregation
import ArgumentParser
import DashboardServer
import Datasets
import Foundation
import Planning
import Telemetry

struct ShadowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "shadow",
    abstract:
      "Holds a scaling policy against recorded telemetry: when and by how much it would have differed.",
    discussion: """
      TELEMETRY is a data set with replicas: a run, an import, SQLite, PostgreSQL. Its demand is replayed \
      beside the recorded replicas, and the policy decides on it as it would have: with the same code that \
      simulations use.

      The policy is a deployment's scaling in a scenario's grammar: a file, the YAML itself, or a scenario, \
      from which the deployment of the same model and version is taken. minReplicas, maxReplicas, \
      maxBatchSize and startup that it does not state are the recorded deployment's:
        --policy 'targetUtilisation: { target: 0.7 }'
        --policy '{ minReplicas: 0, policy: { queueLength: { target: 4 } } }'
        --policy hpa.yaml

      With requests, demand is exact. From rollups alone (--resolution quarters, or a run without requests), \
      it is the mean of each quarter of an hour: good for how many replicas, not for when. The policies \
      concurrency and predictive look at peaks, which means do not show, and queueLength needs counts: pending.

      Demand is replayed open loop: each request begins and ends when it did, whatever the policy's replicas. \
      Where either side was short of them, the demand would have been another; the time in which it was is said.

      Recorded replicas may also be the answer of a Prometheus range query, saved as a file; a label of each \
      series must be the version's or the model's name:
        curl -G http://prometheus:9090/api/v1/query_range \\
          -d query=kube_deployment_status_replicas \\
          -d start=2026-03-03T00:00:00Z -d end=2026-03-04T00:00:00Z \\
          -d step=15s > replicas.json

      Exit status: 0; with --max-disagreement, 1 if a deployment's policy differs in a larger share of the \
      time, and 2 if that cannot be told; 64, 65, 66 as elsewhere.

      Examples:
        workbench shadow Outputs/week --policy 'targetUtilisation: { target: 0.7 }'
        workbench shadow Outputs/week --policy next.yaml --html shadow.html
        workbench shadow Outputs/month --policy hpa.yaml --resolution quarters --json
        workbench shadow ours/ --policy hpa.yaml --replicas replicas.json
        workbench shadow ours/ --policy hpa.yaml --max-disagreement 5%
      """)

  @Argument(help: "The data set.")
  var telemetry: String

  @Option(help: "A file with the policy, the policy itself as YAML, or a scenario.")
  var policy: String

  @Option(help: "Only this account.")
  var account: String?

  @Option(help: "Only models of this name.")
  var model: String?

  @Option(help: "Only this version.")
  var version: String?

  @Option(
    help: "Recorded replicas in place of the data set's: the answer of a Prometheus range query (JSON).")
  var replicas: String?

  @Option(help: "requests or quarters. Default: requests where there are any.")
  var resolution: String?

  @Option(
    help:
      "The share of the time, such as 5%, in which the policy may differ from what was recorded; more is status 1."
  )
  var maxDisagreement: String?

  @Option(help: "A page with both laid over each other, as one file (.html).")
  var html: String?

  @Flag(help: "Prints all figures as JSON.")
  var json = false

  @Flag(name: .shortAndLong, help: "No progress, and no text.")
  var quiet = false

  func validate() throws {
    _ = try chosenResolution()
    _ = try allowedDisagreement()
  }

  private func chosenResolution() throws -> ShadowDemand.Resolution? {
    guard let resolution else { return nil }
    guard let known = ShadowDemand.Resolution(rawValue: resolution) else {
      throw ValidationError("--resolution \"\(resolution)\" is unknown. Give requests or quarters.")
    }
    return known
  }

  /// A share of the time, in [0, 1].
  private func allowedDisagreement() throws -> Double? {
    guard let text = maxDisagreement else { return nil }
    guard text.utf8.last == UInt8(ascii: "%"),
      let percent = PlanQuantity.number(String(decoding: text.utf8.dropLast(), as: UTF8.self)),
      (0..<100).contains(percent)
    else {
      throw ValidationError(
        "--max-disagreement \"\(text)\" is not a share below 100%. Write it in percent: 5%.")
    }
    return percent / 100
  }

  func run() throws {
    // Made before the work, so that an existing file is reported at once.
    let page = try html.map { try OutputFile($0) }
    let policy = try ShadowPolicy(policy)
    let data = try Dataset(telemetry)
    let isWanted = { (record: ModelRecord, version: String) in
      (account.map { Name.same($0, record.account) } ?? true)
        && (model.map { Name.same($0, record.name) } ?? true)
        && (self.version.map { Name.same($0, version) } ?? true)
    }
    let reading = ProgressBar("Reading", quiet: quiet)
    var recorded = try Shadow.Recorded(data, resolution: try chosenResolution(), where: isWanted) {
      reading.show($0)
    }
    reading.clear()
    recorded.replicas = try replicas.map { try PrometheusRange(contentsOf: $0) }
    let replaying = ProgressBar("Replaying", quiet: quiet)
    let result = try Shadow(recorded, policy: policy).result(where: isWanted) { replaying.show($0) }
    replaying.clear()
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    let text = try encoder.encode(result)
    if json {
      Terminal.write(text + Data("\n".utf8))
    } else if !quiet {
      ShadowText.print(result)
    }
    if let page {
      try page.write(try FigurePage(.shadow, text).html())
      _ = try page.close()
    }
    try judge(result)
  }

  private func judge(_ result: ShadowResult) throws {
    guard let allowed = try allowedDisagreement(), let limit = maxDisagreement else { return }
    if let unknown = result.deployments.first(where: { $0.comparedHours == 0 }) {
      throw InconclusiveError(
        telemetry, "\(unknown.name): no time has recorded replicas. Give a period that has.")
    }
    guard result.resolution == .requests else {
      throw InconclusiveError(
        telemetry,
        "means of a quarter of an hour do not show how demand fluctuates, so that a policy differs even from its own run. Shadow a data set with requests."
      )
    }
    guard let worst = result.worst, 1 - worst.agreement.equal > allowed else { return }
    Terminal.diagnose(
      "\(telemetry): error: \(worst.name): the policy differs from what was recorded for \(ShadowText.percent(1 - worst.agreement.equal)) of the time; at most \(limit) is allowed."
    )
    throw ExitCode(1)
  }
}
