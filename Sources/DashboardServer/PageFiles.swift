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
      files[name] = File(data: try Data(contentsOf: folder.appendingPathComponent(name)), type: type)
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

  package var hasPlotly: Bool { files["plotly.min.js"] != nil }

  func add(to router: Router<BasicRequestContext>) {
    for (name, file) in files {
      let response: @Sendable (Request, BasicRequestContext) -> Response = { request, _ in
        var response = Response(
          status: .ok, headers: [.contentType: file.type],
          body: .init(byteBuffer: ByteBuffer(bytes: file.data)))
        if name == "plotly.min.js" { response.headers[.cacheControl] = "public, max-age=86400" }
        // The token came with the address; from now on the browser carries it.
        if name == "index.html", let token = request.uri.queryParameters["token"] {
          response.headers[.setCookie] = "workbench-token=\(token); HttpOnly; SameSite=Strict; Path=/"
        }
        return response
      }
      router.get(name == "openapi.yaml" ? "api/openapi.yaml" : RouterPath(name), use: response)
      if name == "index.html" { router.get("/", use: response) }
    }
  }
}
