import Datasets
import Foundation
import TestSupport
import Testing

@Suite("Paths inside a directory")
struct ContainedPathTests {
  @Test(
    "a name that could lead elsewhere is none",
    arguments: [
      "", "/", "/etc/passwd", "..", "../x", "a/../x", "a/..", "./a", "a/.", "a//b", "a/", "a\u{0}b", "a\nb",
      "\u{7f}",
      String(repeating: "x", count: 256), String(repeating: "x/", count: 600) + "x",
    ])
  func refused(name: String) {
    #expect(throws: DatasetError.self) { try ContainedPath(name, in: "/tmp") }
  }

  @Test(
    "any other name is one, whatever dots it has",
    arguments: [
      "a", "a/b/c", "...", ".a", "a..b/c", "..a", "%2e%2e/x", "a\\..\\b", String(repeating: "x", count: 255),
    ])
  func taken(name: String) throws {
    #expect(try ContainedPath(name, in: "/tmp").path == "/tmp/\(name)")
  }

  @Test("a file's whole path is its directory and its name")
  func whole() throws {
    #expect(try ContainedPath(ofFile: "a").path == "a")
    #expect(try ContainedPath(ofFile: "/a").path == "/a")
    #expect(try ContainedPath(ofFile: "b/../a").directory == "b/..")
    #expect(throws: DatasetError.self) { try ContainedPath(ofFile: "a/..") }
    #expect(throws: DatasetError.self) { try ContainedPath(ofFile: "a/") }
  }

  @Test("a regular file is read, in whole, by its hash and as memory")
  func regular() throws {
    let scratch = try Scratch()
    mkdir(scratch.file("in"), 0o755)
    let text = Data((0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) })
    try scratch.write("in/file", text)
    try scratch.write("in/empty", "")
    let file = try ContainedPath("in/file", in: scratch.path)
    #expect(file.isFile)
    #expect(try file.contents() == text)
    #expect(try file.mapped() == text)
    #expect(try file.digest().bytes == 3_000_000)
    #expect(try file.digest().sha256 == FileDigest.sha256(of: file.path))
    #expect(throws: DatasetError.self) { try file.contents(most: 2_999_999) }
    let empty = try ContainedPath("in/empty", in: scratch.path)
    #expect(try empty.mapped() == Data() && empty.contents() == Data())
    #expect(throws: NotFoundError.self) { try ContainedPath("in/absent", in: scratch.path).contents() }
    #expect(throws: NotFoundError.self) { try ContainedPath("in/file/x", in: scratch.path).contents() }
  }

  @Test(
    "no link is followed, in the last place or before it; no pipe is waited for, no device opened",
    .timeLimit(.minutes(20)))
  func hostile() throws {
    let scratch = try Scratch()
    mkdir(scratch.file("run"), 0o755)
    mkdir(scratch.file("elsewhere"), 0o755)
    try scratch.write("elsewhere/secret", "secret")
    try scratch.write("run/own", "own")
    for (link, target) in [
      ("run/link", "../elsewhere/secret"), ("run/folder", "../elsewhere"), ("run/inside", "own"),
      ("run/zero", "/dev/zero"),
      ("run/nowhere", "absent"),
    ] { symlink(target, scratch.file(link)) }
    mkfifo(scratch.file("run/pipe"), 0o644)
    mkdir(scratch.file("run/directory"), 0o755)
    for name in ["link", "folder/secret", "inside", "zero", "nowhere", "pipe", "directory"] {
      let path = try ContainedPath(name, in: scratch.file("run"))
      #expect(!path.isFile, "\(name)")
      #expect(throws: DatasetError.self, "\(name)") { try path.contents() }
      #expect(throws: DatasetError.self, "\(name)") { try path.digest() }
      #expect(throws: DatasetError.self, "\(name)") { try path.mapped() }
    }
    #expect(throws: DatasetError.self) { try ContainedPath("zero", in: "/dev").contents() }
    // The directory itself is the user's own word.
    symlink("run", scratch.file("latest"))
    #expect(try ContainedPath("own", in: scratch.file("latest")).contents() == Data("own".utf8))
    // A listing names what is there, so that opening it can say what it is, and goes into no link.
    #expect(
      try ContainedPath.all(in: scratch.file("run")).map(\.name)
        == ["folder", "inside", "link", "nowhere", "own", "pipe", "zero"])
    #expect(try ContainedPath.folders(in: scratch.file("run")) == ["directory"])
    #expect(throws: DatasetError.self) { try ContainedPath.all(in: scratch.file("run"), under: "folder") }
  }

  @Test("of 20,000 names made of dangerous parts, every one that is taken stays inside")
  func property() throws {
    let parts = [
      "..", ".", "", "a", "/", "//", "\u{0}", "\u{600}/", "é", "e\u{301}", "\u{202e}", "~", "-", "*",
      "..\u{200d}",
    ]
    var random = SeededGenerator(state: 20)
    var taken = 0
    for _ in 0..<20_000 {
      let name = (0..<Int.random(in: 1...5, using: &random)).map { _ in
        parts.randomElement(using: &random) ?? ""
      }
      .joined(separator: Bool.random(using: &random) ? "/" : "")
      guard let path = try? ContainedPath(name, in: "/base/run") else { continue }
      taken += 1
      // By the rules of path resolution, on bytes: no component goes up.
      let components = path.path.utf8.split(separator: UInt8(ascii: "/")).map(Array.init)
      #expect(components.starts(with: [Array("base".utf8), Array("run".utf8)]))
      #expect(!components.contains(Array("..".utf8)) && !path.path.utf8.contains(0))
    }
    #expect(taken > 2000)
  }
}
