import Foundation

/// The DuckDB command line as a child process: it reads and writes Parquet, and is the second opinion of `validate`.
package enum DuckDB {
  /// Where it is: `WORKBENCH_DUCKDB`, the PATH, or `.venv/bin` here.
  /// - Throws: `NotFoundError` that says how to install it.
  package static func executable() throws -> String {
    let environment = ProcessInfo.processInfo.environment
    if let given = environment["WORKBENCH_DUCKDB"], !given.isEmpty {
      if FileManager.default.isExecutableFile(atPath: given) { return given }
      throw NotFoundError(given, "WORKBENCH_DUCKDB names no program. Correct or unset it.")
    }
    let folders = (environment["PATH"] ?? "").split(separator: ":").map(String.init) + [".venv/bin"]
    if let found = folders.map({ "\($0)/duckdb" }).first(where: FileManager.default.isExecutableFile) {
      return found
    }
    throw NotFoundError(
      "duckdb",
      "the DuckDB command line is not installed. Install it: python3 -m venv .venv && .venv/bin/pip install duckdb-cli"
    )
  }

  package static func quoted(_ text: String) -> String { "'" + text.replacing("'", with: "''") + "'" }

  /// Runs SQL and returns what it prints.
  /// - Parameters:
  ///   - path: what messages are about.
  ///   - database: a file; in memory without one.
  package static func run(_ sql: String, database: String? = nil, path: String) throws -> Data {
    let child = try DuckDBProcess(sql, database: database, path: path, reads: false, writes: true)
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
  private let process = Process()
  private let path: String
  private let input = Pipe()
  private let output = Pipe()
  private let script: URL
  private let errors: URL
  private let isInput: Bool
  private var writer: DescriptorSink?
  private var hasEnded = false

  init(_ sql: String, database: String? = nil, path: String, reads: Bool, writes: Bool) throws {
    self.path = path
    isInput = reads
    process.executableURL = URL(fileURLWithPath: try DuckDB.executable())
    // From a file: an argument has 128 KiB at the most.
    script = FileManager.default.temporaryDirectory.appendingPathComponent(
      "workbench-duckdb-\(UUID().uuidString).sql")
    errors = script.appendingPathExtension("log")
    guard FileManager.default.createFile(atPath: script.path, contents: Data(sql.utf8)),
      FileManager.default.createFile(atPath: errors.path, contents: nil)
    else { throw OutputError(script.path, "cannot create the file.") }
    // -no-init: nobody's own settings.
    process.arguments =
      ["-no-init", "-batch", "-bail", "-noheader", "-list"] + (database.map { [$0] } ?? []) + [
        "-f", script.path,
      ]
    process.standardError = try FileHandle(forWritingTo: errors)
    process.standardInput = reads ? input : FileHandle.nullDevice
    process.standardOutput = writes ? output : FileHandle.nullDevice
    do { try process.run() } catch {
      throw OutputError("duckdb", "cannot be started: \(error.localizedDescription).")
    }
    Unfinished.shared.add(process: process.processIdentifier)
    if reads { writer = DescriptorSink(dup(input.fileHandleForWriting.fileDescriptor), path: path) }
    if reads { try input.fileHandleForWriting.close() }
  }

  deinit {
    if process.isRunning {
      process.terminate()
      process.waitUntilExit()
    }
    Unfinished.shared.remove(process: process.processIdentifier)
    unlink(errors.path)
    unlink(script.path)
  }

  private func finish() throws {
    guard !hasEnded else { return }
    hasEnded = true
    process.waitUntilExit()
    Unfinished.shared.remove(process: process.processIdentifier)
    guard process.terminationStatus == 0 else {
      let said = String(decoding: FileManager.default.contents(atPath: errors.path) ?? Data(), as: UTF8.self)
      let line =
        said.split(whereSeparator: \.isNewline).first { !$0.isEmpty } ?? "status \(process.terminationStatus)"
      throw isInput
        ? OutputError(path, "DuckDB: \(line)") as any Error : DatasetError(path, "DuckDB: \(line)")
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
