import Aggregation
import Foundation
import Telemetry

/// A quarter of an hour of one version of a live run, complete since the last look: what has changed in the figures. Where
/// local hours cut a quarter, each part is one.
struct LiveBucket: Encodable {
  /// Its beginning, in UTC.
  var at: String
  var account: String
  var modelId: Int32
  var version: String
  var successes: Int64
  var failures: Int64
  /// Of successful requests, ms; `nil` without any.
  var latency: Double?
  var inputTokens: Int64
  var outputTokens: Int64

  /// Those that became complete between an instant of a live run and a later one, in order of time.
  static func between(_ start: Timestamp, and snapshot: LiveRun.Snapshot) -> [LiveBucket] {
    guard start < snapshot.now else { return [] }
    var found: [(at: Timestamp, bucket: LiveBucket)] = []
    for account in snapshot.tables.accounts {
      guard let rollups = snapshot.rollups[account.account] else { continue }
      for (index, series) in rollups.series.enumerated() {
        rollups.visit(index, in: start..<snapshot.now, byDay: false) { rollup in
          let cell = rollup.cell
          found.append(
            (
              rollup.start,
              LiveBucket(
                at: rollup.start.rfc3339, account: account.account, modelId: series.modelID,
                version: series.version, successes: cell.successes, failures: cell.failures,
                latency: cell.successes == 0
                  ? nil : Double(cell.latencySum) / Double(cell.successes) / 1000,
                inputTokens: cell.inputTokens, outputTokens: cell.outputTokens)
            ))
        }
      }
    }
    return found.sorted { $0.at < $1.at }.map(\.bucket)
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(at, forKey: .at)
    try container.encode(account, forKey: .account)
    try container.encode(modelId, forKey: .modelId)
    try container.encode(version, forKey: .version)
    try container.encode(successes, forKey: .successes)
    try container.encode(failures, forKey: .failures)
    try container.encode(latency, forKey: .latency)
    try container.encode(inputTokens, forKey: .inputTokens)
    try container.encode(outputTokens, forKey: .outputTokens)
  }

  private enum CodingKeys: String, CodingKey {
    case at, account, modelId, version, successes, failures, latency, inputTokens, outputTokens
  }
}

/// The newest buckets of a live run, each written once, whoever listens.
struct LiveBuckets {
  /// A listener for whom more have changed since the last time asks for the figures.
  private static let most = 1000
  private var texts: [String] = []
  /// How many there have been.
  private(set) var count = 0

  mutating func add(_ found: [LiveBucket]) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    count += found.count
    // Finite numbers and text can always be written.
    texts += found.suffix(Self.most).compactMap {
      (try? encoder.encode($0)).map { String(decoding: $0, as: UTF8.self) }
    }
    texts.removeFirst(max(0, texts.count - Self.most))
  }

  /// What has been added since there were `seen`, as JSON, and how many of these are no longer kept; `nil` without any.
  func since(_ seen: Int) -> String? {
    guard count > seen else { return nil }
    let kept = texts.suffix(count - seen)
    return #"{"buckets":[\#(kept.joined(separator: ","))],"more":\#(count - seen - kept.count)}"#
  }
}
