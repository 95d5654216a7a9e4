import Aggregation
import Datasets
import Foundation
import Telemetry

/// A dashboard in JSON: a file, or bytes in memory.
struct Source {
  var bytes: Data?
  /// Where it comes from, for messages.
  var path = ""
  /// Of a directory of dashboards.
  var file: ContainedPath?

  func data() throws -> Data {
    if let bytes { return bytes }
    return try file?.contents() ?? GivenFile.document(path)
  }

  /// - Throws: `DatasetError` for JSON that is not a dashboard.
  func document() throws -> JSONDocument {
    let document = try JSONDocument(try data(), path: path)
    guard document.root.isObject, document.root["query"]?.isObject ?? false else {
      throw DatasetError(
        path, line: 1, column: 1,
        "this is JSON, but not a dashboard: it has no object \"query\". See \"workbench schema dashboard\"."
      )
    }
    return document
  }
}

/// One of the two outputs that are compared.
struct Side {
  enum Content {
    case file(Source)
    case runDirectory
    /// A directory with dashboards in JSON and nothing else.
    case jsonDirectory
    case data
    case replications([String])
  }

  let path: String
  let content: Content

  /// - Throws: `NotFoundError`, `DatasetError`.
  init(_ path: String) throws {
    self.path = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    let path = self.path
    if PostgreSQLLocation(path) != nil {
      content = .data
      return
    }
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
      throw NotFoundError(path, "there is no such file or directory. Correct its name, or put it there.")
    }
    guard isDirectory.boolValue else {
      content = Self.isJSON(path) ? .file(Source(path: path)) : .data
      return
    }
    func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: "\(path)/\(name)") }
    if exists("manifest.json") {
      // A manifest of another format is reported at once.
      _ = try Manifest(contentsOf: path + "/manifest.json")
      content = exists("dashboard") ? .runDirectory : .data
      return
    }
    let entries = try FileManager.default.contentsOfDirectory(atPath: path).sorted()
    let runs = entries.filter { exists("\($0)/manifest.json") }
    if !runs.isEmpty {
      content = .replications(runs.map { "\(path)/\($0)" })
    } else if (try? DatasetLocation(path)) != nil {  // Tables, or what is said next.
      // Dashboards beside them count, though no manifest vouches for them.
      content = exists("dashboard") ? .runDirectory : .data
    } else if try !Self.jsonFiles(path).isEmpty {
      content = .jsonDirectory
    } else {
      throw NotFoundError(
        path,
        "there is nothing to compare: no run (manifest.json), no telemetry tables, no dashboards (*.json).")
    }
  }

  /// A file that is meant to be JSON: by its ending or its first byte.
  private static func isJSON(_ path: String) -> Bool {
    if path.hasSuffix(".json") { return true }
    // Of a pipe, only a dashboard can be read.
    guard FileKind(following: path) == .regular else { return true }
    guard let file = FileHandle(forReadingAtPath: path) else { return false }
    defer { file.closeFile() }
    let head = (try? file.read(upToCount: 64)) ?? Data()
    return head.first { !" \n\r\t".utf8.contains($0) }.map { "{[".utf8.contains($0) } ?? false
  }

  /// Regular files, reached through no link. Others that are named like them are an error.
  private static func jsonFiles(_ directory: String, under folder: String = "") throws -> [String: Source] {
    var found: [String: Source] = [:]
    for file in try ContainedPath.all(in: directory, under: folder) {
      let name = String(folder.isEmpty ? file.name[...] : file.name.dropFirst(folder.count + 1))
      guard name.utf8.suffix(5).elementsEqual(".json".utf8), name != "queries.json" else { continue }
      found[String(name.dropLast(5))] = Source(path: file.path, file: file)
    }
    return found
  }

  var isFile: Bool { if case .file = content { true } else { false } }

  var hasDashboards: Bool {
    get throws {
      switch content {
      case .file, .jsonDirectory: true
      case .runDirectory: try !Self.jsonFiles(path, under: "dashboard").isEmpty
      case .data, .replications: false
      }
    }
  }

  var mayHaveData: Bool {
    switch content {
    case .runDirectory, .data: true
    case .file, .jsonDirectory, .replications: false
    }
  }

  /// Dashboards by name; `nil` where there are none.
  func dashboards() throws -> [String: Source]? {
    switch content {
    case .file(let source): ["dashboard": source]
    case .jsonDirectory: try Self.jsonFiles(path)
    case .runDirectory: try hasDashboards ? try Self.jsonFiles(path, under: "dashboard") : nil
    case .data, .replications: nil
    }
  }

  func manifest() throws -> Manifest? {
    guard case .runDirectory = content, FileKind(of: path + "/manifest.json") != nil else { return nil }
    return try Manifest(contentsOf: path + "/manifest.json")
  }

  /// As it is, whatever its manifest says: what changed since it was written is what is asked for.
  /// - Throws: what `Dataset` throws.
  func dataset() throws -> Dataset? { mayHaveData ? try Dataset(path, verifies: false) : nil }
}

/// What a dashboard in JSON shows, from its own query.
struct DashboardView {
  private let query: JSONValue?

  init(_ root: JSONValue) { query = root["query"] }

  private func text(_ name: String) -> String? { query?[name]?.text }

  /// For people: `fineTuned, support-mistral V1, 7d`.
  var text: String {
    let model = [text("model"), text("version")].compactMap { $0 }.joined(separator: " ")
    return [text("kind"), text("provider"), model.isEmpty ? nil : model, text("period")].compactMap { $0 }
      .joined(separator: ", ")
  }

  /// The question that the dashboard answers.
  /// - Throws: `DatasetError` for a query that this program cannot ask; `QueryError`.
  func question(of account: AccountRecord, path: String, maxPoints: Int) throws -> Dataset.Question {
    func bad(_ name: String) -> DatasetError {
      DatasetError(
        path,
        "query.\(name) \(query?[name]?.shown ?? "is missing or") cannot be read. See \"workbench schema dashboard\"."
      )
    }
    var parser = TimestampParser()
    guard let kind = text("kind").flatMap({ ModelKind(rawValue: $0) }) else { throw bad("kind") }
    guard let now = text("now").flatMap({ parser.parse($0) }) else { throw bad("now") }
    guard let period = text("period") else { throw bad("period") }
    let selection = try ModelSelection(kind: kind) { filter in
      guard let text = text(filter.name) else { return nil }
      guard let value = filter.value(text) else { throw bad(filter.name) }
      return value
    }
    return Dataset.Question(
      account: account, filter: try TimelineFilter(period), now: now, selection: selection,
      maxPoints: maxPoints)
  }
}
