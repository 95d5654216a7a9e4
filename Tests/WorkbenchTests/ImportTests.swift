import Foundation
import TestSupport
import Testing

@Suite("Foreign telemetry")
struct ImportTests {
  static let mapping = """
    workbenchMapping: 1
    account: { name: acme, timeZone: Europe/Berlin }
    columns:
      arrivedAt: { column: time, zone: Europe/Berlin }
      model: model_name
      kind: { column: type, values: { ft: fineTuned, ext: external } }
      provider: { constant: OpenAI }
      version: dep
      status: { column: state, success: [ ok ] }
      failureReason: error
      latency: { column: seconds, unit: s }
      inputTokens: prompt_tokens
      outputTokens: completion_tokens
    """
  static let export = """
    time,model_name,type,dep,state,error,seconds,prompt_tokens,completion_tokens
    2026-03-29 01:30:00,chat,ft,V1,ok,,1.5,100,50
    2026-03-29 03:10:00,chat,ft,V1,boom,"GPU, lost",2,100,50
    2026-03-28 23:00:00,gpt,ext,,ok,,0.25,10,5
    yesterday,chat,ft,V1,ok,,1,1,1
    2026-03-29 04:00:00,chat,ft,V2,ok,,-3,1,1
    2026-03-29 04:00:00,chat,ft,V2,ok,,3
    2026-03-29 05:00:00,chat,robot,V2,ok,,3,7,8

    """

