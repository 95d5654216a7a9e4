import Foundation

/// The DuckDB command line as a child process: it reads and writes Parquet, and is the second opinion of `validate`.
///
/// What it runs is a script that holds no text from outside but the paths that it may open: values go through files, and
/// files are links in a directory of its own, so that a path is never a pattern. It may open nothing else, and reads nobody's settings.
package enum DuckDB {
  /// Where it is: `WORKBENCH_DUCKDB`, the PATH, or `.venv/bin` here.
  /// - Throws: `NotFoundError` that says how to install it.
  package static func executable() throws -> String {
    let environment = ProcessInfo.processInfo.environment
    if let given = environment["WORKBENCH_DUCKDB"], !given.isEmpty {
      if FileManager.default.isExecutableFile(atPath: given) { return given }
      throw NotFoundError(given, "WORKBENCH_DUCKDB names no program. Correct or unset it.")
    }
    let path = (environment["PATH"] ?? "").utf8.split(separator: UInt8(ascii: ":"))
    let folders = path.map { String(Substring($0)) } + [".venv/bin"]
    if let found = folders.map({ "\($0)/duckdb" }).first(where: FileManager.default.isExecutableFile) {
      return found
    }
    throw NotFoundError(
      "duckdb",
      "the DuckDB command line is not installed. Install it: python3 -m venv .venv && .venv/bin/pip install duckdb-cli"
    )
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
    let piece = UnsafeMutablePointer<UInt8>.allocate(capacity: 1 << 16)
    defer { piece.deallocate() }
    while case let count = try child.read(into: piece, capacity: 1 << 16), count > 0 {
      output.append(piece, count: count)
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

  private let process = Process()
  private let path: String
  private let input = Pipe()
  private let output = Pipe()
  private let scratch: ScratchDirectory
  private let errors: String
  private let isInput: Bool
  private var writer: DescriptorSink?
  private var hasEnded = false

  /// - Parameters:
  ///   - sql: statements of ours. Nothing from outside is part of them.
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
        path, "DuckDB: a statement has a line that starts with a dot. This is a fault of ours.")
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
    process.executableURL = URL(fileURLWithPath: try DuckDB.executable())
    process.currentDirectoryURL = URL(fileURLWithPath: scratch.path)
    // The home directory is for Python, which starts the command line where pip installed it for one user.
    let environment = ProcessInfo.processInfo.environment
    process.environment = environment.filter { ["PATH", "HOME", "LD_LIBRARY_PATH"].contains($0.key) }
    process.environment?["TZ"] = "UTC"
    // -no-init: no user's settings.
    process.arguments =
      ["-no-init", "-batch", "-bail", "-noheader", "-list"] + (database.map { [$0] } ?? [])
      + ["-f", "script.sql"]
    process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: errors))
    process.standardInput = readsInput ? input : FileHandle.nullDevice
    switch kind {
    case .discarded: process.standardOutput = FileHandle.nullDevice
    case .piped: process.standardOutput = output
    case .file(let file):
      let descriptor = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
      guard descriptor >= 0 else { throw OutputError(file, cannot: "create the file") }
      process.standardOutput = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    }
    do { try process.run() } catch {
      throw OutputError("duckdb", "cannot be started: \(error.localizedDescription).")
    }
    Unfinished.shared.add(process: process.processIdentifier)
    if readsInput { writer = DescriptorSink(dup(input.fileHandleForWriting.fileDescriptor), path: path) }
    if readsInput { try input.fileHandleForWriting.close() }
  }

  deinit {
    if process.isRunning {
      process.terminate()
      process.waitUntilExit()
    }
    Unfinished.shared.remove(process: process.processIdentifier)
  }

  private func finish() throws {
    guard !hasEnded else { return }
    hasEnded = true
    process.waitUntilExit()
    Unfinished.shared.remove(process: process.processIdentifier)
    guard process.terminationStatus == 0 else {
      let said = FileManager.default.contents(atPath: errors) ?? Data()
      let line = said.split(separator: 0x0a).first.map { String(decoding: $0, as: UTF8.self) }
      let message = "DuckDB: \(line ?? "status \(process.terminationStatus)")"
      throw isInput ? OutputError(path, message) as any Error : DatasetError(path, message)
    }
  }

  func read(into target: UnsafeMutablePointer<UInt8>, capacity: Int) throws -> Int {
    while true {
      let count = Foundation.read(output.fileHandleForReading.fileDescriptor, target, capacity)
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
