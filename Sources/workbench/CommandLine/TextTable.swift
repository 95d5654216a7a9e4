import Telemetry

/// Rows in columns, as wide as the terminal: names are shortened, and where that is not enough, each row becomes a block
/// of lines.
struct TextTable {
  private let head: [String]
  private var rows: [[String]] = []
  private let columns: Int
  /// Shortened no further than this.
  private static let shortestName = 12
  private static let longestName = 60

  /// - Parameter head: the first column is of names, the others of figures.
  init(_ head: [String], columns: Int = Terminal.tableColumns) {
    self.head = head
    self.columns = columns
  }

  mutating func add(_ row: [String]) { rows.append(row) }

  /// Its lines, the head in bold.
  func lines() -> [String] {
    let all = [head] + rows
    var widths = head.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
    let figures = widths.dropFirst().reduce(0) { $0 + $1 + 2 }
    let room = columns - 1 - figures
    guard room >= min(widths[0], Self.shortestName) else { return blocks() }
    widths[0] = min(widths[0], room, Self.longestName)
    return all.enumerated().map { index, row in
      let line = row.enumerated().map { column, cell in
        column == 0
          ? padded(shortened(cell, widths[0]), widths[0])
          : String(repeating: " ", count: widths[column] - cell.count) + cell
      }.joined(separator: "  ").trimmingEnd
      return index == 0 ? Terminal.bold(line) : line
    }
  }

  /// Each row as its name and a line for each figure.
  private func blocks() -> [String] {
    let width = head.dropFirst().map(\.count).max() ?? 0
    return rows.flatMap { row in
      [Terminal.bold(shortened(row[0], columns - 1))]
        + zip(head, row).dropFirst().compactMap { name, cell in
          cell.isEmpty ? nil : "  \(padded(name, width))  \(cell)"
        }
    }
  }

  /// Both ends of a name are kept: variants often differ in the last of what they set.
  private func shortened(_ text: String, _ width: Int) -> String {
    guard text.count > width else { return text }
    let kept = max(width - 1, 2)
    return text.prefix(kept / 2) + "…" + text.suffix(kept - kept / 2)
  }

  private func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }
}

extension String {
  /// Without the spaces at its end.
  fileprivate var trimmingEnd: String {
    var text = self
    while text.last == " " { text.removeLast() }
    return text
  }
}
