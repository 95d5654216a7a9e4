import Calibration
import Datasets
import Foundation
import Sampling
import Telemetry

/// A fit's summary on the terminal.
enum FitText {
  static func print(_ report: FitReport, output: String, profile: String?, report page: String?) {
    for model in report.models { print(model, holdOut: report.holdOut) }
    Terminal.print("\(output.shown): the fitted scenario. Next: workbench run \(ShellText.quoted(output))")
    if let profile {
      Terminal.print("\(profile.shown): the service, for service: { profile: \(profile.shown) }.")
    }
    if let page { Terminal.print("\(page): both overlaid.") }
  }

  private static func print(_ model: FitReport.Model, holdOut: String) {
    Terminal.print(
      Terminal.bold("\(model.account.shown)/\(model.model.shown)  \(Figure.count(model.requests)) requests"))
    for part in model.fitted {
      let parameters = part.parameters.prefix(8).map(text).joined(separator: ", ")
      Terminal.print(
        "  \(padded(part.part.shown, 20)) \(part.family)\(parameters.isEmpty ? "" : ": \(parameters)")")
    }
    if model.breakpoints > 0 {
      Terminal.print("  \(padded("rate", 20)) \(model.breakpoints) levels over time")
    }
    for note in model.notes { Terminal.print(Terminal.dim("  \(note.shown)")) }
    for replayed in model.replayed {
      let count = Figure.count(replayed.figures.first?.requests ?? 0, "request")
      Terminal.print(
        "  \(replayed.version.shown): \(count) replayed as they arrived, under the fitted service:")
      Terminal.print(
        "  \(padded("mean, 95th percentile", 21)) observed           simulated          off")
      for own in replayed.figures {
        let row = [
          padded("\(time(own.observedMean)), \(time(own.observedP95))", 18),
          padded("\(time(own.simulatedMean)), \(time(own.simulatedP95))", 18),
          String(format: "%+.1f, %+.1f %%", 100 * own.errorOfMean, 100 * own.errorOfP95),
        ]
        Terminal.print("  \(padded(own.name, 21)) \(row.joined(separator: " "))")
      }
    }
    if let quality = model.quality {
      let judged = holdOut == "nothing" ? "judged by all of it" : "judged by what was held out: \(holdOut)"
      Terminal.print("  Simulated compared with observed, \(judged):")
      Terminal.print(
        "  \(padded("", 18)) observed  simulated e       d       s       allowed plain*")
      for marginal in quality.marginals {
        let row = [
          padded(figure(marginal.observedMean), 9), padded(figure(marginal.simulatedMean), 9),
          bound(marginal.bound), marginal.baselineWasserstein.map(percent) ?? "",
        ]
        Terminal.print("  \(padded(marginal.name, 18)) \(row.joined(separator: " "))")
      }
      for count in quality.counts {
        let row = [
          padded(figure(count.observedDispersion), 9), padded(figure(count.simulatedDispersion), 9),
          bound(count.bound),
        ]
        Terminal.print(
          "  \(padded("dispersion, \(Self.span(count.window))", 18)) \(row.joined(separator: " "))")
      }
      Terminal.print(
        Terminal.dim(
          HelpText.wrapped(
            "  distances, over the observed mean (Wasserstein-1) or of the ratio from 1: e of the simulation from what judges it, d of what the fit saw from that, s of two simulations; * e of a plain Poisson process with lognormal tokens",
            hanging: 2, columns: Terminal.tableColumns)))
      for line in quality.verdict { Terminal.print("  → \(line.shown)") }
    }
    Terminal.print("")
  }

  /// *e*, *d*, *s* and what is allowed.
  private static func bound(_ bound: Bound) -> String {
    [bound.e, bound.d, bound.s, bound.allowed].map { padded($0.map(percent) ?? "", 7) }.joined(separator: " ")
  }

  static func span(_ seconds: Double) -> String {
    seconds >= 3600
      ? "\(Int(seconds / 3600)) h" : seconds >= 60 ? "\(Int(seconds / 60)) min" : "\(Int(seconds)) s"
  }

  private static func text(_ estimate: ParameterEstimate) -> String {
    let interval =
      estimate.interval.count == 2
      ? " [\(figure(estimate.interval[0])), \(figure(estimate.interval[1]))]" : ""
    return "\(estimate.name) \(figure(estimate.value))\(interval)"
  }

  /// A figure that does not exist is a dash.
  private static func figure(_ value: Double) -> String {
    value.isFinite ? String(format: "%.5g", value) : "–"
  }
  /// - Parameter milliseconds: at least 0.
  private static func time(_ milliseconds: Double) -> String {
    milliseconds >= 10_000
      ? String(format: "%.4g s", milliseconds / 1000) : String(format: "%.4g ms", milliseconds)
  }
  private static func percent(_ share: Double) -> String {
    share.isFinite ? String(format: "%.1f %%", 100 * share) : "–"
  }
  private static func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }
}
