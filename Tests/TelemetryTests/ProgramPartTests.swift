import Foundation
import Telemetry
import TestSupport
import Testing

@Suite("Parts of the program")
struct ProgramPartTests {
  private let part = ProgramPart("Web", resourceOf: "DashboardServer", contents: "the files of the page")

  /// A folder like one that a package or a build leaves, with a program in it.
  private func installed(_ scratch: Scratch, _ program: String, _ folder: String) throws -> String {
    for directory in [
      scratch.file(folder), URL(fileURLWithPath: scratch.file(program)).deletingLastPathComponent().path,
    ] {
      try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    }
    return try scratch.write(program, "")
  }

  @Test(
    "a part lies beside the program as a build leaves it, or in share/workbench as a package does",
    arguments: [
      ("usr/bin/workbench", "usr/share/workbench/Web"),
      ("release/workbench", "release/workbench_DashboardServer.resources/Web"),
    ])
  func places(program: String, folder: String) throws {
    let scratch = try Scratch()
    let path = try installed(scratch, program, folder)
    #expect(try part.folder(ofProgramAt: path).path == scratch.file(folder))
  }

  @Test("a package's part is preferred to whatever lies beside its program")
  func preference() throws {
    let scratch = try Scratch()
    let path = try installed(scratch, "bin/workbench", "share/workbench/Web")
    _ = try installed(scratch, "bin/workbench", "bin/workbench_DashboardServer.resources/Web")
    #expect(try part.folder(ofProgramAt: path).path == scratch.file("share/workbench/Web"))
  }

  @Test("a missing part is one line that names it and both places, and the installation is at fault")
  func missing() throws {
    let scratch = try Scratch()
    let path = try installed(scratch, "bin/workbench", "share/workbench/Other")
    _ = try scratch.write("share/workbench/Web", "a file, not a folder")
    let error = try #require(throws: MissingPartError.self) { try part.folder(ofProgramAt: path) }
    #expect(error.kind == .installation)
    #expect(
      "\(error)" == """
        \(scratch.file("share/workbench/Web")): error: the files of the page are not there, nor in \
        \(scratch.file("bin/workbench_DashboardServer.resources/Web")). They are a part of the program: \
        install all of it again.
        """)
  }

  @Test("a missing file of a part is named, with the reason")
  func missingFile() throws {
    let scratch = try Scratch()
    try scratch.write("there.js", "1")
    let folder = URL(fileURLWithPath: scratch.path)
    #expect(try ProgramPart.file("there.js", in: folder) == Data("1".utf8))
    let error = try #require(throws: MissingPartError.self) { try ProgramPart.file("gone.js", in: folder) }
    #expect(
      "\(error)" == """
        \(scratch.file("gone.js")): error: this part of the program cannot be read: No such file or directory. \
        Install all of it again.
        """)
  }

  @Test("the running program knows its file, whatever it was called")
  func executable() throws {
    let program = try #require(Program.executable)
    #expect(FileManager.default.isExecutableFile(atPath: program))
    #expect(program == URL(fileURLWithPath: program).resolvingSymlinksInPath().path)
  }
}
