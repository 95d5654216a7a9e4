/// The independent recomputation of one figure of the dashboard, in SQL: the only place in `Verification` that
/// knows the figure.
///
/// Written from the domain's description and the rules of the figures alone; it shares the figure's path with the
/// pipeline, and nothing of how the pipeline computes it.
package struct RecomputedFigure: Sendable {
  package enum Place: Sendable {
    /// One value for the question: an expression over its tables and the row of `b`.
    case answer
    /// A value for each bucket of a list: an expression over a row of `buckets`.
    case bucket
    /// A value for each point of the step graph: an expression over a row of `steps`.
    case step
  }

  package let path: String
  package let place: Place
  let sql: String

  /// In any order: the comparison goes by the list of figures.
  package static let all: [RecomputedFigure] =
    query + account + requests + latency + scaling + tokens + serving + attempts + cost

  /// Figures without an entry, and why.
  package static let others: [(path: String, why: String)] =
    [
      ("query.kind", "asked"), ("query.period", "asked"), ("query.now", "asked"), ("query.timeZone", "asked"),
      ("latency.unit", "constant"),
      ("latency.thinned", "decides how the points are judged"),
      ("requests.failuresByReason", "by names that are data, one by one"),
    ]
    + ["requests.points", "latency.points", "latency.buckets", "tokens.points", "cost.points"].map {
      ("\($0)[].at", "the list's order")
    }
    + ["p50", "p90", "p95", "p99", "p999"].map { ("latency.summary.\($0)", "judged in each bucket") }

  private init(_ path: String, _ sql: String) { self.init(path, .answer, sql) }

  private init(_ path: String, _ place: Place, _ sql: String) {
    self.path = path
    self.place = place
    self.sql = sql
  }

  private static let query = [
    RecomputedFigure("query.from", "fu"), RecomputedFigure("query.to", "tu"),
    RecomputedFigure("query.granularity", "g"),
  ]

  // MARK: Account

  /// The models of the account.
  static let own = "(SELECT model_id FROM models WHERE account = getvariable('account'))"
  /// Of replicas, exact until the division.
  private static let credits = "coalesce(sum(inside::HUGEINT * replicas * price), 0)::DOUBLE / 3.6e15"

  private static let account = [
    RecomputedFigure("account.deploymentCredits", "(SELECT \(credits) FROM used)"),
    RecomputedFigure(
      "account.fineTuningCredits",
      """
      (SELECT coalesce(sum(CASE WHEN whole = 0 THEN CASE WHEN epoch_us(started_at) >= fu AND epoch_us(started_at) < eu THEN credits_micro ELSE 0 END
          ELSE (2::HUGEINT * credits_micro * until + whole) // (2::HUGEINT * whole) - (2::HUGEINT * credits_micro * before + whole) // (2::HUGEINT * whole) END), 0)::DOUBLE / 1e6 FROM jobs)
      """),
    RecomputedFigure(
      "account.deployedModels",
      """
      (SELECT count(DISTINCT model_id) FROM (SELECT model_id FROM live WHERE model_id IN \(own) UNION
          SELECT model_id FROM models, b WHERE account = getvariable('account') AND kind = 'external' AND epoch_us(created_at) < eu AND eu > fu))
      """),
    RecomputedFigure(
      "account.fineTunedModels",
      "(SELECT count(DISTINCT model_id) FROM jobs WHERE outcome = 'succeeded' AND epoch_us(finished_at) >= fu AND epoch_us(finished_at) < eu)"
    ),
    RecomputedFigure(
      "account.subscriptionMaxReplicas",
      "(SELECT subscription_max_replicas FROM accounts WHERE account = getvariable('account'))"),
  ]

  // MARK: Requests

  private static let succeeded = "status = 'success'"

  private static func count(_ condition: String = "true") -> String {
    "(SELECT count(*) FROM sel WHERE \(condition))"
  }

  /// External models have no replicas to pay for.
  private static func modelCredits(over count: String) -> String {
    """
    (SELECT CASE WHEN (SELECT kind FROM q) <> 'external' THEN \(credits) / nullif(\(count), 0) END
        FROM used WHERE model_id IN (FROM chosen) AND \(RecomputationSQL.isWanted(in: "used")))
    """
  }

  private static let requests = [
    RecomputedFigure("requests.points[].successes", .bucket, "successes"),
    RecomputedFigure("requests.points[].failures", .bucket, "failures"),
    RecomputedFigure("requests.totalSuccesses", count(succeeded)),
    RecomputedFigure("requests.totalFailures", count("status <> 'success'")),
    RecomputedFigure("requests.totalRequests", count()),
    RecomputedFigure("requests.creditsPerRequest", modelCredits(over: count())),
    RecomputedFigure("requests.creditsPerResponse", modelCredits(over: count(succeeded))),
  ]

  // MARK: Latency

  private static func latency(_ aggregate: String) -> String {
    "(SELECT \(aggregate) / 1000 FROM sel WHERE \(succeeded))"
  }

  private static let average = "latencySum / successes / 1000"

  private static let latency =
    [
      RecomputedFigure("latency.mode", "CASE WHEN days <= 7 THEN 'perRequest' ELSE 'dailyAverage' END"),
      // Of daily averages; single requests are compared one by one.
      RecomputedFigure("latency.points[].latency", .bucket, average),
      RecomputedFigure("latency.points[].requests", .bucket, "successes"),
      RecomputedFigure("latency.requests", count(succeeded)),
      RecomputedFigure("latency.summary.average", latency("sum(latency_us)::DOUBLE / count(*)")),
      RecomputedFigure("latency.summary.minimum", latency("min(latency_us)")),
      RecomputedFigure("latency.summary.maximum", latency("max(latency_us)")),
      RecomputedFigure("latency.buckets[].requests", .bucket, "successes"),
      RecomputedFigure("latency.buckets[].average", .bucket, average),
    ]
    + ["p50", "p90", "p95", "p99", "p999"].enumerated().map { index, name in
      // By rank.
      RecomputedFigure("latency.buckets[].\(name)", .bucket, "quantiles[\(index + 1)] / 1000")
    }

  // MARK: Scaling

  private static let scaling = [
    RecomputedFigure("scaling.points[].at", .step, "\"at\""),
    RecomputedFigure("scaling.points[].version", .step, "version"),
    RecomputedFigure("scaling.points[].replicas", .step, "replicas"),
    RecomputedFigure("scaling.points[].hardware", .step, "hw"),
    RecomputedFigure("scaling.points[].modelId", .step, "model_id"),
    RecomputedFigure(
      "scaling.hardware",
      """
      (SELECT CASE WHEN count(DISTINCT hardware) > 1 THEN 'Multiple Hardware' ELSE min(hardware) END
          FROM used WHERE model_id IN (FROM chosen) AND \(RecomputationSQL.isWanted(in: "used")) AND inside > 0 AND replicas > 0)
      """),
    RecomputedFigure(
      "scaling.maxReplicas",
      "CASE WHEN g = 'hour' THEN (SELECT max(max_replicas) FROM live WHERE model_id IN (FROM chosen) AND \(RecomputationSQL.isWanted(in: "live"))) END"
    ),
  ]

  // MARK: Tokens

  private static let tokens = [
    RecomputedFigure("tokens.points[].inputTokens", .bucket, "input"),
    RecomputedFigure("tokens.points[].outputTokens", .bucket, "output"),
    RecomputedFigure("tokens.totalInputTokens", "(SELECT coalesce(sum(input_tokens), 0)::BIGINT FROM sel)"),
    RecomputedFigure("tokens.totalOutputTokens", "(SELECT coalesce(sum(output_tokens), 0)::BIGINT FROM sel)"),
  ]

  // MARK: Serving

  /// Whether telemetry knows of a cache: else the dashboard does not have the part.
  private static let knowsCache =
    "((SELECT coalesce(sum(input_tokens), 0) FROM sel WHERE \(cachedIsKnown)) > 0 OR (SELECT count(*) FROM kv) > 0) AND (SELECT kind FROM q) <> 'external'"
  private static let cachedIsKnown = "cached_input_tokens IS NOT NULL AND NOT input_tokens_unknown"

  private static func serving(_ value: String) -> String { "CASE WHEN \(knowsCache) THEN \(value) END" }

  private static let serving = [
    // 0 in sum: no first token is known at all.
    RecomputedFigure(
      "serving.firstToken",
      serving(
        "(SELECT nullif(sum(ttft_us), 0)::DOUBLE / nullif(count(*) FILTER (NOT ttft_us_unknown), 0) / 1000 FROM sel WHERE \(succeeded))"
      )),
    RecomputedFigure(
      "serving.timePerOutputToken",
      serving(
        """
        (SELECT CASE WHEN sum(ttft_us) FILTER (\(succeeded)) > 0 THEN (sum(latency_us - ttft_us) FILTER (\(succeeded) AND NOT ttft_us_unknown AND NOT output_tokens_unknown))::DOUBLE / 1000
            / nullif(greatest(coalesce(sum(output_tokens - 1) FILTER (\(succeeded) AND NOT ttft_us_unknown AND NOT output_tokens_unknown), 0), 0), 0) END FROM sel)
        """)),
    RecomputedFigure(
      "serving.cacheHitRate",
      serving(
        "(SELECT sum(cached_input_tokens)::DOUBLE / nullif(sum(input_tokens), 0) FROM sel WHERE \(cachedIsKnown))"
      )),
    RecomputedFigure(
      "serving.kvUtilisation",
      serving(
        "(SELECT sum(used_block_ms::HUGEINT)::DOUBLE / nullif(sum(blocks::HUGEINT * replica_ms), 0)::DOUBLE FROM kv)"
      )),
    RecomputedFigure("serving.preemptions", serving("(SELECT sum(preemptions)::BIGINT FROM kv)")),
  ]

  // MARK: Attempts

  /// Only where attempts are numbered.
  private static func numbered(_ condition: String) -> String {
    "(SELECT CASE WHEN count(attempt) > 0 THEN count(*) FILTER (attempt IS NOT NULL AND \(condition)) END FROM sel)"
  }

  private static let attempts = [
    RecomputedFigure("attempts.operations", numbered("attempt = 1")),
    RecomputedFigure("attempts.attempts", numbered("true")),
    RecomputedFigure("attempts.answered", numbered(succeeded)),
  ]

  // MARK: Cost

  /// Only where the cost of a request is known.
  private static func priced(_ value: String) -> String {
    "(SELECT CASE WHEN count(cost_micro) > 0 THEN \(value) END FROM sel WHERE cost_micro IS NOT NULL)"
  }

  private static let cost = [
    RecomputedFigure("cost.points[].cost", .bucket, "cost"),
    RecomputedFigure("cost.total", priced("sum(cost_micro)::DOUBLE / 1e6")),
    RecomputedFigure("cost.requests", priced("count(*)")),
    RecomputedFigure("cost.perRequest", priced("sum(cost_micro)::DOUBLE / 1e6 / count(*)")),
    RecomputedFigure(
      "cost.perMillionTokens",
      priced(
        "sum(cost_micro)::DOUBLE / nullif(sum(input_tokens::HUGEINT + output_tokens::HUGEINT), 0)::DOUBLE")),
  ]

  /// What `buckets` has for each bucket with requests, over its rows of `sel`.
  static let bucketColumns = """
    count(*) FILTER (\(succeeded)) AS successes, count(*) FILTER (status <> 'success') AS failures,
    sum(input_tokens)::BIGINT AS input, sum(output_tokens)::BIGINT AS output,
    sum(cost_micro)::DOUBLE / 1e6 AS cost,
    (sum(latency_us) FILTER (\(succeeded)))::DOUBLE AS latencySum,
    min(latency_us) FILTER (\(succeeded)) AS latencyMin, max(latency_us) FILTER (\(succeeded)) AS latencyMax,
    quantile_disc(latency_us, [0.5, 0.9, 0.95, 0.99, 0.999]) FILTER (\(succeeded)) AS quantiles
    """

  /// A struct of the values of one place, by path.
  static func values(_ place: Place) -> String {
    "{\(all.filter { $0.place == place }.map { "'\($0.path)': \($0.sql)" }.joined(separator: ",\n  "))}"
  }
}
