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

  /// Modules that a target's files import.
  private static func imports(_ target: Package.Target) throws -> Set<String> {
    var found: Set<String> = []
    for file in try sources(target) {
      for line in try String(contentsOf: file, encoding: .utf8).split(separator: "\n") {
        guard let match = line.firstMatch(of: /^(?:@\w+ )?import (?:struct |enum |class |func )?(\w+)/)
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
      let imported = try Self.imports(target)
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
    let targets = try Self.package.get().targets
    func importers(of module: String) throws -> Set<String> {
      Set(try targets.filter { try Self.imports($0).contains(module) }.map(\.name))
    }
    #expect(try importers(of: "CGSL").subtracting(["SamplingTests"]) == ["Sampling"])
    #expect(try !importers(of: "Simulation").contains("workbench"))
    #expect(try importers(of: "CPostgreSQL") == ["Datasets"])
    #expect(try importers(of: "ArgumentParser") == ["workbench"])
    #expect(try importers(of: "Hummingbird") == ["DashboardServer"])
  }

  /// Lines of code, comments left out, of the libraries.
  private static func libraryLines() throws -> [(file: String, line: Substring)] {
    try package.get().targets.filter { ["regular", "library"].contains($0.type) }.flatMap { target in
      try sources(target).flatMap { file in
        try String(contentsOf: file, encoding: .utf8).split(separator: "\n").filter {
          !$0.trimmingPrefix(while: \.isWhitespace).hasPrefix("//")
        }.map { (file.lastPathComponent, $0) }
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

  @Test(
    "names are escaped by code points: replacing in a String misses what a Prepend character stands before")
  func escaping() throws {
    // Words of ours in texts of ours, and paths of this machine in messages.
    let allowed: Set = [
      "OpenAPI.swift", "PageFiles.swift", "API.swift", "API+Taking.swift", "RunFolder+Import.swift",
      "RunFolder+Plan.swift",
    ]
    for (file, line) in try Self.libraryLines() where !allowed.contains(file) {
      #expect(!line.contains(".replacing("), "\(file): \(line)")
      #expect(!line.contains("replacingOccurrences("), "\(file): \(line)")
    }
  }

  @Test("no file is longer than 500 lines")
  func length() throws {
    for target in try Self.package.get().targets {
      for file in try Self.sources(target) {
        let lines =
          try String(contentsOf: file, encoding: .utf8).split(
            separator: "\n", omittingEmptySubsequences: false
          ).count - 1
        #expect(lines <= 500, "\(file.path) has \(lines) lines")
      }
    }
  }
}
