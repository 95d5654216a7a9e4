import Documents
import Foundation

/// A file that a scenario names, and where it does: found whether or not the rest of the document is right.
package struct NamedFile: Sendable {
  package enum Content: Sendable, Equatable {
    /// A file, and of a trace of several models the one to replay.
    case trace(TraceSource.Selection)
    case serveGen(trace: String, dataset: String)
    case profile(String)

    /// Names, as the scenario gives them.
    package var files: [String] {
      switch self {
      case .trace(let trace): [trace.file]
      case .serveGen(let trace, let dataset): [trace, dataset]
      case .profile(let file): [file]
      }
    }
  }
  package var content: Content
  package var location: Location

  /// Every file of a document; none of one that is not YAML.
  package static func all(in data: Data, path: String, overrides: [String] = []) -> [NamedFile] {
    // The reader of the document reports what is wrong with it.
    guard var root = try? Document.parse(data, path: path) else { return [] }
    for override in overrides { try? root.apply(override) }
    let models =
      root.member("models")?.elements ?? []
      + (root.member("accounts")?.elements ?? []).flatMap { $0.member("models")?.elements ?? [] }
    return models.compactMap { model in
      model.member("load")?.member("arrivals").flatMap(ArrivalSource.named)
    } + ServiceProfile.named(in: root).map { NamedFile(content: .profile($0.file), location: $0.location) }
  }
}
