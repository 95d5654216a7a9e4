import Datasets
import Foundation
import Hummingbird
import Runs
import ScenarioModel
import Studio
import Verification

/// Validating a run, and downloading its data.
extension API {
  func addTaking(_ studio: Studio, to api: RouterGroup<ConnectedContext>) {
    api.post("runs/:run/validate") { _, context in
      let (run, path) = try await stored(context)
      return try started(try jobs.start(.validate, run.name) { try Self.validate(path, $0) })
    }
    api.post("runs/:run/expect") { request, context in
      let (run, path) = try await stored(context)
      return try await expect(run, path, request)
    }
    api.post("runs/:run/fixture") { request, context in
      let (run, path) = try await stored(context)
      return try await fixture(studio, run, path, request)
    }
    api.post("runs/:run/export") { request, context in
      let (run, path) = try await stored(context)
      let body = try await JSONBody(request)
      try body.only(["format"])
      guard let format = try Self.formats([try body.neededText("format")]).first else {
        throw Problem.badParameter("format", "An export needs a format, and \"none\" is not one.")
      }
      try Self.requireRoom(studio)
      return try started(
        try jobs.start(.export, run.name) { job in
          let taken = try TakenData(named: run.name)
          try Self.asConflict {
            try taken.export(
              path, as: format, program: studio.program, check: { try job.check() },
              progress: { job.report("Writing", 0.7 * $0) })
          }
          return try Self.packed(taken, job)
        })
    }
  }

  /// A run with its path.
  /// - Throws: `Problem` for one in memory.
  private func stored(_ context: ConnectedContext) async throws -> (ServedRun, String) {
    let run = try await current(context)
    guard let path = run.path else {
      throw Problem(title: "Conflict", status: 409, detail: "The run is in memory only. Keep it first.")
    }
    return (run, path)
  }

  /// What is wrong with a run, or missing from it, as a conflict that says why.
  private static func asConflict<Result>(_ body: () throws -> Result) throws -> Result {
    do {
      return try body()
    } catch let error as DatasetError {
      throw StudioProblem(.conflict, error.message)
    } catch let error as NotFoundError {
      throw StudioProblem(.conflict, error.reason)
    }
  }

  static func requireRoom(_ studio: Studio) throws {
    try DiskRoom.require(studio.limits.freeBytes, at: FileManager.default.temporaryDirectory.path)
  }

  private static func validate(_ path: String, _ job: RunningJob) throws -> JobOutcome {
    let report = try asConflict {
      try RunVerification(path).run {
        try job.check()
        job.report("Reading requests", $0)
      }
    }
    var entries = report.entries
    // Clients are not told paths of the server's machine.
    for index in entries.indices {
      entries[index].examples = entries[index].examples.map { $0.replacing(path + "/", with: "") }
      entries[index].reason = entries[index].reason?.replacing(path + "/", with: "")
    }
    let verdict = report.holds ? "holds" : report.violations.isEmpty ? "inconclusive" : "violated"
    return JobOutcome(
      result: .object([
        "entries": try JSONValue(entries), "verdict": .text(verdict),
        "missing": .texts(report.missing.map { $0.replacing(path + "/", with: "") }),
      ]))
  }

  /// Judges objectives: those of the body, or else those of the run's own scenario.
  private func expect(_ run: ServedRun, _ path: String, _ request: Request) async throws -> Response {
    let body = try await JSONBody(request)
    try body.only(["objectives"])
    var asked: [PlacedObjective] = []
    if let text = try body.text("objectives"), !text.allSatisfy(\.isWhitespace) {
      do {
        asked = try ServiceObjective.list(text).map { PlacedObjective($0) }
      } catch {
        throw Problem.badParameter("objectives", "\(error)")
      }
    }
    return try started(
      try jobs.start(.expect, run.name) { [asked] job in
        try Self.asConflict {
          let data = try Dataset(path)
          let objectives = try asked.isEmpty ? data.expectations() : asked
          guard !objectives.isEmpty else {
            throw StudioProblem(
              .conflict, "The run's scenario states no objectives (expect). Write some: latency.p95 <= 5s")
          }
          do {
            let report = try data.report(on: objectives) {
              try job.check()
              job.report("Reading requests", $0)
            }
            return JobOutcome(result: try JSONValue(report))
          } catch let unknown as UnknownObjective {
            throw StudioProblem(.conflict, unknown.message)
          }
        }
      })
  }

  private func fixture(
    _ studio: Studio, _ run: ServedRun, _ path: String, _ request: Request
  ) async throws -> Response {
    let body = try await JSONBody(request)
    try body.only(["requests", "formats", "anonymise"])
    let requests = try body.integer("requests", in: 1...1_000_000) ?? 1000
    let names = try body.texts("formats")
    let isAnonymised = try body.bool("anonymise") ?? false
    var options = FixtureWriter.Options()
    options.requests = requests
    options.formats = try Self.formats(names.isEmpty ? ["csv"] : names)
    guard !options.formats.isEmpty else {
      throw Problem.badParameter("formats", "A fixture needs at least one format.")
    }
    options.pseudonyms = isAnonymised ? Pseudonyms(salt: "") : nil
    options.name = isAnonymised ? "of telemetry" : run.name
    options.command = studio.command(
      .fixture(
        run: path, requests: requests, formats: options.formats.map(\.description), anonymised: isAnonymised))
    options.program = studio.program
    try Self.requireRoom(studio)
    return try started(
      try jobs.start(.fixture, run.name) { [options] job in
        let taken = try TakenData(named: isAnonymised ? "fixture" : "\(run.name) fixture")
        let outcome = try Self.asConflict {
          try taken.fixture(of: path, options) { job.report("Choosing requests", 0.7 * $0) }
        }
        try job.check()
        var packed = try Self.packed(taken, job)
        packed.result = .object([
          "requests": .number(Double(outcome.requests)), "available": .number(Double(outcome.available)),
          "dashboards": .number(Double(outcome.dashboards)),
        ])
        return packed
      })
  }

  /// The end of a job whose directory is to be downloaded.
  private static func packed(_ taken: TakenData, _ job: RunningJob) throws -> JobOutcome {
    job.report("Packing", 0.8)
    let file = try taken.zip(check: job.check)
    return JobOutcome(
      file: .init(path: file, name: "\(taken.name).zip", type: "application/zip", owner: taken.scratch))
  }
}
