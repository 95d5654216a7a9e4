import Aggregation
import Datasets
import Foundation
import Telemetry

/// I14: stored rollups against those that the requests give once more.
final class RollupVerification {
  private let data: Dataset
  /// By account, those that are there; the error of those that cannot be read.
  private let stored: [(account: AccountRecord, archive: Result<RollupArchive, any Error>)]
  /// Takes the requests.
  let rebuilt: RequestRollups

  /// `nil` if there are no stored rollups.
  /// - Parameter reasons: of the reader that reads the requests.
  init?(_ data: Dataset, reasons: FailureReasons) throws {
    self.data = data
    var stored: [(account: AccountRecord, archive: Result<RollupArchive, any Error>)] = []
    for account in data.tables.accounts {
      do {
        guard let archive = try data.rollups(of: account.account, takesUnvouched: true) else { continue }
        stored.append((account, .success(archive)))
      } catch {
        stored.append((account, .failure(error)))
      }
    }
    guard !stored.isEmpty else { return nil }
    self.stored = stored
    rebuilt = RequestRollups(series: data.series, now: try data.end(), reasons: reasons)
  }

  /// Once the requests are in.
  /// - Throws: `AggregationError` if the requests give no rollups.
  func check() throws -> InvariantReport {
    var report = InvariantReport()
    try rebuilt.finish()
    for (account, archive) in stored {
      let name = RunDirectory.rollupsName(of: account.account)
      do {
        let archive = try archive.get()
        let expected = try RollupArchive.data(
          [rebuilt], account: account, models: data.tables.models, end: archive.end, known: archive.reasons)
        if try ContainedPath(name, in: data.path).mapped() == expected { continue }
        let differences = try archive.differences(from: try RollupArchive(expected))
        if differences.isEmpty {
          report.violated(.i14, "\(name): sums over days or kinds of models are not those of the requests")
        }
        for difference in differences { report.violated(.i14, "\(name): \(difference)") }
      } catch let error as AggregationError {
        report.violated(.i14, error.description)
      } catch let error as DatasetError {
        report.violated(.i14, error.description)
      }
    }
    return report
  }
}

/// When the first and the last request arrive.
final class ArrivalExtremes: TelemetrySink {
  private var first = Int64.max
  private var last = Int64.min

  func receive(_ requests: RequestColumns) {
    for row in 0..<requests.count {
      first = min(first, requests.arrivedAt[row])
      last = max(last, requests.arrivedAt[row])
    }
  }

  /// `nil` without requests.
  var range: ClosedRange<Timestamp>? {
    first <= last ? Timestamp(microseconds: first)...Timestamp(microseconds: last) : nil
  }
}
