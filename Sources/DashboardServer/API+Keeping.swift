import Datasets
import Foundation
import Hummingbird
import Studio

/// Runs that are kept, deleted and brought back.
extension API {
  func addKeeping(_ studio: Studio, _ folder: RunFolder, to api: RouterGroup<ConnectedContext>) {
    api.post("runs") { request, _ in try await keep(studio, folder, request) }
    api.delete("runs/:run") { _, context in
      let run = try await current(context)
      // Places in the list change, and digits may come to mean another run.
      guard try context.parameters.require("run") == run.id else {
        throw Problem.badParameter("run", "Name the run to delete by its whole identifier.")
      }
      guard let path = run.path else {
        throw Problem(title: "Conflict", status: 409, detail: "There is nothing on disk to delete.")
      }
      return try await queues.long.run { _ in
        let trashed = try folder.discard(path)
        catalogue.forget(path)
        return try json(["trash": trashed.id])
      }
    }
    api.get("trash") { _, _ in try await queues.long.run { _ in try json(folder.discarded()) } }
    api.post("trash/:id/restore") { _, context in
      let id = try context.parameters.require("id")
      return try await queues.long.run { _ in try json(["run": catalogue.adopt(try folder.restore(id)).id]) }
    }
    api.delete("trash/:id") { _, context in
      let id = try context.parameters.require("id")
      return try await queues.long.run { _ in
        try folder.destroy(id)
        return try json([String: String]())
      }
    }
  }

  private func keep(_ studio: Studio, _ folder: RunFolder, _ request: Request) async throws -> Response {
    let body = try await JSONBody(request)
    try body.only(["base", "overrides", "name", "formats"])
    let base = try await base(body)
    var overrides = try overrides(body)
    if let name = try body.text("name"), !name.isEmpty {
      overrides.append("name=\(String(decoding: try Self.encoded(name), as: UTF8.self))")
    }
    let formats = try Self.formats(try body.texts("formats"))
    // What is wrong with it is said at once.
    let bundle = try await queues.long.run { [overrides] _ in try base.text.bundle(overrides: overrides) }
    let expected = bundle.simulation().expectedRequests
    guard expected <= studio.limits.keptRequests else {
      throw StudioProblem(
        .limit,
        "The scenario expects \(Int(expected.rounded())) requests; this server simulates at most \(Int(studio.limits.keptRequests)) for a run. Lower a rate, shorten the period, or run it from the command line."
      )
    }
    try DiskRoom.require(studio.limits.freeBytes, at: folder.path)
    return try started(
      try jobs.start(.keep, bundle.scenario.name) { job in
        job.report("Simulating", 0)
        for note in bundle.notes { job.note(note) }
        let path = try folder.keep(
          bundle, formats: formats, program: studio.program, check: { try job.check() },
          progress: { job.report("Simulating", $0) })
        return JobOutcome(result: .object(["run": .text(try catalogue.adopt(path).id)]))
      })
  }

  static func formats(_ names: [String]) throws -> [DatasetFormat] {
    try names.filter { $0 != "none" }.map { name in
      guard let format = DatasetFormat(name) else {
        throw Problem.badParameter(
          "formats",
          "There is no format \"\(name.prefix(40))\". Known: \(DatasetFormat.all.map(\.description).joined(separator: ", "))."
        )
      }
      return format
    }
  }
}
