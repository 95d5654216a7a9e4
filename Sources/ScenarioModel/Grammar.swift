import Documents
import Telemetry

/// Every key that a scenario may have: what it holds, whether it must be there, what it is otherwise.
enum Grammar {
  static let probability = Kind.number(0...1)
  static let factor = Kind.number(0...1e6)
  static let weekdays = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]

  static let scenario = Shape(
    "scenario", "A scenario of the Model Analytics Workbench.",
    [
      Key("workbench", .integer(1...1), required: true, "Format version of the document: 1."),
      Key("name", .text, required: true, "The scenario's name."),
      Key("description", .text, "What the scenario is about."),
      Key("seed", .integer(0...Int.max), default: "1", "Seed of every random stream."),
      Key("period", .object { period }, required: true, "The simulated period, half open."),
      Key("warmUp", .duration, default: "0s", "Simulated before the period, left out of telemetry."),
      Key(
        "account", .object { account },
        "The account, if there is only one. Its models and incidents are at the top level."),
      Key("accounts", .list(.object { accountWithModels }), "Several accounts, each with its own models."),
      Key("profiles", .object { profiles }, "Definitions that are referred to by name."),
      Key("models", .list(.object { model }), "The account's models."),
      Key("incidents", .list(.object { incident }), "Outages and degradations."),
      Expectations.key,
    ])

  static let period = Shape(
    "period", "The simulated period, half open.",
    [
      Key(
        "from", .instant, required: true,
        "Its first instant, in the (first) account's time zone unless it has an offset."),
      Key("to", .instant, required: true, "The instant after its last."),
    ])

  private static let accountKeys = [
    Key("name", .text, required: true, "The account's name."),
    Key("timeZone", .text, default: "UTC", "IANA time zone, for instance America/New_York."),
    Key(
      "subscription", .object { Scenario.Subscription.shape }, required: true, "The account's subscription."),
    PlatformBounds.key,
    Scenario.HardwarePool.key,
    Key(
      "credits", .map(keys: ".+", .number(0...1e6)),
      "Credits per replica-hour by hardware; overrides the default price list or adds to it."),
    Key(
      "deployWindows", .object { deployWindows },
      "When deploy and undeploy operations may happen. Without it: always."),
  ]

  static let account = Shape("account", "An account.", accountKeys)

  static let accountWithModels = Shape(
    "accountWithModels", "An account with its models, or a template for many such accounts.",
    accountKeys + [
      Key(
        "count", .integer(1...100_000),
        "Makes this a template for this many independent accounts, called name-1, name-2, …."),
      Key("models", .list(.object { model }), required: true, "The account's models."),
      Key("incidents", .list(.object { incident }), "Outages and degradations of this account."),
    ])

  static let deployWindows = Shape(
    "deployWindows", "When deploy and undeploy operations may happen.",
    [
      Key(
        "policy", .choice(["defer", "refuse"]), default: "defer",
        "What happens to an operation requested outside a window, or to a deployment whose minReplicas do not fit into the subscription."
      ),
      Key(
        "weekly", .list(.text),
        "Weekly windows such as \"Mon-Thu 08:00-18:00\", in the account's time zone. Without any: always open."
      ),
      Key("freezes", .list(.object { period }), "Spans in which nothing is deployed or undeployed."),
    ])

  static let model = Shape(
    "model", "A model and the demand for it.",
    [
      Key("name", .text, required: true, "Its name. Models deployed at different times may share one."),
      Key("kind", .choice(["fineTuned", "openSource", "external"]), required: true, "Where it comes from."),
      Key("provider", .text, "LLM provider of an external model."),
      Key("baseModel", .text, "The base model of a fine-tuned model."),
      Key(
        "createdAt", .instant,
        "When an external model was added to the account; by default before the period."
      ),
      Key("fineTuning", .list(.object { fineTuningJob }), "Fine-tuning jobs."),
      Key("load", .object { load }, "The demand, split over the versions deployed at the time."),
      Key("deployments", .list(.object { deployment }), "Deployments, one for each version and time."),
      Key("service", .object { ServiceTime.externalShape }, "Service time of an external model."),
      Key("failures", .object { externalFailures }, "Failures injected into an external model's requests."),
      Key("rateLimit", .object { rateLimit }, "An external provider's limits."),
      Key("prices", .object { TokenPrices.shape }, "What an external model's tokens cost."),
    ])

  static let fineTuningJob = Shape(
    "fineTuningJob", "A fine-tuning job.",
    [
      Key("startAt", .instant, required: true, "When it starts."),
      Key("hardware", .text, required: true, "Hardware configuration, as in the price list."),
      Key("duration", .distribution(.duration), required: true, "How long it takes when it succeeds."),
      Key(
        "failureProbability", probability, default: "0",
        "Probability of failing, at an instant uniform over its duration."),
      Key(
        "cancelProbability", probability, default: "0",
        "Probability of being cancelled, at an instant uniform over its duration."),
    ])

  static let deployment = Shape(
    "deployment", "A deployment of a model version.",
    [
      Key("version", .text, required: true, "V1, V2, …"),
      Key(
        "deployAt", .instant, required: true,
        "When it is requested. At or before the start of the period: deployed when the simulation starts."),
      Key("undeployAt", .instant, "When undeployment is requested; without it: never."),
      Key(
        "traffic", .number(0...1),
        "Share of the model's demand while several versions are deployed. One version may leave it out, and takes the rest."
      ),
      Key("hardware", .text, required: true, "Hardware configuration, as in the price list."),
      Key("scaling", .object { Scenario.Scaling.shape }, required: true, "Replicas and the autoscaler."),
      Key("service", .object { DeploymentService.shape }, required: true, "Service time of one request."),
      PrefillPool.key,
      Key(
        "queue", .object { Scenario.Queue.shape }, "Requests that wait because every replica's batch is full."
      ),
      Key("failures", .object { failures }, "Injected failures."),
      Key("replicaCrash", .object { replicaCrash }, "Replicas that crash. Without it: never."),
      Key(
        "rateLimit", .object { rateLimit },
        "Limits of the requests that it takes: one beyond them fails at once as rateLimited."),
    ])

  static let failures = Shape(
    "failures", "Injected failures.",
    [Key("modelError", probability, default: "0", "Share of served requests that end in modelError.")])

  static let externalFailures = Shape(
    "externalFailures", "Failures injected into an external model's requests.",
    [
      Key("providerError", probability, default: "0", "Share of requests that end in providerError."),
      Key(
        "rateLimited", probability, default: "0", "Share of requests refused by a limit outside the scenario."
      ),
    ])

  static let rateLimit = Shape(
    "rateLimit",
    "Limits of an external provider or a deployment: token buckets that hold a minute's allowance and refill evenly.",
    [
      Key("requestsPerMinute", .integer(1...1_000_000_000), "Requests."),
      Key("tokensPerMinute", .integer(1...1_000_000_000), "Input and output tokens together."),
    ])

  static let replicaCrash = Shape(
    "replicaCrash", "Replicas that crash while ready, and come back.",
    [
      Key("timeBetween", .distribution(.duration), required: true, "From ready to crash."),
      Key("timeToRepair", .distribution(.duration), required: true, "From crash to ready."),
    ])

  static let incident = Shape(
    "incident", "An outage or degradation: between two instants, or at random.",
    [
      Key(
        "kind", .choice(["outage", "degradation"]), required: true,
        "What it is called. An outage's errorProbability is 1 unless given, a degradation's 0."),
      Key("model", .text, "Name of the model it hits."),
      Key(
        "provider", .text,
        "Provider whose external models it hits. Without model and provider: the whole account."),
      Key("from", .instant, "Its start."),
      Key("to", .instant, "Its end."),
      Key(
        "timeBetween", .distribution(.duration),
        "Random incidents: from the end of one to the start of the next."),
      Key("timeToRepair", .distribution(.duration), "Random incidents: how long one lasts."),
      Key("errorProbability", probability, "Probability that a request served during the incident fails."),
      Key("latencyFactor", .number(0.001...1e6), default: "1", "The factor that multiplies service times."),
    ])

  /// One shape a family; the numbers are durations or counts, as the place demands.
  static func distribution(_ dimension: Quantity.Dimension) -> Shape {
    let value: Kind = dimension == .duration ? .duration : .number(-1e15...1e15)
    let limits = [
      Key("min", value, "Truncation: no value below."),
      Key("max", value, "Truncation: no value above."),
    ]
    func family(_ name: String, _ about: String, _ keys: [Key], truncatable: Bool = true) -> Key {
      let shape = Shape("\(name).\(dimension.rawValue)", about, truncatable ? keys + limits : keys)
      return Key(name, .object { shape }, about)
    }
    let shape = Kind.number(1e-3...1e6)
    let cv = Kind.number(1e-3...1e3)
    return Shape(
      "distribution.\(dimension.rawValue)",
      "A distribution of \(dimension == .duration ? "durations" : "numbers"): a constant, or one of these.",
      choice: true,
      [
        family(
          "constant", "Always the same.", [Key("value", value, required: true, "The value.")],
          truncatable: false),
        family(
          "uniform", "Uniform between min and max.",
          [Key("min", value, required: true, "Smallest."), Key("max", value, required: true, "Largest.")],
          truncatable: false),
        family("exponential", "Exponential.", [Key("mean", value, required: true, "Mean.")]),
        family(
          "normal", "Normal.",
          [
            Key("mean", value, required: true, "Mean."),
            Key("sd", value, required: true, "Standard deviation."),
          ]),
        family(
          "lognormal", "Lognormal, by median or mean, and sigma or cv.",
          [
            Key("median", value, "Median; or give mean."), Key("mean", value, "Mean; or give median."),
            Key("sigma", .number(1e-6...20), "Standard deviation of the logarithm; or give cv."),
            Key("cv", cv, "Coefficient of variation; or give sigma."),
          ]),
        family(
          "gamma", "Gamma, by mean, and cv or shape.",
          [
            Key("mean", value, required: true, "Mean."),
            Key("cv", cv, "Coefficient of variation; or give shape."),
            Key("shape", shape, "Shape; or give cv."),
          ]),
        family(
          "weibull", "Weibull, by mean, and cv or shape.",
          [
            Key("mean", value, required: true, "Mean."),
            Key("cv", .number(0.05...20), "Coefficient of variation; or give shape."),
            Key("shape", .number(0.05...1e3), "Shape; or give cv."),
          ]),
        family(
          "erlang", "Erlang: the sum of exponential phases.",
          [
            Key("mean", value, required: true, "Mean of the sum."),
            Key("phases", .integer(1...10_000), required: true, "How many."),
          ]),
        family(
          "hyperexponential", "A mixture of exponentials, by branches, or by mean and cv (balanced means).",
          [
            Key("branches", .list(.object { branch(dimension) }), "Two or more; or give mean and cv."),
            Key("mean", value, "Mean."), Key("cv", .number(1...1e3), "Coefficient of variation, at least 1."),
          ]),
        family(
          "pareto", "Pareto, by its smallest value or its mean, and shape.",
          [
            Key("scale", value, "Smallest value; or give mean."),
            Key("mean", value, "Mean (shape above 1); or give scale."),
            Key("shape", shape, required: true, "Tail index."),
          ]),
        family(
          "beta", "Beta, stretched from from to to.",
          [
            Key("alpha", shape, required: true, "First shape."),
            Key("beta", shape, required: true, "Second shape."),
            Key("from", value, "Left end, 0 by default."), Key("to", value, required: true, "Right end."),
          ]),
        family("poisson", "Poisson counts.", [Key("mean", .number(1e-9...1e9), required: true, "Mean.")]),
        family(
          "negativeBinomial", "Negative binomial counts, by mean and cv (variance above the mean).",
          [
            Key("mean", .number(1e-9...1e9), required: true, "Mean."),
            Key("cv", cv, required: true, "Coefficient of variation."),
          ]),
        family(
          "geometric", "Geometric counts 1, 2, 3, …", [Key("mean", .number(1...1e9), required: true, "Mean.")]
        ),
        family(
          "bernoulli", "One of two values.",
          [
            Key("probability", probability, required: true, "Of value."),
            Key("value", value, "The value, 1 by default; else 0."),
          ], truncatable: false),
        family(
          "empirical", "Observed values, or a histogram.",
          [
            Key("values", .list(value), "Observed values; or give edges."),
            Key("edges", .list(value), "Bin edges, one more than weights; or give values."),
            Key("weights", .list(.number(0...1e18)), "Weights of the values (by default all equal) or bins."),
          ]),
        family(
          "mixture", "A weighted mixture of distributions.",
          [Key("of", .list(.object { component(dimension) }), required: true, "Its components.")]),
      ])
  }

  static func branch(_ dimension: Quantity.Dimension) -> Shape {
    Shape(
      "branch.\(dimension.rawValue)", "A branch of a hyperexponential distribution.",
      [
        Key("probability", probability, required: true, "Probability of this branch; they add up to 1."),
        Key("mean", dimension == .duration ? .duration : .number(-1e15...1e15), required: true, "Its mean."),
      ])
  }

  static func component(_ dimension: Quantity.Dimension) -> Shape {
    Shape(
      "component.\(dimension.rawValue)", "A component of a mixture.",
      [
        Key("weight", .number(0...1e18), required: true, "Its weight, relative to the others'."),
        Key("distribution", .distribution(dimension), required: true, "The distribution that it draws from."),
      ])
  }
}

extension Kind {
  /// A constant, or one of the distributions.
  static func distribution(_ dimension: Quantity.Dimension) -> Kind {
    .constant(dimension) { Grammar.distribution(dimension) }
  }
}
