import Foundation
import TestSupport
import Testing

/// The figures of a run and their second opinion, from the command to the verdict, over changes of the clock.
@Suite("Runs over odd changes of the clock")
struct ZoneValidationTests {
  @Test(
    "validate holds, the figures among it",
    arguments: [
      // Half an hour; a midnight that comes twice; one that never comes; a day that never was.
      ("Australia/Lord_Howe", "2026-04-04", "2026-04-07"), ("America/Havana", "2026-10-31", "2026-11-03"),
      ("Africa/Cairo", "2026-04-23", "2026-04-26"), ("Pacific/Apia", "2011-12-29", "2012-01-02"),
      // A change at one minute past midnight, within a quarter of an hour; one at an hour that is no whole one.
      ("America/St_Johns", "2010-11-06", "2010-11-09"), ("Antarctica/Casey", "2020-10-03", "2020-10-06"),
      ("Asia/Gaza", "2011-08-31", "2011-10-02"),
    ])
  func holds(_ zone: String, _ from: String, _ to: String) throws {
    let scratch = try Scratch()
    let path = try VerdictCommandTests.small(scratch)
    let run = try Program.run(
      "run", path, "--out", scratch.file("run"), "-q", "--set", "account.timeZone=\(zone)", "--set",
      "period.from=\(from)", "--set", "period.to=\(to)", "--set", "account.subscription.maxReplicas=2")
    #expect(run.status == 0, "\(run.error)")
    let verdict = try Program.run("validate", scratch.file("run"))
    #expect(verdict.status == 0, "\(verdict.output)\(verdict.error)")
    #expect(verdict.output.contains("holds    I13"), "\(verdict.output)")
  }
}
