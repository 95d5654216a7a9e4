import Foundation
import TestSupport
import Testing

/// The program as a user runs it.
enum Program {
  struct Outcome {
    var status: Int32
    var output: String
    var error: String
  }

  /// The binary of the same build as the tests, or the one that `WORKBENCH` names.
  static let path: String = {
    if let given = ProcessInfo.processInfo.environment["WORKBENCH"], !given.isEmpty { return given }
    return URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
      .deletingLastPathComponent()
      .appendingPathComponent("workbench").path
  }()

  @discardableResult
  static func run(
    _ arguments: String..., input: String? = nil, in folder: String? = nil,
    interruptAfter seconds: Double? = nil, with signal: Int32 = SIGINT
  )
    throws -> Outcome
  {
    try command(path, arguments, input: input, in: folder, interruptAfter: seconds, with: signal)
  }

  /// - Parameter interruptWhen: asked repeatedly while the program runs, for at most a minute.
  static func command(
    _ executable: String, _ arguments: [String], input: String? = nil, in folder: String? = nil,
    interruptAfter seconds: Double? = nil, interruptWhen isTime: (() -> Bool)? = nil,
    with signal: Int32 = SIGINT
  ) throws -> Outcome {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: executable)
    process.arguments = arguments
    if let folder { process.currentDirectoryURL = URL(fileURLWithPath: folder) }
    // Files, not pipes: nothing to drain, nothing to block.
    let scratch = FileManager.default.temporaryDirectory.appendingPathComponent(
      "workbench-io-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: scratch) }
    let files = ["out", "err"].map { scratch.appendingPathComponent($0) }
    for file in files { _ = FileManager.default.createFile(atPath: file.path, contents: nil) }
    process.standardOutput = try FileHandle(forWritingTo: files[0])
    process.standardError = try FileHandle(forWritingTo: files[1])
    process.standardInput = FileHandle.nullDevice
    try process.run()
    if let seconds {
      Thread.sleep(forTimeInterval: seconds)
      kill(process.processIdentifier, signal)
    }
    if let isTime {
      for _ in 0..<3000 where process.isRunning {
        if isTime() {
          kill(process.processIdentifier, signal)
          break
        }
        Thread.sleep(forTimeInterval: 0.02)
      }
    }
    process.waitUntilExit()
    let texts = try files.map { String(decoding: try Data(contentsOf: $0), as: UTF8.self) }
    return Outcome(
      status: process.terminationReason == .exit
        ? process.terminationStatus : 128 + process.terminationStatus, output: texts[0],
      error: texts[1])
  }
}
