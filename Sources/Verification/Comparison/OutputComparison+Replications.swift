import Datasets
import Foundation

/// Comparing sets of runs that are replications.
extension OutputComparison {
  /// One replication.
  private struct Replication {
    /// By name.
    var dashboards: [String: Source]
    var seed: UInt64?
  }

  func compareReplications(
    _ first: [String], _ second: [String], _ findings: ComparisonFindings, _ result: inout ComparisonOutcome,
    _ progress: (Double) -> Void
  ) throws {
    func replications(_ paths: [String]) throws -> [Replication] {
      let origins = try paths.map { path in
        ReplicationOrigin(try Manifest(contentsOf: path + "/manifest.json"), path: path)
      }
      try ReplicationOrigin.check(origins)
      return try zip(paths, origins).map { path, origin in
        guard let found = try Side(path).dashboards() else {
          throw DatasetError(path, "the run has no dashboards.")
        }
        return Replication(dashboards: found, seed: origin.seed)
      }
    }
    try Self.compareReplications(
      try replications(first), try replications(second), findings, &result, progress)
  }

  /// Compares sets of replications in memory: each the dashboards of one replication by their names.
  /// - Parameter seeds: of the replications of both sides, in order; `nil` where each has one of its own.
  /// - Throws: `DatasetError` for anything that is not a dashboard.
  package static func compareReplications(
    expected: [[String: Data]], actual: [[String: Data]],
    seeds: (expected: [UInt64], actual: [UInt64])? = nil,
    tolerances: Tolerances
  ) throws -> ComparisonOutcome {
    let findings = ComparisonFindings(tolerances)
    var result = ComparisonOutcome(expected: "expected", actual: "actual")
    func made(_ replications: [[String: Data]], _ seeds: [UInt64]?, _ path: String) -> [Replication] {
      replications.enumerated().map { place, dashboards in
        Replication(
          dashboards: dashboards.mapValues { Source(bytes: $0, path: path) }, seed: seeds.map { $0[place] })
      }
    }
    try compareReplications(
      made(expected, seeds?.expected, "expected"), made(actual, seeds?.actual, "actual"), findings, &result
    ) { _ in }
    findings.finish(&result)
    return result
  }

  /// In the order of their seeds, if both sides have the same ones, each once: then they are pairs on common random
  /// numbers.
  private static func paired(_ left: [Replication], _ right: [Replication]) -> ([Replication], [Replication])?
  {
    func ordered(_ all: [Replication]) -> [Replication] { all.sorted { ($0.seed ?? 0) < ($1.seed ?? 0) } }
    let (a, b) = (ordered(left), ordered(right))
    let seeds = a.compactMap(\.seed)
    guard seeds.count == left.count, seeds == b.compactMap(\.seed), b.count == seeds.count,
      Set(seeds).count == seeds.count
    else { return nil }
    return (a, b)
  }

  private static func compareReplications(
    _ left: [Replication], _ right: [Replication], _ findings: ComparisonFindings,
    _ result: inout ComparisonOutcome, _ progress: (Double) -> Void
  ) throws {
    result.replications = [left.count, right.count]
    let pairs = paired(left, right)
    let (left, right) = pairs ?? (left, right)
    if pairs != nil, left.count > 1 {
      result.notes.append("Both sides have the same seeds, so replications are compared in pairs.")
    }
    let names = Set((left + right).flatMap(\.dashboards.keys)).sorted()
    for (index, name) in names.enumerated() {
      result.names.append(name)
      result.documents += 1
      let a = try left.compactMap { try $0.dashboards[name]?.document() }
      let b = try right.compactMap { try $0.dashboards[name]?.document() }
      findings.begin(name, view: (a.first ?? b.first).map { DashboardView($0.root).text } ?? "")
      if a.isEmpty || b.isEmpty {
        findings.structural(
          a.isEmpty ? .extra : .missing, ComparisonPath(),
          expected: a.isEmpty ? nil : "in \(a.count) replications",
          actual: b.isEmpty ? nil : "in \(b.count) replications")
        continue
      }
      if a.count * right.count != b.count * left.count {
        findings.structural(
          a.count * right.count < b.count * left.count ? .extra : .missing, ComparisonPath(),
          expected: "in \(a.count) of \(left.count) replications",
          actual: "in \(b.count) of \(right.count) replications")
      }
      let isComplete = a.count == left.count && b.count == right.count
      withExtendedLifetime((a, b)) {
        ReplicationComparison(findings, isPaired: pairs != nil && isComplete).compare(
          a.map(\.root), b.map(\.root))
      }
      progress(Double(index + 1) / Double(names.count))
    }
  }
}
