import Datasets
import Telemetry

/// Where a data set is written that is not a directory.
enum DatasetTarget {
  /// `nil` for a directory.
  static func writer(_ path: String, series: [Series], reasons: FailureReasons) throws -> (any DatasetWriter)?
  {
    if let location = PostgreSQLLocation(path) {
      return try PostgreSQLDataset.writer(location, series: series, reasons: reasons)
    }
    if path.hasSuffix(".sqlite") || path.hasSuffix(".db") {
      return try SQLiteWriter(newFile: path, series: series, reasons: reasons)
    }
    return nil
  }
}
