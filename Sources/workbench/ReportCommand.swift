import ArgumentParser
import DashboardServer
import Datasets
import Planning
import Telemetry

struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report", abstract: "The dashboard of a run, or a plan, as one self-contained HTML file.",
    discussion: """
      The page of "workbench serve" with its widgets, filters and preset periods, to attach to a ticket: it \
      needs no server and contacts no host. Custom dates need "workbench serve".

      Examples:
        workbench report Outputs/week -o week.html
        workbench report Outputs/plan-week -o plan.html
      """)

  @Argument(help: "A run directory or data set, or a plan.")
  var directory: String

  @Option(name: .shortAndLong, help: "The file to write.")
  var output: String

  func run() throws {
    if PlanDirectory.isOne(directory) {
      let page = try PlanPage(directory)
      let file = try OutputFile(output)
      try file.write(try page.html())
      try file.close()
      Terminal.print("\(output.shown): written. Open it in a browser.")
      return
    }
    let report = try Report(try ServedRun(directory))
    let file = try OutputFile(output)
    try file.write(try report.html())
    try file.close()
    Terminal.print("\(output.shown): written. Open it in a browser.")
  }
}
