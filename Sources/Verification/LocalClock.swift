import Telemetry

/// The calendar of the independent recomputation: SQL that asks DuckDB's ICU what the clock shows at instants. It never
/// asks for the instant of a reading, which ICU takes as the later one if there are two. Everything else is arithmetic
/// over intervals of one offset. It shares nothing with `ZonedCalendar`.
///
/// Reads a table `dates` of one row: `df` and `dl`, the first and the last local date of the period, `NULL` for 24 hours.
/// Makes:
/// - `era`: intervals of one offset `[a, e)`, with `off` in µs, around the period.
/// - `day`: local dates of the period and the first instant at which the clock shows each, `d` and `"at"`; none for a
///   date that it skips.
/// - `span`: the instants that are selected, `[pf, pt)`: several only where clocks go back over midnight. For 24 hours
///   those that end with the first full hour that the clock shows at or after now; else cut at now.
package struct LocalClock {
  /// SQL expressions: the zone's name, and µs since 1970.
  package var zone: String
  package var now: String

  package init(zone: String, now: String) {
    self.zone = zone
    self.now = now
  }

  /// What the clock shows at an instant in µs, as a number of µs.
  private func wall(_ instant: String) -> String {
    "epoch_us(timezone(\(zone), make_timestamptz(\(instant))))"
  }

  /// The local date of the last microsecond before now.
  package var today: String { "timezone(\(zone), make_timestamptz(\(now) - 1))::DATE" }

  private static let hour = "3600000000"
  private static let day = "86400000000"

  /// Statements.
  package var tables: String {
    """
    CREATE OR REPLACE TEMP TABLE probe AS SELECT h, \(wall("h")) - h AS off FROM (SELECT unnest(generate_series(
        (least(coalesce(epoch_us(df::TIMESTAMP), \(now)), \(now)) // \(Self.hour) - 60) * \(Self.hour),
        (greatest(coalesce(epoch_us(dl::TIMESTAMP), \(now)), \(now)) // \(Self.hour) + 60) * \(Self.hour),
        \(Self.hour))) AS h FROM dates);
    CREATE OR REPLACE TEMP TABLE jump AS SELECT h, off FROM (SELECT h, off, lag(off, 1, off) OVER (ORDER BY h) AS was FROM probe) WHERE off <> was;
    CREATE OR REPLACE TEMP TABLE change AS SELECT min(s) AS a FROM (SELECT h, off, unnest(generate_series(h - \(Self.hour) + 1000000, h, 1000000)) AS s FROM jump)
      WHERE \(wall("s")) - s = off GROUP BY h;
    CREATE OR REPLACE TEMP TABLE era AS SELECT a, lead(a, 1, 9000000000000000000) OVER (ORDER BY a) AS e, \(wall("a")) - a AS off
      FROM (SELECT min(h) AS a FROM probe UNION SELECT a FROM change);
    CREATE OR REPLACE TEMP TABLE day AS SELECT d, min(greatest(a, m - off)) AS "at"
      FROM (SELECT d, epoch_us(d::TIMESTAMP) AS m FROM (SELECT unnest(generate_series(df, dl, INTERVAL 1 DAY))::DATE AS d FROM dates WHERE dl IS NOT NULL)), era
      WHERE greatest(a, m - off) < least(e, m + \(Self.day) - off) GROUP BY d;
    CREATE OR REPLACE TEMP TABLE part AS
      SELECT greatest(a, epoch_us(df::TIMESTAMP) - off) AS pf, least(e, epoch_us(dl::TIMESTAMP) + \(Self.day) - off, \(now)) AS pt FROM era, dates WHERE dl IS NOT NULL
      UNION ALL SELECT min(c) - 24 * \(Self.hour), min(c) FROM (SELECT s + (\(Self.hour) - (s + off) % \(Self.hour)) % \(Self.hour) AS c, e
          FROM (SELECT greatest(a, \(now)) AS s, e, off FROM era)), dates WHERE c < e AND dl IS NULL;
    DELETE FROM part WHERE pf IS NULL OR pf >= pt;
    CREATE OR REPLACE TEMP TABLE span AS SELECT pf, (SELECT min(q.pt) FROM part q WHERE q.pt > p.pf AND NOT EXISTS (FROM part r WHERE r.pf = q.pt)) AS pt
      FROM part p WHERE NOT EXISTS (FROM part r WHERE r.pt = p.pf);
    INSERT INTO span SELECT f, f FROM (SELECT least(\(now), min(greatest(a, epoch_us(df::TIMESTAMP) - off))) AS f FROM era, dates WHERE greatest(a, epoch_us(df::TIMESTAMP) - off) < e)
      WHERE NOT EXISTS (FROM part);
    """
  }

  /// The start of the bucket of rows that share a local hour or day. Needs `fu`, the period's start.
  /// - Parameters:
  ///   - granularity: `hour` or `day`.
  ///   - wall: what the clock shows, cut to the hour or day: a timestamp.
  ///   - instant: of one row, µs.
  ///   - offset: in force then, µs.
  package func bucketStart(granularity: String, wall: String, instant: String, offset: String, from: String)
    -> String
  {
    """
    CASE WHEN \(granularity) = 'hour' THEN greatest(epoch_us(\(wall)) - (\(offset)), \(from), (SELECT max(a) FROM era WHERE a <= \(instant)))
      ELSE (SELECT "at" FROM day WHERE d = \(wall)::DATE) END
    """
  }

  /// The first instant of the eras at which the pipeline's calendar has another offset, `nil` for none: then the two
  /// have different releases of the time zone database, and cannot judge each other.
  package static func difference(_ eras: [[Int64]], _ calendar: ZonedCalendar, until end: Int64) -> Timestamp?
  {
    func differs(_ instant: Int64, _ offset: Int64) -> Bool {
      Int64(calendar.offsetSeconds(at: Timestamp(microseconds: instant))) * 1_000_000 != offset
    }
    for (index, era) in eras.enumerated() where era.count == 2 {
      let next = index + 1 < eras.count ? eras[index + 1][0] : end
      let last = min(next, end)
      for instant in stride(from: era[0], to: last, by: 3_600_000_000) where differs(instant, era[1]) {
        return Timestamp(microseconds: instant)
      }
      if last > era[0], differs(last - 1, era[1]) { return Timestamp(microseconds: last - 1) }
    }
    return nil
  }
}
