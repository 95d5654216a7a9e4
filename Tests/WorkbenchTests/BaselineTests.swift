import Foundation
import TestSupport
import Testing

@Suite("workbench baseline")
struct BaselineTests {
  @Test("the shipped scenarios still give their recorded results")
  func shipped() throws {
    let outcome = try Program.run("baseline", "check", in: repository(""))
    #expect(outcome.status == 0, "\(outcome.output)\(outcome.error)")
  }

  @Test("a changed scenario is told figure by figure; update keeps it, and removes what is gone")
  func change() throws {
    let scratch = try Scratch()
    try FileManager.default.createDirectory(
      atPath: scratch.file("Scenarios"), withIntermediateDirectories: false)
    func scenario(_ rate: String) throws {
      let text = try String(
        contentsOfFile: repository("Sources/Runs/Catalogue/silent-day.yaml"), encoding: .utf8)
      try scratch.write("Scenarios/quiet.yaml", text.replacing("rate: 4/h", with: "rate: \(rate)"))
    }
    try scenario("4/h")
    #expect(try Program.run("baseline", "check", in: scratch.path).status == 1)
    let first = try Program.run("baseline", "update", in: scratch.path)
    #expect(first.status == 0 && first.output.contains("quiet.json: new"), "\(first.error)")
    #expect(try Program.run("baseline", "check", in: scratch.path).status == 0)
    // A directory of one letter, which is new.
    #expect(try Program.run("baseline", "update", "--baselines", "B", in: scratch.path).status == 0)
    try scenario("5/h")
    let changed = try Program.run("baseline", "check", in: scratch.path)
    #expect(
      changed.status == 1 && changed.output.contains("dashboards.acme/external-")
        && changed.output.contains("baseline update"), "\(changed.output)")
    // A figure once, whatever the number of periods; hashes last.
    let lines = changed.output.split(separator: "\n")
    #expect(lines.count { $0.contains(".requests.totalRequests") } == 1, "\(changed.output)")
    #expect(lines.contains { $0.contains(".requests.totalRequests (and ") })
    let all = try Program.run("baseline", "check", "--most", "1000", in: scratch.path).output
    let order = all.split(separator: "\n").map { $0.contains("  hashes.") }
    let hash = try #require(order.firstIndex(of: true))
    #expect(!order[..<hash].isEmpty && all.contains("dashboards.") && !all.contains(" more ("), "\(all)")
    #expect(all.ranges(of: "dashboards.").allSatisfy { $0.lowerBound < all.range(of: "hashes.")!.lowerBound })
    // Within tolerances, by the paths of a dashboard; hashes are not compared then.
    try scratch.write("loose.yaml", "workbenchTolerances: 1\nrules: [ { path: '**', relative: 90% } ]\n")
    try scratch.write(
      "tight.yaml", "workbenchTolerances: 1\nrules: [ { path: 'tokens.**', relative: 90% } ]\n")
    let loose = try Program.run(
      "baseline", "check", "--tolerances", "loose.yaml", "--html", "b.html", in: scratch.path)
    #expect(loose.status == 0 && loose.output.contains("Hashes were not compared"), "\(loose.output)")
    #expect(
      try String(contentsOfFile: scratch.file("b.html"), encoding: .utf8).contains("id=\"differences\""))
    let tight = try Program.run("baseline", "check", "--tolerances", "tight.yaml", in: scratch.path)
    #expect(tight.status == 1, "\(tight.output)")
    #expect(tight.output.contains("quiet/acme/external-7d: requests.totalRequests"), "\(tight.output)")
    #expect(!tight.output.contains("hashes.") && !tight.output.contains(": tokens."))
    let reported = try Program.run(
      "baseline", "check", "--junit", scratch.file("b.xml"), "--github", in: scratch.path)
    #expect(reported.status == 1 && reported.output.contains("\n::error title=quiet differs::"))
    let report = try String(contentsOfFile: scratch.file("b.xml"), encoding: .utf8)
    #expect(report.contains("<testsuite name=\"quiet\" tests=\"1\" failures=\"1\""), "\(report)")
    #expect(report.contains("<testcase name=\"baseline\" classname=\"quiet\">"), "\(report)")
    #expect(
      try Program.run("baseline", "update", "quiet", in: scratch.path).output.contains("quiet.json: changed"))
    #expect(try Program.run("baseline", "check", in: scratch.path).status == 0)
    try FileManager.default.removeItem(atPath: scratch.file("Scenarios/quiet.yaml"))
    #expect(try Program.run("baseline", "check", in: scratch.path).status == 1)
    #expect(try Program.run("baseline", "update", in: scratch.path).output.contains("removed"))
    let absent = try Program.run("baseline", "check", "nothing", in: scratch.path)
    #expect(absent.status == 66 && absent.error.contains("no such scenario"))
  }
}