  @Test(
    "a mapping says which column is which, with units, zones, status values and constants; bad rows are kept apart"
  )
  func table() throws {
    let scratch = try Scratch()
    let export = try scratch.write("export.csv", Self.export)
    let mapping = try scratch.write("map.yaml", Self.mapping)
    let outcome = try Program.run("import", "table", export, "--mapping", mapping, "-o", scratch.file("out"))
    #expect(outcome.status == 0, "\(outcome.error)")
    // By hand: in order of arrival, Berlin in winter time until 29 March 02:00, then summer time.
    #expect(
      try String(contentsOfFile: scratch.file("out/telemetry/requests.csv"), encoding: .utf8).split(
        separator: "\n"
      ).dropFirst() == [
        "1,2026-03-28T22:00:00.000000Z,2,,success,,,,250000,10,5",
        "2,2026-03-29T00:30:00.000000Z,1,V1,success,,,,1500000,100,50",
        "3,2026-03-29T01:10:00.000000Z,1,V1,failure,\"GPU, lost\",,0,2000000,100,50",
      ])
    #expect(
      outcome.error.contains("4 rows rejected")
        && outcome.error.contains("export.csv:5: arrivedAt \"yesterday\" is not an instant"))
    let rejects = try String(contentsOfFile: scratch.file("out.rejects.csv"), encoding: .utf8).split(
      separator: "\n")
    #expect(rejects.count == 5 && rejects[4].hasPrefix("8,\"kind \"\"robot\"\" is not one of"))
    #expect(try Program.run("validate", scratch.file("out")).status == 0)
    let figures = try Program.run(
      "aggregate", scratch.file("out"), "--kind", "fineTuned", "--period", "2026-03-29"
    ).output
    #expect(figures.contains("\"GPU, lost\" : 1"))
  }

  @Test("--strict stops at the first bad row, and leaves nothing")
  func strict() throws {
    let scratch = try Scratch()
    let export = try scratch.write("export.csv", Self.export)
    let mapping = try scratch.write("map.yaml", Self.mapping)
    let outcome = try Program.run(
      "import", "table", export, "--mapping", mapping, "-o", scratch.file("out"), "--strict")
    #expect(
      outcome.status == 65
        && outcome.error.contains("export.csv:5: error: arrivedAt \"yesterday\" is not an instant."))
    #expect(try scratch.entries() == ["export.csv", "map.yaml"])
  }

  @Test(
    "instants as numbers, in every unit",
    arguments: [
      ("s", "1767571200.25"), ("ms", "1767571200250"), ("us", "1767571200250000"),
      ("ns", "1767571200250000999"),
    ])
  func numbers(format: String, value: String) throws {
    let scratch = try Scratch()
    let export = try scratch.write("export.jsonl", "{\"t\": {\"at\": \(value)}, \"m\": \"a\"}\n")
    let mapping = try scratch.write(
      "map.yaml",
      "workbenchMapping: 1\naccount: { name: a }\ncolumns: { arrivedAt: { column: t.at, format: \(format) }, model: m, kind: { constant: external } }\n"
    )
    #expect(
      try Program.run("import", "table", export, "--mapping", mapping, "-o", scratch.file("out"), "-q").status
        == 0)
    #expect(
      try String(contentsOfFile: scratch.file("out/telemetry/requests.csv"), encoding: .utf8).contains(
        "1,2026-01-05T00:00:00.250000Z,1,,success"))
  }

  @Test(
    "mistakes in a mapping are named with their place",
    arguments: [
      (
        "model: model_name", "modle: model_name",
        "map.yaml:5:3: error: unknown key \"modle\". Did you mean model?"
      ),
      ("unit: s", "unit: hour", "unit \"hour\" is not one of us, ms, s, min"),
      ("zone: Europe/Berlin }", "zone: Mars }", "unknown time zone \"Mars\""),
      ("success: [ ok ]", "format: iso", "status needs success or failure"),
      ("ft: fineTuned", "ft: tuned", "kind \"tuned\" is not one of"),
      ("version: dep", "version: deep", "the header has no column deep, which the mapping names"),
    ])
  func mistakes(from: String, to: String, error: String) throws {
    let scratch = try Scratch()
    let export = try scratch.write("export.csv", Self.export)
    let mapping = try scratch.write("map.yaml", Self.mapping.replacing(from, with: to))
    let outcome = try Program.run("import", "table", export, "--mapping", mapping, "-o", scratch.file("out"))
    #expect(outcome.status == 65 && outcome.error.contains(error), "\(outcome.error)")
  }

  @Test("OpenTelemetry spans, as one document or a line each; others are counted")
  func openTelemetry() throws {
    let scratch = try Scratch()
    let span = """
      {"name":"chat gpt-4o","startTimeUnixNano":"1767571200123456789","endTimeUnixNano":"1767571201123456789","attributes":[{"key":"gen_ai.operation.name","value":{"stringValue":"chat"}},{"key":"gen_ai.provider.name","value":{"stringValue":"openai"}},{"key":"gen_ai.request.model","value":{"stringValue":"gpt-4o"}},{"key":"gen_ai.usage.input_tokens","value":{"intValue":"120"}},{"key":"gen_ai.usage.output_tokens","value":{"intValue":40}}],"status":{}}
      """
    let failed = span.replacing("\"status\":{}", with: "\"status\":{\"code\":2}").replacing(
      "{\"key\":\"gen_ai.operation.name\",\"value\":{\"stringValue\":\"chat\"}}",
      with: "{\"key\":\"error.type\",\"value\":{\"stringValue\":\"429\"}}")
    let other =
      "{\"name\":\"GET /\",\"startTimeUnixNano\":\"1767571200000000000\",\"endTimeUnixNano\":\"1767571200000000001\",\"attributes\":[]}"
    func export(_ spans: [String], _ glue: String) -> String {
      "{\"resourceSpans\":[{\"resource\":{\"attributes\":[]},\(glue)\"scopeSpans\":[{\"spans\":[\(spans.joined(separator: "," + glue))]}]}]}"
    }
    let document = try scratch.write("document.json", export([span, other, failed], "\n"))
    let lines = try scratch.write(
      "lines.jsonl", [span, other, failed].map { export([$0], "") }.joined(separator: "\n") + "\n")
    for (name, path) in [("a", document), ("b", lines)] {
      let outcome = try Program.run(
        "import", "otlp", path, "-o", scratch.file(name), "--account", "acme", "--time-zone", "Asia/Kathmandu"
      )
      #expect(
        outcome.status == 0
          && outcome.output.contains("1 span was no call of a model: spans of other things 1."),
        "\(outcome.error)")
      #expect(
        try String(contentsOfFile: scratch.file("\(name)/telemetry/requests.csv"), encoding: .utf8).split(
          separator: "\n"
        ).dropFirst() == [
          "1,2026-01-05T00:00:00.123456Z,1,,success,,,,1000000,120,40",
          "2,2026-01-05T00:00:00.123456Z,1,,failure,429,,0,1000000,120,40",
        ])
      #expect(
        try String(contentsOfFile: scratch.file("\(name)/telemetry/models.csv"), encoding: .utf8).contains(
          "1,acme,external,gpt-4o,openai,"))
    }
    let vendor = try scratch.write(
      "vendor.jsonl",
      export([span.replacing("\"chat\"", with: "\"call_llm\""), span], "") + "\n{\"resourceMetrics\":[]}\n")
    let first = try Program.run("import", "otlp", vendor, "-o", scratch.file("v"))
    #expect(
      first.output.contains("1 span was no call of a model: call_llm 1.\n")
        && first.output.contains("Name call_llm as an additional operation if its spans are calls.")
        && first.output.contains("1 export of metrics or logs left out."), "\(first.output)")
    let both = try Program.run(
      "import", "otlp", vendor, "-o", scratch.file("w"), "--operation", "call_llm")
    #expect(both.output.contains("a data set of 2 requests") && !both.output.contains("no call"))
    let broken = try scratch.write("broken.json", "{\"resourceSpans\": 7}")
    #expect(try Program.run("import", "otlp", broken, "-o", scratch.file("c")).status == 65)
  }

  @Test(
    "an import that was killed, or whose data set was deleted, can be repeated: its rejects file is no obstacle"
  )
  func again() throws {
    let scratch = try Scratch()
    let export = try scratch.write("export.csv", Self.export)
    let mapping = try scratch.write("map.yaml", Self.mapping)
    for _ in 0..<2 {
      let outcome = try Program.run(
        "import", "table", export, "--mapping", mapping, "-o", scratch.file("out"), "-q")
      #expect(outcome.status == 0, "\(outcome.error)")
      #expect(try scratch.entries() == ["export.csv", "map.yaml", "out", "out.rejects.csv"])
      try FileManager.default.removeItem(atPath: scratch.file("out"))
    }
    let kept = try String(contentsOfFile: scratch.file("out.rejects.csv"), encoding: .utf8)
    #expect(kept.split(separator: "\n").count == 5)
    // A file that is no rejects file is nobody's to replace, nor one that was asked for by name.
    try scratch.write("out.rejects.csv", "mine\n")
    let refused = try Program.run("import", "table", export, "--mapping", mapping, "-o", scratch.file("out"))
    #expect(refused.status == 73 && refused.error.contains("it exists already"))
    try scratch.write("named.csv", kept)
    let named = try Program.run(
      "import", "table", export, "--mapping", mapping, "-o", scratch.file("out"), "--rejects",
      scratch.file("named.csv"))
    #expect(named.status == 73)
    #expect(try !scratch.entries().contains("out"))
  }

  @Test("what is no export of rows is refused in words")
  func otherFiles() throws {
    let scratch = try Scratch()
    let mapping = try scratch.write("map.yaml", Self.mapping)
    let json = try scratch.write("report.json", "[\n {\"time\": 1}\n]\n")
    let table = try Program.run("import", "table", json, "--mapping", mapping, "-o", scratch.file("a"))
    #expect(table.status == 65 && table.error.contains("this is JSON, not CSV"))
    let dump = try scratch.write("dump.json", "{\n  \"spans\": []\n}\n")
    let spans = try Program.run("import", "otlp", dump, "-o", scratch.file("b"))
    #expect(
      spans.status == 65
        && spans.error.contains(
          "not an OTLP export in JSON (an object with resourceSpans): its keys are spans"),
      "\(spans.error)")
    #expect(try scratch.entries() == ["dump.json", "map.yaml", "report.json"])
  }

  @Test("a spreadsheet computes no cell of rejected rows")
  func formulas() throws {
    let scratch = try Scratch()
    let bad = [
      "=1+1", "+1", "-1", "@SUM(A1)", " =1", "\u{3000}=1", "\u{200b}=1", "\u{ff1d}1", "\t=1", "\"=1,2\"",
      "\"\n=1\"",
    ]
    let export = try scratch.write(
      "export.csv", "time,model\n2026-03-02T10:00:00Z,m\n" + bad.map { "\($0),m\n" }.joined())
    let mapping = try scratch.write(
      "map.yaml",
      "workbenchMapping: 1\naccount: { name: a }\ncolumns: { arrivedAt: time, model: model, kind: { constant: external } }\n"
    )
    let outcome = try Program.run("import", "table", export, "--mapping", mapping, "-o", scratch.file("out"))
    #expect(
      outcome.status == 0 && outcome.error.contains("\(bad.count) rows rejected"), "\(outcome.error)")
    let rows = try Spreadsheet.rows(scratch.file("out.rejects.csv"))
    #expect(rows.first == ["line", "reason", "row"] && rows.count == bad.count + 1)
    for (row, text) in zip(rows.dropFirst(), bad) {
      #expect(row.count == 3 && row.allSatisfy { !Spreadsheet.computes($0) }, "\(row)")
      // Nothing of the value is lost.
      let value = text.contains("\"") ? "=1" : text
      #expect(row.last?.contains(value) == true, "\(row)")
    }
  }
}

/// CSV as a spreadsheet has it.
enum Spreadsheet {
  /// By Python's reader.
  static func rows(_ path: String) throws -> [[String]] {
    let code = """
      import csv, json, sys
      print(json.dumps(list(csv.reader(open(sys.argv[1], newline='', encoding='utf-8'), strict=True))))
      """
    let read = try Program.command(repository(".venv/bin/python"), ["-c", code, path])
    #expect(read.status == 0, "\(read.error)")
    return try #require(try JSONSerialization.jsonObject(with: Data(read.output.utf8)) as? [[String]])
  }

  /// Whether a cell would be taken for a formula, whatever stands before it that a spreadsheet passes over.
  static func computes(_ cell: String) -> Bool {
    let first = cell.unicodeScalars.first {
      !$0.properties.isWhitespace && !$0.properties.isDefaultIgnorableCodePoint
    }
    let starters: [Unicode.Scalar] = ["=", "+", "-", "@", "\u{ff1d}", "\u{ff0b}", "\u{ff0d}", "\u{ff20}"]
    return first.map { starters.contains($0) } ?? false
  }
}
