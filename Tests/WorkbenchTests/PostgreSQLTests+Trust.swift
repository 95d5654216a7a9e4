import Foundation
import TestSupport
import Testing

/// What others who reach the database may change, and what they may see.
extension PostgreSQLTests {
  @Test(
    "rows that were edited in the database are noticed before they answer",
    arguments: [
      "UPDATE week.requests SET input_tokens = input_tokens + 1 WHERE request_id = 7",
      "UPDATE week.hardware SET credits_micro_per_hour = 5", "UPDATE week.models SET provider = 'x'",
      "DELETE FROM week.requests WHERE request_id = 7",
    ])
  func editedRows(_ edit: String) throws {
    let scratch = try Scratch()
    let server = try PostgreSQLServer(try #require(PostgreSQLServer.programs))
    let source = try FormatTests.source(scratch)
    #expect(try Program.run("convert", source, server.address("week"), "-q").status == 0)
    _ = try server.sql(edit)
    for arguments in [
      ["aggregate", server.address("week"), "--kind", "external"],
      ["convert", server.address("week"), scratch.file("out"), "-q"],
    ] {
      let outcome = try Program.command(Program.path, arguments)
      #expect(outcome.status == 65 && outcome.error.contains("manifest"), "\(arguments): \(outcome.error)")
    }
    #expect(!FileManager.default.fileExists(atPath: scratch.file("out")))
  }

  @Test("the password of an address is in nothing that others may see: output, messages, files")
  func passwords() throws {
    let scratch = try Scratch()
    let server = try PostgreSQLServer(try #require(PostgreSQLServer.programs))
    let source = try FormatTests.source(scratch)
    let address = server.address("week").replacing("qa@", with: "qa:SECRET@") + "&password=SECRET"
    let mapping = try scratch.write(
      "map.yaml",
      "workbenchMapping: 1\naccount: { name: a }\ncolumns: { arrivedAt: arrived_at, model: version, kind: { constant: external } }\n"
    )
    let commands: [(arguments: [String], status: Int32)] = [
      (["convert", source, address], 0), (["convert", source, address], 73), (["validate", address], 0),
      (["aggregate", address, "--kind", "external"], 0), (["compare", source, address, "--what", "data"], 0),
      (["compare", source, address, "--what", "data", "--json"], 0),
      (["compare", source, address, "--what", "data", "--junit", scratch.file("junit.xml")], 0),
      (["merge", address, address, "-o", scratch.file("merged")], 65),
      (["convert", address, scratch.file("back")], 0),
      (["fit", address, "-o", scratch.file("fit.yaml"), "--report", scratch.file("fit.html")], 0),
      (["fixture", address, "-o", scratch.file("fixture")], 0),
      (
        [
          "import", "table", address + "&table=requests", "--mapping", mapping, "-o",
          scratch.file("imported"),
        ], 0
      ),
      (["push", source, address], 0), (["pull", address], 0),
      (["aggregate", address.replacing(":\(server.port)", with: ":1")], 66),
    ]
    for (arguments, status) in commands {
      let outcome = try Program.command(Program.path, arguments)
      #expect(outcome.status == status, "\(arguments): \(outcome.error)")
      let said = outcome.output + outcome.error
      #expect(!said.contains("SECRET"), "\(arguments[0]): \(said)")
    }
    for name in try FileManager.default.subpathsOfDirectory(atPath: scratch.path) {
      let data = FileManager.default.contents(atPath: scratch.file(name)) ?? Data()
      #expect(data.firstRange(of: Data("SECRET".utf8)) == nil, "\(name)")
    }
  }

  @Test(
    "a damaged plan is not pushed, and never over a sound one; a plan that lost a file in the home is not pulled"
  )
  func plans() throws {
    let scratch = try Scratch()
    let server = try PostgreSQLServer(try #require(PostgreSQLServer.programs))
    let home = Self.home(server)
    try scratch.write("z.yaml", IntegrityTests.plan)
    let plan = scratch.file("plan")
    let made = try Program.run(
      "plan", scratch.file("z.yaml"), "--vary", "load.scale=1,2", "--replications", "3", "--warm-up", "none",
      "-q",
      "-o", plan)
    #expect(made.status == 0, "\(made.error)")
    #expect(try Program.run("push", plan, home, "-q", "--note", "one").status == 0)
    #expect(try Program.run("push", plan, home, "-q", "--note", "two").status == 0)
    #expect(try Program.run("push", plan, home, "-q").status == 0)
    #expect(try server.sql("SELECT note FROM workbench.runs") == "two\n")
    let runs = try FileManager.default.contentsOfDirectory(atPath: plan + "/runs").sorted()
    #expect(runs.count == 2)
    func damaged(_ number: Int, _ change: (String) throws -> Void) throws {
      let copy = scratch.file("copy\(number)")
      try FileManager.default.copyItem(atPath: plan, toPath: copy)
      try change(copy)
      let pushed = try Program.run("push", copy, home)
      #expect(
        pushed.status == 65 && pushed.error.contains("copy\(number)/"), "\(pushed.output)\(pushed.error)")
    }
    func flip(_ path: String) throws {
      var data = try Data(contentsOf: URL(fileURLWithPath: path))
      data[data.count / 2] ^= 1
      try data.write(to: URL(fileURLWithPath: path))
    }
    try damaged(1) { try flip($0 + "/replications.csv") }
    try damaged(2) { try flip($0 + "/runs/\(runs[0])/rollups/a.rollups") }
    try damaged(3) { try flip($0 + "/runs/\(runs[1])/manifest.json") }
    try damaged(4) { try FileManager.default.removeItem(atPath: $0 + "/runs/\(runs[1])") }
    try damaged(5) { copy in
      let path = copy + "/plan.json"
      let text = try String(contentsOfFile: path, encoding: .utf8)
      try text.replacing("\"seed\" : 7", with: "\"seed\" : 5").write(
        toFile: path, atomically: true, encoding: .utf8)
    }
    let id = try Self.only(server)
    #expect(try Program.run("pull", home, id, "-o", scratch.file("back"), "-q").status == 0)
    #expect(try TaskTests.differences(plan, scratch.file("back")) == "")
    _ = try server.sql("DELETE FROM workbench.files WHERE path LIKE 'runs/\(runs[1])/%'")
    let lost = try Program.run("pull", home, id, "-o", scratch.file("lost"), "-q")
    #expect(
      lost.status == 65 && !FileManager.default.fileExists(atPath: scratch.file("lost")), "\(lost.error)")
    #expect(try Program.run("push", plan, home, "-q").status == 0)
    #expect(try Program.run("pull", home, id, "-o", scratch.file("again"), "-q").status == 0)
    // A server shows no run that is not the plan's.
    try flip(scratch.file("again/runs/\(runs[0])/manifest.json"))
    let served = try Program.run("serve", scratch.file("again"), "--port", "0")
    #expect(served.status == 65 && served.error.contains("manifest"), "\(served.error)")
  }
}
