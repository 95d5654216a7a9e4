import Foundation
import Telemetry

/// Rollups of one account as they are stored: by series, by local day, each day as one rollup and as its quarters, so
/// that a query reads only what it shows.
///
/// Layout: a magic line; blocks; the index; its position in 8 bytes, least significant first. Numbers are LEB128.
package final class RollupArchive: RollupSource, Sendable {
  static let magic = Array("workbench rollups 1\n".utf8)

  /// A day of one entry: where its rollup is, and where its quarters follow.
  struct Day: Sendable {
    var quarter: Int64
    var summary: Range<Int>
    var quarters: Range<Int>
  }

  package let account: String
  package let timeZone: String
  /// Requests that arrive then or later are not in it.
  package let end: Timestamp
  package let reasons: [String]
  package let series: [Series]
  private let days: [[Day]]
  private let totals: [(kind: ModelKind, days: [Day])]
  private let data: Data
  private let calendar: ZonedCalendar?

  /// - Parameter data: mapped, if the file is large.
  /// - Throws: `AggregationError` if it is no archive, or one that is damaged.
  package init(_ data: Data) throws {
    self.data = data
    let damaged = AggregationError("the rollups are damaged. Make them anew from the data set.")
    guard data.count >= Self.magic.count + 8, data.prefix(Self.magic.count).elementsEqual(Self.magic) else {
      throw AggregationError(
        "these are no rollups of this program's version. Make them anew from the data set.")
    }
    var at: UInt64 = 0
    for (shift, byte) in data.suffix(8).enumerated() { at |= UInt64(byte) << UInt64(8 * shift) }
    guard at >= UInt64(Self.magic.count), at <= UInt64(data.count - 8) else { throw damaged }
    let index = Int(at)..<data.count - 8
    let parsed: Index? = data.withUnsafeBytes { bytes in
      var reader = ByteReader(bytes, index)
      let parsed = Index(&reader, blocks: Self.magic.count..<index.lowerBound)
      return reader.isDamaged || !reader.isAtEnd ? nil : parsed
    }
    guard let parsed else { throw damaged }
    account = parsed.account
    timeZone = parsed.timeZone
    calendar = ZonedCalendar(identifier: parsed.timeZone)
    end = parsed.end
    reasons = parsed.reasons
    series = parsed.series
    days = parsed.days
    totals = parsed.totals
  }

  package func separates(_ moment: Timestamp) -> Bool { false }

  package func visit(_ index: Int, in range: Range<Timestamp>, byDay: Bool, _ body: (Rollup) -> Void) {
    visit(days[index], in: range, byDay: byDay, body)
  }

  package func visitAll(
    _ kind: ModelKind, in range: Range<Timestamp>, byDay: Bool, _ body: (Rollup) -> Void
  ) -> Bool {
    guard let total = totals.first(where: { $0.kind == kind }) else { return false }
    visit(total.days, in: range, byDay: byDay, body)
    return true
  }

  private func visit(_ days: [Day], in range: Range<Timestamp>, byDay: Bool, _ body: (Rollup) -> Void) {
    guard !range.isEmpty else { return }
    func start(_ index: Int) -> Timestamp {
      Timestamp(microseconds: days[index].quarter &* Rollup.quarterMicroseconds)
    }
    // The last day that starts at or before the range may reach into it.
    var low = 0
    var high = days.count
    while low < high {
      let middle = (low + high) / 2
      if start(middle) <= range.lowerBound { low = middle + 1 } else { high = middle }
    }
    data.withUnsafeBytes { bytes in
      for index in max(low - 1, 0)..<max(days.count, max(low - 1, 0)) {
        let day = days[index]
        if start(index) >= range.upperBound { break }
        // A local day has at most 24 hours and those by which clocks go back in it: less than two days. The calendar,
        // which costs time, decides in doubt only.
        let isWhole =
          byDay && start(index) >= range.lowerBound
          && (start(index) + 48 * 3_600_000_000 <= range.upperBound
            || calendar.map { $0.nextDate(after: start(index)) <= range.upperBound } ?? false)
        var reader = ByteReader(bytes, isWhole ? day.summary : day.quarters)
        while !reader.isAtEnd {
          let rollup = Rollup(&reader, day: day.quarter)
          // A damaged block may also name a reason that there is not.
          if reader.isDamaged || rollup.reasons.contains(where: { $0.reason >= reasons.count }) { return }
          if rollup.start >= range.lowerBound, rollup.start < range.upperBound { body(rollup) }
        }
      }
    }
  }

  /// Every quarter of a series.
  func visitQuarters(_ index: Int, _ body: (Rollup) -> Void) {
    visit(index, in: Timestamp(microseconds: .min)..<Timestamp(microseconds: .max), byDay: false, body)
  }

  package var totalRequests: Int64 {
    var sum: Int64 = 0
    for index in series.indices { visitQuarters(index) { sum &+= $0.cell.requests } }
    return sum
  }
}

/// What stands in an archive's index.
private struct Index {
  var account: String
  var timeZone: String
  var end: Timestamp
  var reasons: [String] = []
  var series: [Series] = []
  var days: [[RollupArchive.Day]] = []
  var totals: [(kind: ModelKind, days: [RollupArchive.Day])] = []

