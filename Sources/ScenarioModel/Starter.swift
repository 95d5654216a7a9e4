import Documents
import Telemetry

/// What `workbench init` writes.
package enum Starter {
  package static func text(name: String) -> String {
    """
    # A scenario of the Model Analytics Workbench. Check it with `workbench check`, run it with `workbench run`.
    # Durations: 250ms, 30s, 10min, 2h, 5d. Rates: 2.5/s, 90/min, 10000/d. Instants without an offset
    # are in the account's time zone. `workbench schema scenario` prints every key.

    workbench: 1                     # format version of this document
    name: \(YAMLWriter.quoted(name))
    description: A week of one fine-tuned model in office hours.
    seed: 1                          # the same seed gives the same bytes
    period: { from: 2026-03-02, to: 2026-03-09 }     # half open
    warmUp: 1h                       # simulated before, left out of the figures

    account:
      name: acme
      timeZone: Europe/Berlin
      subscription: { maxReplicas: 6 }
      # deployWindows: { policy: defer, weekly: [ "Mon-Fri 08:00-18:00" ] }

    profiles:
      rates:
        office-hours:                # multiplies the rate below
          hourly: [0.1, 0.1, 0.1, 0.1, 0.1, 0.2, 0.4, 0.9, 1.5, 1.9, 2.0, 1.9, 1.5, 1.8, 1.9, 1.8, 1.5, 1.0, 0.7, 0.5, 0.4, 0.3, 0.2, 0.1]
          weekly: { Sat: 0.3, Sun: 0.2 }

    models:
      - name: my-model
        kind: fineTuned
        baseModel: mistral-7b-instruct
        load:
          arrivals: { poisson: { rate: 2/s } }
          profile: office-hours
          tokens:
            input: { lognormal: { median: 400, sigma: 0.9, min: 1, max: 8192 } }
            output: { gamma: { mean: 180, cv: 1.1, min: 1, max: 2048 } }
        deployments:
          - version: V1
            deployAt: 2026-03-02     # at or before the start: deployed when the simulation starts
            hardware: A10 single
            scaling: { minReplicas: 1, maxReplicas: 4, maxBatchSize: 8, scaleUpDelay: 30s, scaleDownDelay: 10min, startup: 90s }
            service: { firstToken: 180ms, perInputToken: 0.15ms, perOutputToken: 18ms, batchSlowdown: 0.03 }
            queue: { capacity: 200, timeout: 60s }
            failures: { modelError: 0.002 }

    # expect:                        # objectives: a run that breaks one ends with status 1
    #   - latency.p95 <= 15s
    #   - goodput(ttft <= 2s, tpot <= 50ms) >= 90%

    """
  }

  /// A scenario that replays a trace through an autoscaled deployment: what `workbench import azure-llm` writes.
  package static func replay(name: String, source: String, trace: String, from: Timestamp, to: Timestamp)
    -> String
  {
    typealias Key = YAMLValue.Entry
    func instant(_ instant: Timestamp) -> YAMLValue { .text(instant.rfc3339(in: .utc)) }
    let deployment = [
      Key("version", .text("V1")), Key("deployAt", instant(from)), Key("hardware", .text("A10 cluster of 4")),
      Key(
        "scaling",
        .flow([
          Key("minReplicas", .integer(2)), Key("maxReplicas", .integer(12)), Key("maxBatchSize", .integer(8)),
          Key("scaleUpDelay", .word("20s")), Key("scaleDownDelay", .word("5min")),
          Key("startup", .word("60s")),
        ])),
      Key(
        "service",
        .flow([
          Key("firstToken", .word("150ms")), Key("perInputToken", .word("0.1ms")),
          Key("perOutputToken", .word("20ms")), Key("batchSlowdown", .word("0.03")),
        ])),
      Key("queue", .flow([Key("capacity", .integer(500)), Key("timeout", .word("60s"))])),
    ]
    let model = [
      Key("name", .text("conversation")), Key("kind", .word("openSource")),
      Key("load", .block([Key("arrivals", Arrivals.recorded(.trace(TraceSource(file: trace))).yaml)])),
      Key("deployments", .block([.block(deployment)])),
    ]
    return YAMLWriter.document(
      heading: [
        "Replays the requests of \(source.shown), as `workbench import` wrote them, through an autoscaled deployment.",
        "The trace gives arrivals and tokens; hardware, scaling and service times are assumptions for you to change.",
      ],
      sections: [
        [
          Key("workbench", .integer(1)), Key("name", .text(name)),
          Key("description", .text("Replay of " + source)), Key("seed", .integer(1)),
          Key("period", .flow([Key("from", instant(from)), Key("to", instant(to))])),
        ],
        [
          Key(
            "account",
            .block([
              Key("name", .text("azure")), Key("timeZone", .text("UTC")),
              Key("subscription", .flow([Key("maxReplicas", .integer(12))])),
            ]))
        ],
        [Key("models", .block([.block(model)]))],
      ])
  }
}
