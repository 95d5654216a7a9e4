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

  @Flag(help: "Replaces the file, whatever it is; an earlier report is replaced anyway.")
  var replace = false

  func run() throws {
    // Made before the work, so that an existing file is reported at once.
    let file = try OutputTarget.report(output, replace: replace)
    if PlanDirectory.isOne(directory) {
      try file.write(try PlanPage(directory).html())
    } else {
      try file.write(try Report(try ServedRun(directory)).html())
    }
    try file.close()
    if output == OutputTarget.stream { return }
    Terminal.print("\(output.shown): written. Open it in a browser.")
  }
}
