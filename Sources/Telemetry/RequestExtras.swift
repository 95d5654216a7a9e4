/// Optional columns of requests that few sources have: a view, valid as long as the `RequestColumns` that it is of.
package struct RequestExtras {
  fileprivate static let measureCount = 4
  /// From `RequestMeasure.firstExtra` on; `nil` where the source knows it of no request.
  fileprivate var measures: InlineArray<4, UnsafePointer<Int64>?> = .init(repeating: nil)
  /// `RequestRecord.unknown` of each row; `nil` where everything is known.
  package fileprivate(set) var unknown: UnsafePointer<UInt8>?
  /// By `RequestText`.
  fileprivate var texts: InlineArray<5, TextColumn?> = .init(repeating: nil)

  package init() {}

  /// - Parameters:
  ///   - measures: columns of those from `RequestMeasure.firstExtra` on; `RequestMeasure.missing` where a row has none.
  ///   - texts: columns of texts.
  package init(
    measures: [(RequestMeasure, UnsafePointer<Int64>)], texts: [(RequestText, TextColumn)]
  ) {
    for (measure, column) in measures {
      self.measures[measure.rawValue - RequestMeasure.firstExtra.rawValue] = column
    }
    for (text, column) in texts { self.texts[text.rawValue] = column }
  }

  package subscript(_ measure: RequestMeasure) -> UnsafePointer<Int64>? {
    measures[measure.rawValue - RequestMeasure.firstExtra.rawValue]
  }

  package subscript(_ text: RequestText) -> TextColumn? { texts[text.rawValue] }

  /// - Parameter column: of one of those from `RequestMeasure.firstExtra` on.
  package mutating func set(_ measure: RequestMeasure, _ column: UnsafePointer<Int64>) {
    measures[measure.rawValue - RequestMeasure.firstExtra.rawValue] = column
  }

  var hasTexts: Bool { texts.indices.contains { texts[$0] != nil } }

  package func dropFirst(_ rows: Int) -> RequestExtras {
    var rest = self
    for place in rest.measures.indices { rest.measures[place] = measures[place].map { $0 + rows } }
    rest.unknown = unknown.map { $0 + rows }
    for place in rest.texts.indices { rest.texts[place] = texts[place]?.dropFirst(rows) }
    return rest
  }
}

/// A text of each row of some requests, empty where it is unknown. A view.
package struct TextColumn {
  /// Where each row's text ends, after where the first one's begins.
  fileprivate let ends: UnsafePointer<Int>
  fileprivate let bytes: UnsafeRawPointer

  package subscript(row: Int) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: bytes + ends[row], count: ends[row + 1] - ends[row])
  }

  package func text(_ row: Int) -> String { String(decoding: self[row], as: UTF8.self) }

  fileprivate func dropFirst(_ rows: Int) -> TextColumn { TextColumn(ends: ends + rows, bytes: bytes) }
}

/// Makes a column of texts row by row, for sources whose requests know their texts by numbers.
package final class TextColumnBuilder {
  private var ends: UnsafeMutablePointer<Int> = .allocate(capacity: 1)
  private var bytes: UnsafeMutableRawPointer = .allocate(byteCount: 4096, alignment: 1)
  private var room = 4096
  private var rows = 0
  private var capacity = 0

  package init() {}

  deinit {
    ends.deallocate()
    bytes.deallocate()
  }

  /// Begins a column of at most this many rows.
  package func begin(_ rows: Int) {
    if rows > capacity {
      ends.deallocate()
      ends = .allocate(capacity: rows + 1)
      capacity = rows
    }
    ends[0] = 0
    self.rows = 0
  }

  package func append(_ text: [UInt8]) { end(write(text, at: ends[rows])) }

  /// - Parameter number: after the text, in decimal digits; nothing at all where it is 0.
  package func append(_ text: [UInt8], number: Int64) {
    guard number > 0 else { return end(ends[rows]) }
    let start = write(text, at: ends[rows])
    reserve(start + 20)
    var digits = 1
    var power: Int64 = 10
    while digits < 19, power <= number {
      digits += 1
      power = digits < 19 ? power * 10 : power
    }
    var left = number
    for place in stride(from: start + digits - 1, through: start, by: -1) {
      let next = left / 10
      bytes.storeBytes(
        of: UInt8(truncatingIfNeeded: 48 + left - next * 10), toByteOffset: place, as: UInt8.self)
      left = next
    }
    end(start + digits)
  }

  /// Valid until the next column begins.
  package var column: TextColumn { TextColumn(ends: ends, bytes: bytes) }

  private func write(_ text: [UInt8], at start: Int) -> Int {
    reserve(start + text.count)
    text.withUnsafeBytes { source in
      if let base = source.baseAddress { (bytes + start).copyMemory(from: base, byteCount: source.count) }
    }
    return start + text.count
  }

  private func reserve(_ needed: Int) {
    guard needed > room else { return }
    let larger = UnsafeMutableRawPointer.allocate(byteCount: 2 * needed, alignment: 1)
    larger.copyMemory(from: bytes, byteCount: room)
    bytes.deallocate()
    bytes = larger
    room = 2 * needed
  }

  private func end(_ end: Int) {
    precondition(rows < capacity)
    rows += 1
    ends[rows] = end
  }
}

