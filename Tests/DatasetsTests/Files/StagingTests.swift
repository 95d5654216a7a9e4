import Datasets
import Foundation
import TestSupport
import Testing

/// Files and directories that appear whole or not at all.
@Suite("Staging")
struct StagingTests {
  static func manifest(_ seed: UInt64) -> Manifest {
    Manifest(
      program: "workbench", scenario: nil, seed: seed,
      period: .init(from: .init(microseconds: 0), to: .init(microseconds: 1)))
  }

  /// A run of three files that all say which it is.
  static func run(
    _ path: String, _ seed: UInt64, existing: StagedDirectory.Existing = .refused,
    watch: @escaping (StagedDirectory.Step) throws -> Void = { _ in }
  ) throws -> (StagedDirectory, RunDirectory) {
    let staged = try StagedDirectory(path, existing: existing)
    staged.watch = watch
    let run = try RunDirectory(staged, "", manifest(seed))
    for name in ["telemetry/requests.csv", "dashboard/acme/7d.json", "scenario.yaml"] {
      try run.write("\(seed)".utf8, as: name)
    }
    return (staged, run)
  }

  /// Which run there is under a name: all of its files, and no others, say so. `nil` for nothing.
  static func seed(of path: String) throws -> UInt64? {
    guard FileKind(of: path) != nil else { return nil }
    let manifest = try Manifest(contentsOf: path + "/manifest.json")
    let seed = try #require(manifest.seed)
    let files = try DirectoryEntry.all(in: path).filter { $0.kind != .directory }.map(\.name)
    #expect(files == ["dashboard/acme/7d.json", "manifest.json", "scenario.yaml", "telemetry/requests.csv"])
    for (name, hash) in manifest.files {
      let file = try ContainedPath(name, in: path)
      #expect(try file.contents() == Data("\(seed)".utf8))
      #expect(try file.digest().sha256 == hash)
    }
    return seed
  }

  struct Killed: Error {}

  @Test(
    "a program killed after any step leaves the old run or the new one, whole, and does not stand in the next one's way",
    arguments: StagedDirectory.Step.allCases, [true, false])
  func killed(step: StagedDirectory.Step, replaces: Bool) throws {
    let scratch = try Scratch()
    let path = scratch.file("run")
    if replaces { try Self.run(path, 1).1.finish() }
    let (staged, run) = try Self.run(path, 2, existing: .runReplaced) { if $0 == step { throw Killed() } }
    // As after kill -9, nobody cleans up: the object lives on.
    _ = Unmanaged.passRetained(staged)
    if step != .created { #expect(throws: Killed.self) { try run.finish() } }
    let isNamed = [.named, .nameSynced, .oldDeleted].contains(step)
    #expect(try Self.seed(of: path) == (isNamed ? 2 : replaces ? 1 : nil))
    let left = try scratch.entries().filter { $0 != "run" }
    #expect(left.allSatisfy { $0.hasPrefix(".run.partial-") })
    let before = try left.map { try DirectoryEntry.all(in: scratch.file($0)).map(\.name) }
    try Self.run(path, 3, existing: .runReplaced).1.finish()
    #expect(try Self.seed(of: path) == 3)
    // What the killed one left is neither used nor deleted.
    #expect(try left.map { try DirectoryEntry.all(in: scratch.file($0)).map(\.name) } == before)
    Unfinished.shared.remove(staged.path, deleting: true)
  }

  @Test("two of one process id share nothing; one gets the name, the other an error")
  func twoWriters() throws {
    let scratch = try Scratch()
    let path = scratch.file("run")
    let (first, one) = try Self.run(path, 1)
    let (second, other) = try Self.run(path, 2)
    #expect(first.path != second.path)
    try other.finish()
    #expect(throws: OutputError.self) { try one.finish() }
    #expect(try Self.seed(of: path) == 2)
  }

  @Test("of two that replace a run, the second does not replace the first's", arguments: [false, true])
  func overtaken(byAHair: Bool) throws {
    let scratch = try Scratch()
    let path = scratch.file("run")
    try Self.run(path, 1).1.finish()
    let (_, second) = try Self.run(path, 3, existing: .runReplaced) { step in
      if byAHair, step == .synced { try Self.run(path, 2, existing: .runReplaced).1.finish() }
    }
    if !byAHair { try Self.run(path, 2, existing: .runReplaced).1.finish() }
    #expect(throws: OutputError.self) { try second.finish() }
    #expect(try Self.seed(of: path) == 2)
  }

  @Test("eight threads that write to one name: one run, seven errors, no mixture, nothing left")
  func manyWriters() throws {
    let scratch = try Scratch()
    for (name, existing) in [("new", StagedDirectory.Existing.refused), ("old", .runReplaced)] {
      let path = scratch.file(name)
      if existing == .runReplaced { try Self.run(path, 99).1.finish() }
      let runs = Shared<RunDirectory?>()
      for index in 0..<8 { runs.values[index] = try Self.run(path, UInt64(index), existing: existing).1 }
      let errors = Shared<Bool>()
      DispatchQueue.concurrentPerform(iterations: 8) { index in
        let run = runs.lock.withLock { runs.values[index] ?? nil }
        do {
          try run?.finish()
        } catch { errors.lock.withLock { errors.values[index] = true } }
      }
      runs.values = [:]
      #expect(errors.values.count == 7)
      let winner = try #require(try Self.seed(of: path))
      #expect((0..<8).contains(winner))
    }
    #expect(try scratch.entries() == ["new", "old"])
  }

  private final class Shared<Value>: @unchecked Sendable {
    let lock = NSLock()
    var values: [Int: Value] = [:]
  }

  @Test("without a name from the user, the second of two gets the next number")
  func numbered() throws {
    let scratch = try Scratch()
    let path = scratch.file("run")
    let (_, one) = try Self.run(path, 1, existing: .numbered)
    let (_, other) = try Self.run(path, 2, existing: .numbered)
    try one.finish()
    try other.finish()
    #expect(one.finalPath == path && other.finalPath == path + "-2")
    #expect(try Self.seed(of: path) == 1 && Self.seed(of: path + "-2") == 2)
  }

  @Test("a file system without renameat2 gets the same results by other calls")
  func withoutFlags() throws {
    let scratch = try Scratch()
    let path = scratch.file("run")
    try Self.run(path, 1).1.finish()
    let (staged, run) = try Self.run(path, 2, existing: .runReplaced)
    try staged.write(try run.manifest.json(), as: "manifest.json")
    let old = try ReplaceableRun(path)
    let aside = try staged.exchangeByRenaming(old)
    #expect(try Self.seed(of: path) == 2 && Self.seed(of: aside) == 1)
    let name = try FinalName(scratch.file("file"))
    try scratch.write("staged", "x")
    try name.takeWithoutFlags(scratch.file("staged"), isDirectory: false)
    try scratch.write("staged", "y")
    #expect(throws: OutputError.self) {
      try name.takeWithoutFlags(scratch.file("staged"), isDirectory: false)
    }
    #expect(try ContainedPath(ofFile: scratch.file("file")).contents() == Data("x".utf8))
    #expect(throws: OutputError.self) { try name.takeWithoutFlags(path, isDirectory: true) }
  }

