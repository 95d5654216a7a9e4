import Datasets
import Foundation
import Telemetry
import TestSupport
import Testing

@Suite("Numbers and instants in text are read whole, or not at all")
struct NumberTests {
  static let noNumbers = [
    "", "-", "+", ".", "-.", "e5", "1e", "1e+", "0x10", "0X1p3", "1.2.3", "1e5e5", "1-2", "2025-09-16", "--1",
    "nan",
    "NaN", "inf", "-Infinity", "true", "1 ", " 1", "1_000", "1,5", "1'000", "٣", "１", "1\u{301}", "½",
    "1e5.5", "\u{0}",
  ]

  @Test("what is no number is none, for every parser", arguments: NumberTests.noNumbers)
  func none(text: String) {
    #expect(NumberText.decimal(text) == nil && NumberText.whole(text) == nil)
    #expect(NumberText.scaled(text, by: 6) == nil && NumberText.share(text) == nil)
    let integer = Array(text.utf8).withUnsafeBufferPointer { NumberText.integer($0) }
    #expect(integer == nil)
  }

  @Test(
    "decimal numbers, as strtod reads them",
    arguments: ["0", "-0", "007", "12", "-12.5", ".5", "5.", "1e3", "1E-3", "2.5e+2"])
  func decimals(text: String) {
    #expect(NumberText.decimal(text) == strtod(text, nil))
    #expect(NumberText.decimal("+" + text) == nil)
    #expect(NumberText.decimal("+1.5", allowsPlus: true) == 1.5)
  }

