import Datasets
import Foundation
import Telemetry
import TestSupport
import Testing

/// What is written out by hand for speed, against the list of columns.
@Suite("Request columns in files")
struct RequestColumnFilesTests {
  private static let series = [Series(modelID: 7, version: "V1")]

  /// A different number in every column, so that none can be taken for another.
  private static let record = {
    var record = RequestRecord(id: 11, arrivedAt: 1_767_603_600_123_456, series: 0, outcome: 0)
    for measure in RequestMeasure.allCases { record.measures[measure] = Int64(100 + measure.rawValue) }
    record.texts = RequestText.allCases.map { $0 == .prefix ? "46 47" : "\($0), \"quoted\"\n" }
    return record
  }()

  /// The row as the general writer of tables has it.
  private static let cells: [Cell] =
    [
      .integer(11), .instant(Timestamp(microseconds: record.arrivedAt)), .integer(7), .text("V1"),
      .text("success"), .text(""),
    ] + RequestMeasure.allCases.map { .integer(record.measures[$0]) }
    + RequestText.allCases.map { .text(record.texts?[$0.rawValue] ?? "") }

  @Test("the fast writer gives the bytes of the general one", arguments: [DatasetFormat.Layout.csv, .ndjson])
  func writer(layout: DatasetFormat.Layout) throws {
    let scratch = try Scratch()
    let batch = RequestBatch(capacity: 1)
    batch.append(Self.record)
    let fast = try OutputFile("\(scratch.path)/fast")
    try batch.send(
      to: RequestWriter(
        fast, layout: layout,
        RequestTable(series: Self.series, reasons: FailureReasons(), optional: .all)))
    _ = try fast.close()
    let general = try OutputFile("\(scratch.path)/general")
    var table = try TableWriter(.requests, to: general, layout: layout)
    try table.write(Self.cells)
    _ = try general.close()
    let bytes = try ["fast", "general"].map {
      try Data(contentsOf: URL(fileURLWithPath: "\(scratch.path)/\($0)"))
    }
    #expect(bytes[0] == bytes[1])
    #expect(!bytes[0].isEmpty)
  }

  @Test("the fast reader of lines takes every measure from its column, and none that is out of range")
  func plainLine() throws {
    let texts = RequestText.allCases.map { "text\($0.rawValue)" }
    func line(_ values: [Int64]) -> [UInt8] {
      let text =
        "11,2026-01-05T09:00:00.123456Z,7,V1,success,,"
        + (values.map(String.init) + texts).joined(separator: ",") + "\r"
      return Array(text.utf8)
    }
    let values = RequestMeasure.allCases.map { Self.record.measures[$0] }
    var plain = PlainRequestLine(optional: .all)
    let whole = line(values)
    whole.withUnsafeBufferPointer {
      let isRead = plain.read($0)
      #expect(isRead)
      #expect(plain.texts.map(\.0) == RequestText.allCases)
      #expect(plain.texts.map { String(decoding: $0.1, as: UTF8.self) } == texts)
    }
    #expect(plain.measures == Self.record.measures)
    #expect(plain.arrivedAt == Self.record.arrivedAt)
    for measure in RequestMeasure.allCases {
      var changed = values
      changed[measure.rawValue] = measure.column.range.upperBound
      #expect(line(changed).withUnsafeBufferPointer { plain.read($0) })
      changed[measure.rawValue] += 1
      #expect(!line(changed).withUnsafeBufferPointer { plain.read($0) }, "\(measure)")
    }
  }
}
