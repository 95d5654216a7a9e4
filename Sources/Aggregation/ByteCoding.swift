/// Appends whole numbers to bytes: LEB128, zigzag for those that may be negative.
struct ByteWriter {
  private(set) var bytes: [UInt8] = []

  mutating func unsigned(_ number: UInt64) {
    var rest = number
    while rest >= 128 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 128)
      rest >>= 7
    }
    bytes.append(UInt8(truncatingIfNeeded: rest))
  }

  mutating func signed(_ number: Int64) { unsigned(UInt64(bitPattern: (number << 1) ^ (number >> 63))) }

  mutating func raw(_ other: some Sequence<UInt8>) { bytes += other }

  /// 8 bytes, the least significant first.
  mutating func fixed(_ number: UInt64) {
    for shift in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: number >> UInt64(8 * shift))) }
  }

  mutating func text(_ text: String) {
    unsigned(UInt64(text.utf8.count))
    bytes += text.utf8
  }
}

/// Reads what `ByteWriter` wrote, from bytes that may come from anywhere: if anything is wrong with them, it sets
/// `isDamaged` and gives zeros, and it never reads beyond their end.
struct ByteReader {
  private let bytes: UnsafeRawBufferPointer
  private(set) var position: Int
  private let end: Int
  private(set) var isDamaged = false

  init(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>? = nil) {
    self.bytes = bytes
    let range = range ?? 0..<bytes.count
    let isInside = range.lowerBound >= 0 && range.upperBound <= bytes.count
    position = isInside ? range.lowerBound : 0
    end = isInside ? range.upperBound : 0
    isDamaged = !isInside
  }

  /// For readers that find a value impossible.
  mutating func fail() {
    isDamaged = true
    position = end
  }

  var isAtEnd: Bool { position >= end }

  @inline(__always)
  mutating func unsigned() -> UInt64 {
    var number: UInt64 = 0
    var shift: UInt64 = 0
    while position < end, shift < 64 {
      let byte = bytes[position]
      position += 1
      number |= UInt64(byte & 127) << shift
      if byte < 128 { return number }
      shift += 7
    }
    isDamaged = true
    return 0
  }

  @inline(__always)
  mutating func signed() -> Int64 {
    let number = unsigned()
    return Int64(bitPattern: (number >> 1) ^ (0 &- (number & 1)))
  }

  mutating func fixed() -> UInt64 {
    var number: UInt64 = 0
    for (shift, byte) in raw(8).enumerated() { number |= UInt64(byte) << UInt64(8 * shift) }
    return number
  }

  /// A number of things, each at least a byte long: more than there are bytes left is damage.
  mutating func count() -> Int {
    let number = unsigned()
    if number > UInt64(end - position) {
      isDamaged = true
      return 0
    }
    return Int(number)
  }

  mutating func raw(_ count: Int) -> UnsafeRawBufferPointer {
    guard count >= 0, count <= end - position else {
      isDamaged = true
      return UnsafeRawBufferPointer(start: nil, count: 0)
    }
    defer { position += count }
    return UnsafeRawBufferPointer(rebasing: bytes[position..<position + count])
  }

  mutating func text() -> String {
    let count = count()
    guard let text = String(validating: raw(count), as: UTF8.self) else {
      isDamaged = true
      return ""
    }
    return text
  }
}
