import Telemetry

/// A measure's column in a batch, as writers take it: with what is written where there is no value.
struct MeasureColumn {
  private let isOptional: Bool
  /// `nil` where the source has no such column.
  private let values: IntegerColumn?
  /// `RequestRecord.unknown` of each row, and the measure's bit.
  private let unknown: UnsafePointer<UInt8>?
  private let bit: UInt8

  /// Valid as long as the requests.
  static func of(_ measures: [RequestMeasure], _ requests: RequestColumns) -> [MeasureColumn] {
    measures.map {
      MeasureColumn(
        isOptional: $0.column.isOptional, values: requests.integers($0), unknown: requests.extras?.unknown,
        bit: $0.bit)
    }
  }

  /// `nil` where the row has no value.
  @inline(__always)
  subscript(row: Int) -> Int64? {
    guard let values else { return nil }
    if let unknown, unknown[row] & bit != 0 { return nil }
    let value = values[row]
    return isOptional && value == RequestMeasure.missing ? nil : value
  }

  func cell(_ row: Int) -> Cell { self[row].map { .integer($0) } ?? .empty }
}

/// A text's column in a batch, as writers take it.
struct OptionalTextColumn {
  /// `nil` where the source has no such column.
  private let values: TextColumn?

  /// Valid as long as the requests.
  static func of(_ texts: [RequestText], _ requests: RequestColumns) -> [OptionalTextColumn] {
    texts.map { OptionalTextColumn(values: requests.texts($0)) }
  }

  /// Empty where it is unknown.
  subscript(row: Int) -> UnsafeRawBufferPointer {
    values?[row] ?? UnsafeRawBufferPointer(start: nil, count: 0)
  }

  func cell(_ row: Int) -> Cell {
    let text = self[row]
    return text.isEmpty ? .empty : .text(String(decoding: text, as: UTF8.self))
  }
}
