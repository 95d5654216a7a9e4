import Aggregation
import Datasets
import Foundation
import Telemetry

/// I15: that a directory with a manifest has the files that one of its source has, so that nothing can be checked away by
/// removing it together with what the manifest says of it.
struct RunContents {
  private let data: Dataset
  private let manifest: Manifest

  init(_ data: Dataset, _ manifest: Manifest) {
    self.data = data
    self.manifest = manifest
  }

  /// What a fixture asks, with the files of its answers.
  static let questions = "queries.json"

  func check(_ report: inout InvariantReport) throws {
    let isFixture = manifest.source?.utf8.starts(with: "fixture ".utf8) ?? false
    if manifest.scenario == nil, manifest.source == nil {
      report.violated(.i15, "the manifest names neither the scenario nor the source that the data come from")
    }
    if let source = manifest.source, !isFixture, manifest.scenario != nil || manifest.seed != nil {
      report.violated(.i15, "the data come from \(source), which has neither a scenario nor a seed")
    }
    if manifest.scenario != nil { require("scenario.yaml", &report) }
    for account in data.tables.accounts {
      let name = RunDirectory.rollupsName(of: account.account)
      require(name, &report)
      if manifest.rollups?[name] == nil {
        report.violated(.i15, "the manifest has no fingerprint of \(name)")
      }
    }
    if let questions = try questions(&report) {
      for name in questions { require(name, &report) }
    } else if manifest.source != Manifest.mergeSource {
      // Of a merge there are only the dashboards that rollups give.
      for name in standardDashboards { require(name, &report) }
    }
  }

  private func require(_ name: String, _ report: inout InvariantReport) {
    if manifest.files[name] == nil {
      report.violated(.i15, "\(name) is missing; every such data set is written with it")
    }
  }

  /// Every preset period of every kind of model that an account has.
  private var standardDashboards: [String] {
    data.tables.accounts.flatMap { account in
      let kinds = Set(data.tables.models.filter { Name.same($0.account, account.account) }.map(\.kind))
      return ModelKind.allCases.filter(kinds.contains).flatMap { kind in
        TimelineFilter.presets.map {
          "dashboard/\(RunDirectory.folderName(of: account.account))/\(kind.rawValue)-\($0).json"
        }
      }
    }
  }

  /// The dashboards of a fixture, which lists them; `nil` if it is not a fixture.
  private func questions(_ report: inout InvariantReport) throws -> [String]? {
    struct Question: Decodable { var file: String }
    let name = Self.questions
    guard manifest.files[name] != nil else { return nil }
    let file = try ContainedPath(name, in: data.path)
    // What is not there is I10's to report.
    guard file.isFile else { return [] }
    do {
      return try JSONDecoder().decode([Question].self, from: try file.contents()).map(\.file)
    } catch is DecodingError {
      report.violated(.i15, "\(name) is not a list of a fixture's questions")
      return []
    }
  }
}
