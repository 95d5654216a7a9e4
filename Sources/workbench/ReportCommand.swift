import ArgumentParser
import DashboardServer
import Datasets

struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report", abstract: "The dashboard of a run as one self-contained HTML file.",
    discussion: """
      The page of "workbench serve" with its widgets, filters and preset periods, to attach to a ticket: it needs no \
      server and asks no host. Custom dates are for "workbench serve".

      Examples:
        workbench report Outputs/week -o week.html
      """)

  @Argument(help: "A run directory or data set.")
  var directory: String

  @Option(name: .shortAndLong, help: "The file to write.")
  var output: String

  func run() throws {
    guard try PageFiles().hasPlotly else {
      throw NotFoundError("plotly.min.js", "the chart library is not there. Fetch it: .ci/setup")
    }
    let report = try Report(try ServedRun(id: "1", path: directory))
    let file = try OutputFile(output)
    try file.write(try report.html())
    try file.close()
    Terminal.print("\(output): written. Open it in a browser.")
  }
}
