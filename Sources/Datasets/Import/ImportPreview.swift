import Foundation

/// The first rows of a platform's own export, read as an import reads them, so that a user can say which column is which.
package struct ImportPreview: Sendable {
  package enum Kind: String, Encodable, Sendable { case csv, ndjson, otlp }

  package struct Column: Encodable, Sendable {
    package var name: String
    /// Different values, the first few.
    package var examples: [String] = []
  }

  package private(set) var kind: Kind
  package private(set) var columns: [Column] = []
  /// In the order of the columns; empty texts where a row has no value.
  package private(set) var rows: [[String]] = []

  private static let mostColumns = 200
  private static let mostExamples = 5
  /// Characters of a value that are shown.
  private static let longestShown = 200

  /// - Parameters:
  ///   - path: of the file, plain or compressed.
  ///   - name: what its owner calls it: `.ndjson`, `.jsonl` and `.json` before `.gz` or `.zst` are JSON, others CSV.
  ///   - most: rows.
  /// - Throws: `DatasetError` where nothing can be read.
  package init(_ path: String, name: String, most: Int = 20) throws {
    var stem = name.lowercased()
    for ending in [".gz", ".zst"] where stem.hasSuffix(ending) { stem.removeLast(ending.count) }
    let isJSON = [".ndjson", ".jsonl", ".json"].contains(where: stem.hasSuffix)
    kind = isJSON ? .ndjson : .csv
    let names: [String]
    if isJSON {
      // Once for the columns, once for their values.
      let first = try ForeignNDJSON(path, needed: NeededColumns(names: [], alternatives: []))
      _ = try Self.read(first, most)
      names = first.names
      // A document of several lines has no rows.
      if names.contains("resourceSpans") || names.isEmpty && stem.hasSuffix(".json") {
        kind = .otlp
        return
      }
    } else {
      names = try ForeignCSV(path, needed: NeededColumns(names: [], alternatives: [])).names
    }
    let shown = Array(names.prefix(Self.mostColumns))
    let needed = NeededColumns(names: Set(shown), alternatives: [])
    let source: any ForeignRows =
      try isJSON ? ForeignNDJSON(path, needed: needed) : ForeignCSV(path, needed: needed)
    columns = shown.map { Column(name: $0) }
    for row in try Self.read(source, most) {
      let cells = shown.map { String((row[$0] ?? "").prefix(Self.longestShown)) }
      rows.append(cells)
      for (place, cell) in cells.enumerated()
      where !cell.isEmpty && columns[place].examples.count < Self.mostExamples
        && !columns[place].examples.contains(cell)
      {
        columns[place].examples.append(cell)
      }
    }
  }

  /// The first rows that can be read.
  private static func read(_ source: any ForeignRows, _ most: Int) throws -> [[String: String]] {
    var rows: [[String: String]] = []
    var tries = 0
    while rows.count < most, tries < 10 * most {
      tries += 1
      do {
        guard let row = try source.next() else { break }
        rows.append(row.values)
      } catch is BadRow {
        // An import counts and shows them.
      }
    }
    return rows
  }
}
