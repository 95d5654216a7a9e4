/// The parameters of an address, as forms and a page's `URLSearchParams` write them: `+` is a space, `%XX` a byte of
/// UTF-8. Source: WHATWG URL, section 5.1. What is not UTF-8 is refused rather than repaired: a repaired name would be
/// another name.
struct QueryItems: Sendable {
  let items: [(name: String, value: String)]

  init(items: [(name: String, value: String)]) { self.items = items }

  /// - Parameter query: what follows the question mark.
  /// - Throws: `Problem` if an escape is none, or not of UTF-8.
  init(_ query: String?) throws(Problem) {
    var items: [(name: String, value: String)] = []
    for part in Array((query ?? "").utf8).split(separator: UInt8(ascii: "&")) {
      let equals = part.firstIndex(of: UInt8(ascii: "=")) ?? part.endIndex
      guard let name = Self.decoded(part[..<equals]) else {
        throw Problem(
          title: "Bad parameter", status: 400,
          detail: "The name of a parameter is not percent-encoded UTF-8. Encode every byte as %XX.")
      }
      guard let value = Self.decoded(part[equals...].dropFirst()) else {
        throw Problem.badParameter(
          name, "\(name.prefix(40)) is not percent-encoded UTF-8. Encode every byte as %XX.")
      }
      items.append((name, value))
    }
    self.items = items
  }

  /// The value; `nil` if it is not given or empty.
  /// - Throws: `Problem` if it is given more than once.
  func text(_ name: String) throws(Problem) -> String? {
    let values = items.filter { $0.name == name }.map(\.value)
    guard values.count <= 1 else {
      throw Problem.badParameter(name, "\(name) is given \(values.count) times.")
    }
    return values.first.flatMap { $0.isEmpty ? nil : $0 }
  }

  /// - Throws: `Problem` if there are others; a token has been looked at already.
  func only(_ known: Set<String>) throws(Problem) {
    if let item = items.first(where: { !known.contains($0.name) && $0.name != "token" }) {
      throw Problem.badParameter(
        String(item.name.prefix(40)),
        "There is no such parameter. Known: \(known.sorted().joined(separator: ", ")).")
    }
  }

  /// A part of a path, in which `+` is a plus sign.
  /// - Throws: `Problem` if an escape is none, or not of UTF-8.
  static func part(_ text: String) throws(Problem) -> String {
    guard let part = decoded(Array(text.utf8)[...], plusIsSpace: false) else {
      throw Problem(
        title: "Bad path", status: 400,
        detail: "The path is not percent-encoded UTF-8. Encode every byte as %XX.")
    }
    return part
  }

  private static func decoded(_ bytes: ArraySlice<UInt8>, plusIsSpace: Bool = true) -> String? {
    func digit(_ index: Int) -> UInt8? {
      guard index < bytes.endIndex else { return nil }
      switch bytes[index] {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): return bytes[index] - UInt8(ascii: "0")
      case UInt8(ascii: "a")...UInt8(ascii: "f"): return bytes[index] - UInt8(ascii: "a") + 10
      case UInt8(ascii: "A")...UInt8(ascii: "F"): return bytes[index] - UInt8(ascii: "A") + 10
      default: return nil
      }
    }
    var plain: [UInt8] = []
    plain.reserveCapacity(bytes.count)
    var index = bytes.startIndex
    while index < bytes.endIndex {
      switch bytes[index] {
      case UInt8(ascii: "+") where plusIsSpace: plain.append(UInt8(ascii: " "))
      case UInt8(ascii: "%"):
        guard let high = digit(index + 1), let low = digit(index + 2) else { return nil }
        plain.append(high << 4 | low)
        index += 2
      default: plain.append(bytes[index])
      }
      index += 1
    }
    return String(validating: plain, as: UTF8.self)
  }
}