  @Test("whole numbers, however they are written, within 64 bits")
  func whole() {
    #expect(NumberText.whole("21073.0") == 21_073)
    #expect(NumberText.whole("2.1e3") == 2100)
    #expect(NumberText.whole("-7") == -7)
    #expect(NumberText.whole("1.5") == nil)
    #expect(NumberText.whole("1e-1") == nil)
    #expect(NumberText.whole("9223372036854775807") == .max)
    #expect(NumberText.whole("9223372036854775808") == nil)
    #expect(NumberText.whole("99999999999999999999999") == nil)
    #expect(NumberText.whole("1e100000000000") == nil)
    #expect(NumberText.whole("0e100000000000") == 0)
    #expect(NumberText.decimal("1e400") == nil)
    #expect(
      NumberText.share("2%") == 0.02 && NumberText.share("2 %") == 0.02 && NumberText.share("0.5") == 0.5)
    #expect(NumberText.share("%") == nil)
  }

  @Test("scaled numbers are exact, rounded down on both sides of 0")
  func scaled() {
    #expect(NumberText.scaled("1767571200.25", by: 6) == 1_767_571_200_250_000)
    #expect(NumberText.scaled("1767571200250000999", by: -3) == 1_767_571_200_250_000)
    #expect(NumberText.scaled("0.0000019", by: 6) == 1)
    #expect(NumberText.scaled("-0.0000019", by: 6) == -2)
    #expect(NumberText.scaled("-1", by: 6) == -1_000_000)
    #expect(NumberText.scaled("1.747434066468035E9", by: 6) == 1_747_434_066_468_035)
    #expect(NumberText.scaled("9300000000000", by: 6) == nil)
  }

  @Test("no bytes are a date that was never read")
  func nothing() {
    var parser = TimestampParser()
    let nothing = String(repeating: "\u{0}", count: 10)
    #expect(parser.parse(nothing + "T00:00:00Z") == nil)
    #expect(parser.parse("1970-01-01T00:00:01Z") == Timestamp(seconds: 1))
    #expect(parser.parse("0001-01-01T00:00:00+01:00") == nil)
    #expect(parser.parse("9999-12-31T23:59:59-01:00") == nil)
  }

  static func json(_ text: String) -> JSONNode? { try? JSONNode(Array(text.utf8)[...]) }

  @Test(
    "JSON that is none is refused",
    arguments: [
      "", "{", "[1", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{\"a\":1 \"b\":2}", "{a:1}", "[1]2", "01", "1.",
      ".5", "+1", "0x10", "nan",
      "Infinity", "tru", "\"", "\"\\x\"", "\"\\ud800\"", "\"\\ud800\\u0041\"", "\"a\nb\"", "1e5e5", "-",
      "{\"a\":1,\"a\":2}",
      "{\"é\":1,\"\\u00e9\":2}", String(repeating: "[", count: 1000),
    ])
  func noJSON(text: String) { #expect(Self.json(text) == nil) }

  @Test("JSON numbers stay what they were written as, true is none, and texts are unescaped")
  func someJSON() throws {
    let node = try #require(
      Self.json(
        #" {"n": 1767571200250000999, "d": -2.50e-3, "t": true, "z": null, "s": "\u00e9\ud83d\ude00\n\/", "l": [1, {"x": "y"}]} "#
      ))
    #expect(node["n"]?.scalar == "1767571200250000999" && node["d"]?.scalar == "-2.50e-3")
    #expect(node["t"]?.scalar == "true" && node["z"]?.scalar == nil)
    #expect(node["s"]?.scalar == "é😀\n/")
    #expect(node["l"]?.elements?[1]["x"]?.scalar == "y")
    // Two keys that Unicode takes for the same text are two keys.
    #expect(Self.json("{\"\u{e9}\":1,\"e\u{301}\":2}")?["e\u{301}"]?.scalar == "2")
    #expect(try #require(Self.json("[{\"a\": 1}]")).elements?[0].range == 1..<9)
  }

  @Test(
    "a data set's numbers are whole and in range, or the row and the column are named",
    arguments: [
      (
        "1,2026-01-05T09:00:00.123456Z,1,V1,success,,10,20,30,40,2147483648",
        "output_tokens 2147483648 is out of range"
      ),
      // Of a latency nothing is not a value; of tokens it is one that is not known.
      ("1,2026-01-05T09:00:00.123456Z,1,V1,success,,10,20,,40,50", "latency_us \"\" is not a whole number"),
      (
        "1,2026-01-05T09:00:00.123456Z,1,V1,success,,10,20,30,0x10,50",
        "input_tokens \"0x10\" is not a whole number"
      ),
      (
        "1,2026-01-05T09:00:00.123456Z,1,V1,success,,10,20,30,40,1.5",
        "output_tokens \"1.5\" is not a whole number"
      ),
      (
        "1,2026-01-05T09:00:00.123456Z,1,V1,success,,10,20,true,40,50",
        "latency_us \"true\" is not a whole number"
      ),
      ("9223372036854775808,2026-01-05T09:00:00.123456Z,1,V1,success,,10,20,30,40,50", "request_id"),
      ("1,\0\0\0\0\0\0\0\0\0\0T09:00:00.123456Z,1,V1,success,,10,20,30,40,50", "arrived_at"),
    ])
  func dataset(row: String, message: String) throws {
    let scratch = try Scratch()
    let csv = try scratch.write("requests.csv", TableTests.header + "\n" + row + "\n")
    let error = #expect(throws: DatasetError.self) { try TableTests.read(csv) }
    #expect(
      error?.description.contains("requests.csv:2:") == true && error?.description.contains(message) == true)
  }

  @Test("a column that the header has twice is an error")
  func twice() throws {
    let scratch = try Scratch()
    let csv = try scratch.write(
      "requests.csv", TableTests.header + ",latency_us\n" + TableTests.row + ",31\n")
    let error = #expect(throws: DatasetError.self) { try TableTests.read(csv) }
    #expect(error?.description.contains("the column latency_us twice") == true)
  }

  @Test(
    "true, a fraction and too large a number are no tokens in NDJSON",
    arguments: ["true", "\"7\"", "1.5", "9223372036854775808", "1e30"])
  func ndjson(value: String) throws {
    let scratch = try Scratch()
    let path = try scratch.write(
      "requests.ndjson",
      "{\"request_id\":1,\"arrived_at\":\"2026-01-05T09:00:00Z\",\"model_id\":1,\"version\":\"V1\",\"status\":\"success\",\"failure_reason\":\"\",\"waiting_us\":0,\"ttft_us\":0,\"latency_us\":9,\"input_tokens\":\(value),\"output_tokens\":1}\n"
    )
    let error = #expect(throws: DatasetError.self) { try TableTests.read(path) }
    #expect(error?.description.contains("requests.ndjson:1:1: error: input_tokens") == true)
  }
}
