import Foundation
import Telemetry

extension RollupArchive {
  /// Sources that spell a name differently are not of one data set.
  private static func checkSpellings(_ sources: [any RollupSource]) throws {
    var spellings = NameSpellings()
    do {
      for source in sources {
        for name in source.reasons + source.series.map(\.version) { try spellings.admit(name) }
      }
    } catch {
      throw AggregationError("the name \(error)")
    }
  }

  /// The bytes of an archive: a function of the requests alone, whatever their order and however they were divided.
  /// - Parameters:
  ///   - sources: rollups of the account's requests, or of shards of them.
  ///   - models: of the account, for the totals by kind.
  ///   - end: requests that arrive then or later are not in it.
  ///   - known: the reasons for failures that come first. Those of an archive of another version give its bytes.
  /// - Throws: `AggregationError` if a sum leaves the range of 64 bits, or there are too many reasons for failures.
  package static func data(
    _ sources: [any RollupSource], account: AccountRecord, models: [ModelRecord], end: Timestamp,
    known: [String] = RequestOutcome.names
  ) throws -> Data {
    guard let calendar = ZonedCalendar(identifier: account.timeZone) else {
      throw AggregationError("the time zone \"\(account.timeZone)\" is unknown.")
    }
    let own = models.filter { $0.account == account.account }
    let kinds = Dictionary(own.map { ($0.modelID, $0.kind) }, uniquingKeysWith: { first, _ in first })
    // Then others by name, so that their codes do not depend on who came first. Another version's archive does not list
    // reasons that only this one has.
    try Self.checkSpellings(sources)
    let unlisted = Set(known + RequestOutcome.names)
    let others = Set(sources.flatMap { $0.reasons }).subtracting(unlisted).sorted()
    let reasons = known + others
    guard reasons.count <= FailureReasons.most else { throw AggregationError(FailureReasons.tooMany) }
    let codes = Dictionary(uniqueKeysWithValues: reasons.enumerated().map { ($1, UInt8($0)) })

    var series: [Series: [Int64: Rollup]] = [:]
    var overflowed = false
    for source in sources {
      for (index, entry) in source.series.enumerated() where kinds[entry.modelID] != nil {
        let all = Timestamp(microseconds: .min)..<min(end, Timestamp(microseconds: .max))
        try source.visit(index, in: all, byDay: false) { rollup in
          var coded = rollup.recoded { codes[source.reasons[Int($0)]] ?? 0 }
          // Stored are whole quarters.
          coded.offset = 0
          if series[entry]?[coded.quarter] == nil {
            series[entry, default: [:]][coded.quarter] = coded
          } else {
            overflowed = series[entry]?[coded.quarter]?.add(coded) ?? false || overflowed
          }
        }
      }
    }
    if overflowed { throw AggregationError("the sum of latencies exceeds 64 bits.") }

    var blocks = ByteWriter()
    blocks.raw(magic)
    var index = ByteWriter()
    index.text(account.account)
    index.text(account.timeZone)
    index.signed(end.microseconds)
    index.unsigned(UInt64(reasons.count))
    for reason in reasons { index.text(reason) }
    let ordered = series.keys.sorted { ($0.modelID, $0.version) < ($1.modelID, $1.version) }
    index.unsigned(UInt64(ordered.count))
    for entry in ordered {
      index.signed(Int64(entry.modelID))
      index.text(entry.version)
      let rollups = (series[entry] ?? [:]).values.sorted { $0.quarter < $1.quarter }
      try write(rollups, calendar, &blocks, &index)
    }
    let totalled = ModelKind.allCases.filter { kind in ordered.count { kinds[$0.modelID] == kind } > 1 }
    index.unsigned(UInt64(totalled.count))
    for kind in totalled {
      index.text(kind.rawValue)
      var byQuarter: [Int64: [Rollup]] = [:]
      for entry in ordered where kinds[entry.modelID] == kind {
        for (quarter, rollup) in series[entry] ?? [:] { byQuarter[quarter, default: []].append(rollup) }
      }
      let sums = byQuarter.keys.sorted().map { quarter in
        let rollups = byQuarter[quarter] ?? []
        guard rollups.count > 1 else { return rollups[0] }
        var sum = RollupSum(quarter: quarter)
        for rollup in rollups { sum.add(rollup) }
        overflowed = overflowed || sum.hasOverflowed
        return sum.rollup
      }
      try write(sums, calendar, &blocks, &index)
    }
    if overflowed { throw AggregationError("the sum of latencies exceeds 64 bits.") }
    index.fixed(UInt64(blocks.bytes.count))
    let checksum = Checksum.xxh64(index.bytes)
    blocks.raw(index.bytes)
    blocks.fixed(checksum)
    return Data(blocks.bytes)
  }

  /// One entry's rollups, day by day.
  private static func write(
    _ rollups: [Rollup], _ calendar: ZonedCalendar, _ blocks: inout ByteWriter, _ index: inout ByteWriter
  ) throws {
    var days: [(quarter: Int64, rollups: ArraySlice<Rollup>)] = []
    var position = rollups.startIndex
    while position < rollups.endIndex {
      let start = calendar.startOfDay(rollups[position].start)
      let end = calendar.nextDate(after: start)
      let first = position
      while position < rollups.endIndex, rollups[position].start < end { position += 1 }
      // Of a day that starts inside a quarter, the first whole quarter: that one belongs to the day before.
      var quarter = start.microseconds / Rollup.quarterMicroseconds
      if start.microseconds % Rollup.quarterMicroseconds > 0 { quarter += 1 }
      days.append((quarter, rollups[first..<position]))
    }
    func enter(_ block: [UInt8]) {
      index.unsigned(UInt64(block.count))
      index.fixed(Checksum.xxh64(block))
      blocks.raw(block)
    }
    index.unsigned(UInt64(days.count))
    var last: Int64 = 0
    for day in days {
      index.signed(day.quarter - last)
      last = day.quarter
      var summary = Rollup(
        quarter: day.quarter, cell: RollupCell(), reasons: [], latencies: PackedBins(),
        points: QuarterPoints([], isComplete: false, start: 0))
      if summary.addCounts(of: day.rollups) {
        throw AggregationError("the sum of a day's latencies exceeds 64 bits.")
      }
      var bytes = ByteWriter()
      summary.write(to: &bytes, day: day.quarter) { $0 }
      enter(bytes.bytes)
      var quarters = ByteWriter()
      for rollup in day.rollups { rollup.write(to: &quarters, day: day.quarter) { $0 } }
      enter(quarters.bytes)
    }
  }
}

extension Rollup {
  /// With the codes of another list of reasons.
  fileprivate func recoded(_ code: (UInt8) -> UInt8) -> Rollup {
    if reasons.isEmpty { return self }
    var copy = self
    copy.reasons = reasons.map { (code($0.reason), $0.count) }.sorted { $0.0 < $1.0 }
    return copy
  }

  /// Adds up counts, sums and histograms, not points.
  /// - Returns: whether a sum left the range of 64 bits.
  fileprivate mutating func addCounts(of rollups: some Sequence<Rollup>) -> Bool {
    var overflowed = false
    var counts: [UInt8: Int64] = [:]
    var histogram = LatencyHistogram()
    for rollup in rollups {
      overflowed = cell.add(rollup.cell) || overflowed
      for entry in rollup.reasons { counts[entry.reason, default: 0] += entry.count }
      histogram.add(rollup.cell, rollup.latencies)
    }
    reasons = counts.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    latencies = histogram.packed
    return overflowed
  }
}
