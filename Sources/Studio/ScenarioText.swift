import Datasets
import Documents
import Foundation
import Runs
import ScenarioModel

/// A scenario that is edited at the page: its text, and the folder of the files that it names.
///
/// Anyone who may change the text may name any file in it, so only files inside the folder are read, through no link.
package struct ScenarioText: Sendable {
  /// For messages.
  package var name: String
  package var text: Data
  /// `nil`: it may name no files.
  package var folder: String?

  package init(name: String, text: Data, folder: String?) {
    (self.name, self.text, self.folder) = (name, text, folder)
  }

  /// The scenario with every file that it names.
  /// - Parameters:
  ///   - overrides: `PATH=VALUE` each.
  ///   - known: a bundle whose traces are taken over where the scenario names the same ones.
  /// - Throws: `StudioProblem`, with the document's diagnostics.
  package func bundle(overrides: [String] = [], sharing known: ScenarioBundle? = nil) throws -> ScenarioBundle
  {
    let stray = strayFiles(overrides)
    guard stray.isEmpty else { throw StudioProblem(stray, parameter: "base") }
    do {
      return try ScenarioBundle(
        text: text, path: "\(folder ?? ".")/\(name)", overrides: overrides, sharing: known)
    } catch let errors as DocumentErrors {
      let isOverride = errors.diagnostics.allSatisfy {
        if case .override = $0.location { true } else { false }
      }
      throw StudioProblem(errors.diagnostics, parameter: isOverride ? "overrides" : "base")
    } catch let error as DatasetError {
      throw StudioProblem(.invalid, "A file that the scenario names: \(error.message)", parameter: "base")
    } catch let error as NotFoundError {
      throw StudioProblem(.invalid, "A file that the scenario names: \(error.reason)", parameter: "base")
    }
  }

  /// What is wrong with the names of files.
  package func strayFiles(_ overrides: [String] = []) -> [Diagnostic] {
    NamedFile.all(in: text, path: name, overrides: overrides).flatMap { file in
      file.content.files.compactMap { name in
        problem(name).map { Diagnostic(location: file.location, message: "\(quoted(name)): \($0)") }
      }
    }
  }

  private func problem(_ file: String) -> String? {
    guard let folder else {
      return "this server has no folder of scenarios, which would contain such files."
    }
    if let problem = ContainedPath.problem(with: file) {
      return "\(problem). Here, a scenario can name only files inside its folder."
    }
    guard let path = try? ContainedPath(file, in: folder), path.isFile else {  // Said here.
      return "there is no such file in the folder of scenarios."
    }
    return nil
  }
}
