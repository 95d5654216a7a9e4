import Calibration
import Foundation
import Sampling
import ScenarioModel
import Telemetry

/// What `workbench fit --json` writes, and what its page shows.
struct FitReport: Codable {
  struct Fitted: Codable {
    /// Of inter-arrival, service and token parameters: by what they belong to.
    var part: String
    var family: String
    var parameters: [ParameterEstimate]
  }

  struct Replayed: Codable {
    var version: String
    var figures: [ReplayedFigure]
  }

  struct Model: Codable {
    var account: String
    var model: String
    var requests: Int
    var fitted: [Fitted]
    var arrivalCandidates: [ArrivalFit.Candidate]
    /// How near the arrivals are to what was held out within what the fit saw.
    var arrivalsJudged: [ArrivalChoice.Judged]
    /// The same of the process instead of which the record is resampled.
    var arrivalsRejected: [ArrivalChoice.Judged]
    var breakpoints: Int
    var variabilityChanges: Int
    var quality: FitQuality?
    /// Of each version whose replicas are known: times of the requests that judge the fit, with the arrivals and tokens
    /// that they had.
    var replayed: [Replayed]
    var notes: [String]
  }

  var fit = 1
  var program = Program.nameAndVersion
  var source: String
  var scenario: String
  /// Half open.
  var from: String
  var to: String
  var holdOut: String
  var models: [Model]

  func json() throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(
      positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    return try encoder.encode(self) + Data("\n".utf8)
  }
}

extension FitReport.Model {
  init(_ fit: ModelFit, _ quality: FitQuality?, requests: Int) {
    var fitted: [FitReport.Fitted] = []
    func add(_ part: String, _ fit: DistributionFit?, scale: Double = 1, unit: String = "") {
      guard let fit else { return }
      // Of durations: in milliseconds, except for what has no unit.
      let unitless = ["sigma", "shape", "cv"]
      let parameters = fit.parameters.map { estimate -> ParameterEstimate in
        guard !unitless.contains(where: estimate.name.hasPrefix), !estimate.name.hasPrefix("weight") else {
          return estimate
        }
        return ParameterEstimate(
          name: unit.isEmpty ? estimate.name : "\(estimate.name), \(unit)", value: estimate.value * scale,
          interval: estimate.interval.map { $0 * scale })
      }
      fitted.append(.init(part: part, family: fit.name, parameters: parameters))
    }
    if let arrivals = fit.arrivals {
      let parameters = arrivals.estimates.map { estimate -> ParameterEstimate in
        let isRate = estimate.name.hasPrefix("rate")
        let isTime = estimate.name.hasPrefix("mean") || estimate.name.hasPrefix("scale")
        let scale = isRate ? 1e6 : isTime ? 1e-6 : 1
        return ParameterEstimate(
          name: isRate ? "\(estimate.name), 1/s" : isTime ? "\(estimate.name), s" : estimate.name,
          value: estimate.value * scale, interval: estimate.interval.map { $0 * scale })
      }
      fitted.append(
        .init(part: "arrivals", family: arrivals.family, parameters: parameters))
    }
    if let uncertainty = fit.uncertainty {
      func estimate(_ name: String, _ factor: DemandUncertainty.LognormalFactor) -> ParameterEstimate {
        let center = log(factor.mean) - factor.sigma * factor.sigma / 2
        return ParameterEstimate(
          name: name, value: factor.mean,
          interval: [-1.959_964, 1.959_964].map { exp(center + $0 * factor.sigma) })
      }
      fitted.append(
        .init(
          part: "demand to come", family: "lognormal",
          parameters: [
            estimate("level", uncertainty.level),
            estimate("growth per week", uncertainty.growthPerWeek),
          ]))
    }
    if fit.hasRecordedTokens {
      fitted.append(.init(part: "tokens", family: "those of the resampled requests", parameters: []))
    } else if let tokens = fit.tokens {
      add("input tokens", tokens.input)
      add("output tokens", tokens.output)
      if tokens.correlation.value != 0 {
        fitted.append(.init(part: "tokens", family: "Gaussian copula", parameters: [tokens.correlation]))
      }
    }
    func service(_ service: ServiceFit?, _ prefix: String) {
      guard let service else { return }
      switch service.form {
      case .direct(let time): add("\(prefix)service time", time, scale: 1e-3, unit: "ms")
      case .tokens(let first, let perInput, let perOutput):
        add("\(prefix)first token", first, scale: 1e-3, unit: "ms")
        add("\(prefix)per input token", perInput, scale: 1e-3, unit: "ms")
        add("\(prefix)per output token", perOutput, scale: 1e-3, unit: "ms")
      }
      if service.batchSlowdown.value > 0 {
        fitted.append(.init(part: "\(prefix)batch", family: "linear", parameters: [service.batchSlowdown]))
      }
    }
    service(fit.external, "")
    for deployment in fit.deployments {
      if let roofline = deployment.roofline {
        let parameters = roofline.estimates.map { estimate in
          estimate.name.hasSuffix("Overhead")
            ? ParameterEstimate(name: "\(estimate.name), ms", value: estimate.value * 1e-3) : estimate
        }
        fitted.append(
          .init(
            part: "\(deployment.record.version) service", family: "roofline of \(roofline.request.model)",
            parameters: parameters))
      } else if let steps = deployment.steps {
        let parameters = steps.estimates.map { estimate in
          // Of steps, in milliseconds; a cache has tokens.
          estimate.name.hasPrefix("kvCache")
            ? estimate
            : ParameterEstimate(name: "\(estimate.name), ms", value: estimate.value * 1e-3)
        }
        fitted.append(
          .init(
            part: "\(deployment.record.version) service", family: "continuous batching",
            parameters: parameters))
      } else {
        service(deployment.service, "\(deployment.record.version) ")
      }
      add("\(deployment.record.version) startup", deployment.startup, scale: 1e-3, unit: "ms")
      if deployment.error.value > 0 {
        fitted.append(
          .init(
            part: "\(deployment.record.version) failures", family: "Bernoulli", parameters: [deployment.error]
          ))
      }
    }
    if fit.deployments.isEmpty, fit.failures.error.value > 0 {
      fitted.append(.init(part: "failures", family: "Bernoulli", parameters: [fit.failures.error]))
    }
    self.init(
      account: fit.record.account, model: fit.record.name, requests: requests, fitted: fitted,
      arrivalCandidates: fit.arrivals?.candidates ?? [],
      arrivalsJudged: fit.arrivals?.judged ?? [], arrivalsRejected: fit.arrivals?.rejected ?? [],
      breakpoints: fit.arrivals?.profile.breakpoints.count ?? 0,
      variabilityChanges: fit.arrivals?.cvChanges.count ?? 0, quality: quality,
      replayed: fit.deployments.filter { !$0.replayed.isEmpty }.map {
        .init(version: $0.record.version, figures: $0.replayed)
      },
      notes: fit.notes
        + (fit.hasAssumedService
          ? ["The telemetry says nothing about service times; those of the scenario are assumptions."] : []))
  }
}
