import Telemetry

/// A measure's column in a batch, as writers take it: with what is written where there is no value.
struct MeasureColumn {
  let isOptional: Bool
  /// `nil` where the source has no such column.
  private let values: IntegerColumn?

  /// Valid as long as the requests.
  static func of(_ measures: [RequestMeasure], _ requests: RequestColumns) -> [MeasureColumn] {
    measures.map {
      MeasureColumn(isOptional: $0.column.isOptional, values: requests.integers($0))
    }
  }

  /// `nil` where the row has no value.
  @inline(__always)
  subscript(row: Int) -> Int64? {
    guard let values else { return nil }
    let value = values[row]
    return isOptional && value == RequestMeasure.missing ? nil : value
  }

  func cell(_ row: Int) -> Cell { self[row].map { .integer($0) } ?? .empty }
}
