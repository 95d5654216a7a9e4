import Datasets
import Telemetry

/// Where a data set is written that is not a directory.
enum DatasetTarget {
  /// `nil` for a directory.
  static func writer(_ path: String, _ requests: RequestTable, replace: Bool) throws -> (any DatasetWriter)? {
    if let location = PostgreSQLLocation(path) {
      return try PostgreSQLDataset.writer(location, requests)
    }
    if path.hasSuffix(".sqlite") || path.hasSuffix(".db") {
      if !replace { try OutputTarget.requireFree(path) }
      return try SQLiteWriter(newFile: path, existing: replace ? .replaced : .refused, requests)
    }
    return nil
  }
}
