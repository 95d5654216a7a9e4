import Foundation
import Telemetry

/// Rollups of one account as they are stored: by series, by local day, each day as one rollup and as its quarters, so
/// that a query reads only what it shows.
///
/// Layout: a magic line; blocks; the index, which has each block's length and checksum; its position in 8 bytes, least
/// significant first; the checksum of index and position in 8 bytes. A block is verified whenever it is read, so that
/// a damaged one is an error and never a figure; the last checksum stands for the whole archive, as its fingerprint.
package final class RollupArchive: RollupSource, Sendable {
  static let magic = Array("workbench rollups 2\n".utf8)
  /// Of every version.
  private static let family = Array("workbench rollups ".utf8)
  /// The index's position and checksum.
  static let trailer = 16

  /// Bytes of the archive, and the checksum that they must have.
  struct Block: Sendable {
    var bytes: Range<Int>
    var checksum: UInt64
  }

  /// A day of one entry: where its rollup is, and where its quarters follow.
  struct Day: Sendable {
    var quarter: Int64
    var summary: Block
    var quarters: Block
  }

  package let account: String
  package let timeZone: String
  /// Requests that arrive then or later are not in it.
  package let end: Timestamp
  package let reasons: [String]
  package let series: [Series]
  /// Tells this archive from every other: 16 hexadecimal digits, of which manifests keep a copy.
  package let fingerprint: String
  private let days: [[Day]]
  private let totals: [(kind: ModelKind, days: [Day])]
  private let data: Data
  private let calendar: ZonedCalendar?
  private let place: String
  private let verifiesBlocks: Bool

  static let remedy =
    "Rebuild them from the requests: workbench convert RUN NEW. A run without requests must be run again."

  /// - Parameters:
  ///   - data: mapped, if the file is large.
  ///   - place: the file, for messages.
  ///   - verifies: whether checksums count; only tests of the reader itself pass `false`.
  /// - Throws: `AggregationError` if it is not an archive, or one that is damaged.
  package init(_ data: Data, from place: String = "rollups", verifies: Bool = true) throws {
    self.data = data
    self.place = place
    verifiesBlocks = verifies
    let damaged = AggregationError(
      "\(place): error: the rollups are damaged: their index does not match its checksum. \(Self.remedy)")
    guard data.starts(with: Self.magic) else {
      throw AggregationError(
        data.starts(with: Self.family)
          ? "\(place): error: these rollups have another version's format. \(Self.remedy)"
          : "\(place): error: these are not rollups of this program, or their beginning is damaged. \(Self.remedy)"
      )
    }
    guard data.count >= Self.magic.count + Self.trailer else { throw damaged }
    let parsed: (Index, UInt64)? = data.withUnsafeBytes { bytes in
      var trailer = ByteReader(bytes, bytes.count - Self.trailer..<bytes.count)
      let at = trailer.fixed()
      let checksum = trailer.fixed()
      guard at >= UInt64(Self.magic.count), at <= UInt64(bytes.count - Self.trailer) else { return nil }
      let index = Int(at)..<bytes.count - Self.trailer
      let sealed = UnsafeRawBufferPointer(rebasing: bytes[index.lowerBound..<bytes.count - 8])
      if verifies, Checksum.xxh64(sealed) != checksum { return nil }
      var reader = ByteReader(bytes, index)
      let parsed = Index(&reader, blocks: Self.magic.count..<index.lowerBound)
      return reader.isDamaged || !reader.isAtEnd ? nil : (parsed, checksum)
    }
    guard let (parsed, checksum) = parsed else { throw damaged }
    account = parsed.account
    timeZone = parsed.timeZone
    calendar = ZonedCalendar(identifier: parsed.timeZone)
    end = parsed.end
    reasons = parsed.reasons
    series = parsed.series
    days = parsed.days
    totals = parsed.totals
    fingerprint = Checksum.text(checksum)
  }

  package func separates(_ instant: Timestamp) -> Bool { false }

  /// The fingerprint of an archive in bytes, which are not verified.
  /// - Throws: `AggregationError` if it is not an archive.
  package static func fingerprint(of data: Data) throws -> String {
    try RollupArchive(data, verifies: false).fingerprint
  }

  package func extent(_ index: Int) -> Range<Timestamp>? {
    guard let first = days[index].first, let last = days[index].last else { return nil }
    func start(_ day: Day) -> Timestamp { Timestamp(microseconds: day.quarter * Rollup.quarterMicroseconds) }
    // No local day has more than 48 hours.
    return start(first)..<max(start(last), start(first)) + 48 * 3_600_000_000
  }

  package func visit(_ index: Int, in range: Range<Timestamp>, byDay: Bool, _ body: (Rollup) -> Void) throws {
    try visit(days[index], series[index], in: range, byDay: byDay, body)
  }

  package func visitAll(
    _ kind: ModelKind, in range: Range<Timestamp>, byDay: Bool, _ body: (Rollup) -> Void
  ) throws -> Bool {
    guard let total = totals.first(where: { $0.kind == kind }) else { return false }
    try visit(total.days, nil, in: range, byDay: byDay, body)
    return true
  }

  /// - Parameter series: `nil` for those of a kind together.
  private func visit(
    _ days: [Day], _ series: Series?, in range: Range<Timestamp>, byDay: Bool, _ body: (Rollup) -> Void
  ) throws {
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
    try data.withUnsafeBytes { bytes in
      for index in max(low - 1, 0)..<max(days.count, max(low - 1, 0)) {
        let day = days[index]
        if start(index) >= range.upperBound { break }
        // A local day has at most 24 hours and those by which clocks go back in it: less than two days. The calendar,
        // which is slow, is asked only in doubtful cases.
        let isWhole =
          byDay && start(index) >= range.lowerBound
          && (start(index) + 48 * 3_600_000_000 <= range.upperBound
            || calendar.map { $0.nextDate(after: start(index)) <= range.upperBound } ?? false)
        let block = isWhole ? day.summary : day.quarters
        // The index was checked: its blocks lie in the file.
        let stored = UnsafeRawBufferPointer(rebasing: bytes[block.bytes])
        if verifiesBlocks, Checksum.xxh64(stored) != block.checksum {
          throw damage(day, series, "they do not match their checksum")
        }
        var reader = ByteReader(stored)
        while !reader.isAtEnd {
          let rollup = Rollup(&reader, day: day.quarter)
          // A damaged block may also name a reason that does not exist.
          if reader.isDamaged || rollup.reasons.contains(where: { $0.reason >= reasons.count }) {
            throw damage(day, series, "they cannot be read")
          }
          if rollup.start >= range.lowerBound, rollup.start < range.upperBound { body(rollup) }
        }
      }
    }
  }

  private func damage(_ day: Day, _ series: Series?, _ what: String) -> AggregationError {
    let whose =
      series.map { "model \($0.modelID)\($0.version.isEmpty ? "" : " \($0.version)")" } ?? "a kind of model"
    let start = Timestamp(microseconds: day.quarter &* Rollup.quarterMicroseconds)
    return AggregationError(
      "\(place): error: the rollups of \(whose) for the day from \(start.rfc3339) are damaged: \(what). \(Self.remedy)"
    )
  }

  /// Every quarter of a series.
  /// - Throws: `AggregationError` for damage.
  package func visitQuarters(_ index: Int, _ body: (Rollup) -> Void) throws {
    try visit(
      index, in: Timestamp(microseconds: .min)..<Timestamp(microseconds: .max), byDay: false, body)
  }

  /// Requests in it.
  /// - Throws: `AggregationError` for damage.
  package func totalRequests() throws -> Int64 {
    try requests(in: Timestamp(microseconds: .min)..<Timestamp(microseconds: .max))
  }

  /// Requests of the quarters of an hour that start in a range.
  /// - Throws: `AggregationError` for damage.
  package func requests(in range: Range<Timestamp>) throws -> Int64 {
    var sum: Int64 = 0
    for index in series.indices { try visit(index, in: range, byDay: true) { sum &+= $0.cell.requests } }
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
      for reason in reasons.dropFirst() { try Name.check(reason) }  // The first is that of successes: none.
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
        var found: [RollupArchive.Block] = []
        for _ in 0..<2 {
          let length = Int(truncatingIfNeeded: reader.unsigned())
          guard length >= 0, length <= blocks.upperBound - position, !reader.isDamaged else {
            reader.fail()
            return []
          }
          found.append(.init(bytes: position..<position + length, checksum: reader.fixed()))
          position += length
        }
        days.append(.init(quarter: quarter, summary: found[0], quarters: found[1]))
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
    // Every byte before the index belongs to a block.
    if position != blocks.upperBound { reader.fail() }
    // A rollup's failures name reasons by their numbers in this list, which another version of the program may have
    // written: its own reasons may be fewer, more, or in another order. Only success has a fixed number.
    let isList = reasons.first == "" && reasons.count <= FailureReasons.most
    if !isList || Set(reasons).count < reasons.count || !areNames { reader.fail() }
  }
}

