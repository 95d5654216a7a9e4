import Telemetry

extension TelemetryTables {
  /// Refuses names that are canonically equal and not the same: every door of a data set goes through here.
  /// - Parameter path: for the message.
  /// - Throws: `DatasetError`.
  package func checkSpellings(_ path: String) throws {
    var spellings = NameSpellings()
    func check<Record>(_ table: String, _ rows: [Record], _ names: (Record) -> [String]) throws {
      var last: [String] = []
      for row in rows {
        let names = names(row)
        // Most rows name what the row before them did.
        if names.elementsEqual(last, by: Name.same) { continue }
        last = names
        do {
          for name in names { try spellings.admit(name) }
        } catch {
          throw DatasetError("\(path)/\(table)", "the name \(error)")
        }
      }
    }
    try check("accounts", accounts) { [$0.account] }
    try check("hardware", hardware) { [$0.account, $0.hardware] }
    try check("models", models) { [$0.account, $0.name, $0.provider] }
    try check("deployments", deployments) { [$0.version, $0.hardware] }
    try check("replicas", replicas) { [$0.version, $0.hardware] }
    try check("fine_tuning_jobs", fineTuningJobs) { [$0.baseModel, $0.hardware] }
    try check("incidents", incidents) { [$0.provider, $0.kind] }
    try check("kv_cache", kvCache) { [$0.version, $0.hardware] }
  }
}
