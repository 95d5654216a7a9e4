import Datasets
import Foundation
import Telemetry
import TestSupport
import Testing

@Suite("Rows of an export: which are requests, where they are, and which came twice")
struct MappedRowTests {
  static let day = "2026-03-02T10:00"

  static let mixed = """
    {"t":"\(day):00Z","type":"GENERATION","level":"DEFAULT","model":"m","in":5}
    {"t":"\(day):01Z","type":"SPAN","level":"DEFAULT","in":"x"}
    {"t":"\(day):02Z","type":"GENERATION","level":"DEBUG","model":"m","in":6}
    {"t":"\(day):03Z","model":"m","in":7}
    {"t":"\(day):04Z","type":null,"model":"m","in":8}
    {"t":"\(day):05Z","type":"EMBEDDING","model":"m","in":9}

    """

  @Test("rows that are left out are counted by why, and are no rejects, whatever they hold")
  func selection() throws {
    func inputs(_ rows: String) throws -> Mapped {
      try Mapped(
        Self.mixed, "t.ndjson",
        Mapped.columns("arrivedAt: t", "inputTokens: in", more: "rows: { \(rows) }\n"))
    }
    let only = try inputs("only: { type: [ GENERATION ] }, except: { level: [ DEBUG ] }")
    #expect(only.requests.map(\.input) == [5] && only.rejects.count == 0)
    #expect(
      only.sentences.first
        == "5 rows were left out, as rows of the mapping says: type empty 2, level DEBUG 1, type EMBEDDING 1, type SPAN 1."
    )
    #expect(try inputs("only: { type: [ GENERATION, \"\" ] }").requests.map(\.input) == [5, 6, 7, 8])
    #expect(try inputs("except: { type: [ SPAN, \"\" ] }").requests.map(\.input) == [5, 6, 9])
    let none = #expect(throws: DatasetError.self) { try inputs("only: { type: [ AGENT ] }") }
    #expect(
      none?.message
        == "no row becomes a request (0 rejected). 6 rows were left out, as rows of the mapping says: type GENERATION 2, type empty 2, type EMBEDDING 1, type SPAN 1. Correct the mapping."
    )
    let nowhere = #expect(throws: DatasetError.self) { try inputs("except: { kind: [ SPAN ] }") }
    #expect(nowhere?.message.hasPrefix("no row has the column kind (rows), which the mapping names") == true)
    let csv = #expect(throws: DatasetError.self) {
      try Mapped("t,model\n", "t.csv", Mapped.columns("arrivedAt: t", more: "rows: { only: { x: [ y ] } }\n"))
    }
    #expect(csv?.message.hasPrefix("the header has no column x, which the mapping names") == true)
  }

  @Test(
    "rows are found wherever they are in a document: in lists, in each element of lists, below names with dots",
    arguments: [
      ("data.0.results", "[1, 2]"), ("data.*.results", "[1, 2, 3, 4]"), ("data.2.results", "[3, 4]"),
      ("data.*.results.*", "[1, 2, 3, 4]"), ("a.b.*.list", "[5]"), ("a.b", "[6]"), ("one", "[7]"),
      ("named.*", "[8, 9]"),
    ])
  func lists(path: String, inputs: String) throws {
    func row(_ number: Int) -> String {
      "{\"t\": \"\(Self.day):0\(number)Z\", \"model\": \"m\", \"use\": {\"in\": \(number)}}"
    }
    let document = """
      {
        "object": "page ] } \\" ,", "more": [true, null, -1.5e3, {"data": []}],
        "data": [
          {"start": 1, "results": [\(row(1)), \(row(2))]},
          {"start": 2, "results": [], "empty": {}},
          {"results": [\(row(3)), \(row(4))]}
        ],
        "a.b": {"x": {"list": [\(row(5))]}}, "one": \(row(7)), "named": {"p": \(row(8)), "q": \(row(9))}
      }
      """
    let text = path == "a.b" ? "{\"a\": {\"b\": [\(row(6))]}}" : document
    let found = try Mapped(
      text, "t.json",
      Mapped.columns("arrivedAt: t", "inputTokens: use.in", more: "rows: { list: \"\(path)\" }\n"))
    #expect("\(found.requests.map(\.input))" == inputs, "\(found.rejects.examples)")
  }

  @Test("a document may be a list itself, and several may follow each other, a page in each line")
  func documents() throws {
    func row(_ number: Int) -> String {
      "{\"t\":\"\(Self.day):0\(number)Z\",\"model\":\"m\",\"in\":\(number)}"
    }
    let columns = ["arrivedAt: t", "inputTokens: in"]
    let list = try Mapped(
      "\u{feff}[\n\(row(1)),\n5,\n\(row(2)),\n{\"t\":\"\(Self.day):03Z\",\"model\":\"m\",\"in\":1,\"in\":2}\n]\n",
      "t.json",
      Mapped.columns(columns[0], columns[1], more: "rows: { list: \"*\" }\n"))
    #expect(list.requests.map(\.input) == [1, 2])
    #expect(list.rejects.kinds == ["not a JSON object": 2])
    #expect(list.rejects.examples[0].contains("t.json:3: not a JSON object: another value"))
    #expect(list.rejects.examples[1].contains("t.json:5: not a JSON object: the key \"in\" is there twice"))
    let pages = try Mapped(
      "{\"data\":[\(row(1))]}\n{\"data\":[\(row(2)),\(row(3))]}\n{\"data\":[]}\n", "t.jsonl",
      Mapped.columns(columns[0], columns[1], more: "rows: { list: data }\n"))
    #expect(pages.requests.map(\.input) == [1, 2, 3])
  }

  @Test(
    "what is no document, or has nothing at the path, is one error with its place",
    arguments: [
      ("time,model\n1,m\n", "t.json:1:5: error: this is not JSON: a value that is missing"),
      ("{\"data\": [{\"results\": [\n{\"t\": 1}, ", "t.json:2:11: error: this is not JSON: it ends early"),
      ("{\"data\": [1, 2}", "t.json:1:15: error: this is not JSON"),
      ("{\"data\": [], \"data\": []}", "the key \"data\" is there twice"),
      ("{\"meta\": {}, \"rows\": [1]}", "it has nothing at data.*.results"),
      ("{\"meta\": {}, \"rows\": [1]}", "the names are: meta, rows."),
      ("{\"data\": [{\"result\": []}]}", "the names are: result."),
      ("[1, 2]", "The document is no list or object there."),
      (String(repeating: "[", count: 200), "nested more than 128 levels deep"),
      ("{\"data\": \(String(repeating: "[", count: 200))", "nested more than 128 levels deep"),
    ])
  func noDocument(text: String, message: String) throws {
    let error = #expect(throws: DatasetError.self) {
      try Mapped(
        text, "t.json", Mapped.columns("arrivedAt: t", more: "rows: { list: data.*.results }\n"))
    }
    #expect("\(error.map { "\($0)" } ?? "")".contains(message), "\(error.map { "\($0)" } ?? "")")
  }

  @Test(
    "a row that came again counts once; one that says something else is rejected; one that was bad may come again"
  )
  func identities() throws {
    let csv = """
      t,id,in,model,note
      \(Self.day):00Z,a,1,m,first export
      \(Self.day):01Z,b,,m,not over yet
      \(Self.day):00Z,a,1,m,second export
      \(Self.day):01Z,b,2,m,over
      \(Self.day):00Z,a,9,m,contradicts
      \(Self.day):02Z,,3,m,
      \(Self.day):02Z,,3,m,

      """
    let found = try Mapped(csv, "t.csv", Mapped.columns("arrivedAt: t", "inputTokens: in", "id: id"))
    #expect(found.requests.map(\.input) == [1, 2, 3, 3])
    #expect(found.rejects.kinds == ["inputTokens is missing": 1, "id came before with other values": 1])
    #expect(
      found.rejects.examples[1].contains("t.csv:6: id \"a\" came before with other values, which count"))
    #expect(
      found.sentences.prefix(3) == [
        "1 row came again, by id: counted once.",
        "1 row came again, by id, and said something else: rejected, and the first counts.",
        "2 requests have no id in the export: nothing tells whether one came twice.",
      ])
    // Without an identity every row counts.
    #expect(
      try Mapped(csv, "t.csv", Mapped.columns("arrivedAt: t", "inputTokens: in")).requests.count == 6)
  }

  @Test(
    "contradictions of rows are errors with their place",
    arguments: [
      ("rows: { only: { type: GENERATION } }\n", "map.yaml:3:23: error: only.type must be a list of values"),
      ("rows: { only: { type: [] } }\n", "only.type lists no value, so that no row would be left"),
      (
        "rows: { only: { a: [ x, y ] }, except: { a: [ y ] } }\n",
        "error: \"y\" of a is in only and in except. Leave it in one of them."
      ),
      ("rows: { list: data..results }\n", "list \"data..results\" is not a path"),
      ("rows: { lists: data }\n", "unknown key \"lists\". Did you mean list?"),
    ])
  func contradictions(rows: String, message: String) {
    let found = Mapped.problems(Mapped.columns("arrivedAt: t", more: rows))
    #expect(found.contains(message), "\(found)")
  }

  @Test("an identity that is the same for every row, or made up, is no identity")
  func noIdentity() {
    #expect(
      Mapped.problems(Mapped.columns("arrivedAt: t", "id: { constant: x }")).contains(
        "id is the same for every row"))
    #expect(
      Mapped.problems(Mapped.columns("arrivedAt: t", "id: { column: i, missing: x }")).contains(
        "rows that share an identity would be left out"))
  }
}
