import Foundation
import Telemetry

/// The DuckDB command line as a child process: it reads and writes Parquet, and carries out the independent
/// recomputation of `validate`.
///
/// What it runs is a script that holds no text from outside but the paths that it may open: values go through files,
/// and files are links in a directory of its own, so that a path is never a pattern. It may open nothing else, and
/// reads no user's settings.
package enum DuckDB {
  /// Where it is: what `WORKBENCH_DUCKDB` names, on the PATH, beside this program, in the `.venv` of the checkout that
  /// this program was built in, or in `~/.local/bin`. Never in the current directory, which may be somebody else's.
  /// - Returns: its absolute path.
  /// - Throws: `NotFoundError` that says how to install it.
  package static func executable() throws -> String {
    let environment = ProcessInfo.processInfo.environment
    if let given = environment["WORKBENCH_DUCKDB"], !given.isEmpty {
      let path = URL(fileURLWithPath: given).path
      if FileManager.default.isExecutableFile(atPath: path) { return path }
      throw NotFoundError(given, "WORKBENCH_DUCKDB does not name a program. Correct or unset it.")
    }
    let path = (environment["PATH"] ?? "").utf8.split(separator: UInt8(ascii: ":"))
      .filter { $0.first == UInt8(ascii: "/") }.map { String(Substring($0)) }
    let home = environment["HOME"].flatMap { $0.utf8.first == UInt8(ascii: "/") ? ["\($0)/.local/bin"] : nil }
    if let found = (path + foldersOfProgram + (home ?? [])).map({ "\($0)/duckdb" })
      .first(where: FileManager.default.isExecutableFile)
    {
      return found
    }
    throw NotFoundError(
      "duckdb", "the DuckDB command line is not installed. Install it: \(installation(path))")
  }

  /// What installs it: the command that a package brings, which may not be on the PATH, or a Python environment in a
  /// checkout.
  private static func installation(_ path: [String]) -> String {
    let command = "workbench-install-duckdb"
    guard let folder = foldersOfProgram.first,
      FileManager.default.isExecutableFile(atPath: "\(folder)/\(command)")
    else { return "python3 -m venv .venv && .venv/bin/pip install duckdb-cli" }
    return path.contains(folder) ? command : "\(folder)/\(command)"
  }

  /// Beside the running program, and `.venv/bin` of the checkout around it, if it lies in one.
  private static var foldersOfProgram: [String] {
    guard let program = Program.executable else { return [] }
    let folder = URL(fileURLWithPath: program).deletingLastPathComponent()
    let checkout = sequence(first: folder) { $0.path == "/" ? nil : $0.deletingLastPathComponent() }
      .first { FileManager.default.fileExists(atPath: $0.appendingPathComponent("Package.swift").path) }
    return [folder.path] + (checkout.map { ["\($0.path)/.venv/bin"] } ?? [])
  }

  /// Runs SQL and returns what it prints.
  /// - Parameters:
  ///   - scratch: the directory that it runs in, with the files that it reads.
  ///   - settings: such as `threads = 2`, made before the configuration is locked.
  ///   - database: the name of a file in the directory; in memory without one.
  ///   - path: what messages are about.
  package static func run(
    _ sql: String, in scratch: ScratchDirectory, settings: [String] = [], database: String? = nil,
    path: String
  ) throws -> Data {
    let child = try DuckDBProcess(
      sql, in: scratch, settings: settings, database: database, path: path, output: .piped)
    var output = Data()
    let chunk = UnsafeMutablePointer<UInt8>.allocate(capacity: 1 << 16)
    defer { chunk.deallocate() }
    while case let count = try child.read(into: chunk, capacity: 1 << 16), count > 0 {
      output.append(chunk, count: count)
    }
    return output
  }
}

/// A running DuckDB whose standard input we write, or whose standard output we read.
final class DuckDBProcess: ByteSource, ByteSink {
  enum Output {
    case discarded
    case piped
    /// `/dev/stdout` is this file, which must not exist yet.
    case file(String)
  }

  private let process: ChildProcess
  private let path: String
  /// What is read of its standard output, if it is piped; ours to close.
  private let output: Int32?
  private let scratch: ScratchDirectory
  private let errors: String
  private let isInput: Bool
  private var writer: DescriptorSink?
  private var hasEnded = false