  /// As the rule for names has them.
  private var areNames: Bool {
    do {
      try Name.check(account)
      for reason in reasons { try Name.check(reason) }
      for entry in series { try Name.check(entry.version, mayBeEmpty: true) }
      var spellings = NameSpellings()
      for name in [account] + reasons + series.map(\.version) { try spellings.admit(name) }
      return true
    } catch {
      return false
    }
  }

  init(_ reader: inout ByteReader, blocks: Range<Int>) {
    account = reader.text()
    timeZone = reader.text()
    end = Timestamp(microseconds: reader.signed())
    var position = blocks.lowerBound
    func days(_ reader: inout ByteReader) -> [RollupArchive.Day] {
      var days: [RollupArchive.Day] = []
      var quarter: Int64 = 0
      for _ in 0..<reader.count() {
        quarter &+= reader.signed()
        if !Rollup.believable.contains(quarter) { reader.fail() }
        var ranges: [Range<Int>] = []
        for _ in 0..<2 {
          let length = Int(truncatingIfNeeded: reader.unsigned())
          guard length >= 0, length <= blocks.upperBound - position, !reader.isDamaged else {
            reader.fail()
            return []
          }
          ranges.append(position..<position + length)
          position += length
        }
        days.append(.init(quarter: quarter, summary: ranges[0], quarters: ranges[1]))
      }
      return days
    }
    for _ in 0..<reader.count() { reasons.append(reader.text()) }
    for _ in 0..<reader.count() {
      let model = Int32(truncatingIfNeeded: reader.signed())
      series.append(Series(modelID: model, version: reader.text()))
      self.days.append(days(&reader))
    }
    for _ in 0..<reader.count() {
      guard let kind = ModelKind(rawValue: reader.text()) else {
        reader.fail()
        return
      }
      totals.append((kind, days(&reader)))
    }
    // A rollup's failures name reasons by number.
    let isComplete = reasons.count >= RequestOutcome.names.count && reasons.count <= 255
    if !isComplete || Set(reasons).count < reasons.count || !areNames { reader.fail() }
  }
}

extension Rollup {
  /// Quarters of the years 1 to 9999.
  static let believable: ClosedRange<Int64> =
    Timestamp.supported.lowerBound.microseconds / quarterMicroseconds...Timestamp.supported.upperBound
    .microseconds
    / quarterMicroseconds

  init(_ reader: inout ByteReader, day: Int64) {
    let quarter = day &+ reader.signed()
    var cell = RollupCell()
    cell.successes = Int64(truncatingIfNeeded: reader.unsigned() & 0x7fff_ffff_ffff)
    cell.failures = Int64(truncatingIfNeeded: reader.unsigned() & 0x7fff_ffff_ffff)
    cell.latencySum = reader.signed()
    if cell.successes > 0 {
      cell.latencyMin = reader.signed()
      cell.latencyMax = reader.signed()
    }
    cell.firstTokenSum = reader.signed()
    cell.waitingSum = reader.signed()
    cell.inputTokens = reader.signed()
    cell.outputTokens = reader.signed()
    var reasons: [(reason: UInt8, count: Int64)] = []
    for _ in 0..<reader.count() {
      let reason = UInt8(truncatingIfNeeded: reader.unsigned())
      reasons.append((reason, Int64(truncatingIfNeeded: reader.unsigned() & 0x7fff_ffff_ffff)))
    }
    let bins = Array(reader.raw(reader.count()))
    let isComplete = reader.unsigned() == 1
    let points = Array(reader.raw(reader.count()))
    // What no pipeline wrote must not reach sums and dates, which trap where they overflow.
    let sums = [cell.latencySum, cell.firstTokenSum, cell.waitingSum, cell.inputTokens, cell.outputTokens]
    if !Self.believable.contains(quarter) || cell.latencyMin < 0 && cell.successes > 0
      || cell.latencyMin > cell.latencyMax && cell.successes > 0
      || sums.contains(where: { $0.magnitude > 1 << 62 })
    {
      reader.fail()
      self.init(
        quarter: 0, cell: RollupCell(), reasons: [], latencies: PackedBins(),
        points: QuarterPoints([], isComplete: false, start: 0))
      return
    }
    self.init(
      quarter: quarter, cell: cell, reasons: reasons, latencies: PackedBins(bytes: bins),
      points: QuarterPoints(bytes: points, isComplete: isComplete))
  }

  /// - Parameter code: of a reason, in the archive's list.
  func write(to writer: inout ByteWriter, day: Int64, code: (UInt8) -> UInt8) {
    writer.signed(quarter - day)
    writer.unsigned(UInt64(cell.successes))
    writer.unsigned(UInt64(cell.failures))
    writer.signed(cell.latencySum)
    if cell.successes > 0 {
      writer.signed(cell.latencyMin)
      writer.signed(cell.latencyMax)
    }
    writer.signed(cell.firstTokenSum)
    writer.signed(cell.waitingSum)
    writer.signed(cell.inputTokens)
    writer.signed(cell.outputTokens)
    writer.unsigned(UInt64(reasons.count))
    for (reason, count) in reasons.map({ (code($0.reason), $0.count) }).sorted(by: { $0.0 < $1.0 }) {
      writer.unsigned(UInt64(reason))
      writer.unsigned(UInt64(count))
    }
    writer.unsigned(UInt64(latencies.bytes.count))
    writer.raw(latencies.bytes)
    writer.unsigned(points.isComplete ? 1 : 0)
    writer.unsigned(UInt64(points.bytes.count))
    writer.raw(points.bytes)
  }
}
