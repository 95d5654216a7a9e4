import Foundation
import TestSupport
import Testing

/// The rooms: what each target imports is what Package.swift says, and it depends on nothing below it there.
@Suite("The house")
struct HouseTests {
  private struct Package: Decodable {
    struct Target: Decodable {
      var name: String
      var type: String
      var path: String?
      /// Names of targets and products.
      var dependencies: Set<String>

      enum CodingKeys: String, CodingKey { case name, type, path, dependencies }

      /// `{"byName": ["Telemetry", null]}` or `{"product": ["GRDB", "GRDB.swift", null, null]}`.
      private struct Dependency: Decodable {
        var name: String?

        init(from decoder: any Decoder) throws {
          let forms = try decoder.singleValueContainer().decode([String: [Part]].self)
          name = forms.values.first?.first?.text
        }
      }

      private struct Part: Decodable {
        var text: String?
        // Conditions are objects, which are of no interest here.
        init(from decoder: any Decoder) { text = try? decoder.singleValueContainer().decode(String.self) }
      }

      init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        name = try values.decode(String.self, forKey: .name)
        type = try values.decode(String.self, forKey: .type)
        path = try values.decodeIfPresent(String.self, forKey: .path)
        dependencies = Set(try values.decode([Dependency].self, forKey: .dependencies).compactMap(\.name))
      }
    }
    var targets: [Target]
  }

  private static let package = Result {
    let scratch = try Scratch()
    let dump = try Program.command(
      "/usr/bin/env",
      [
        "swift", "package", "--package-path", repository(""), "--scratch-path", scratch.path, "dump-package",
      ])
    return try JSONDecoder().decode(Package.self, from: Data(dump.output.utf8))
  }

  /// Modules that come with the toolchain.
  private static let system: Set<String> = [
    "Dispatch", "Foundation", "FoundationNetworking", "FoundationXML", "Glibc", "PackageDescription",
    "Synchronization",
    "Testing",
  ]

  private static func sources(_ target: Package.Target) throws -> [URL] {
    let folder = target.path ?? (target.type == "test" ? "Tests/" : "Sources/") + target.name
    let root = URL(fileURLWithPath: repository(folder))
    let files = try #require(FileManager.default.enumerator(at: root, includingPropertiesForKeys: nil))
    return files.compactMap { $0 as? URL }.filter { $0.pathExtension == "swift" }
  }

  /// Modules that each target's files import, by its name.
  private static let imported = Result {
    Dictionary(uniqueKeysWithValues: try package.get().targets.map { ($0.name, try imports($0)) })
  }

  private static func imports(_ target: Package.Target) throws -> Set<String> {
    var found: Set<String> = []
    for file in try sources(target) {
      for line in try String(contentsOf: file, encoding: .utf8).utf8.split(separator: UInt8(ascii: "\n")) {
        guard line.first == UInt8(ascii: "i") || line.first == UInt8(ascii: "@"),
          let match = Substring(line).firstMatch(of: /^(?:@\w+ )?import (?:struct |enum |class |func )?(\w+)/)
        else { continue }
        found.insert(String(match.1))
      }
    }
    return found
  }

  @Test("a target declares what it imports, imports what it declares, and depends on nothing below it")
  func imports() throws {
    let targets = try Self.package.get().targets
    let names = targets.map(\.name)
    #expect(names.count > 20)
    for (place, target) in targets.enumerated() {
      let imported = try #require(Self.imported.get()[target.name])
      let missing = imported.subtracting(target.dependencies).subtracting(Self.system)
      #expect(missing.isEmpty, "\(target.name) imports \(missing.sorted()) and does not declare it")
      let targetDependencies = target.dependencies.intersection(names)
      let isSwift = try !Self.sources(target).isEmpty
      let unused = targetDependencies.subtracting(imported)
      #expect(!isSwift || unused.isEmpty, "\(target.name) declares \(unused.sorted()) and does not import it")
      for dependency in targetDependencies {
        let other = try #require(names.firstIndex(of: dependency))
        #expect(other < place, "\(target.name) depends on \(dependency), which is below it")
      }
    }
  }

  @Test("what only some rooms may know")
  func secrets() throws {
    func importers(of module: String) throws -> Set<String> {
      Set(try Self.imported.get().filter { $0.value.contains(module) }.keys)
    }
    #expect(try importers(of: "CGSL").subtracting(["SamplingTests"]) == ["Sampling"])
    #expect(try !importers(of: "Simulation").contains("workbench"))
    #expect(try importers(of: "CPostgreSQL") == ["Datasets"])
    #expect(try importers(of: "ArgumentParser") == ["workbench"])
    #expect(try importers(of: "Hummingbird") == ["DashboardServer"])
  }

  /// Lines of code, comments left out, of the libraries, and of the program if it is wanted.
  private static func libraryLines(andProgram: Bool = false) throws -> [(file: String, line: Substring)] {
    try package.get().targets.filter {
      ["regular", "library"].contains($0.type) || (andProgram && $0.name == "workbench")
    }.flatMap { target in
      try sources(target).flatMap { file in
        try String(contentsOf: file, encoding: .utf8).utf8.split(separator: UInt8(ascii: "\n")).filter {
          !$0.drop { $0 == UInt8(ascii: " ") }.starts(with: "//".utf8)
        }.map { (file.lastPathComponent, Substring($0)) }
      }
    }
  }

  @Test("libraries name no option of the command line: their callers may have no command line")
  func options() throws {
    // A fixture's README has commands in it, its files' names and the notes of a scenario's text have two hyphens.
    let allowed: Set = ["FixtureReadme.swift", "FixtureQuestions.swift", "Overrides.swift"]
    let lines = try Self.libraryLines()
    #expect(lines.count > 20_000)
    for (file, line) in lines where !allowed.contains(file) {
      #expect(!line.contains(/".*--[a-z]/), "\(file): \(line)")
    }
  }

  @Test("the program links none of Foundation's libraries that need others: a package carries what is linked")
  func foundation() throws {
    for target in try Self.package.get().targets where target.type != "test" {
      let found = try Self.imports(target).intersection(["FoundationNetworking", "FoundationXML"])
      #expect(found.isEmpty, "\(target.name) imports \(found.sorted())")
    }
  }

  @Test("each variable of the environment that the program reads is in its help")
  func environment() throws {
    let help = try Program.run("--help").output
    // What every program on the system reads, what is set for a child, and what TestSupport reads.
    let usual: Set = ["PATH", "HOME", "TZ", "WORKBENCH_DATA", "WORKBENCH_VERIFY"]
    var found: Set<String> = []
    for (_, line) in try Self.libraryLines(andProgram: true) where line.contains("nvironment[") {
      for name in line.matches(of: /nvironment\["([A-Z_]+)"\]/) { found.insert(String(name.1)) }
    }
    #expect(found.isSuperset(of: ["WORKBENCH_DUCKDB", "WORKBENCH_STORE", "WORKBENCH_WEB", "NO_COLOR"]))
    for name in found.subtracting(usual) { #expect(help.contains("\n  \(name) "), "\(name)") }
  }

  @Test("parts of the program are found by ProgramPart: a bundle's accessor holds the path of its build")
  func bundles() throws {
    for (file, line) in try Self.libraryLines(andProgram: true) {
      #expect(!line.contains(/\bBundle\./), "\(file): \(line)")
    }
  }

  @Test(
    "names are escaped by code points: replacing in a String misses what a Prepend character stands before")
  func escaping() throws {
    // Words of ours in texts of ours, and paths of this machine in messages.
    let allowed: Set = [
      "OpenAPI.swift", "PageFiles.swift", "API.swift", "API+Taking.swift", "RunFolder+Import.swift",
      "RunFolder+Plan.swift", "Main.swift", "Terminal.swift",
    ]
    for (file, line) in try Self.libraryLines(andProgram: true) where !allowed.contains(file) {
      #expect(!line.contains(".replacing("), "\(file): \(line)")
      #expect(!line.contains("replacingOccurrences("), "\(file): \(line)")
    }
  }

  /// Files that take a text apart, or look at its start or end, by Swift's characters, and why nothing is lost there if a
  /// character of theirs is two code points: what they look for is then not found.
  private static let byCharacter: [(why: String, files: Set<String>)] = [
    (
      "names of files, which choose a reader or a list: an unusual one is not chosen",
      [
        "Baseline.swift", "BaselineCommand.swift", "ComparisonSide.swift", "FitInput.swift",
        "ImportCommand.swift", "ImportPreview.swift", "ImportServeGenCommand.swift", "OutputComparison.swift",
        "PlanDirectory.swift", "RunVerification.swift",
      ]
    ),
    (
      "notations in ASCII, whose readers refuse everything else",
      [
        "DatasetFormats.swift", "Design.swift", "DeployWindows.swift", "FitCommand.swift",
        "FixtureCommand.swift", "InstantText.swift", "LocalDate.swift", "Quantity.swift",
        "ServingCatalogue.swift", "Timestamp.swift", "Tolerances.swift",
      ]
    ),
    (
      "texts of ours",
      [
        "ComparisonText.swift", "DashboardComparison.swift", "DashboardRecomputation.swift",
        "Difference.swift", "FitReport.swift", "FixtureQuestions.swift", "HelpText.swift", "Invariant.swift",
        "Main.swift",
        "PageFiles.swift", "ZoneNames.swift", "ZoneOracle.swift",
      ]
    ),
    (
      "what a person searches or types, and what a browser says that it takes",
      [
        "CompressedAnswers.swift", "Gzip.swift", "ScenarioParameters.swift",
      ]
    ),
  ]

  @Test("texts are taken apart by code points: a separator beside a Prepend character or an accent is none")
  func splitting() throws {
    let allowed = Self.byCharacter.reduce(into: Set<String>()) { $0.formUnion($1.files) }
    // At bytes and numbers, or endings of files.
    let harmless = #/unicodeScalars\.split\(|hasSuffix\("\.[a-z]+"\)/#
    let byCharacter =
      #/\.has(?:Prefix|Suffix)\b|\.(?:split|components)\((?:separator|separatedBy|whereSeparator): *["\\.a-z]/#
    var found: Set<String> = []
    for (file, line) in try Self.libraryLines(andProgram: true) {
      guard line.contains(byCharacter), line.replacing(harmless, with: "").contains(byCharacter) else {
        continue
      }
      found.insert(file)
      #expect(allowed.contains(file), "\(file): \(line)\nUse utf8 or unicodeScalars.")
    }
    #expect(allowed.subtracting(found).isEmpty, "no longer needed: \(allowed.subtracting(found).sorted())")
  }

  /// What statements are made of, by the files that carry them out: quoted identifiers and words of ours. A name or a
  /// value that is needed in one is a parameter.
  private static let statementParts: [String: Set<String>] = [
    "ArrivalSorter.swift": ["columns.joined", "columns.map"],
    // Paths that may be opened, which a setting of DuckDB takes in no other way.
    "DuckDB.swift": ["allowed.map", "$0"],
    "ParquetDataset.swift": ["absent.joined", "columns.joined", "order", "table"],
    "PostgreSQLConnection.swift": [],
    "PostgreSQLDataset.swift": [
      "SQLText.literal", "column.postgreSQLName", "columns.joined", "order", "quoted", "schema", "table",
      "table.name",
      "texts", "texts.isEmpty",
    ],
    "SharedHome.swift": ["index", "schema", "self.schema"],
    "SQLiteReader.swift": ["columns", "schema.name"],
    "SQLiteWriter.swift": ["columns.joined", "schema.name", "table.columns.map", "table.name"],
  ]

  @Test("no name and no value is part of a statement: identifiers are quoted, the rest are parameters")
  func statements() throws {
    let talks = #/^import (?:GRDB|CPostgreSQL)|connection\.execute\(|DuckDBProcess\(/#
    let keyword =
      #/\b(?:SELECT|INSERT|UPDATE|DELETE|CREATE|DROP|ALTER|COPY|COMMENT|SET|VALUES|FROM|WHERE|PRAGMA|ATTACH)\b/#
    let part = #/\\\((?:try )?([A-Za-z_.$0-9]+)/#
    let lines = try Self.libraryLines(andProgram: true)
    let talkers = Set(lines.filter { $0.line.contains(talks) }.map(\.file))
    #expect(talkers == Set(Self.statementParts.keys))
    var found: [String: Set<String>] = [:]
    for (file, line) in lines where talkers.contains(file) {
      guard line.contains(keyword) else { continue }
      for match in line.matches(of: part) {
        found[file, default: []].insert(String(match.1))
        #expect(
          Self.statementParts[file]?.contains(String(match.1)) == true,
          "\(file): \(line)\nIs \(match.1) a name or a value? Then make it a parameter.")
      }
    }
    for (file, parts) in Self.statementParts {
      let unused = parts.subtracting(found[file] ?? [])
      #expect(unused.isEmpty, "\(file): no longer needed: \(unused.sorted())")
    }
  }

  /// Where a value stands in quotes in a text of SQL, and what it is. Everywhere else it is a parameter.
  private static let quotedValues: [String: [String]] = [
    // Names that we give to files and columns.
    "CSVLayout.swift": [#"read_csv('\(name)'"#], "NDJSONLayout.swift": [#"read_json('\(name)'"#],
    "ParquetLayout.swift": [#"read_parquet('\(name)')"#],
    "DuckDBSources.swift": [#"'\($0.name)': '\($0.duckDBType)'"#],
    "DashboardQuestion.swift": [#"read_json('\(file)'"#, #"read_csv('\(pointsFile)'"#],
    "FilterSQL.swift": [#"'\($0.isInstant ?"#], "RecomputedFigure.swift": [#"'\($0.path)': \($0.sql)"#],
    // Files of SQL, which have no parameters.
    "SQLDump.swift": [#"'\(instant.rfc3339)'"#, "SQLText.literal(text, dialect"],
    // Comments on tables and columns, in words of ours, and paths: statements that take no parameters.
    "PostgreSQLDataset.swift": ["SQLText.literal(table.about", "SQLText.literal(column.about"],
    "DuckDB.swift": ["SQLText.literal($0, .duckDB)"],
  ]

  @Test("values in quotes are only where statements cannot have parameters")
  func literals() throws {
    var found: Set<String> = []
    for (file, line) in try Self.libraryLines(andProgram: true) {
      for word in ["PQescape", "sqlite3_exec", "sqlite3_mprintf"] {
        #expect(!line.contains(word), "\(file): \(line)")
      }
      #expect(!line.contains("PQexec") || file == "PostgreSQLConnection.swift", "\(file): \(line)")
      guard line.contains(#"'\("#) || line.contains("SQLText.literal(") else { continue }
      let known = (Self.quotedValues[file] ?? []).filter { line.contains($0) }
      #expect(!known.isEmpty, "\(file): \(line)\nMake the value a parameter.")
      found.formUnion(known)
    }
    let unused = Set(Self.quotedValues.values.joined()).subtracting(found)
    #expect(unused.isEmpty, "no longer needed: \(unused.sorted())")
  }

  @Test("no file is longer than 500 lines")
  func length() throws {
    for folder in ["Benchmarks", "Sources", "Tests", "cluster", "python"] {
      let root = URL(fileURLWithPath: repository(folder))
      let files = try #require(FileManager.default.enumerator(at: root, includingPropertiesForKeys: nil))
      for case let file as URL in files {
        guard ["swift", "py", "js", "css", "c", "h", "sh"].contains(file.pathExtension),
          !file.pathComponents.contains("vendor")
        else { continue }
        let lines =
          try String(contentsOf: file, encoding: .utf8).split(
            separator: "\n", omittingEmptySubsequences: false
          ).count - 1
        #expect(lines <= 500, "\(file.path) has \(lines) lines")
      }
    }
  }
}