  /// - Parameters:
  ///   - sql: our own statements, which contain nothing from outside.
  ///   - scratch: where it runs; a directory of its own without one.
  ///   - readsInput: whether `/dev/stdin` is what is written here.
  init(
    _ sql: String, in scratch: ScratchDirectory? = nil, settings: [String] = [], database: String? = nil,
    path: String, readsInput: Bool = false, output kind: Output
  ) throws {
    self.path = path
    isInput = readsInput
    let scratch = try scratch ?? ScratchDirectory()
    self.scratch = scratch
    // The command line takes a line that starts with a dot for a command of its own.
    let lines = sql.utf8.split(separator: UInt8(ascii: "\n"))
    guard !lines.contains(where: { $0.first == UInt8(ascii: ".") }) else {
      throw DatasetError(
        path, "DuckDB: a statement has a line that starts with a dot. This is a bug in the workbench.")
    }
    // DuckDB judges a link by where it leads.
    let allowed = ["/dev/stdin", "/dev/stdout"] + scratch.linkTargets
    let preamble =
      settings.map { "SET \($0);" } + [
        "SET autoinstall_known_extensions = false;", "SET autoload_known_extensions = false;",
        "SET temp_directory = 'spill';", "SET allowed_directories = ['.'];",
        "SET allowed_paths = [\(allowed.map { SQLText.literal($0, .duckDB) }.joined(separator: ", "))];",
        "SET enable_external_access = false;",
        "SET lock_configuration = true;", "",
      ]
    // From a file: an argument has at most 128 KiB.
    try scratch.write(Data((preamble.joined(separator: "\n") + sql).utf8), as: "script.sql")
    errors = try scratch.write(Data(), as: "errors.log")
    let program = try DuckDB.executable()
    // The home directory is for Python, which starts the command line where pip installed it for one user.
    var environment = ProcessInfo.processInfo.environment
      .filter { ["PATH", "HOME", "LD_LIBRARY_PATH"].contains($0.key) }
    environment["TZ"] = "UTC"
    var borrowed: [Int32] = []
    defer { for descriptor in borrowed { Foundation.close(descriptor) } }
    func opened(_ file: String, _ flags: Int32) throws -> ChildProcess.Stream {
      let descriptor = open(file, flags | O_WRONLY | O_CLOEXEC, 0o666)
      guard descriptor >= 0 else { throw OutputError(file, cannot: "open the file") }
      borrowed.append(descriptor)
      return .descriptor(descriptor)
    }
    var input = ChildProcess.Stream.null
    var writer: DescriptorSink?
    if readsInput {
      let ends = try ChildProcess.pipe(for: path)
      borrowed.append(ends.reading)
      input = .descriptor(ends.reading)
      writer = DescriptorSink(ends.writing, path: path)
    }
    let reports = try opened(errors, 0)
    var result = ChildProcess.Stream.null
    var reading: Int32?
    switch kind {
    case .discarded: break
    case .file(let file): result = try opened(file, O_CREAT | O_EXCL)
    case .piped:
      let ends = try ChildProcess.pipe(for: path)
      borrowed.append(ends.writing)
      result = .descriptor(ends.writing)
      reading = ends.reading
    }
    do {
      // -no-init: no user's settings.
      process = try ChildProcess(
        program,
        ["-no-init", "-batch", "-bail", "-noheader", "-list"] + (database.map { [$0] } ?? [])
          + ["-f", "script.sql"],
        environment: environment, in: scratch.path, input: input, output: result, errors: reports)
    } catch {
      if let reading { Foundation.close(reading) }
      throw error
    }
    output = reading
    self.writer = writer
  }

  deinit { if let output { Foundation.close(output) } }

  private func finish() throws {
    guard !hasEnded else { return }
    hasEnded = true
    let status = process.wait()
    guard status == 0 else {
      let said = FileManager.default.contents(atPath: errors) ?? Data()
      let line = said.split(separator: 0x0a).first.map { String(decoding: $0, as: UTF8.self) }
      let message = "DuckDB: \(line ?? "status \(status)")"
      throw isInput ? OutputError(path, message) as any Error : DatasetError(path, message)
    }
  }

  func read(into target: UnsafeMutablePointer<UInt8>, capacity: Int) throws -> Int {
    guard let output else { return 0 }
    while true {
      let count = Foundation.read(output, target, capacity)
      if count < 0, errno == EINTR { continue }
      if count < 0 {
        throw DatasetError(path, "cannot read from DuckDB: \(String(cString: strerror(errno))).")
      }
      if count == 0 { try finish() }
      return count
    }
  }

  var share: Double { 1 }

  func write(_ bytes: UnsafeRawBufferPointer) throws {
    do {
      try writer?.write(bytes)
    } catch {
      try finish()  // What DuckDB said is worth more than a broken pipe.
      throw error
    }
  }

  func close() throws {
    try writer?.close()
    writer = nil
    try finish()
  }
}
