import DashboardServer
import Datasets
import Foundation
import Planning

/// A finished plan on the disk.
struct PlanDirectory {
  private let path: String
  private let data: Data
  let result: PlanResult

  static func isOne(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path + "/plan.json") }

  /// - Throws: `DatasetError`.
  init(_ path: String) throws {
    self.path = path
    data = try ContainedPath("plan.json", in: path).contents()
    do {
      result = try JSONDecoder().decode(PlanResult.self, from: data)
    } catch {
      throw DatasetError(path + "/plan.json", "this is not a plan of this program. Run the plan again.")
    }
    guard result.plan == 1 else {
      throw DatasetError(
        path + "/plan.json",
        "the plan has format \(result.plan); this program reads 1. Use the program that wrote it: \(result.program)."
      )
    }
    if let checksum = result.checksum, try JSONSeal.checksum(of: data) != checksum {
      throw DatasetError(
        path + "/plan.json",
        "the plan has changed since it was written: its checksum does not fit. Run the plan again.")
    }
  }

  /// Runs of its variants, the base first, then in the order of the plan.
  func runs() throws -> [String] {
    // A plan without runs is served by its page.
    let entries = try ContainedPath.folders(in: path + "/runs")
    let order = Dictionary(
      result.variants.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
    return try entries.map { name in
      let run = "\(path)/runs/\(name)"
      let place = try Manifest(contentsOf: run + "/manifest.json").scenario.flatMap { order[$0.name] } ?? .max
      return (place, run)
    }.sorted { $0 < $1 }.map(\.1)
  }

  func page() throws -> PlanPage {
    try PlanPage(
      plan: data, words: (PlanText.recommendation(result) ?? []) + PlanText.chance(result),
      columns: PlanText.columns(result).map { ($0.name, $0.unit.rawValue) })
  }
}
