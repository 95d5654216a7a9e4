import Foundation
import Testing
import Verification

/// Damage to deployments, replicas, prices and incidents.
extension DamageTests {
  /// Adds an incident on 4 March.
  static func incident(
    _ run: DamagedRun, model: String = "", provider: String = "", kind: String = "outage",
    to end: String = "2026-03-04T01:00:00.000000Z"
  ) throws {
    try run.rows("incidents") { rows, columns in
      var row = Array(repeating: "", count: columns.count)
      for (column, value) in [
        ("model_id", model), ("provider", provider), ("kind", kind),
        ("started_at", "2026-03-04T00:00:00.000000Z"),
        ("ended_at", end),
      ] { row[columns[column] ?? 0] = value }
      return rows + [row]
    }
  }

  static let tableDamages: [Damage] = [
    .init("never minReplicas", .i9, "never has its minReplicas 3") {
      try $0.row("deployments", where: { $0[$1["version"] ?? 0] == "V1" }) {
        $0[$1["min_replicas"] ?? 0] = "3"
        $0[$1["max_replicas"] ?? 0] = "9"
      }
      try $0.rows("replicas") { rows, columns in
        func count(_ row: [String], _ column: String) -> Int { Int(row[columns[column] ?? 0]) ?? 0 }
        return rows.filter {
          $0[columns["version"] ?? 0] != "V1" || count($0, "starting") + count($0, "ready") < 3
        }
      }
    },
    .init("a deployment without replicas", .i9, "has no replicas from") {
      try $0.rows("replicas") { rows, columns in rows.filter { $0[columns["version"] ?? 0] != "V1" } }
    },
    .init("replicas that end without being undeployed", .i9, "without being undeployed") {
      try $0.rows("replicas") { rows, columns in
        var rows = rows
        let last = try #require(rows.lastIndex { $0[columns["version"] ?? 0] == "V1" })
        for column in ["starting", "ready", "draining"] { rows[last][columns[column] ?? 0] = "0" }
        return rows
      }
    },
    .init("minReplicas above maxReplicas", .i17, "minReplicas 4 is above maxReplicas 3") {
      try $0.row("deployments", where: { $0[$1["version"] ?? 0] == "V1" }) {
        $0[$1["min_replicas"] ?? 0] = "4"
      }
    },
    .init("undeployed before it was deployed", .i17, "undeployed before it was deployed") {
      try $0.row("deployments", where: { $0[$1["version"] ?? 0] == "V1" }) {
        $0[$1["undeployed_at"] ?? 0] = "2026-02-01T00:00:00.000000Z"
      }
    },
    .init("deployed though refused", .i17, "it was refused, but deployed") {
      try $0.row("deployments", where: { $0[$1["version"] ?? 0] == "V1" }) {
        $0[$1["outcome"] ?? 0] = "refused"
      }
    },
    .init("an incident of a kind that there is none of", .i17, "is of kind \"sabotage\"") {
      try incident($0, kind: "sabotage")
    },
    .init("an incident of no model", .i17, "is of model 99") { try incident($0, model: "99") },
    .init("an incident of no provider", .i17, "is of provider \"Nobody\"") {
      try incident($0, provider: "Nobody")
    },
    .init("an incident that ends before it starts", .i17, "ended before it started") {
      try incident($0, to: "2026-03-03T00:00:00.000000Z")
    },
    .init("hardware without a price", .i5, "on A10 single, for which account acme has no price") {
      try $0.rows("hardware") { rows, columns in rows.filter { $0[columns["hardware"] ?? 0] != "A10 single" }
      }
    },
    .init("replicas of no deployment", .i2, "there is no such version on A10 single") {
      try $0.rows("replicas") { rows, columns in
        var row = try #require(rows.last)
        row[columns["version"] ?? 0] = "V9"
        row[columns["hardware"] ?? 0] = "A10 single"
        return rows + [row]
      }
    },
  ]
}
