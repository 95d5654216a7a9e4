import Datasets
import Foundation
import Telemetry

/// A second opinion on every dashboard figure: SQL in DuckDB over the data set's own files, written from the domain's
/// description and the rules of the figures alone. It shares no code with the pipeline: not its calendar (DuckDB's ICU
/// knows time zones), not its rollups, not its rounding.
struct DashboardRecomputation {
  private let database: String
  private let path: String

  /// Loads a data set into a data base of its own.
  /// - Parameters:
  ///   - sources: an expression for each table that DuckDB can read.
  /// - Throws: `NotFoundError` if DuckDB is not there; `DatasetError`.
  init(_ path: String, sources: [String: String], scratch: String) throws {
    self.path = path
    database = scratch + "/second-opinion.duckdb"
    let tables = sources.sorted { $0.key < $1.key }.map { name, source in
      // n: the order of the file, which decides between rows of one moment.
      "CREATE TABLE \(name) AS SELECT *, row_number() OVER () AS n FROM \(source);"
    }
    _ = try DuckDB.run(
      "SET TimeZone = 'UTC'; SET preserve_insertion_order = true; " + tables.joined(separator: " "),
      database: database, path: path)
  }

  /// What the figures must be for each of some queries.
  func expected(_ queries: [(account: String, query: [String: Any])]) throws -> [ExpectedFigures] {
    let sql = queries.map { RecomputationSQL(account: $0.account, query: $0.query).text }.joined(
      separator: "\n")
    let output = try DuckDB.run(sql, database: database, path: path)
    let lines = output.split(separator: 0x0a)
    guard lines.count == queries.count else {
      throw DatasetError(path, "the second opinion has \(lines.count) answers to \(queries.count) questions.")
    }
    do {
      return try lines.map { try JSONDecoder().decode(ExpectedFigures.self, from: $0) }
    } catch {
      throw DatasetError(path, "the second opinion cannot be read: \(error)")
    }
  }
}

/// Figures as the second opinion gives them. Moments are µs since 1970.
struct ExpectedFigures: Decodable {
  struct Bucket: Decodable {
    var at: Int64
    var successes: Int64
    var failures: Int64
    var input: Int64
    var output: Int64
    /// µs. It may leave 64 bits, so it comes as a double.
    var latencySum: Double?
    var latencyMin: Int64?
    var latencyMax: Int64?
    /// p50, p90, p95, p99, p99.9 by rank, µs.
    var quantiles: [Double]?
  }
  struct ScalingPoint: Decodable {
    var at: Int64
    var version: String
    var replicas: Int
    var hardware: String
  }
  struct Reason: Decodable {
    var reason: String
    var count: Int64
  }
  var from: Int64
  var to: Int64
  var granularity: String
  var days: Int
  var deploymentCredits: Double
  var modelCredits: Double
  var fineTuningCredits: Double
  var deployedModels: Int
  var fineTunedModels: Int
  var subscription: Int
  var buckets: [Bucket]?
  var reasons: [Reason]?
  var scaling: [ScalingPoint]?
  var hardware: [String]?
  var maxReplicas: Int?
  /// (moment, latency) of every success, for short periods with few.
  var points: [[Int64]]?
  /// How many of the dashboard's own points are no request of the data.
  var strayPoints: Int
}

/// The SQL of one query.
private struct RecomputationSQL {
  let account: String
  let query: [String: Any]

  private func value(_ key: String) -> String? { query[key] as? String }
  private func text(_ value: String) -> String { DuckDB.quoted(value) }

  /// The period's first and last local date by its name; both ends included.
  private var dates: (first: String, last: String)? {
    let period = value("period") ?? ""
    switch period {
    case "7d", "30d", "90d": return ("today - \((Int(period.dropLast()) ?? 1) - 1)", "today")
    case "this-month": return ("date_trunc('month', today)::DATE", "today")
    case "this-year": return ("date_trunc('year', today)::DATE", "today")
    case "last-month":
      return (
        "(date_trunc('month', today) - INTERVAL 1 MONTH)::DATE",
        "(date_trunc('month', today) - INTERVAL 1 DAY)::DATE"
      )
    case "last-year":
      return (
        "(date_trunc('year', today) - INTERVAL 1 YEAR)::DATE",
        "(date_trunc('year', today) - INTERVAL 1 DAY)::DATE"
      )
    default:
      let parts = period.split(separator: ".").map(String.init)
      guard let first = parts.first, first.count == 10, let last = parts.last else { return nil }
      return ("DATE \(text(first))", "DATE \(text(last))")
    }
  }

