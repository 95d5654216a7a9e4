import Datasets
import Documents
import Foundation
import Telemetry
import TestSupport

/// What an import makes of an export by a whole mapping file.
struct Mapped {
  var requests: [SimulatedRequest] = []
  /// The same, whole.
  var records: [RequestRecord] = []
  var tables: TelemetryTables
  var optional: OptionalColumns
  var partitions: [SourcePartition]
  var rejects: MappedImport.Rejects
  var sentences: [String]

  /// - Parameters:
  ///   - name: of the export; its ending says what it is, unless the mapping says where in a document its rows are.
  ///   - mapping: in YAML, without its first line.
  init(_ export: String, _ name: String, _ mapping: String) throws {
    let scratch = try Scratch()
    try self.init(path: scratch.write(name, export), mapping)
  }

  init(path: String, _ mapping: String) throws {
    let scratch = try Scratch()
    let source: MappedImport.Source = path.contains(".csv") ? .csv : .ndjson
    let imported = try MappedImport(
      path, source, mapping: Self.mapping(mapping), output: scratch.file("out"),
      rejectsPath: scratch.file("rejects.csv"), isStrict: false)
    try imported.read { _ in }
    let recorder = RequestRecorder(imported.series)
    let rows = RecordCollector()
    try imported.send(to: FanOut([recorder, rows]))
    requests = recorder.requests
    records = rows.records
    tables = imported.tables
    optional = imported.optionalColumns
    partitions = imported.partitions
    rejects = imported.rejects
    sentences = imported.report.sentences
  }

  static func mapping(_ text: String) throws -> ImportMapping {
    try ImportMapping(Data(("workbenchMapping: 1\n" + text).utf8), path: "map.yaml")
  }

  /// What is wrong with a mapping, as the command line says it.
  static func problems(_ text: String) -> String {
    do {
      _ = try mapping(text)
      return ""
    } catch let errors as DocumentErrors {
      return errors.diagnostics.map { $0.rendered(path: "map.yaml") }.joined(separator: "\n")
    } catch {
      return "\(error)"
    }
  }

  /// A mapping with the account a and some columns beside those that every mapping has.
  static func columns(_ columns: String..., more: String = "") -> String {
    "account: { name: a }\n\(more)columns:\n  model: model\n  kind: { constant: external }\n"
      + columns.map { "  \($0)\n" }.joined()
  }

  func sum(_ value: (SimulatedRequest) -> Int64) -> Int64 { requests.reduce(0) { $0 + value($1) } }
}

/// Keeps every row that it is given, whole; texts of which none is known are `nil`.
final class RecordCollector: TelemetrySink {
  private(set) var records: [RequestRecord] = []

  func receive(_ requests: RequestColumns) {
    for row in 0..<requests.count {
      var record = requests.record(row)
      if record.texts?.allSatisfy(\.isEmpty) == true { record.texts = nil }
      records.append(record)
    }
  }
}
