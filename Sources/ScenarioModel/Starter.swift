import Telemetry

/// What `workbench init` writes.
package enum Starter {
  package static func text(name: String) -> String {
    """
    # A scenario of the Model Analytics Workbench. Check it with `workbench check`, run it with `workbench run`.
    # Durations: 250ms, 30s, 10min, 2h, 5d. Rates: 2.5/s, 90/min, 10000/d. Moments without an offset
    # are in the account's time zone. `workbench schema scenario` prints every key there is.

    workbench: 1                     # format version of this document
    name: \(YAMLText.quoted(name))
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

    """
  }
  /// A scenario that replays a trace through an autoscaled deployment: what `workbench import azure-llm` writes.
  package static func replay(name: String, source: String, trace: String, from: Timestamp, to: Timestamp)
    -> String
  {
    """
    # Replays the requests of \(source.shown), as `workbench import` wrote them, through an autoscaled deployment.
    # The trace gives arrivals and tokens; hardware, scaling and service times are yours to change.

    workbench: 1
    name: \(YAMLText.quoted(name))
    description: \(YAMLText.quoted("Replay of " + source))
    seed: 1
    period: { from: \(from.rfc3339(in: .utc)), to: \(to.rfc3339(in: .utc)) }

    account:
      name: azure
      timeZone: UTC
      subscription: { maxReplicas: 12 }

    models:
      - name: conversation
        kind: openSource
        load:
          arrivals: \(Arrivals.recorded(.trace(TraceSource(file: trace))).text)
        deployments:
          - version: V1
            deployAt: \(from.rfc3339(in: .utc))
            hardware: A10 cluster of 4
            scaling: { minReplicas: 2, maxReplicas: 12, maxBatchSize: 8, scaleUpDelay: 20s, scaleDownDelay: 5min, startup: 60s }
            service: { firstToken: 150ms, perInputToken: 0.1ms, perOutputToken: 20ms, batchSlowdown: 0.03 }
            queue: { capacity: 500, timeout: 60s }

    """
  }
}
