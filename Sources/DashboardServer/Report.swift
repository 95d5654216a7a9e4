import Aggregation
import Datasets
import Foundation
import Telemetry

/// The dashboard of one run as one file that needs nothing else: the page, its scripts, and the answers to the questions
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
    try SelfContainedPage(
      page, template: "index.html", modules: PageFiles.modules, dataID: "answers", data: try answers()
    ).html()
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
    try add("api/figures", try encoder.encode(FigureLabel.all))
    try add("api/runs", try encoder.encode([RunDescription(run)]))
    let periods = ["24h", "7d", "30d", "90d", "this-month", "last-month", "this-year", "last-year"]
    for account in run.tables.accounts.prefix(20) {
      func query(_ items: [(String, String)]) -> String {
        items.map { "\($0)=\(Self.encoded($1))" }.joined(separator: "&")
      }
      try add(
        "api/runs/\(run.id)/marks?\(query([("account", account.account)]))",
        try encoder.encode(Marks(run.tables, account)))
      for period in periods {
        let filter = try TimelineFilter(period)
        let asked = query([("account", account.account), ("period", period)])
        try add("api/runs/\(run.id)/overview?\(asked)", try encoder.encode(try run.overview(account, filter)))
        try add("api/runs/\(run.id)/credits?\(asked)", try encoder.encode(try run.credits(account, filter)))
      }
      for kind in ModelKind.allCases {
        for selection in run.tables.selections(kind, of: account.account) {
          let isWhole = selection.isWholeTab
          for period in periods where isWhole || bytes < Self.mostBytes {
            let question = Dataset.Question(
              account: account, filter: try TimelineFilter(period), now: run.now, selection: selection,
              maxPoints: Self.maxPoints)
            var items = [("account", account.account), ("kind", kind.rawValue), ("period", period)]
            items += selection.filters.map { ($0.filter.name, $0.value.written) }
            try add(
              "api/runs/\(run.id)/dashboard?\(query(items))",
              try encoder.encode(try run.dashboard(question)))
            guard isWhole || selection[.version] == nil, bytes < Self.mostBytes else { continue }
            do {
              try add(
                "api/runs/\(run.id)/analysis?\(query(items))", try encoder.encode(try run.analysis(question)))
            } catch is QueryError {
              // The page says that the report does not hold it.
            }
          }
        }
      }
    }
    return Data("{\(parts.joined(separator: ",\n"))}".utf8)
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
