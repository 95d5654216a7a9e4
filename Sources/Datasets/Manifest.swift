import Foundation
import Hashing
import Telemetry

/// `manifest.json`: what a run directory holds and what it came from.
package struct Manifest: Codable, Equatable, Sendable {
  package static let formatVersion = 1
  /// The source of what was merged.
  package static let mergeSource = "merge"

  package struct Scenario: Codable, Equatable, Sendable {
    package var name: String
    /// As run.
    package var text: String
    package var sha256: String
    /// `PATH=VALUE` each.
    package var overrides: [String]

    package init(name: String, text: String, overrides: [String]) {
      self.name = name
      self.text = text
      self.overrides = overrides
      sha256 = SHA256.hash(data: Data(text.utf8)).hexadecimal
    }
  }

  /// Half open, RFC 3339, UTC.
  package struct Period: Codable, Equatable, Sendable {
    package var from: String
    package var to: String

    package init(from: Timestamp, to: Timestamp) {
      self.from = from.rfc3339
      self.to = to.rfc3339
    }
  }

  package var format = Manifest.formatVersion
  package var program: String
  /// What its maker calls it; absent where its scenario or its source says enough.
  package var name: String?
  package var scenario: Scenario?
  package var seed: UInt64?
  package var period: Period
  /// Of merged shards, the times inside the period that none of them covers; absent if there are none.
  package var gaps: [Period]?
  /// Where the data came from, if not from a scenario.
  package var source: String?
  /// How many requests there were where those of this data set were chosen from; absent if it has all of them.
  package var chosenFrom: Int64?
  /// Rows by table.
  package var rows: [String: Int64] = [:]
  /// Requests that arrived while no version of their model was deployed, by account.
  package var notDeployed: [String: Int] = [:]
  /// SHA-256 by path inside the directory.
  package var files: [String: String] = [:]
  /// Fingerprints of stored rollups by path: they reveal an exchanged archive without reading all of it.
  package var rollups: [String: String]?
  /// Checksums of rows by table, where a database holds them; see `ContentDigest`.
  package var contents: [String: String]?
  /// SHA-256 of everything else in the manifest, `JSONSeal`; absent in those of older programs.
  package var checksum: String?

  package init(program: String, scenario: Scenario?, seed: UInt64?, period: Period, source: String? = nil) {
    self.program = program
    self.scenario = scenario
    self.seed = seed
    self.period = period
    self.source = source
  }

  /// With its checksum.
  package func json() throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    var sealed = self
    sealed.checksum = nil
    sealed.checksum = try JSONSeal.checksum(of: try encoder.encode(sealed))
    return try encoder.encode(sealed) + Data("\n".utf8)
  }

  /// - Parameter verifies: whether a manifest that no longer matches its checksum is an error.
  /// - Throws: `DatasetError` if the file is not one.
  package init(contentsOf path: String, verifies: Bool = true) throws {
    try self.init(try ContainedPath(ofFile: path).contents(), path: path, verifies: verifies)
  }

  /// - Parameter path: where it comes from, for messages.
  package init(_ data: Data, path: String, verifies: Bool = true) throws {
    do {
      self = try JSONDecoder().decode(Manifest.self, from: data)
    } catch {
      throw DatasetError(path, "this is not a manifest of a run. Run the scenario again.")
    }
    guard format == Self.formatVersion else {
      throw DatasetError(
        path,
        "the manifest has format \(format); this program reads \(Self.formatVersion). Use the program that wrote it: \(program)."
      )
    }
    for name in files.keys.sorted() {
      if let problem = ContainedPath.problem(with: name) {
        throw DatasetError(
          path,
          "the manifest names a file that cannot be inside the run: \(problem). Do not trust this run."
        )
      }
    }
    if verifies, let checksum, !JSONSeal.holds(checksum, for: data) {
      throw DatasetError(
        path,
        "the manifest has changed since it was written: its checksum does not match. Get the data set again, or run the scenario again."
      )
    }
  }
}
