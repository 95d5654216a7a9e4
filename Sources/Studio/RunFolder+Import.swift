import Datasets
import Foundation
import Runs

extension RunFolder {
  /// The result of an import.
  package struct Imported: Sendable {
    /// Where the run is.
    package var path: String
    package var requests: Int64
    package var rejects: MappedImport.Rejects
    /// What else had to be settled, a sentence each.
    package var sentences: [String]
  }

  /// Turns an export into a run.
  /// - Parameters:
  ///   - file: the export.
  ///   - fileName: what its owner calls it.
  ///   - name: of the run.
  ///   - rejects: the file for rows that make no request.
  /// - Throws: `StudioProblem` for what cannot be read; `OutputError`; what `check` throws. Nothing is left behind then.
  package func importing(
    _ file: String, called fileName: String, _ source: MappedImport.Source, _ mapping: ImportMapping,
    name: String, format: DatasetFormat, rejects: String, program: String,
    check: @escaping @Sendable () throws -> Void, progress: @escaping @Sendable (Double) -> Void
  ) throws -> Imported {
    do {
      let output = OutputName.free(name, in: path)
      try FinalName(output).makeParent()
      let imported = try MappedImport(
        file, source, mapping: mapping, output: output, rejectsPath: rejects, isStrict: false)
      try imported.read {
        try check()
        progress($0 * 0.7)
      }
      let period = imported.period
      var manifest = Manifest(
        program: program, scenario: nil, seed: nil,
        period: .init(from: period.lowerBound, to: period.upperBound), source: fileName)
      if name != fileName { manifest.name = name }
      let directory = try RunDirectory(output, manifest: manifest, existing: .numbered)
      var recorder = RunRecorder()
      recorder.formats = [format]
      _ = try recorder.record(Interruptible(imported, check: check), into: directory) {
        progress(0.7 + 0.3 * $0)
      }
      try imported.finishRejects()
      note(directory.finalPath)
      var found = imported.rejects
      found.examples = found.examples.map { $0.replacing(file, with: fileName) }
      return Imported(
        path: directory.finalPath, requests: imported.count, rejects: found,
        sentences: imported.report.sentences)
    } catch let error as DatasetError {
      throw StudioProblem(.invalid, error.message.replacing(file, with: fileName), parameter: "mapping")
    }
  }
}
