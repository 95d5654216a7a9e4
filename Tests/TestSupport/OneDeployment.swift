import Foundation

/// A scenario of one model with one deployment of one replica, which never scales: a queue of the textbook with as many servers
/// as it has slots, from 2026-01-05 on.
/// - Parameters:
///   - load: inside the braces.
///   - service: with its braces.
///   - more: further keys of the deployment, in flow style.
package func oneDeployment(
  load: String, service: String, slots: Int = 1, more: String = "", hours: Int = 24, seed: Int = 1
) -> String {
  """
  workbench: 1
  name: one
  seed: \(seed)
  period: { from: 2026-01-05, to: \(String(format: "2026-01-%02dT%02d:00", 5 + hours / 24, hours % 24)) }
  account: { name: a, timeZone: UTC, subscription: { maxReplicas: 1 } }
  models:
    - name: m
      kind: openSource
      load: { \(load) }
      deployments:
        - version: V1
          deployAt: 2026-01-01
          hardware: A10 single
          scaling: { minReplicas: 1, maxReplicas: 1, maxBatchSize: \(slots) }
          service: \(service)
          \(more)
  """
}
