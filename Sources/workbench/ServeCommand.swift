import ArgumentParser
import DashboardServer
import Datasets
import Dispatch
import Foundation
import Planning
import Runs
import Studio
import Telemetry

struct ServeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve", abstract: "The Model Analytics Dashboard in a browser.",
    discussion: """
      Serves runs and data sets on the loopback address, until Ctrl-C. With several, the page has a list to \
      choose from, and any two can be laid over each other. The API is described at /api/openapi.yaml and \
      gives the same bytes as "workbench aggregate".

      On the page, you can change any numeric value of a run's scenario and see the effect at once, keep the \
      result as a run in the directory --keep, and edit the scenarios in --scenarios. --read-only leaves all \
      of this out.

      Examples:
        workbench serve Outputs/week
        workbench serve Outputs/base Outputs/tight --port 9000
        workbench serve Outputs/plan-week
        workbench serve postgres://qa@db.example/quality   # the newest pushed runs
        workbench serve --live Scenarios/office-hours-spike.yaml --speed 3600
        workbench serve Outputs/week --host 0.0.0.0 --token "$(openssl rand -hex 16)"
      """)

  @Argument(
    help:
      "Run directories, data sets, SQLite files, PostgreSQL addresses; or a plan, with its variants side by side."
  )
  var runs: [String] = []

  @Option(help: "A scenario to simulate in accelerated time while the page follows.")
  var live: String?

  @Option(help: "From a shared database, the number of newest runs to show.")
  var newest = 20

  @Option(help: "With --live: simulated seconds per second.", transform: decimalNumber)
  var speed = 3600.0

  @Option(help: "The port, or the next free one. 0 for any.")
  var port = 8080

  @Option(help: "The address to listen on; any address but the loopback needs --token.")
  var host = "127.0.0.1"

  @Option(help: "A secret that every request must carry.")
  var token: String?

  @Option(help: "The directory of the scenarios that the page shows and edits.")
  var scenarios = "Scenarios"

  @Option(help: "The directory for runs that users of the page keep.")
  var keep = "Outputs"

  @Flag(help: "The page only shows runs and cannot change anything.")
  var readOnly = false

  func validate() throws {
    guard !runs.isEmpty || live != nil else {
      throw ValidationError("there is nothing to serve: name runs, or --live SCENARIO.")
    }
    guard (1...1000).contains(newest) else {
      throw ValidationError("--newest \(newest) must lie in 1…1000.")
    }
    guard speed > 0, speed <= 1e7 else {
      throw ValidationError("--speed \(speed) must be above 0 and at most 10000000.")
    }
    guard (0...65_535).contains(port) else { throw ValidationError("--port \(port) must lie in 0…65535.") }
    if !["127.0.0.1", "localhost", "::1"].contains(host), token == nil {
      throw ValidationError("--host \(host) opens the dashboard to others. Give a --token as well.")
    }
    if let token {
      guard token.utf8.count >= 16,
        token.utf8.allSatisfy({
          ($0 >= 48 && $0 <= 57) || ($0 | 32 >= 97 && $0 | 32 <= 122) || $0 == 45 || $0 == 95
        })
      else { throw ValidationError("--token needs at least 16 letters, digits, - or _.") }
    }
  }

  func run() throws {
    let liveRun = try live.map { path in
      let bundle = try ScenarioBundle(path)
      for note in bundle.notes { Terminal.diagnose(note) }
      return try LiveRun(bundle.simulation(), scenario: bundle.document.textAsRun, speed: speed)
    }
    let plans = runs.filter(PlanDirectory.isOne)
    guard plans.count <= 1 else {
      throw ValidationError("\(plans.count) plans are given. Serve them one at a time.")
    }
    let plan = try plans.first.map { try PlanPage($0) }
    let sources: [@Sendable () throws -> RunList] = try runs.map { run in
      if try SharedHome.isOne(run) {
        let home = try HomeRuns(run, most: newest)
        return { try home.list() }
      }
      return { RunList(PlanDirectory.isOne(run) ? try PlanDirectory(run).runs() : [run]) }
    }
    let studio =
      readOnly
      ? nil
      : Studio(
        scenarios: ScenarioFolder(scenarios), runs: RunFolder(keep), program: Program.nameAndVersion,
        command: { $0.commandLine })
    let catalogue = try RunCatalogue(
      live: liveRun, say: { Terminal.diagnose("workbench: warning: \($0)") },
      list: {
        var list = try sources.reduce(RunList()) { try $0 + $1() }
        // Those that people have made on the page of an earlier server.
        list.add(studio?.runs?.made() ?? [])
        return list
      })
    let free = port == 0 ? 0 : try Self.freePort(from: port, host: host)
    let server = DashboardServer(
      catalogue, host: host, port: free, token: token, plan: plan, studio: studio)
    let shown = host.contains(":") ? "[\(host)]" : host
    let suffix = token.map { "?token=\($0)" } ?? ""
    Task {
      do {
        try await server.run { Terminal.print("http://\(shown):\($0)/\(suffix)") }
        Foundation.exit(0)
      } catch let explained as any ExplainedError {
        Terminal.diagnose(explained.words)
        Foundation.exit(explained.kind.exitStatus)
      } catch {
        Terminal.diagnose("workbench: error: cannot serve: \(error)")
        Foundation.exit(73)
      }
    }
    dispatchMain()
  }

  /// The port, or the first of the next hundred that is free.
  private static func freePort(from port: Int, host: String) throws -> Int {
    for candidate in port..<min(port + 100, 65_536) {
      let socket = Foundation.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
      defer { close(socket) }
      var yes: Int32 = 1
      setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_port = in_port_t(UInt16(candidate).bigEndian)
      inet_pton(AF_INET, host == "localhost" ? "127.0.0.1" : host, &address.sin_addr)
      let bound = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          bind(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
      }
      if bound == 0 { return candidate }
    }
    throw OutputError("port \(port)", "it and the next 99 are taken. Give another --port.")
  }
}

extension Studio.Asked {
  /// The command that does what was asked for at the page.
  fileprivate var commandLine: String {
    func options(_ name: String, _ values: [String]) -> [String] { values.flatMap { [name, $0] } }
    switch self {
    case .run(let scenario, let overrides):
      return ShellText.command(
        ["workbench", "run", scenario] + options("--set", overrides))
    case .fixture(let run, let requests, let formats, let anonymised):
      let words = ["workbench", "fixture", anonymised ? "SOURCE" : run, "--requests", "\(requests)"]
      return ShellText.command(
        words + ["--formats", formats.joined(separator: ",")] + (anonymised ? ["--anonymise"] : []))
    case .plan(let plan, let scenario):
      var words = ["workbench", "plan", scenario]
      words += options("--vary", plan.vary.map { "\($0.path)=\($0.values)" })
      words += options("--case", (plan.cases ?? []).map(\.text))
      words += options("--growth", [plan.growth].compactMap { $0 })
      words += options("--growth-weeks", [plan.growthWeeks.map(String.init)].compactMap { $0 })
      words += options("--samples", [plan.samples.map(String.init)].compactMap { $0 })
      words += options("--replications", [plan.replications.map(String.init)].compactMap { $0 })
      words += options("--max-replications", [plan.maxReplications.map(String.init)].compactMap { $0 })
      words += options("--slo", [plan.objectives].compactMap { $0 })
      words += options("--minimize", [plan.minimize].compactMap { $0 })
      words += options("--set", plan.overrides)
      // Variants with changes of their own stand in a plan file.
      if !plan.variants.isEmpty { words += ["--file", "PLAN.yaml"] }
      return ShellText.command(words)
    }
  }
}