  static let additions: [(String, @Sendable (Scratch) throws -> Void)] = [
    ("run/notes.txt", { try $0.write("run/notes.txt", "precious") }),
    ("run/.hidden", { try $0.write("run/.hidden", "precious") }),
    ("run/telemetry/mine.csv", { try $0.write("run/telemetry/mine.csv", "precious") }),
    ("run/empty", { mkdir($0.file("run/empty"), 0o755) }),
    ("run/pipe", { mkfifo($0.file("run/pipe"), 0o644) }),
    ("run/link", { symlink("scenario.yaml", $0.file("run/link")) }),
    (
      "run/scenario.yaml",
      {
        unlink($0.file("run/scenario.yaml"))
        symlink("/etc/hostname", $0.file("run/scenario.yaml"))
      }
    ),
    (
      "run/scenario.yaml/x",
      {
        unlink($0.file("run/scenario.yaml"))
        mkdir($0.file("run/scenario.yaml"), 0o755)
        try $0.write("run/scenario.yaml/x", "precious")
      }
    ),
  ]

  @Test("a run with something in it that is not the run's is not replaced", arguments: 0..<8, [false, true])
  func foreign(index: Int, comesLater: Bool) throws {
    let scratch = try Scratch()
    try Self.run(scratch.file("run"), 1).1.finish()
    let (name, add) = Self.additions[index]
    if !comesLater { try add(scratch) }
    let before = comesLater ? nil : try DirectoryEntry.all(in: scratch.path).map(\.name)
    do {
      let (_, run) = try Self.run(scratch.file("run"), 2, existing: .runReplaced)
      if comesLater { try add(scratch) }
      try run.finish()
      Issue.record("replaced")
    } catch let error as OutputError {
      let first = name.hasSuffix("/x") ? "scenario.yaml" : String(name.dropFirst(4))
      #expect(error.description.contains("\"\(first)\""))
    }
    #expect(FileKind(of: scratch.file(name)) != nil)
    #expect(try scratch.entries() == ["run"])
    if let before { #expect(try DirectoryEntry.all(in: scratch.path).map(\.name) == before) }
  }

  @Test(
    "what is no run is not replaced",
    arguments: [
      "{}", "{\"name\": \"my app\", \"icons\": [], \"start_url\": \".\"}", "[]", "", "{\"format\": 2}",
      "{\"format\": 1, \"program\": \"x\"}",
    ])
  func foreignManifest(text: String) throws {
    let scratch = try Scratch()
    mkdir(scratch.file("app"), 0o755)
    try scratch.write("app/manifest.json", text)
    #expect(throws: OutputError.self) { try Self.run(scratch.file("app"), 1, existing: .runReplaced) }
    // Nor through a link, whose target would stay behind without its name.
    try Self.run(scratch.file("run"), 1).1.finish()
    symlink("run", scratch.file("latest"))
    #expect(throws: OutputError.self) { try Self.run(scratch.file("latest"), 1, existing: .runReplaced) }
    #expect(try scratch.entries() == ["app", "latest", "run"])
  }

  @Test(
    "a name that cannot be written is refused at once",
    arguments: [
      "", "/", ".", "..", "a/..", "x\u{0}y", String(repeating: "n", count: 256),
      String(repeating: "d/", count: 1600) + "x",
    ])
  func impossible(name: String) throws {
    #expect(throws: OutputError.self) { try StagedDirectory(name) }
    #expect(throws: OutputError.self) { try StagedPath(name) }
  }

  @Test("the longest name that there is can be written")
  func longest() throws {
    let scratch = try Scratch()
    for name in [String(repeating: "n", count: 255), String(repeating: "日", count: 85)] {
      let staged = try StagedDirectory(scratch.file(name))
      try staged.write("x".utf8, as: String(repeating: "f", count: 255))
      try staged.finish()
      let file = try OutputFile(scratch.file("\(name.dropLast())f"))
      try file.write("x".utf8)
      try file.close()
    }
    #expect(try scratch.entries().count == 4)
  }

  @Test(
    "nothing of a directory in the making lies outside of it",
    arguments: ["../x", "/x", "a/../../x", "a//b", ""])
  func inside(name: String) throws {
    let scratch = try Scratch()
    let staged = try StagedDirectory(scratch.file("run"))
    #expect(throws: OutputError.self) { try staged.write("x".utf8, as: name) }
    #expect(throws: OutputError.self) { try ScratchDirectory().write("x".utf8, as: name) }
  }

  @Test("a file is refused, replaced or kept if it is the same")
  func files() throws {
    let scratch = try Scratch()
    let path = scratch.file("file")
    func write(_ text: String, _ existing: StagedPath.Existing) throws {
      let file = try OutputFile(path, existing: existing)
      try file.write(text.utf8)
      try file.close()
    }
    func text() throws -> String { try String(contentsOfFile: path, encoding: .utf8) }
    try write("one", .refused)
    #expect(throws: OutputError.self) { try write("two", .refused) }
    try write("one", .keptIfSame)
    #expect(throws: OutputError.self) { try write("two", .keptIfSame) }
    #expect(try text() == "one")
    try write("two", .replaced)
    #expect(try text() == "two")
    mkdir(scratch.file("folder"), 0o755)
    #expect(throws: OutputError.self) { try OutputFile(scratch.file("folder"), existing: .replaced) }
    // A link that leads nowhere is something.
    symlink("absent", scratch.file("dangling"))
    #expect(throws: OutputError.self) { try OutputFile(scratch.file("dangling")) }
    #expect(try scratch.entries() == ["dangling", "file", "folder"])
  }

  @Test("what is written has the permissions that the user's mask says")
  func permissions() throws {
    let scratch = try Scratch()
    let (_, run) = try Self.run(scratch.file("run"), 1)
    try run.finish()
    let mask = umask(0o22)
    umask(mask)
    for (name, mode) in [("run", 0o777), ("run/telemetry", 0o777), ("run/manifest.json", 0o666)] {
      var status = stat()
      #expect(stat(scratch.file(name), &status) == 0)
      #expect(status.st_mode & 0o7777 == mode_t(mode) & ~mask, "\(name)")
    }
  }

  @Test("many files are put on the disk together, few one by one", arguments: [3, 200])
  func manyFiles(count: Int) throws {
    let scratch = try Scratch()
    let staged = try StagedDirectory(scratch.file("many"))
    for index in 0..<count { try staged.write("\(index)".utf8, as: "folder/\(index)") }
    try staged.finish()
    #expect(try DirectoryEntry.all(in: scratch.file("many")).count == count + 1)
  }
}
