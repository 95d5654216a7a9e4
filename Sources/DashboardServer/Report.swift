import Aggregation
import Datasets
import Foundation
import Telemetry

/// The dashboard of one run as one file that needs nothing else: the page, plotly.js, and the answers to the questions
/// that its filters may ask.
package struct Report {
  private let run: ServedRun
  private let page: PageFiles

  /// Fewer points than on the screen: a report is attached to tickets.
  private static let maxPoints = 1000
  /// Answers together, bytes; beyond it only unfiltered views are in.
  private static let mostBytes = 24 << 20

  package init(_ run: ServedRun) throws {
    self.run = run
    page = try PageFiles()
  }

  package func html() throws -> Data {
    func text(_ name: String) -> String {
      page.files[name].map { String(decoding: $0.data, as: UTF8.self) } ?? ""
    }
    var html = text("index.html")
    func replace(_ tag: String, _ with: String) { html = html.replacing(tag, with: with) }
    replace("  <link rel=\"icon\" href=\"icon.svg\" type=\"image/svg+xml\">\n", "")
    for module in PageFiles.modules { replace("  <link rel=\"modulepreload\" href=\"\(module)\">\n", "") }
    replace("<link rel=\"stylesheet\" href=\"style.css\">", "<style>\n\(text("style.css"))</style>")
    replace(" <a href=\"api/openapi.yaml\">API</a>", "")
    replace(
      "<button id=\"refresh\" type=\"button\" title=\"Load the newest data\">Refresh</button>",
      "<button id=\"refresh\" type=\"button\" hidden>Refresh</button>")
    let script = try Self.joined(PageFiles.modules.map { ($0, text($0)) })
    let answers = """
      window.workbenchReport = async (path) => {
        const answers = window.workbenchAnswers ??= JSON.parse(document.getElementById("answers").textContent);
        if (!(path in answers)) throw new Error("The report does not hold this view. Serve the run to see it: workbench serve DIR");
        return answers[path];
      };
      """
    let data = String(decoding: try self.answers(), as: UTF8.self).replacing("<", with: "\\u003c")
    let plotly = text("plotly.min.js").replacing("</script", with: "<\\/script")
    replace("<script src=\"plotly.min.js\" id=\"plotly\" async></script>", "<script>\(plotly)</script>")
    replace(
      "<script src=\"app.js\" type=\"module\"></script>",
      "<script>\(answers)</script>\n<script type=\"application/json\" id=\"answers\">\(data)</script>\n<script type=\"module\">\(script)</script>"
    )
    return Data(html.utf8)
  }

  /// The modules as one script: each a function of its own that returns what it exports.
  private static func joined(_ modules: [(name: String, text: String)]) throws -> String {
    try modules.map { name, text in
      let exports = text.matches(of: try Regex("(?m)^export (?:async )?(?:function|const) ([A-Za-z]+)")).map {
        String($0.output[1].substring ?? "")
      }
      var body = text.replacing(try Regex("(?m)^export "), with: "")
      for match in body.matches(of: try Regex("(?m)^import (.+) from \"\\./([a-z]+)\\.js\";$")).reversed() {
        let names = String(match.output[1].substring ?? "").replacing("* as ", with: "")
        body.replaceSubrange(match.range, with: "const \(names) = $\(match.output[2].substring ?? "");")
      }
      let stem = name.replacing(".js", with: "")
      return "const $\(stem) = (() => {\n\(body)\nreturn { \(exports.joined(separator: ", ")) };\n})();"
    }.joined(separator: "\n")
  }

  /// What the page would ask the server, by path.
  private func answers() throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    var parts: [String] = []
    var bytes = 0
    func add(_ path: String, _ json: Data) throws {
      bytes += json.count
      let key = String(decoding: try encoder.encode(path), as: UTF8.self)
      parts.append("\(key):\(String(decoding: json, as: UTF8.self))")
    }
    try add("api/runs", try encoder.encode([RunDescription(run)]))
    let periods = ["24h", "7d", "30d", "90d", "this-month", "last-month", "this-year", "last-year"]
    for account in run.tables.accounts.prefix(20) {
      func query(_ items: [(String, String)]) -> String {
        items.map { "\($0)=\(Self.encoded($1))" }.joined(separator: "&")
      }
      try add(
        "api/runs/\(run.id)/marks?\(query([("account", account.account)]))",
        try encoder.encode(Marks(run, account)))
      let models = run.tables.models.filter { $0.account == account.account }
      for kind in ModelKind.allCases {
        for selection in selections(kind, models.filter { $0.kind == kind }) {
          let isWhole = selection.model == nil && selection.version == nil && selection.provider == nil
          for period in periods where isWhole || bytes < Self.mostBytes {
            let question = Dataset.Question(
              account: account, filter: try TimelineFilter(period), now: run.now, selection: selection,
              maxPoints: Self.maxPoints)
            let pretty = try JSONSerialization.jsonObject(with: try run.answer(question))
            var items = [("account", account.account), ("kind", kind.rawValue), ("period", period)]
            if let model = selection.model { items.append(("model", model)) }
            if let moment = selection.deployedAt { items.append(("deployedAt", moment.rfc3339)) }
            if let version = selection.version { items.append(("version", version)) }
            if let provider = selection.provider { items.append(("provider", provider)) }
            try add(
              "api/runs/\(run.id)/dashboard?\(query(items))",
              try JSONSerialization.data(
                withJSONObject: pretty, options: [.sortedKeys, .withoutEscapingSlashes]))
          }
        }
      }
    }
    return Data("{\(parts.joined(separator: ",\n"))}".utf8)
  }

  /// Every choice of the model, version and provider filters, the unfiltered one first.
  private func selections(_ kind: ModelKind, _ models: [ModelRecord]) -> [ModelSelection] {
    var all = [ModelSelection(kind: kind)]
    if kind == .external {
      return all + Set(models.map(\.provider)).sorted().map { ModelSelection(kind: kind, provider: $0) }
    }
    func versions(_ ids: Set<Int32>) -> [String] {
      Set(run.tables.deployments.filter { ids.contains($0.modelID) }.map(\.version)).sorted()
    }
    all += versions(Set(models.map(\.modelID))).map { ModelSelection(kind: kind, version: $0) }
    for (name, alike) in Dictionary(grouping: models, by: \.name).sorted(by: { $0.key < $1.key }) {
      all.append(ModelSelection(kind: kind, model: name))
      all += versions(Set(alike.map(\.modelID))).map { ModelSelection(kind: kind, model: name, version: $0) }
      guard alike.count > 1 else { continue }
      for model in alike {
        let own = run.tables.deployments.filter { $0.modelID == model.modelID }
        guard let moment = own.compactMap(\.deployedAt).first else { continue }
        all.append(ModelSelection(kind: kind, model: name, deployedAt: moment))
        all += versions([model.modelID]).map {
          ModelSelection(kind: kind, model: name, deployedAt: moment, version: $0)
        }
      }
    }
    return all
  }

  /// As a browser's URLSearchParams writes it.
  private static func encoded(_ text: String) -> String {
    text.utf8.map { byte -> String in
      switch byte {
      case 0x20: "+"
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"),
        UInt8(ascii: "*"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
        String(UnicodeScalar(byte))
      default: String(format: "%%%02X", byte)
      }
    }.joined()
  }
}
