import Aggregation
import Datasets
import Foundation
import Telemetry

/// What is known of a side of a comparison beside its dashboards, if it is a run: its name, and what graphs say of its
/// models, deployments and incidents.
struct ComparedRun: Encodable {
  struct Account: Encodable {
    var account: RunDescription.Account
    var marks: Marks
  }
  /// As a served run has it.
  let id: String
  let name: String
  /// By the folder of their dashboards.
  let accounts: [String: Account]
  /// As it was run.
  let scenario: String?
  /// What credits are worked out from; `nil` where the data set cannot be read.
  private let tables: TelemetryTables?

  private enum CodingKeys: String, CodingKey { case id, name, accounts }

  /// More would be a list of models rather than a page of differences.
  private static let mostBytes = 256 << 10

  /// `nil` for what is no run directory.
  /// - Throws: `DatasetError` if its manifest cannot be read.
  init?(_ path: String) throws {
    guard FileKind(of: path + "/manifest.json") != nil else { return nil }
    let manifest = try Manifest(contentsOf: path + "/manifest.json")
    id = try RunIdentity(path).id
    name = ServedRun.name(of: manifest, path)
    scenario = manifest.scenario?.text
    (accounts, tables) = try Self.accounts(path)
  }

  /// What credits were spent on in the period of a dashboard; `nil` where it has none, or is not of this run's accounts.
  /// - Parameters:
  ///   - folder: that of the account's dashboards.
  ///   - dashboard: its JSON.
  func credits(_ folder: String, _ dashboard: JSONValue) -> CreditsAnalysis? {
    guard let tables, case .object(let root) = dashboard, case .object(let query)? = root["query"],
      case .text(let period)? = query["period"], case .text(let text)? = query["now"],
      let account = tables.accounts.first(where: { RunDirectory.folderName(of: $0.account) == folder })
    else { return nil }
    var parser = TimestampParser()
    guard let now = parser.parse(text), let filter = try? TimelineFilter(period) else { return nil }
    // A date that cannot be selected is one of a dashboard that is not of this run.
    return try? CreditsAnalysis(account, tables, filter, now: now)
  }

  private static func accounts(_ path: String) throws -> ([String: Account], TelemetryTables?) {
    do {
      // A run is compared as it is, whatever its manifest says of its files.
      let data = try Dataset(path, verifies: false)
      let described = RunDescription.accounts(of: data.tables, now: try data.end())
      let found = zip(data.tables.accounts, described).map { record, account in
        (
          RunDirectory.folderName(of: record.account),
          Account(account: account, marks: Marks(data.tables, record))
        )
      }
      let accounts = Dictionary(found, uniquingKeysWith: { first, _ in first })
      return (try JSONEncoder().encode(accounts).count <= mostBytes ? accounts : [:], data.tables)
    } catch is DatasetError {
      // Dashboards alone, or damaged tables, which the comparison itself reports.
      return ([:], nil)
    } catch is NotFoundError {
      return ([:], nil)
    }
  }
}
