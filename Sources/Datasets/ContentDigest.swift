import Aggregation
import Telemetry

/// A checksum of what a table's rows say, the same in every format: what a database, whose file may lie elsewhere in
/// other bytes, is verified by.
struct ContentDigest {
  private(set) var checksum: UInt64 = 0
  private let models: [Int64]
  private let versions: [UInt64]
  private var reasons: [UInt64] = []
  private var rows: Int64 = 0

  private static let optional = RequestMeasure.allCases.filter(\.column.isOptional)

  /// Of requests.
  init(series: [Series]) {
    models = series.map { Int64($0.modelID) }
    versions = series.map { Checksum.xxh64($0.version.utf8) }
  }

  mutating func add(_ requests: RequestColumns, _ names: FailureReasons) {
    while reasons.count < names.names.count {
      reasons.append(Checksum.xxh64(names.names[reasons.count].utf8))
    }
    var sum = checksum
    // By hand, as the digests of data sets that exist already are: nine numbers of a row, chained, so that neither a row
    // nor its place may change. Optional columns follow where they have a value: a data set without them has the digest
    // that it had before there were any.
    let optional = Self.optional.compactMap { measure in
      requests.integers(measure).map { (UInt64(measure.rawValue) << 56, $0) }
    }
    let texts = RequestText.allCases.compactMap { text in
      requests.texts(text).map { (UInt64(text.rawValue + 1), $0) }
    }
    withUnsafeTemporaryAllocation(of: UInt64.self, capacity: 10 + optional.count + texts.count) { row in
      for index in 0..<requests.count {
        rows += 1
        let series = Int(requests.series[index])
        row[0] = UInt64(bitPattern: requests.requestID?[index] ?? rows)
        row[1] = UInt64(bitPattern: requests.arrivedAt[index])
        row[2] = UInt64(bitPattern: models[series])
        row[3] = versions[series]
        row[4] = reasons[Int(requests.outcome[index])]
        row[5] = UInt64(bitPattern: requests.waitingMicroseconds[index])
        row[6] = UInt64(bitPattern: requests.firstTokenMicroseconds[index])
        row[7] = UInt64(bitPattern: requests.latencyMicroseconds[index])
        row[8] =
          UInt64(UInt32(bitPattern: requests.inputTokens[index])) << 32
          | UInt64(UInt32(bitPattern: requests.outputTokens[index]))
        var count = 9
        for (mark, column) in optional {
          let value = column[index]
          if value == RequestMeasure.missing { continue }
          row[count] = mark ^ UInt64(bitPattern: value)
          count += 1
        }
        if let unknown = requests.extras?.unknown?[index], unknown != 0 {
          row[count] = 0xff << 56 | UInt64(unknown)
          count += 1
        }
        for (mark, column) in texts {
          let value = column[index]
          if value.isEmpty { continue }
          row[count] = Checksum.xxh64(value, seed: mark)
          count += 1
        }
        for place in 0..<count { row[place] = row[place].littleEndian }
        sum = Checksum.xxh64(UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: row[..<count])), seed: sum)
      }
    }
    checksum = sum
  }

  /// Of a small table.
  static func checksum(of rows: [[Cell]]) -> UInt64 {
    var sum: UInt64 = 0
    for cells in rows {
      for cell in cells {
        let (kind, bytes): (UInt64, [UInt8]) =
          switch cell {
          case .text(let text): (1, Array(text.utf8))
          case .integer(let number): (2, Array("\(number)".utf8))
          case .instant(let instant): (3, Array("\(instant.microseconds)".utf8))
          case .empty: (4, [])
          }
        sum = Checksum.xxh64(bytes, seed: sum &+ kind)
      }
    }
    return sum
  }
}
