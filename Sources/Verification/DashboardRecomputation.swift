import Aggregation
import Datasets
import Foundation
import Telemetry

/// The independent recomputation of every dashboard figure: SQL in DuckDB over the data set's own files, written from
/// the domain's description and the rules of the figures alone. It shares no code with the pipeline: not its calendar
/// (DuckDB's ICU knows time zones), not its rollups, not its rounding.
struct DashboardRecomputation {
  private let scratch: ScratchDirectory
  private let path: String
  private let zones: Set<String>
  private static let database = "second-opinion.duckdb"
  private static let settings = ["TimeZone = 'UTC'", "preserve_insertion_order = true"]
  /// The joins of a question are written in a good order; to look for a better one takes longer than all of them.
  private static let questionSettings = settings + ["disabled_optimizers = 'join_order'"]

  /// Loads a data set into a database of its own.
  /// - Parameters:
  ///   - sources: an expression for each table that DuckDB can read in the directory.
  /// - Throws: `NotFoundError` if DuckDB is not there; `DatasetError`.
  init(_ path: String, sources: [String: String], scratch: ScratchDirectory) throws {
    self.path = path
    self.scratch = scratch
    let tables = sources.sorted { $0.key < $1.key }.map { name, source in
      // n: the order of the file, which decides between rows of one instant.
      "CREATE TABLE \(name) AS SELECT *, row_number() OVER () AS n FROM \(source);"
    }
    _ = try DuckDB.run(
      tables.joined(separator: "\n"), in: scratch, settings: Self.settings, database: Self.database,
      path: path)
    zones = Set(
      String(
        decoding: try DuckDB.run(
          "SELECT name FROM pg_timezone_names();", in: scratch, settings: Self.settings, path: path),
        as: UTF8.self
      ).split(separator: "\n").map(String.init))
  }

  /// Whether DuckDB has a time zone: its release of the database may be older.
  func knows(zone: String) -> Bool { zones.contains(zone) }

  /// What the figures must be for each of some queries.
  func expected(_ questions: [DashboardQuestion]) throws -> [ExpectedFigures] {
    let data = DashboardQuestion.files(questions)
    try scratch.write(data.questions, as: DashboardQuestion.file)
    try scratch.write(data.points, as: DashboardQuestion.pointsFile)
    let sql = [DashboardQuestion.tables] + questions.indices.map { RecomputationSQL(number: $0).text }
    let output = try DuckDB.run(
      sql.joined(separator: "\n"), in: scratch, settings: Self.questionSettings, database: Self.database,
      path: path)
    let lines = output.split(separator: 0x0a)
    guard lines.count == questions.count else {
      throw DatasetError(
        path, "the independent recomputation gave \(lines.count) answers to \(questions.count) queries.")
    }
    do {
      return try lines.map { try JSONDecoder().decode(ExpectedFigures.self, from: $0) }
    } catch {
      throw DatasetError(path, "the independent recomputation cannot be read: \(error)")
    }
  }
}

/// Figures as the independent recomputation gives them, by their paths. Instants are µs since 1970.
struct ExpectedFigures: Decodable {
  enum Value: Decodable {
    case null
    case integer(Int64)
    case number(Double)
    case text(String)

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if container.decodeNil() {
        self = .null
      } else if let number = try? container.decode(Double.self) {  // Else it is another type.
        // An attempt that fails takes longer than all the rest of a figure, so that only texts cost one.
        if let integer = Int64(exactly: number) {
          // Beyond 2⁵³ a double has lost digits.
          self = .integer(integer.magnitude < 1 << 53 ? integer : try container.decode(Int64.self))
        } else {
          self = .number(number)
        }
      } else {
        self = .text(try container.decode(String.self))
      }
    }

    var integer: Int64? { if case .integer(let value) = self { value } else { nil } }
    var text: String? { if case .text(let value) = self { value } else { nil } }
    var number: Double? {
      switch self {
      case .integer(let value): Double(value)
      case .number(let value): value
      case .null, .text: nil
      }
    }
  }
  struct Bucket: Decodable {
    var at: Int64
    var successes: Int64
    /// µs; `nil` without successes.
    var latencyMin: Int64?
    var latencyMax: Int64?
    var values: [String: Value]
  }
  struct Reason: Decodable {
    var reason: String
    var count: Int64
  }
  /// The instants from which on each offset held around the period, and the offsets, µs.
  var clock: [[Int64]]
  var to: Int64
  var values: [String: Value]
  var buckets: [Bucket]?
  var steps: [[String: Value]]?
  var reasons: [Reason]?
  /// (instant, latency) of every success, for short periods with few.
  var points: [[Int64]]?
  /// How many of the dashboard's own points do not correspond to a request of the data.
  var strayPoints: Int
}