extension Rollup {
  /// Quarters of the years 1 to 9999.
  static let believable: ClosedRange<Int64> =
    Timestamp.writable.lowerBound.microseconds / quarterMicroseconds...Timestamp.writable.upperBound
    .microseconds
    / quarterMicroseconds

  /// Bits of a rollup's flags: whether its points are all there are, and whether what a cache spared follows them, how much
  /// is unknown, which attempts its requests are, and what they cost. Most telemetry has none of these.
  private static let allPoints: UInt64 = 1
  private static let hasCached: UInt64 = 2
  private static let hasUnknown: UInt64 = 4
  private static let hasAttempts: UInt64 = 8
  private static let hasCost: UInt64 = 16
  private static let allFlags = allPoints | hasCached | hasUnknown | hasAttempts | hasCost

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
    let flags = reader.unsigned()
    let points = Array(reader.raw(reader.count()))
    if flags & Self.hasCached != 0 {
      cell.cachedTokens = reader.signed()
      cell.cachedOf = reader.signed()
    }
    if flags & Self.hasUnknown != 0 {
      cell.withoutFirstToken = reader.signed()
      cell.untimedDecoding = reader.signed()
      cell.untimedTokens = reader.signed()
    }
    if flags & Self.hasAttempts != 0 {
      cell.attempts = reader.signed()
      cell.operations = reader.signed()
      cell.answered = reader.signed()
    }
    if flags & Self.hasCost != 0 {
      cell.cost = reader.signed()
      cell.costed = reader.signed()
      cell.costedTokens = reader.signed()
    }
    let isComplete = flags & Self.allPoints != 0
    // What no pipeline wrote must not reach figures and dates. Sums may be as large as 64 bits hold: those of a period
    // have 128.
    let sums = [
      cell.latencySum, cell.firstTokenSum, cell.waitingSum, cell.inputTokens, cell.outputTokens,
      cell.cachedTokens, cell.cachedOf, cell.withoutFirstToken, cell.untimedDecoding, cell.attempts,
      cell.operations, cell.answered, cell.cost, cell.costed, cell.costedTokens,
    ]
    if !Self.believable.contains(quarter) || cell.latencyMin < 0 && cell.successes > 0
      || cell.latencyMin > cell.latencyMax && cell.successes > 0
      || sums.contains(where: { $0 < 0 }) || flags > Self.allFlags
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
    let knowsCached = cell.cachedOf != 0 || cell.cachedTokens != 0
    let hasUnknown = cell.withoutFirstToken != 0 || cell.untimedDecoding != 0 || cell.untimedTokens != 0
    writer.unsigned(
      (points.isComplete ? Self.allPoints : 0) | (knowsCached ? Self.hasCached : 0)
        | (hasUnknown ? Self.hasUnknown : 0) | (cell.attempts != 0 ? Self.hasAttempts : 0)
        | (cell.costed != 0 ? Self.hasCost : 0))
    writer.unsigned(UInt64(points.bytes.count))
    writer.raw(points.bytes)
    if knowsCached {
      writer.signed(cell.cachedTokens)
      writer.signed(cell.cachedOf)
    }
    if hasUnknown {
      writer.signed(cell.withoutFirstToken)
      writer.signed(cell.untimedDecoding)
      writer.signed(cell.untimedTokens)
    }
    if cell.attempts != 0 {
      writer.signed(cell.attempts)
      writer.signed(cell.operations)
      writer.signed(cell.answered)
    }
    if cell.costed != 0 {
      writer.signed(cell.cost)
      writer.signed(cell.costed)
      writer.signed(cell.costedTokens)
    }
  }
}