/// What `RequestExtras` is a view of: the memory of a batch, of columns that a row has had a value for.
final class RequestExtrasStorage {
  private let capacity: Int
  private var measures = [UnsafeMutablePointer<Int64>?](repeating: nil, count: RequestExtras.measureCount)
  private var unknown: UnsafeMutablePointer<UInt8>?
  private var texts = [TextStorage?](repeating: nil, count: RequestText.allCases.count)

  private final class TextStorage {
    let ends: UnsafeMutablePointer<Int>
    var bytes: UnsafeMutableRawPointer
    var room = 4096

    init(capacity: Int) {
      ends = .allocate(capacity: capacity + 1)
      ends.initialize(repeating: 0, count: capacity + 1)
      bytes = .allocate(byteCount: room, alignment: 1)
    }

    deinit {
      ends.deallocate()
      bytes.deallocate()
    }

    func set(_ row: Int, _ text: UnsafeRawBufferPointer) {
      let start = ends[row]
      if start + text.count > room {
        room = max(2 * room, start + text.count)
        let larger = UnsafeMutableRawPointer.allocate(byteCount: room, alignment: 1)
        larger.copyMemory(from: bytes, byteCount: start)
        bytes.deallocate()
        bytes = larger
      }
      if let base = text.baseAddress { (bytes + start).copyMemory(from: base, byteCount: text.count) }
      ends[row + 1] = start + text.count
    }
  }

  init(capacity: Int) { self.capacity = capacity }

  deinit {
    for column in measures { column?.deallocate() }
    unknown?.deallocate()
  }

  /// A row of which nothing is known yet.
  func begin(_ row: Int) {
    for column in measures { column?[row] = RequestMeasure.missing }
    unknown?[row] = 0
    for text in texts { if let text { text.ends[row + 1] = text.ends[row] } }
  }

  func set(_ measure: RequestMeasure, _ row: Int, _ value: Int64) {
    let place = measure.rawValue - RequestMeasure.firstExtra.rawValue
    let column =
      measures[place]
      ?? {
        let column = UnsafeMutablePointer<Int64>.allocate(capacity: capacity)
        column.initialize(repeating: RequestMeasure.missing, count: capacity)
        measures[place] = column
        return column
      }()
    column[row] = value
  }

  func set(unknown bits: UInt8, _ row: Int) {
    let column =
      unknown
      ?? {
        let column = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
        column.initialize(repeating: 0, count: capacity)
        unknown = column
        return column
      }()
    column[row] = bits
  }

  /// Of the row that was begun last.
  func set(_ text: RequestText, _ row: Int, _ value: UnsafeRawBufferPointer) {
    let storage = texts[text.rawValue] ?? TextStorage(capacity: capacity)
    texts[text.rawValue] = storage
    storage.set(row, value)
  }

  /// Valid as long as this, and until the next value is set.
  var view: RequestExtras {
    var view = RequestExtras()
    for (place, column) in measures.enumerated() { view.measures[place] = column.map { UnsafePointer($0) } }
    view.unknown = unknown.map { UnsafePointer($0) }
    for (place, text) in texts.enumerated() {
      view.texts[place] = text.map { TextColumn(ends: $0.ends, bytes: $0.bytes) }
    }
    return view
  }
}
