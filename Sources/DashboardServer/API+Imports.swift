import Datasets
import Documents
import Foundation
import Hummingbird
import Studio
import Telemetry

/// Files that are uploaded, previewed and imported.
extension API {
  private struct UploadAnswer: Encodable {
    var upload: String
    var name: String
    var bytes: Int
    var kind: ImportPreview.Kind
    var columns: [ImportPreview.Column]
    var rows: [[String]]
  }

  func addImports(_ studio: Studio, _ folder: RunFolder, to api: RouterGroup<ConnectedContext>) {
    api.post("uploads") { request, _ in
      let items = try QueryItems(request.uri.query)
      try items.only(["name"])
      guard let name = try items.text("name"), name.utf8.count <= 255, !name.contains("/") else {
        throw Problem.badParameter(
          "name", "name is the file's name, of at most 255 bytes and without a slash.")
      }
      let (upload, preview, bytes) = try await uploads.receive(
        request, name: name, most: studio.limits.uploadBytes, freeBytes: studio.limits.freeBytes)
      var response = try json(
        UploadAnswer(
          upload: upload.id, name: name, bytes: bytes, kind: preview.kind, columns: preview.columns,
          rows: preview.rows))
      response.status = .created
      return response
    }
    api.delete("uploads/:upload") { _, context in
      try uploads.remove(try context.parameters.require("upload"))
      return try json([String: String]())
    }
    api.post("imports") { request, _ in try await startImport(studio, folder, request) }
  }

  private func startImport(_ studio: Studio, _ folder: RunFolder, _ request: Request) async throws -> Response
  {
    let body = try await JSONBody(request)
    try body.only(["upload", "name", "mapping", "format", "account", "timeZone"])
    let upload = try uploads.upload(try body.neededText("upload"))
    let name = try body.text("name") ?? upload.name
    guard let format = try Self.formats([try body.text("format") ?? "csv"]).first else {
      throw Problem.badParameter("format", "An import needs a format, and \"none\" is not one.")
    }
    let mapping = try Self.mapping(body, upload.kind)
    let isListed = mapping.rows.list != nil
    try DiskRoom.require(studio.limits.freeBytes, at: folder.path)
    return try started(
      try jobs.start(.import, name) { job in
        let scratch = try ScratchDirectory()
        let rejects = try scratch.place(of: "rejects.csv")
        let source: MappedImport.Source =
          switch upload.kind {
          case .csv: .csv
          case .ndjson: .ndjson
          case .otlp: isListed ? .ndjson : .openTelemetry()
          }
        let made = try folder.importing(
          upload.path, called: upload.name, source, mapping, name: name, format: format, rejects: rejects,
          program: studio.program, check: { try job.check() }, progress: { job.report("Importing", $0) })
        for sentence in made.sentences { job.note(sentence) }
        let run = try catalogue.adopt(made.path)
        // An upload is imported only once.
        do { try uploads.remove(upload.id) } catch is Problem {}  // Removed meanwhile.
        return JobOutcome(
          result: .object([
            "run": .text(run.id), "requests": .number(Double(made.requests)),
            "rejects": .object([
              "count": .number(Double(made.rejects.count)), "examples": .texts(made.rejects.examples),
              "kinds": .object(made.rejects.kinds.mapValues { .number(Double($0)) }),
            ]),
          ]),
          file: made.rejects.file == nil
            ? nil
            : .init(path: rejects, name: "rejects.csv", type: "text/csv; charset=utf-8", owner: scratch))
      })
  }

  /// The mapping of a body; that of OpenTelemetry with the account that the body names, unless the body says where in a
  /// JSON document the rows are.
  private static func mapping(_ body: JSONBody, _ kind: ImportPreview.Kind) throws -> ImportMapping {
    do {
      if kind == .otlp, body.raw("mapping") == nil {
        var mapping = try ImportMapping(Data(ImportMapping.openTelemetry.utf8), path: "otlp")
        mapping.account.name = try body.text("account") ?? "otel"
        mapping.account.timeZone = try body.text("timeZone") ?? "UTC"
        guard ZonedCalendar(identifier: mapping.account.timeZone) != nil else {
          throw Problem.badParameter("timeZone", "There is no such time zone. Use an IANA name.")
        }
        do { try Name.check(mapping.account.name) } catch {
          throw Problem.badParameter("account", "The account's name \(error)")
        }
        return mapping
      }
      guard let given = body.raw("mapping") else {
        throw Problem.badParameter("mapping", "mapping is missing: it says which column is which.")
      }
      // JSON is YAML.
      let text = if case .text(let text) = given { Data(text.utf8) } else { try encoded(given) }
      let mapping = try ImportMapping(text, path: "mapping")
      guard kind != .otlp || mapping.rows.list != nil else {
        throw Problem.badParameter(
          "mapping",
          "The file is a JSON document, so that its mapping needs rows: { list: … }, where in it the rows are. Leave mapping out if the document is an OpenTelemetry export."
        )
      }
      return mapping
    } catch let errors as DocumentErrors {
      throw StudioProblem(errors.diagnostics, parameter: "mapping")
    }
  }
}