  var text: String {
    let zone = text(value("timeZone") ?? "UTC")
    let now = "TIMESTAMPTZ \(text(value("now") ?? ""))"
    // A day starts at its local midnight. 24h ends with the first whole local hour at or after now.
    let bounds: String
    if let dates {
      bounds = """
        SELECT timezone(\(zone), (\(dates.first))::TIMESTAMP) AS f,
          least(timezone(\(zone), ((\(dates.last)) + 1)::TIMESTAMP), \(now)) AS t,
          CASE WHEN \(dates.first) = \(dates.last) THEN 'hour' ELSE 'day' END AS g,
          (\(dates.last)) - (\(dates.first)) + 1 AS days FROM d
        """
    } else {
      bounds = """
        SELECT e - INTERVAL 24 HOUR AS f, e AS t, 'hour' AS g, 2 AS days
        FROM (SELECT \(now) + (CASE WHEN l = date_trunc('hour', l) THEN INTERVAL 0 SECOND ELSE date_trunc('hour', l) + INTERVAL 1 HOUR - l END) AS e
          FROM (SELECT timezone(\(zone), \(now)) AS l))
        """
    }
    // Last year and last month end before now; every other period is cut there.
    let kind = text(value("kind") ?? "")
    var conditions = ["m.account = \(text(account))", "m.kind = \(kind)"]
    if let model = value("model") { conditions.append("m.name = \(text(model))") }
    if let provider = value("provider") { conditions.append("m.provider = \(text(provider))") }
    if let moment = value("deployedAt") {
      conditions.append(
        "m.model_id IN (SELECT model_id FROM deployments WHERE deployed_at = TIMESTAMPTZ \(text(moment)))")
    }
    let version = value("version").map { "version = \(text($0))" } ?? "version IS NOT NULL"
    let own = "(SELECT model_id FROM models WHERE account = \(text(account)))"
    return """
      SET TimeZone = 'UTC';
      CREATE OR REPLACE TEMP TABLE d AS SELECT timezone(\(zone), \(now) - INTERVAL 1 MICROSECOND)::DATE AS today;
      CREATE OR REPLACE TEMP TABLE b AS SELECT f, t, g, days, epoch_us(f) AS fu, epoch_us(t) AS tu, epoch_us(least(t, \(now))) AS eu FROM (\(bounds));
      CREATE OR REPLACE TEMP TABLE chosen AS SELECT m.model_id FROM models m WHERE \(conditions.joined(separator: " AND "));
      CREATE OR REPLACE TEMP TABLE sel AS SELECT r.*, timezone(\(zone), r.arrived_at) AS l, epoch_us(r.arrived_at) AS u FROM requests r, b
        WHERE r.model_id IN (FROM chosen) AND r.\(version) AND epoch_us(r.arrived_at) >= fu AND epoch_us(r.arrived_at) < eu;
      CREATE OR REPLACE TEMP TABLE buckets AS SELECT
        CASE WHEN (SELECT g FROM b) = 'hour' THEN u - epoch_us(l) + epoch_us(date_trunc('hour', l)) ELSE epoch_us(timezone(\(zone), date_trunc('day', l))) END AS "at",
        count(*) FILTER (status = 'success') AS successes, count(*) FILTER (status <> 'success') AS failures,
        sum(input_tokens)::BIGINT AS input, sum(output_tokens)::BIGINT AS output,
        (sum(latency_us) FILTER (status = 'success'))::DOUBLE AS latencySum,
        min(latency_us) FILTER (status = 'success') AS latencyMin, max(latency_us) FILTER (status = 'success') AS latencyMax,
        quantile_disc(latency_us, [0.5, 0.9, 0.95, 0.99, 0.999]) FILTER (status = 'success') AS quantiles
        FROM sel GROUP BY 1 ORDER BY 1;
      CREATE OR REPLACE TEMP TABLE spans AS SELECT r.model_id, r.version, r.hardware, r.starting + r.ready + r.draining AS replicas, epoch_us(r."at") AS a, n,
        lead(epoch_us(r."at"), 1, 9000000000000000000) OVER (PARTITION BY r.model_id, r.version, r.hardware ORDER BY r."at", r.n) AS e FROM replicas r WHERE r.model_id IN \(own);
      CREATE OR REPLACE TEMP TABLE used AS SELECT s.*, h.credits_micro_per_hour AS price, greatest(0, least(s.e, eu) - greatest(s.a, fu)) AS inside
        FROM b, spans s LEFT JOIN hardware h ON h.hardware = s.hardware AND h.account = \(text(account));
      CREATE OR REPLACE TEMP TABLE rep AS SELECT s.* FROM spans s, b WHERE s.model_id IN (FROM chosen) AND s.\(version) AND s.a < eu AND s.e > s.a;
      CREATE OR REPLACE TEMP TABLE moments AS SELECT DISTINCT model_id, version, greatest(a, fu) AS "at" FROM rep, b UNION SELECT DISTINCT model_id, version, fu FROM rep, b;
      CREATE OR REPLACE TEMP TABLE held AS SELECT m.model_id, m.version, m."at", coalesce(sum(r.replicas), 0)::INT AS replicas,
        list_distinct(list(r.hardware) FILTER (r.replicas > 0)) AS names, arg_max(r.hardware, (r.a, r.n)) AS latest
        FROM moments m LEFT JOIN rep r ON r.model_id = m.model_id AND r.version = m.version AND r.a <= m."at" AND r.e > m."at" GROUP BY ALL;
      CREATE OR REPLACE TEMP TABLE named AS SELECT *, CASE WHEN len(names) > 1 THEN 'Multiple Hardware' WHEN len(names) = 1 THEN names[1] ELSE coalesce(latest, '') END AS hw FROM held;
      CREATE OR REPLACE TEMP TABLE steps AS SELECT *, lag(replicas, 1, 0) OVER w AS before, lag(hw, 1, '') OVER w AS hwBefore FROM named WINDOW w AS (PARTITION BY model_id, version ORDER BY "at");
      CREATE OR REPLACE TEMP TABLE live AS SELECT * FROM deployments d, b WHERE deployed_at IS NOT NULL AND epoch_us(deployed_at) < eu AND (undeployed_at IS NULL OR epoch_us(undeployed_at) > fu);
      CREATE OR REPLACE TEMP TABLE jobs AS SELECT j.*, epoch_us(finished_at) - epoch_us(started_at) AS whole,
        greatest(0, least(whole, fu - epoch_us(started_at))) AS before, greatest(0, least(whole, eu - epoch_us(started_at))) AS until, fu, eu FROM fine_tuning_jobs j, b WHERE j.model_id IN \(own);
      SELECT to_json({
        'from': fu, 'to': tu, 'granularity': g, 'days': days,
        'deploymentCredits': (SELECT coalesce(sum(inside::HUGEINT * replicas * price), 0)::DOUBLE / 3.6e15 FROM used),
        'modelCredits': (SELECT coalesce(sum(inside::HUGEINT * replicas * price), 0)::DOUBLE / 3.6e15 FROM used WHERE model_id IN (FROM chosen) AND \(version)),
        'fineTuningCredits': (SELECT coalesce(sum(CASE WHEN whole = 0 THEN CASE WHEN epoch_us(started_at) >= fu AND epoch_us(started_at) < eu THEN credits_micro ELSE 0 END
            ELSE (2::HUGEINT * credits_micro * until + whole) // (2::HUGEINT * whole) - (2::HUGEINT * credits_micro * before + whole) // (2::HUGEINT * whole) END), 0)::DOUBLE / 1e6 FROM jobs),
        'deployedModels': (SELECT count(DISTINCT model_id) FROM (SELECT model_id FROM live WHERE model_id IN \(own) UNION
            SELECT model_id FROM models, b WHERE account = \(text(account)) AND kind = 'external' AND epoch_us(created_at) < eu AND eu > fu)),
        'fineTunedModels': (SELECT count(DISTINCT model_id) FROM jobs WHERE outcome = 'succeeded' AND epoch_us(finished_at) >= fu AND epoch_us(finished_at) < eu),
        'subscription': (SELECT subscription_max_replicas FROM accounts WHERE account = \(text(account))),
        'buckets': (SELECT list(buckets ORDER BY "at") FROM buckets),
        'reasons': (SELECT list({'reason': failure_reason, 'count': c} ORDER BY failure_reason) FROM (SELECT failure_reason, count(*) AS c FROM sel WHERE status <> 'success' GROUP BY 1)),
        'scaling': (SELECT list({'at': "at", 'version': version, 'replicas': replicas, 'hardware': hw} ORDER BY "at", version, model_id) FROM steps
            WHERE CASE WHEN "at" = fu THEN replicas > 0 ELSE replicas <> before OR hw <> hwBefore END),
        'hardware': (SELECT list(DISTINCT hardware) FROM used WHERE model_id IN (FROM chosen) AND \(version) AND inside > 0 AND replicas > 0),
        'maxReplicas': (SELECT max(max_replicas) FROM live WHERE model_id IN (FROM chosen) AND \(version)),
        'points': CASE WHEN days <= 7 AND (SELECT count(*) FROM sel WHERE status = 'success') <= \(query["pointLimit"] as? Int ?? 5000)
            THEN (SELECT list([u, latency_us] ORDER BY u, latency_us) FROM sel WHERE status = 'success') END,
        'strayPoints': (SELECT count(*) FROM (\(shownPoints)) p WHERE NOT EXISTS (SELECT 1 FROM sel s WHERE s.status = 'success' AND s.u = p.u AND s.latency_us = p.latency_us))
      }) FROM b;
      """
  }

  /// The dashboard's own points of a thinned graph, to be looked up in the data.
  private var shownPoints: String {
    guard let points = query["shownPoints"] as? [[Int64]], !points.isEmpty else {
      return "SELECT 0 AS u, 0 AS latency_us WHERE false"
    }
    return "SELECT * FROM (VALUES " + points.map { "(\($0[0]), \($0[1]))" }.joined(separator: ", ")
      + ") v(u, latency_us)"
  }
}
