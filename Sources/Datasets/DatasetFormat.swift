/// How telemetry tables are written as files.
package struct DatasetFormat: Hashable, Sendable, CustomStringConvertible {
  package enum Layout: String, CaseIterable, Sendable {
    case csv, ndjson
    /// One file for all tables.
    case sqlite
    /// By the DuckDB command line.
    case parquet

    /// The type that implements it: nothing else distinguishes layouts.
    var type: any DatasetLayout {
      switch self {
      case .csv: CSVLayout()
      case .ndjson: NDJSONLayout()
      case .sqlite: SQLiteLayout()
      case .parquet: ParquetLayout()
      }
    }
  }

  package var layout: Layout
  package var compression: Compression

  package init(_ layout: Layout, _ compression: Compression = .none) {
    self.layout = layout
    self.compression = compression
  }

  /// All there are, the ones that are read first at the front.
  package static let all = Layout.allCases.flatMap { layout in
    (layout.type.isText ? Compression.allCases : [.none]).map { DatasetFormat(layout, $0) }
  }

  /// `csv`, `csv.gz`, `ndjson.zst`, …: also the ending of file names. `nil` for anything else.
  package init?(_ name: some StringProtocol) {
    guard let format = Self.all.first(where: { $0.description == name }) else { return nil }
    self = format
  }

  /// By the ending of a file's name.
  package init?(path: String) {
    guard
      let format = Self.all.first(where: {
        path.utf8.suffix($0.description.utf8.count + 1).elementsEqual(".\($0)".utf8)
      })
    else { return nil }
    self = format
  }

  package var description: String { layout.rawValue + compression.fileEnding }
}

package enum Compression: String, CaseIterable, Sendable {
  case none, gzip, zstd

  package var fileEnding: String {
    switch self {
    case .none: ""
    case .gzip: ".gz"
    case .zstd: ".zst"
    }
  }
}
