import Datasets
import Foundation
import Hummingbird
import Telemetry

/// The page's own files, read into memory at the start: no path of a request ever reaches the disk.
package struct PageFiles: Sendable {
  package struct File: Sendable {
    package var data: Data
    package var type: String
  }

  package let files: [String: File]

  private static let types = [
    "html": "text/html; charset=utf-8", "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml", "yaml": "application/yaml",
  ]

  /// What every page draws with, each after those that it imports.
  static let drawing = [
    "format.js", "times.js", "paint.js", "chart.js", "graphs.js", "usage.js", "saving.js", "parts.js",
    "panels.js",
  ]
  /// The dashboard's modules in an order in which each comes after those that it imports.
  package static let modules =
    ["format.js", "times.js", "api.js", "state.js"] + drawing.dropFirst(2)
    + ["filters.js", "overview.js", "app.js"]
  /// Modules that a server sends as one script, because each of its pages needs nearly all of them: packed together they
  /// are a seventh smaller, and the browser asks once.
  private static let shared = modules.filter { $0 != "app.js" }
  /// The same of those that only some of its pages need, in an order in which each comes after those that it imports.
  private static let work = [
    "knobs.js", "against.js", "figures.js", "planview.js", "importing.js", "editor.js",
  ]
  /// Scripts that are several modules, by name.
  private static let packs = ["shared.js": shared, "work.js": work]
  /// What `modules` has not: a page that lacks one of these fails in the browser.
  package static let needed: Set = [
    "index.html", "diff.html", "fit.html", "plan.html", "style.css", "icon.svg", "openapi.yaml", "against.js",
    "asking.js", "compare.js", "data.js", "diff.js", "editor.js", "figures.js", "finder.js", "fit.js",
    "happened.js", "importing.js", "jobs.js", "knobs.js", "plan.js", "plans.js", "planview.js", "report.js",
    "shadow.html", "shadow.js", "whatif.js",
  ]
  /// Uncompressed parts of others, in `vendor`, that become one script.
  package static let vendored = ["uplot.iife.min.js", "preact-htm.min.js"]

  /// Reads the files of the program's resources, or of the folder that `WORKBENCH_WEB` names, for developers who work
  /// on them.
  /// - Throws: `MissingPartError`; `NotFoundError` if `WORKBENCH_WEB` names no folder.
  package init() throws {
    let folder = try Self.folder()
    var files: [String: File] = [:]
    for name in try Self.names(in: folder) {
      guard let type = Self.types[(name as NSString).pathExtension] else { continue }
      var data = try ProgramPart.file(name, in: folder)
      if name.hasSuffix(".js") { data = Self.lean(data) }
      files[name] = File(data: name == "openapi.yaml" ? OpenAPI.description(data) : data, type: type)
    }
    let parts = try Self.vendored.map {
      String(decoding: try ProgramPart.file("vendor/\($0)", in: folder), as: UTF8.self)
    }
    files["vendor.js"] = File(
      data: Data("\(parts[0])\nconst preact = \(try Self.expression(parts[1]));\n".utf8),
      type: Self.types["js"] ?? "")
    self.files = files
  }

  private static func folder() throws -> URL {
    if let chosen = ProcessInfo.processInfo.environment["WORKBENCH_WEB"], !chosen.isEmpty {
      var isFolder: ObjCBool = false
      guard FileManager.default.fileExists(atPath: chosen, isDirectory: &isFolder), isFolder.boolValue else {
        throw NotFoundError(chosen, "WORKBENCH_WEB does not name a folder. Correct or unset it.")
      }
      return URL(fileURLWithPath: chosen)
    }
    return try ProgramPart("Web", resourceOf: "DashboardServer", contents: "the files of the page").folder()
  }

  /// All files of the folder, among them those without which no page works.
  private static func names(in folder: URL) throws -> Set<String> {
    let found = Set(try FileManager.default.contentsOfDirectory(atPath: folder.path))
    return found.union(modules).union(needed)
  }

  /// A script without empty lines, comments that have lines of their own, and indentation, which are a tenth of what
  /// would be sent: they are for developers. No string of a script depends on how its lines are indented.
  private static func lean(_ script: Data) -> Data {
    var lines: [Data] = []
    var isInComment = false
    for line in script.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
      let text = line.drop { $0 == UInt8(ascii: " ") }
      let endsComment = text.suffix(2).elementsEqual("*/".utf8)
      if isInComment {
        isInComment = !endsComment
      } else if text.starts(with: "/**".utf8) {
        isInComment = !endsComment
      } else if !text.isEmpty, !text.starts(with: "//".utf8) {
        lines.append(Data(text))
      }
    }
    return Data(lines.joined(separator: [UInt8(ascii: "\n")]))
  }

  /// A module that imports nothing as an expression: an object of what it exports at its end.
  private static func expression(_ module: String) throws -> String {
    guard let open = module.range(of: "export{", options: .backwards),
      let close = module.range(of: "}", range: open.upperBound..<module.endIndex)
    else { throw CocoaError(.fileReadCorruptFile) }
    let members = module[open.upperBound..<close.lowerBound].split(separator: ",").map { part in
      let words = part.split(separator: " ")
      return "\(words.last ?? ""): \(words.first ?? "")"
    }
    return "(() => {\(module[..<open.lowerBound])return { \(members.joined(separator: ", ")) }; })()"
  }

  func text(_ name: String) -> String { files[name].map { String(decoding: $0.data, as: UTF8.self) } ?? "" }

  /// Some modules as one script: each a function of its own that returns what it exports; the last stands at the top
  /// level, where it may wait.
  /// - Parameter modules: each after those that it imports.
  func script(_ modules: [String]) -> String {
    modules.map { name in
      name == modules.last
        ? inner(name).script : "const \(Self.variable(name)) = \(expression(of: name));"
    }.joined(separator: "\n")
  }

  /// What a server sends of a page's own files: the packed modules as a script for each pack, from which the others have
  /// them.
  func served() -> [String: File] {
    let packed = Set(Self.packs.values.joined())
    var files = files.filter { !packed.contains($0.key) }
    for (name, file) in files where name.hasSuffix(".js") && name != "vendor.js" {
      let (script, needed) = bound(name, to: packed)
      files[name] = File(data: Data((Self.imports(needed) + script).utf8), type: file.type)
    }
    for (name, modules) in Self.packs {
      // What they need of other scripts.
      let needed = modules.flatMap { bound($0, to: nil).needed }.filter { !modules.contains($0) }
      let parts = modules.map { "export const \(Self.variable($0)) = \(expression(of: $0));" }
      files[name] = File(
        data: Data((Self.imports(needed) + parts.joined(separator: "\n")).utf8),
        type: Self.types["js"] ?? "")
    }
    return files
  }

  /// Imports of modules as variables, from the scripts that have them.
  private static func imports(_ modules: [String]) -> String {
    var needed: [String: Set<String>] = [:]
    for module in modules {
      let pack = packs.first { $0.value.contains(module) }?.key
      needed[pack ?? module, default: []].insert(module)
    }
    return needed.sorted { $0.key < $1.key }.map { script, modules in
      let names = modules.map(variable).sorted().joined(separator: ", ")
      return packs[script] == nil
        ? "import * as \(names) from \"./\(script)\";\n" : "import { \(names) } from \"./\(script)\";\n"
    }.joined()
  }

  /// What holds the exports of a module inside a script of several.
  private static func variable(_ module: String) -> String { "$\(module.replacing(".js", with: ""))" }

  /// A module as a function's value: an object of what it exports.
  private func expression(of module: String) -> String {
    let (script, exports) = inner(module)
    return "(() => {\n\(script)\nreturn { \(exports.joined(separator: ", ")) };\n})()"
  }

  /// A module's text as it stands beside the modules that it imports, and what it exports.
  private func inner(_ module: String) -> (script: String, exports: [String]) {
    var exports: [String] = []
    let word = "export "
    let script = Self.lines(bound(module, to: nil).script) { line in
      guard line.starts(with: word.utf8) else { return nil }
      let text = String(decoding: line.dropFirst(word.utf8.count), as: UTF8.self)
      if let found = text.prefixMatch(of: /(?:async )?(?:function|const|class) ([A-Za-z]+)/) {
        exports.append(String(found.1))
      }
      return text
    }
    return (script, exports)
  }

  /// A module's text in which what it imports is taken from variables, and these.
  /// - Parameter modules: those that are variables; `nil` for all.
  private func bound(_ module: String, to modules: Set<String>?) -> (script: String, needed: [String]) {
    var needed: [String] = []
    let script = Self.lines(text(module)) { line in
      guard line.starts(with: "import ".utf8),
        let found = String(decoding: line, as: UTF8.self).wholeMatch(
          of: /import (.+) from "\.\/([a-z]+\.js)";/),
        modules?.contains(String(found.2)) != false
      else { return nil }
      needed.append(String(found.2))
      return "const \(found.1.replacing("* as ", with: "")) = \(Self.variable(String(found.2)));"
    }
    return (script, needed)
  }

  /// A script line by line. Regular expressions are for the few lines that need them: a server starts with this.
  /// - Parameter change: a line's new text; `nil` where it stays.
  private static func lines(_ script: String, _ change: (Substring.UTF8View) -> String?) -> String {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(script.utf8.count)
    for line in script.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
      if let changed = change(Substring(line).utf8) { bytes += changed.utf8 } else { bytes += line }
      bytes.append(UInt8(ascii: "\n"))
    }
    bytes.removeLast()
    return String(decoding: bytes, as: UTF8.self)
  }

  func add(to router: Router<ConnectedContext>, plan: PlanPage? = nil) {
    if let plan {
      let data = Answer(plan.data)
      router.get("plan.json") { _, _ in data.response("application/json") }
    }
    // diff.*, fit.* and shadow.* belong to pages of their own, plan.* to a plan's.
    for (name, file) in served()
    where !name.hasPrefix("diff.") && !name.hasPrefix("fit.") && !name.hasPrefix("shadow.")
      && (plan != nil || !name.hasPrefix("plan."))
    {
      // One for all readers, who may be slow.
      let content = name == "index.html" && plan != nil ? Data(Self.withPlan(file.data)) : file.data
      let (plain, packed) = (Answer(content), Gzip.compressed(content).map { Answer($0) })
      let response: @Sendable (Request, ConnectedContext) -> Response = { request, _ in
        let packed = Gzip.isAccepted(by: request) ? packed : nil
        var response = (packed ?? plain).response(file.type)
        response.headers[.vary] = "Accept-Encoding"
        if packed != nil { response.headers[.contentEncoding] = "gzip" }
        return response
      }
      router.get(name == "openapi.yaml" ? "api/openapi.yaml" : RouterPath(name), use: response)
      if name == "index.html" { router.get("/", use: response) }
    }
  }

  /// The page that links to the plan.
  private static func withPlan(_ index: Data) -> [UInt8] {
    var page = Array(index)
    if let place = page.firstRange(of: Array("<body".utf8)) {
      page.insert(contentsOf: " data-plan=\"plan.html\"".utf8, at: place.upperBound)
    }
    return page
  }
}
