import Foundation

/// The files of a run or a plan that it vouches for, with the SHA-256 that each must have: its manifest's, or those of
/// plan.json and of the manifests that it vouches for.
struct VouchedFiles {
  /// Every file but the main one, by its path inside.
  private(set) var digests: [String: String] = [:]
  /// The scenario's or the source's; empty where there is none.
  private(set) var name = ""
  private(set) var program = ""

  /// - Parameters:
  ///   - main: the bytes of manifest.json or plan.json.
  ///   - directory: where the files lie; manifests of a plan's runs are read there.
  ///   - shown: what messages call it.
  /// - Throws: `DatasetError` where a seal does not fit, or a manifest is not the one that is vouched for.
  init(isPlan: Bool, main: Data, in directory: String, shown: String) throws {
    if isPlan {
      try plan(main, directory, shown)
    } else {
      let manifest = try Manifest(main, path: "\(shown)/manifest.json")
      name = manifest.scenario?.name ?? manifest.source ?? ""
      program = manifest.program
      digests = manifest.files
    }
  }

  private mutating func plan(_ main: Data, _ directory: String, _ shown: String) throws {
    struct Plan: Decodable {
      var scenario: String
      var program: String
      var files: [String: String]?
      var checksum: String?
    }
    let path = "\(shown)/plan.json"
    guard let plan = try? JSONDecoder().decode(Plan.self, from: main) else {
      throw DatasetError(path, "this is not a plan of this program. Run the plan again.")
    }
    if let checksum = plan.checksum, !JSONSeal.holds(checksum, for: main) {
      throw DatasetError(
        path, "the plan has changed since it was written: its checksum does not match. Run the plan again.")
    }
    (name, program) = (plan.scenario, plan.program)
    if let files = plan.files {
      for name in files.keys.sorted() {
        guard let problem = ContainedPath.problem(with: name) else { continue }
        throw DatasetError(
          path,
          "the plan names a file that cannot be inside it: \(problem). Do not trust this plan.")
      }
      digests = files
    } else {
      // A plan of an older program vouches for none of its files; they have to fit each other.
      for name in try ["replications.csv"]
        + ContainedPath.folders(in: directory + "/runs").map({ "runs/\($0)/manifest.json" })
      where FileKind(of: "\(directory)/\(name)") != nil {
        digests[name] = try ContainedPath(name, in: directory).digest().sha256
      }
    }
    for name in digests.keys.sorted()
    where name.utf8.reversed().starts(with: "/manifest.json".utf8.reversed()) {
      let manifest = try ContainedPath(name, in: directory)
      guard FileKind(of: manifest.path) != nil, try manifest.digest().sha256 == digests[name] else {
        throw Self.unsound("\(shown)/\(name)", isMissing: FileKind(of: manifest.path) == nil, again: "plan")
      }
      let folder = name.utf8.dropLast("manifest.json".utf8.count)
      for (file, digest) in try Manifest(manifest.contents(), path: "\(shown)/\(name)").files {
        digests["\(String(decoding: folder, as: UTF8.self))\(file)"] = digest
      }
    }
  }

  /// - Parameter found: SHA-256 by path of what is there.
  /// - Throws: `DatasetError` naming a file that is missing, or not the one that is vouched for.
  func check(_ found: [String: String], isPlan: Bool, shown: String) throws {
    for (path, digest) in digests.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) })
    where found[path] != digest {
      throw Self.unsound(
        "\(shown)/\(path)", isMissing: found[path] == nil, again: isPlan ? "plan" : "scenario")
    }
  }

  private static func unsound(_ path: String, isMissing: Bool, again: String) -> DatasetError {
    DatasetError(
      path,
      isMissing
        ? "the file is missing. Run the \(again) again."
        : "the file has been changed since the \(again == "plan" ? "plan" : "run"). Run the \(again) again.")
  }
}
