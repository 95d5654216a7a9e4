import CJansson
import Datasets
import Documents
import Foundation
import Telemetry

/// A JSON document in memory, of the thread that made it.
final class JSONDocument {
  let root: JSONValue

  /// - Parameter path: where it comes from, for messages.
  /// - Throws: `DatasetError` with line and column: for what is not JSON (NaN and infinities are not), a key that comes
  ///   twice, numbers out of range.
  init(_ data: Data, path: String) throws {
    var error = json_error_t()
    let data = ByteOrderMark.dropped(data)
    let parsed = data.withUnsafeBytes { bytes in
      json_loadb(
        bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count,
        Int(JSON_REJECT_DUPLICATES | JSON_DECODE_ANY), &error)
    }
    guard let parsed else {
      let text = withUnsafeBytes(of: error.text) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      if data.isEmpty {
        throw DatasetError(path, line: 1, column: 1, "the file is empty. It must hold JSON.")
      }
      guard error.line > 0 else { throw DatasetError(path, "not JSON: \(text).") }
      throw DatasetError(
        path, line: Int(error.line), column: max(1, Int(error.column)), Self.explained(text))
    }
    root = JSONValue(parsed)
  }

  init(owning value: JSONValue) { root = value }

  deinit { json_decref(root.raw) }

  convenience init(contentsOf path: String) throws {
    try self.init(try GivenFile.contents(path), path: path)
  }

  private static func explained(_ text: String) -> String {
    if text.contains("duplicate object key") {
      return "a key is given twice (\(text)). Keep one of them."
    }
    if text.contains("NaN") || text.contains("Infinity") {
      return
        "not JSON: \(text). JSON has no NaN and no infinities; write null for a figure that is undefined."
    }
    if text.contains("end of file") || text.contains("premature end of input") {
      return "the JSON ends early: \(text). The file is truncated; write it again."
    }
    return "not JSON: \(text)."
  }
}

/// A value inside a JSON document, which must outlive it.
struct JSONValue: Equatable {
  let raw: UnsafeMutablePointer<json_t>

  init(_ raw: UnsafeMutablePointer<json_t>) { self.raw = raw }

  var type: json_type { raw.pointee.type }
  var isObject: Bool { type == JSON_OBJECT }
  var isArray: Bool { type == JSON_ARRAY }
  var isNull: Bool { type == JSON_NULL }
  var isNumber: Bool { type == JSON_INTEGER || type == JSON_REAL }
  var number: Double? { isNumber ? json_number_value(raw) : nil }
  var text: String? { json_string_value(raw).map { String(cString: $0) } }
  var count: Int { isArray ? json_array_size(raw) : json_object_size(raw) }

  subscript(name: String) -> JSONValue? { isObject ? json_object_get(raw, name).map(JSONValue.init) : nil }
  subscript(index: Int) -> JSONValue { JSONValue(json_array_get(raw, index)) }

  /// Members in the order of the document.
  func forEachMember(_ body: (UnsafePointer<CChar>, JSONValue) throws -> Void) rethrows {
    var iterator = json_object_iter(raw)
    while let current = iterator {
      if let key = json_object_iter_key(current), let value = json_object_iter_value(current) {
        try body(key, JSONValue(value))
      }
      iterator = json_object_iter_next(raw, current)
    }
  }

  /// Whether two scalars are the same: numbers by their value, so that 1 is 1.0.
  func isSame(as other: JSONValue) -> Bool {
    if type == JSON_INTEGER, other.type == JSON_INTEGER {
      return json_integer_value(raw) == json_integer_value(other.raw)
    }
    if isNumber, other.isNumber { return json_number_value(raw) == json_number_value(other.raw) }
    guard type == other.type else { return false }
    guard type == JSON_STRING else { return true }
    let length = json_string_length(raw)
    return length == json_string_length(other.raw)
      && memcmp(json_string_value(raw), json_string_value(other.raw), length) == 0
  }

  /// As it stands in the document, cut where it is long.
  var shown: String {
    switch type {
    case JSON_OBJECT:
      var parts: [String] = []
      forEachMember { name, value in
        if name.pointee != 1, !value.isObject, !value.isArray, parts.count < 4 {
          parts.append("\(String(cString: name)) \(value.shown)")
        }
      }
      return parts.isEmpty ? "an object" : parts.joined(separator: ", ")
    case JSON_ARRAY: return "a list of \(count)"
    case JSON_STRING:
      let text = text ?? ""
      return "\"\(text.count > 60 ? text.prefix(60) + "…" : text)\""
    case JSON_INTEGER: return String(json_integer_value(raw))
    case JSON_REAL: return "\(json_number_value(raw))"
    case JSON_TRUE: return "true"
    case JSON_FALSE: return "false"
    default: return "null"
    }
  }
}

extension JSONValue {
  static func object(_ members: [(String, JSONValue)]) -> JSONValue {
    // Jansson answers nil only where there is no memory.
    let value = JSONValue(json_object()!)
    for (name, member) in members { json_object_set_new(value.raw, name, member.raw) }
    return value
  }

  static func array(_ elements: [JSONValue]) -> JSONValue {
    let value = JSONValue(json_array()!)
    for element in elements { json_array_append_new(value.raw, element.raw) }
    return value
  }

  static func text(_ text: String) -> JSONValue {
    JSONValue(text.withCString { json_stringn_nocheck($0, text.utf8.count) }!)
  }
  static func integer(_ number: Int64) -> JSONValue { JSONValue(json_integer(json_int_t(number))!) }
  static var null: JSONValue { JSONValue(json_null()!) }
}
