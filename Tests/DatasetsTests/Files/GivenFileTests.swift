import Datasets
import Foundation
import TestSupport
import Testing

@Suite("Files that somebody names")
struct GivenFileTests {
  private func error(_ body: () throws -> Void) -> String {
    do {
      try body()
      return ""
    } catch {
      return "\(error)"
    }
  }

  private func pipe(_ scratch: Scratch, _ name: String) throws -> String {
    let path = scratch.file(name)
    try #require(mkfifo(path, 0o600) == 0)
    return path
  }

  @Test(
    "a device that never ends, a directory and a pipe without a writer are errors, at once",
    .timeLimit(.minutes(20)))
  func refused() throws {
    let scratch = try Scratch()
    #expect(error { _ = try GivenFile.contents("/dev/zero") }.contains("it is a device or a socket"))
    #expect(error { _ = try TraceFile(contentsOf: "/dev/zero") }.contains("it is a device or a socket"))
    #expect(error { _ = try GivenFile.document(scratch.path) }.contains("it is a directory"))
    #expect(error { _ = try GivenFile.document(scratch.file("none")) }.contains("there is no such file"))
    let silent = try pipe(scratch, "silent")
    #expect(error { _ = try GivenFile.document(silent) }.contains("into which nothing is written"))
  }

  @Test("a pipe that ends is read, and as often as a command asks", .timeLimit(.minutes(20)))
  func pipes() throws {
    let scratch = try Scratch()
    let path = try pipe(scratch, "pipe")
    let writer = Process()
    writer.executableURL = URL(fileURLWithPath: "/bin/sh")
    writer.arguments = ["-c", "{ printf one; sleep 1; printf two; } > \"$0\"", path]
    try writer.run()
    defer { writer.waitUntilExit() }
    for _ in 0..<2 { #expect(try GivenFile.document(path) == Data("onetwo".utf8)) }
  }

  @Test("what is read twice, a trace, cannot be a pipe; what never ends is bounded", .timeLimit(.minutes(20)))
  func bounds() throws {
    let scratch = try Scratch()
    let path = try pipe(scratch, "t.csv")
    #expect(error { _ = try TraceFile(contentsOf: path) }.contains("a trace is read more than once"))
    let endless = try scratch.write("large", Data(count: 2000))
    #expect(error { _ = try GivenFile.contents(endless, most: 1999) }.contains("more than"))
    #expect(try GivenFile.contents(endless, most: 2000).count == 2000)
  }
}