/// The SQL of one question. It holds its number and nothing else of it: the values are variables.
struct RecomputationSQL {
  let number: Int

  /// The period's first and last local date by its name; both ends included. NULL for 24 hours.
  private static let dates = """
    SELECT CASE period
        WHEN '7d' THEN today - 6 WHEN '30d' THEN today - 29 WHEN '90d' THEN today - 89
        WHEN 'this-month' THEN date_trunc('month', today)::DATE WHEN 'this-year' THEN date_trunc('year', today)::DATE
        WHEN 'last-month' THEN (date_trunc('month', today) - INTERVAL 1 MONTH)::DATE
        WHEN 'last-year' THEN (date_trunc('year', today) - INTERVAL 1 YEAR)::DATE
        ELSE first_date END AS df,
      CASE WHEN period = 'last-month' THEN (date_trunc('month', today) - INTERVAL 1 DAY)::DATE
        WHEN period = 'last-year' THEN (date_trunc('year', today) - INTERVAL 1 DAY)::DATE
        WHEN period = 'custom' THEN last_date WHEN period <> '24h' THEN today END AS dl
    FROM d, q
    """

  /// That a row of a table with versions of the selected models counts.
  static func isWanted(in table: String) -> String { DashboardFilter.versionConditions(table) }

  var text: String {
    let clock = LocalClock(zone: "getvariable('zone')", now: "getvariable('now')::BIGINT")
    let account = "getvariable('account')"
    // Last year and last month end before now; every other period is cut there.
    let chosen = """
      m.account = \(account) AND m.kind = (SELECT kind FROM q)
          AND \(DashboardFilter.modelConditions)
      """
    func isWanted(in table: String) -> String { Self.isWanted(in: table) }
    let own = RecomputedFigure.own
    return """
      CREATE OR REPLACE TEMP TABLE q AS SELECT * FROM questions WHERE number = \(number);
      SET VARIABLE account = (SELECT account FROM q);
      \(DashboardFilter.variables)
      SET VARIABLE zone = (SELECT zone FROM q);
      SET VARIABLE now = (SELECT now FROM q);
      CREATE OR REPLACE TEMP TABLE d AS SELECT \(clock.today) AS today;
      CREATE OR REPLACE TEMP TABLE dates AS \(Self.dates);
      \(clock.tables)
      CREATE OR REPLACE TEMP TABLE b AS SELECT (SELECT min(pf) FROM span) AS fu, (SELECT max(pt) FROM span) AS tu, least((SELECT max(pt) FROM span), \(clock.now)) AS eu,
        CASE WHEN dl IS NULL OR (df = dl AND (SELECT period FROM q) = 'custom') THEN 'hour' ELSE 'day' END AS g,
        CASE WHEN dl IS NULL THEN 2 ELSE (SELECT count(*) FROM day WHERE "at" < \(clock.now)) END AS days FROM dates;
      UPDATE span SET pt = least(pt, \(clock.now));
      CREATE OR REPLACE TEMP TABLE chosen AS SELECT m.model_id FROM models m WHERE \(chosen);
      CREATE OR REPLACE TEMP TABLE sel AS SELECT s.* FROM (SELECT r.*, timezone(\(clock.zone), r.arrived_at) AS l, epoch_us(r.arrived_at) AS u FROM requests r, b
        WHERE r.model_id IN (FROM chosen) AND \(isWanted(in: "r")) AND epoch_us(r.arrived_at) >= fu AND epoch_us(r.arrived_at) < eu) s, dates WHERE dl IS NULL OR l::DATE BETWEEN df AND dl;
      CREATE OR REPLACE TEMP TABLE buckets AS SELECT \(clock.bucketStart(granularity: "g", wall: "w", instant: "u", offset: "o", from: "fu")) AS "at", c.* EXCLUDE (w, u, o) FROM b, (SELECT
        date_trunc((SELECT g FROM b), l) AS w, CASE WHEN (SELECT g FROM b) = 'hour' THEN epoch_us(l) - sel.u ELSE 0 END AS o, min(sel.u) AS u,
        \(RecomputedFigure.bucketColumns)
        FROM sel GROUP BY 1, 2) c ORDER BY 1;
      CREATE OR REPLACE TEMP TABLE spans AS SELECT r.model_id, r.version, r.hardware, r.starting + r.ready + r.draining AS replicas, epoch_us(r."at") AS a, n,
        lead(epoch_us(r."at"), 1, 9000000000000000000) OVER (PARTITION BY r.model_id, r.version, r.hardware ORDER BY r."at", r.n) AS e FROM replicas r WHERE r.model_id IN \(own);
      CREATE OR REPLACE TEMP TABLE used AS SELECT s.*, h.credits_micro_per_hour AS price, greatest(0, least(s.e, pt) - greatest(s.a, pf)) AS inside
        FROM span, spans s LEFT JOIN hardware h ON h.hardware = s.hardware AND h.account = \(account);
      CREATE OR REPLACE TEMP TABLE rep AS SELECT s.* FROM spans s, b WHERE s.model_id IN (FROM chosen) AND \(isWanted(in: "s")) AND s.a < eu AND s.e > s.a;
      CREATE OR REPLACE TEMP TABLE instants AS SELECT DISTINCT model_id, version, a AS "at" FROM rep, span WHERE a >= pf AND a < pt UNION SELECT DISTINCT model_id, version, pf FROM rep, span WHERE pf < pt;
      CREATE OR REPLACE TEMP TABLE held AS SELECT m.model_id, m.version, m."at", coalesce(sum(r.replicas), 0)::INT AS replicas,
        list_distinct(list(r.hardware) FILTER (r.replicas > 0)) AS names, arg_max(r.hardware, (r.a, r.n)) AS latest
        FROM instants m LEFT JOIN rep r ON r.model_id = m.model_id AND r.version = m.version AND r.a <= m."at" AND r.e > m."at" GROUP BY ALL;
      CREATE OR REPLACE TEMP TABLE named AS SELECT *, CASE WHEN len(names) > 1 THEN 'Multiple Hardware' WHEN len(names) = 1 THEN names[1] ELSE coalesce(latest, '') END AS hw FROM held;
      CREATE OR REPLACE TEMP TABLE steps AS SELECT *, lag(replicas, 1, 0) OVER w AS before, lag(hw, 1, '') OVER w AS hwBefore FROM named WINDOW w AS (PARTITION BY model_id, version ORDER BY "at");
      CREATE OR REPLACE TEMP TABLE kv AS SELECT k.* FROM kv_cache k, span WHERE k.model_id IN (FROM chosen) AND \(isWanted(in: "k")) AND epoch_us(k."at") >= pf AND epoch_us(k."at") < pt;
      CREATE OR REPLACE TEMP TABLE live AS SELECT * FROM deployments WHERE deployed_at IS NOT NULL AND EXISTS (FROM span WHERE pf < pt AND epoch_us(deployed_at) < pt AND (undeployed_at IS NULL OR epoch_us(undeployed_at) > pf));
      CREATE OR REPLACE TEMP TABLE jobs AS SELECT j.*, epoch_us(finished_at) - epoch_us(started_at) AS whole,
        greatest(0, least(whole, fu - epoch_us(started_at))) AS before, greatest(0, least(whole, eu - epoch_us(started_at))) AS until, fu, eu FROM fine_tuning_jobs j, (SELECT pf AS fu, pt AS eu FROM span) WHERE j.model_id IN \(own);
      SELECT to_json({
        'clock': (SELECT list([a, off] ORDER BY a) FROM era),
        'to': tu,
        'values': \(RecomputedFigure.values(.answer)),
        'buckets': (SELECT list({'at': "at", 'successes': successes, 'latencyMin': latencyMin, 'latencyMax': latencyMax,
            'values': \(RecomputedFigure.values(.bucket))} ORDER BY "at") FROM buckets),
        'reasons': (SELECT list({'reason': failure_reason, 'count': c} ORDER BY failure_reason) FROM (SELECT failure_reason, count(*) AS c FROM sel WHERE status <> 'success' GROUP BY 1)),
        'steps': (SELECT list(\(RecomputedFigure.values(.step)) ORDER BY "at", version, model_id) FROM steps
            WHERE CASE WHEN "at" = fu THEN replicas > 0 ELSE replicas <> before OR hw <> hwBefore END),
        'points': CASE WHEN days <= 7 AND (SELECT count(*) FROM sel WHERE status = 'success') <= (SELECT point_limit FROM q)
            THEN (SELECT list([u, latency_us] ORDER BY u, latency_us) FROM sel WHERE status = 'success') END,
        'strayPoints': (SELECT count(*) FROM shown_points p WHERE p.number = \(number) AND NOT EXISTS (SELECT 1 FROM sel s WHERE s.status = 'success' AND s.u = p.u AND s.latency_us = p.latency_us))
      }) FROM b;
      """
  }
}
