import Datasets
import Foundation
import ScenarioModel
import Telemetry
import TestSupport
import Testing

@Suite("Names are data")
struct NameTests {
  // MARK: The rule

  @Test("a name has 1 to 1,024 bytes of UTF-8 and no U+0000; anything else may be in it")
  func rule() throws {
    for name in ["a", "\n", "\u{1b}", String(repeating: "é", count: 512)] { try Name.check(name) }
    for name in ["", "m\u{0}", "\u{feff}m", String(repeating: "é", count: 512) + "a"] {
      #expect(throws: NameProblem.self) { try Name.check(name) }
    }
    try Name.check("", mayBeEmpty: true)
  }

  @Test("names that are canonically equal and not the same are refused, in code points")
  func spellings() throws {
    var spellings = NameSpellings()
    try spellings.admit("caf\u{e9}")
    try spellings.admit("caf\u{e9}")
    let problem = #expect(throws: NameProblem.self) { try spellings.admit("cafe\u{301}") }
    #expect(problem?.description.contains("U+0065 U+0301") == true)
    #expect(problem?.description.contains("U+00E9") == true)
    // The Kelvin sign is canonically a K.
    try spellings.admit("K")
    #expect(throws: NameProblem.self) { try spellings.admit("\u{212a}") }
  }

