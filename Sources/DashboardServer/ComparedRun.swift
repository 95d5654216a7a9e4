import Datasets
import Foundation

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
    accounts = try Self.accounts(path)
  }

  private static func accounts(_ path: String) throws -> [String: Account] {
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
      return try JSONEncoder().encode(accounts).count <= mostBytes ? accounts : [:]
    } catch is DatasetError {
      // Dashboards alone, or damaged tables, which the comparison itself reports.
      return [:]
    } catch is NotFoundError {
      return [:]
    }
  }
}
