import Datasets
import Foundation
import TestSupport
import Testing

/// What a statement may touch, whatever it says: the directory that it runs in and the files that are linked
/// there.
@Suite("DuckDB is shut in")
struct DuckDBTests {
  struct Attempt: Sendable, CustomTestStringConvertible {
    /// OUTSIDE is a directory with a file secret.csv, NAME a name that nothing has.
    var statement: String
    var words: String
    var testDescription: String { statement }
  }

  static let attempts: [Attempt] = [
    .init(statement: "COPY (SELECT 1) TO '../NAME.csv';", words: "Permission Error"),
    .init(statement: "COPY (SELECT 1) TO 'OUTSIDE/x.csv';", words: "Permission Error"),
    .init(statement: "ATTACH 'OUTSIDE/x.db';", words: "Permission Error"),
    .init(statement: "EXPORT DATABASE 'OUTSIDE/x';", words: "Permission Error"),
    .init(statement: "SELECT * FROM read_csv('/etc/passwd');", words: "Permission Error"),
    .init(statement: "SELECT * FROM read_csv('OUTSIDE/secret.csv');", words: "Permission Error"),
    .init(statement: "SELECT * FROM read_text('OUTSIDE/secret.csv');", words: "Permission Error"),
    .init(statement: "SELECT * FROM glob('OUTSIDE/*');", words: "Permission Error"),
    .init(statement: "INSTALL httpfs;", words: "Permission Error"),
    .init(statement: "LOAD httpfs;", words: "Permission Error"),
    .init(statement: "SELECT getenv('HOME');", words: "Permission Error"),
    .init(statement: "SET enable_external_access = true;", words: "locked"),
    .init(statement: "SET allowed_directories = ['/'];", words: "locked"),
    .init(statement: "RESET lock_configuration;", words: "locked"),
    .init(statement: "SELECT 1;\n.shell touch OUTSIDE/x", words: "starts with a dot"),
    .init(statement: "SELECT 1;\n.output OUTSIDE/x\nSELECT 1;", words: "starts with a dot"),
  ]

  @Test("a statement reaches nothing outside, fetches nothing and changes no setting", arguments: attempts)
  func refused(attempt: Attempt) throws {
    let outside = try Scratch()
    try outside.write("secret.csv", "a\n7\n")
    let scratch = try ScratchDirectory()
    let name = UUID().uuidString
    let statement = attempt.statement.replacing("OUTSIDE", with: outside.path).replacing("NAME", with: name)
    let error = #expect(throws: DatasetError.self) {
      try DuckDB.run(statement, in: scratch, path: "telemetry")
    }
    #expect(error?.description.contains(attempt.words) == true, "\(error?.description ?? "")")
    #expect(try outside.entries() == ["secret.csv"])
    #expect(!FileManager.default.fileExists(atPath: "\(scratch.path)/../\(name).csv"))
  }

  @Test("it reads and writes in its directory, and reads what a link there leads to, by the link alone")
  func inside() throws {
    let outside = try Scratch()
    let file = try outside.write("linked.csv", "a\n7\n")
    try outside.write("secret.csv", "a\n8\n")
    let scratch = try ScratchDirectory()
    try scratch.link(file, as: "link.csv")
    let output = try DuckDB.run(
      "COPY (SELECT a + 1 AS a FROM read_csv('link.csv')) TO 'made.csv'; SELECT a FROM read_csv('made.csv');",
      in: scratch, path: "telemetry")
    #expect(String(decoding: output, as: UTF8.self) == "8\n")
    // A link that nobody made for it leads nowhere.
    try FileManager.default.createSymbolicLink(
      atPath: "\(scratch.path)/other.csv", withDestinationPath: outside.file("secret.csv"))
    #expect(throws: DatasetError.self) {
      try DuckDB.run("SELECT a FROM read_csv('other.csv');", in: scratch, path: "telemetry")
    }
  }

  @Test("two have two directories, and neither reaches the other's")
  func two() throws {
    let (one, two) = (try ScratchDirectory(), try ScratchDirectory())
    #expect(one.path != two.path)
    try one.write("a\n7\n".utf8, as: "mine.csv")
    let place = "../\(URL(fileURLWithPath: one.path).lastPathComponent)/mine.csv"
    for path in [place, "\(one.path)/mine.csv"] {
      #expect(throws: DatasetError.self, "\(path)") {
        try DuckDB.run("SELECT a FROM read_csv('\(path)');", in: two, path: "telemetry")
      }
    }
    #expect(
      try DuckDB.run("SELECT a FROM read_csv('mine.csv');", in: one, path: "telemetry") == Data("7\n".utf8))
  }
}
