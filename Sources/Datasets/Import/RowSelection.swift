import Documents
import Telemetry

/// Which rows of an export are requests, and where in a JSON document they are.
package struct RowSelection: Sendable {
  /// The path of the list of rows in a JSON document; `nil`: the export has a row in each line.
  package var list: String?
  /// Values by column of the export.
  private var only: [Condition] = []
  private var except: [Condition] = []

  private struct Condition: Sendable {
    var column: String
    var values: [String]

    func holds(for row: ForeignRow) -> Bool {
      let value = row.values[column] ?? ""
      return values.contains { Name.same($0, value) }
    }
  }

  package init() {}

  /// Reads the mapping's `rows`.
  init(_ section: Section) {
    list = section.has("list") ? section.text("list") : nil
    if let list, Self.isNoPath(list) {
      section.error(
        "list",
        "list \(quoted(list)) is not a path. Write names, numbers and * with a dot between them, such as data.*.results, or * for a document that is itself a list."
      )
    }
    only = Self.conditions(section, "only")
    except = Self.conditions(section, "except")
    for condition in except {
      let taken = only.first { Name.same($0.column, condition.column) }?.values ?? []
      if let both = condition.values.first(where: { own in taken.contains { Name.same($0, own) } }) {
        section.error(
          "except",
          "\(quoted(both)) of \(condition.column) is in only and in except. Leave it in one of them.")
      }
    }
  }

  private static func isNoPath(_ text: String) -> Bool {
    text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).contains(where: \.isEmpty)
  }

  private static func conditions(_ section: Section, _ name: String) -> [Condition] {
    section.map(name).compactMap { entry in
      guard let elements = entry.value.elements else {
        section.diagnostics.error(
          entry.value.location,
          "\(name).\(entry.key) must be a list of values, not \(entry.value.kindName). Write [ … ].")
        return nil
      }
      for node in elements where node.scalar == nil {
        section.diagnostics.error(
          node.location, "a value of \(name).\(entry.key) must be text, not \(node.kindName).")
      }
      if elements.isEmpty {
        section.diagnostics.error(
          entry.value.location,
          "\(name).\(entry.key) lists no value\(name == "only" ? ", so that no row would be left" : ""). Give values, or leave it out."
        )
      }
      return Condition(column: entry.key, values: elements.compactMap(\.scalar))
    }
  }

  /// Columns of the export that it asks for.
  var columns: [String] { (only + except).map(\.column) }

  /// Whether it leaves rows out at all.
  var isSelective: Bool { !only.isEmpty || !except.isEmpty }

  /// Why a row is left out, in words by which rows are counted; `nil` if it is a request.
  func reason(toLeaveOut row: ForeignRow) -> String? {
    let failed = only.first { !$0.holds(for: row) } ?? except.first { $0.holds(for: row) }
    guard let failed else { return nil }
    let value = row.values[failed.column] ?? ""
    return "\(failed.column) \(value.isEmpty ? "empty" : String(value.prefix(60)))"
  }
}
