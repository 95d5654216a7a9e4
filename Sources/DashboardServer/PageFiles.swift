import Foundation
import Hummingbird

/// The page's own files and plotly.js, read into memory at the start: no path of a request ever reaches the disk.
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

  /// The page's modules in an order in which each comes after those that it imports.
  package static let modules = ["api.js", "state.js", "charts.js", "widgets.js", "app.js"]

  /// - Throws: if the program's resources are not where they belong.
  package init() throws {
    guard let folder = Bundle.module.url(forResource: "Web", withExtension: nil) else {
      throw CocoaError(.fileNoSuchFile)
    }
    var files: [String: File] = [:]
    for name in try FileManager.default.contentsOfDirectory(atPath: folder.path) {
      guard let type = Self.types[(name as NSString).pathExtension] else { continue }
      let data = try Data(contentsOf: folder.appendingPathComponent(name))
      files[name] = File(data: name == "openapi.yaml" ? OpenAPI.description(data) : data, type: type)
    }
    if let plotly = Self.plotly() {
      files["plotly.min.js"] = File(data: plotly, type: "text/javascript; charset=utf-8")
    }
    self.files = files
  }

  /// plotly.js, fetched pinned by its hash at set-up: `WORKBENCH_PLOTLY`, beside the program, or in `.cache` of the
  /// repository that the program was built in.
  private static func plotly() -> Data? {
    var places = [ProcessInfo.processInfo.environment["WORKBENCH_PLOTLY"] ?? ""]
    var folder = (Bundle.main.executableURL ?? URL(fileURLWithPath: CommandLine.arguments[0]))
      .resolvingSymlinksInPath()
    for _ in 0..<6 {
      folder.deleteLastPathComponent()
      places += [
        folder.appendingPathComponent("plotly.min.js").path,
        folder.appendingPathComponent(".cache/plotly.min.js").path,
      ]
    }
    return places.lazy.filter { !$0.isEmpty }.compactMap { FileManager.default.contents(atPath: $0) }.first
  }

  func text(_ name: String) -> String { files[name].map { String(decoding: $0.data, as: UTF8.self) } ?? "" }

  /// Some modules as one script: each a function of its own that returns what it exports; the last stands at the top
  /// level, where it may wait.
  /// - Parameter modules: each after those that it imports.
  func script(_ modules: [String]) throws -> String {
    try modules.map { name in
      let text = text(name)
      let exports = text.matches(of: try Regex("(?m)^export (?:async )?(?:function|const) ([A-Za-z]+)")).map {
        String($0.output[1].substring ?? "")
      }
      var body = text.replacing(try Regex("(?m)^export "), with: "")
      for match in body.matches(of: try Regex("(?m)^import (.+) from \"\\./([a-z]+)\\.js\";$")).reversed() {
        let names = String(match.output[1].substring ?? "").replacing("* as ", with: "")
        body.replaceSubrange(match.range, with: "const \(names) = $\(match.output[2].substring ?? "");")
      }
      if name == modules.last { return body }
      let stem = name.replacing(".js", with: "")
      return "const $\(stem) = (() => {\n\(body)\nreturn { \(exports.joined(separator: ", ")) };\n})();"
    }.joined(separator: "\n")
  }

  package var hasPlotly: Bool { files["plotly.min.js"] != nil }

  /// - Parameter plan: one whose page is served too.
  func add(to router: Router<ConnectedContext>, plan: PlanPage? = nil) {
    if let plan {
      let data = Answer(plan.data)
      router.get("plan.json") { _, _ in data.response("application/json") }
    }
    // diff.* and fit.* belong to pages of their own, plan.* to a plan's.
    for (name, file) in files
    where !name.hasPrefix("diff.") && !name.hasPrefix("fit.") && (plan != nil || !name.hasPrefix("plan.")) {
      // One for all readers, who may be slow.
      let answer = Answer(name == "index.html" && plan != nil ? Self.withPlan(file.data) : Array(file.data))
      let response: @Sendable (Request, ConnectedContext) -> Response = { _, _ in
        var response = answer.response(file.type)
        if name == "plotly.min.js" { response.headers[.cacheControl] = "private, max-age=86400" }
        return response
      }
      router.get(name == "openapi.yaml" ? "api/openapi.yaml" : RouterPath(name), use: response)
      if name == "index.html" { router.get("/", use: response) }
    }
  }

  /// The page with a link to the plan.
  private static func withPlan(_ index: Data) -> [UInt8] {
    var page = Array(index)
    if let place = page.firstRange(of: Array("<h1>Model Analytics Dashboard</h1>".utf8)) {
      page.insert(
        contentsOf: " <a href=\"plan.html\">The plan: all variants side by side</a>".utf8,
        at: place.upperBound)
    }
    return page
  }
}