  @Test("what is hidden is shown, once: a second time changes nothing")
  func shown() {
    #expect(
      "a\r\nb\u{1b}[31m\u{202e}\u{2028}\u{9b}é".shown == "a\\r\\nb\\u{1B}[31m\\u{202E}\\u{2028}\\u{9B}é")
    #expect("a\nb\u{7}".shownInLines == "a\nb\\u{7}")
    for name in HostileNames.list() {
      #expect(!name.shown.unicodeScalars.contains { $0.isHidden })
      #expect(Name.same(name.shown, name.shown.shown))
    }
  }

  @Test("the hostile names have every special with every companion, and a smaller list has each of them")
  func hostileNames() {
    let names = HostileNames.list()
    let found = Set(names.map(ExactName.init))
    #expect(names.count == 10_000 && found.count == names.count)
    for special in HostileNames.special {
      for companion in HostileNames.companions {
        #expect(
          HostileNames.forms(special, companion).contains { found.contains(ExactName($0)) },
          "\(Name.codePoints(special)) and \(Name.codePoints(String(companion)))")
      }
    }
    let few = HostileNames.few(300).map { Array($0.utf8) }
    for part in HostileNames.special + HostileNames.companions.map({ String($0) }) {
      let bytes = Array(part.utf8)
      let isThere = few.contains { name in
        name.indices.contains { name[$0...].starts(with: bytes) }
      }
      #expect(isThere, "\(Name.codePoints(part))")
    }
  }

  // MARK: Every format of data sets

  static func same(_ found: [String], _ names: [String]) -> Bool { found.elementsEqual(names, by: Name.same) }

  /// Every name of a data set, read back.
  static func expect(_ path: String, has names: [String]) throws {
    let data = try Dataset(path)
    #expect(same(data.tables.accounts.map(\.account), [names[0]]))
    #expect(same(data.tables.hardware.map(\.hardware), names))
    #expect(same(data.tables.models.map(\.name), names))
    #expect(same(data.tables.models.map(\.provider), names))
    #expect(same(data.tables.deployments.map(\.version), names))
    #expect(same(data.tables.fineTuningJobs.map(\.baseModel), names))
    #expect(same(data.tables.incidents.map(\.kind), names))
    let recorder = RequestRecorder(data.series)
    let reader = try data.requests()
    try reader.read(into: recorder)
    #expect(same(recorder.requests.map(\.series.version), names))
    #expect(
      same(
        recorder.requests.prefix(200).map { reader.reasons.names[Int($0.outcome)] }, Array(names.prefix(200)))
    )
  }

  @Test(
    "ten thousand hostile names come back as they were, from every format",
    arguments: DatasetFormat.all.filter { $0.compression == .none })
  func everyFormat(format: DatasetFormat) throws {
    let scratch = try Scratch()
    let names = HostileNames.list()
    try NamedDataset.write(names, scratch.file("q[1]*?"), format)
    try Self.expect(scratch.file("q[1]*?"), has: names)
  }

  @Test("a path is never a pattern: q[1] is not q1", arguments: ["parquet", "csv", "sqlite"])
  func patterns(format: String) throws {
    let scratch = try Scratch()
    let format = try #require(DatasetFormat(format))
    try NamedDataset.write(["right"], scratch.file("q[1]"), format)
    try NamedDataset.write(["wrong"], scratch.file("q1"), format)
    try Self.expect(scratch.file("q[1]"), has: ["right"])
  }

  // MARK: Doors

  @Test(
    "a data set with two spellings of a name is refused, whatever the table",
    arguments: ["csv", "ndjson", "sqlite", "parquet"])
  func twins(format: String) throws {
    let scratch = try Scratch()
    try NamedDataset.write(
      ["caf\u{e9}", "cafe\u{301}"], scratch.file("twins"), try #require(DatasetFormat(format)))
    let error = #expect(throws: DatasetError.self) { try Dataset(scratch.file("twins")) }
    #expect(error?.description.contains("U+0065 U+0301") == true, "\(error?.description ?? "")")
  }

  @Test("parts that spell a name differently are not merged")
  func merging() throws {
    var parts: [MergedTables] = []
    for name in ["caf\u{e9}", "cafe\u{301}"] {
      var tables = TelemetryTables()
      tables.accounts = [AccountRecord(account: name, timeZone: "UTC", subscriptionMaxReplicas: 1)]
      parts.append(
        MergedTables(
          path: name, tables: tables, period: Timestamp(seconds: 0)..<Timestamp(seconds: 3600)))
    }
    #expect(throws: DatasetError.self) { try TelemetryTables(merging: parts) }
  }

  @Test("U+0000 in a name is refused by every reader: SQLite would take two names for one")
  func zero() throws {
    let scratch = try Scratch()
    for format in ["csv", "ndjson"] {
      let path = scratch.file(format)
      try NamedDataset.write(["m", "mQ"], path, try #require(DatasetFormat(format)))
      let file = "\(path)/telemetry/models.\(format)"
      let text = try String(contentsOfFile: file, encoding: .utf8)
      let zero = format == "csv" ? "\u{0}" : "\\u0000"
      try Data(text.replacing("mQ", with: "m" + zero).utf8).write(to: URL(fileURLWithPath: file))
      let error = #expect(throws: DatasetError.self) { try Dataset(path) }
      #expect(error?.description.contains("U+0000") == true)
    }
    let path = scratch.file("sqlite")
    try NamedDataset.write(["m", "mQ"], path, try #require(DatasetFormat("sqlite")))
    try Self.sqlite(
      "\(path)/telemetry/telemetry.sqlite", "UPDATE models SET name = 'm' || char(0) WHERE model_id = 2;")
    #expect(throws: DatasetError.self) { try Dataset(path) }
  }

  // MARK: SQL

  /// What SQLite's own shell says to a script on its standard input.
  @discardableResult
  static func sqlite(_ path: String, _ script: String) throws -> String {
    try shell("sqlite3 \"$0\"", path, script)
  }

  static func shell(_ command: String, _ argument: String, _ input: String) throws -> String {
    let scratch = try Scratch()
    let file = try scratch.write("input", input)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/bash")
    process.arguments = ["-c", "\(command) < \"$1\" > \"$2\"", argument, file, scratch.file("output")]
    process.currentDirectoryURL = URL(fileURLWithPath: scratch.path)
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    return String(decoding: try Data(contentsOf: URL(fileURLWithPath: scratch.file("output"))), as: UTF8.self)
  }

  static func hex(_ text: String) -> String {
    text.utf8.map { ($0 < 16 ? "0" : "") + String($0, radix: 16, uppercase: true) }.joined()
  }

  @Test("SQLite's shell gives back every literal and every identifier")
  func sqliteLiterals() throws {
    let names = HostileNames.list()
    let script =
      names.map { "SELECT hex(\(SQLText.literal($0, .sqlite)));\n" }.joined()
      + "CREATE TABLE \(try SQLText.identifier("\u{600}\"; DROP TABLE t; --")) (x);\n"
      + "SELECT hex(name) FROM sqlite_schema;\n"
    let found = try Self.sqlite(":memory:", script).split(separator: "\n").map(String.init)
    #expect(found == names.map(Self.hex) + [Self.hex("\u{600}\"; DROP TABLE t; --")])
  }

  @Test("DuckDB gives back every literal and every identifier")
  func duckDBLiterals() throws {
    let names = HostileNames.list()
    // Identifiers hold what they hold, and DuckDB's command line reads each CR LF as LF.
    let whole = names.filter { !zip($0.utf8, $0.utf8.dropFirst()).contains { $0 == 13 && $1 == 10 } }
    #expect(whole.count > 9_000)
    let literals = names.map { "SELECT hex(\(SQLText.literal($0, .duckDB)));\n" }.joined()
    let identifiers = try whole.map { (name: String) throws -> String in
      let identifier = try SQLText.identifier(name)
      return "SELECT hex(column_name) FROM (DESCRIBE SELECT 1 AS \(identifier));\n"
    }.joined()
    let output = try DuckDB.run(literals + identifiers, in: ScratchDirectory(), path: "names")
    let found = String(decoding: output, as: UTF8.self).split(separator: "\n").map(String.init)
    #expect(found == (names + whole).map(Self.hex))
  }

  @Test("the shell gives back every word of a command that is to be copied")
  func shellWords() throws {
    // What a terminal shows is one line whatever the word.
    let names = HostileNames.list()
    #expect(names.allSatisfy { !ShellText.quoted($0).unicodeScalars.contains(where: \.isHidden) })
    let script = names.map { "printf '%s\\0' \(ShellText.quoted($0))\n" }.joined()
    let found = try Self.shell("bash", "", script).utf8.split(separator: 0, omittingEmptySubsequences: false)
      .dropLast()
    #expect(found.count == names.count)
    #expect(zip(found, names).allSatisfy { $0.elementsEqual($1.utf8) })
  }

  // MARK: Reports

  /// As the runner does it. Source: actions/runner, `ActionCommand.cs`, `UnescapeData` and `UnescapeProperty`.
  static func unescaped(_ text: String, property: Bool) -> String {
    var bytes = Array(text.utf8)
    func replace(_ code: String, _ byte: UInt8) {
      let code = Array(code.utf8)
      var out: [UInt8] = []
      var at = 0
      while at < bytes.count {
        if bytes[at...].starts(with: code) {
          out.append(byte)
          at += code.count
        } else {
          out.append(bytes[at])
          at += 1
        }
      }
      bytes = out
    }
    replace("%0D", 13)
    replace("%0A", 10)
    if property {
      replace("%3A", 58)
      replace("%2C", 44)
    }
    replace("%25", 37)
    return String(decoding: bytes, as: UTF8.self)
  }

  @Test("a GitHub runner reads one command with the message and property as they were")
  func gitHub() {
    for name in HostileNames.list() {
      let (data, property) = (GitHubText.data(name), GitHubText.property(name))
      #expect(!data.utf8.contains(10) && !data.utf8.contains(13))
      #expect(!property.utf8.contains(10) && !property.utf8.contains(13))
      #expect(!property.utf8.contains(58) && !property.utf8.contains(44))
      #expect(Name.same(Self.unescaped(data, property: false), name))
      #expect(Name.same(Self.unescaped(property, property: true), name))
    }
  }

  @Test("no line for people is a command to a GitHub runner")
  func inert() {
    for space in [
      "\u{3000}", "\u{a0}", "\u{2003}", "\u{1680}", "\u{200b}", "\u{ad}", "\u{85}", "\u{2028}", "\t",
    ] {
      for command in ["::error::x", "##[error]x"] {
        let text = GitHubText.inert(space + command)
        #expect(text.utf8.starts(with: (space + "\\u{").utf8), "\(text)")
      }
      #expect(!GitHubText.inert(":\u{ad}:stop").unicodeScalars.starts(with: ":\u{ad}:".unicodeScalars))
    }
    let inert = GitHubText.inert("  ::error::x\nfine ::y\n a ##[error]z\n::\u{301}stop")
    for line in inert.split(separator: "\n") {
      #expect(!line.utf8.drop { $0 == 32 }.starts(with: "::".utf8))
      #expect(
        !inert.utf8.split(separator: 10).contains {
          String(decoding: Array($0), as: UTF8.self).contains("##[")
        })
    }
    #expect(GitHubText.inert("fine ::y # #[ 1\n") == "fine ::y # #[ 1\n")
  }

  /// A cell of CSV that is quoted, as any reader has it.
  static func unquoted(_ cell: String) -> String? {
    let bytes = Array(cell.utf8)
    guard bytes.count >= 2, bytes.first == 0x22, bytes.last == 0x22 else { return nil }
    var out: [UInt8] = []
    var rest = bytes[1..<bytes.count - 1]
    while let byte = rest.popFirst() {
      if byte == 0x22, rest.popFirst() != 0x22 { return nil }
      out.append(byte)
    }
    return String(decoding: out, as: UTF8.self)
  }

  @Test("a spreadsheet computes no cell")
  func spreadsheets() {
    for name in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "\u{200b}=1", "\u{ff1d}1"] {
      #expect(SpreadsheetText.cell(name).utf8.starts(with: "\"'".utf8), "\(name)")
    }
    #expect(SpreadsheetText.cell("a \"b\"=1") == "\"a \"\"b\"\"=1\"")
    var marked = 0
    for name in HostileNames.list() {
      guard let cell = Self.unquoted(SpreadsheetText.cell(name)) else {
        Issue.record("no cell: \(Name.codePoints(name))")
        continue
      }
      let isMarked = Name.same(cell, "'" + name)
      #expect(isMarked || Name.same(cell, name), "\(Name.codePoints(name))")
      marked += isMarked ? 1 : 0
      // Whatever a spreadsheet passes over at the start.
      let first = cell.unicodeScalars.first {
        !$0.properties.isWhitespace && !$0.properties.isDefaultIgnorableCodePoint
          && $0.properties.generalCategory != .control
      }
      let computes: [Unicode.Scalar?] = ["=", "+", "-", "@", "\u{ff1d}"]
      #expect(!computes.contains(first), "\(Name.codePoints(name))")
    }
    #expect(marked > 0)
  }

  /// A line of Markdown as text, or `nil` where part of it is markup: a backslash keeps the punctuation after
  /// it from being any. Source: CommonMark 0.31, 2.4.
  static func unescapedMarkdown(_ line: String) -> String? {
    let punctuation = Set("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~".unicodeScalars)
    let markup = Set("<[]|`*_&~".unicodeScalars)
    var out = String.UnicodeScalarView()
    var rest = line.unicodeScalars[...]
    while let scalar = rest.popFirst() {
      if scalar == "\\", let next = rest.first, punctuation.contains(next) {
        out.append(next)
        rest = rest.dropFirst()
      } else if markup.contains(scalar) {
        return nil
      } else {
        out.append(scalar)
      }
    }
    return String(out)
  }

  @Test("Markdown shows every name as text, in one line of one paragraph or cell")
  func markdown() {
    let breaks = Set<Unicode.Scalar>(["\n", "\r", "\u{b}", "\u{c}", "\u{85}", "\u{2028}", "\u{2029}"])
    for name in HostileNames.list() + ["&lt;b&gt;", "&#60;", "[a](javascript:b)", "![a](b)", "a|b", "<!--"] {
      let shown = name.unicodeScalars.map { breaks.contains($0) ? " " : String($0).shown }.joined()
      let inline = MarkdownText.inline(name)
      #expect(!inline.unicodeScalars.contains { $0.isHidden }, "\(Name.codePoints(name))")
      #expect(Name.same(Self.unescapedMarkdown(inline) ?? "?", shown), "\(Name.codePoints(name))")
      let paragraph = MarkdownText.paragraph(name)
      #expect(!paragraph.unicodeScalars.contains { $0.isHidden }, "\(Name.codePoints(name))")
      #expect(
        Name.same(paragraph, name) ? !name.utf8.contains(0x3c) : Name.same(paragraph, inline),
        "\(Name.codePoints(name))")
      // Code ends at as many backticks as it began with. Source: CommonMark 0.31, 6.1.
      let code = Array(MarkdownText.code(name).utf8)
      let fence = code.prefix { $0 == 0x60 }.count
      let runs = code.split { $0 != 0x60 }.map(\.count)
      #expect(runs.count { $0 == fence } == 2 && code.suffix(fence).allSatisfy { $0 == 0x60 })
      let text = String(decoding: code.dropFirst(fence).dropLast(fence), as: UTF8.self)
      #expect(Name.same(text, fence == 1 ? name.shown : " \(name.shown) "), "\(Name.codePoints(name))")
    }
  }
}
