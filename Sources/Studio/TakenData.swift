import Datasets
import Foundation
import Runs
import Telemetry

/// Data of a run to download: a fixture, or the data set in another format, in a directory that goes away with its
/// owner.
package struct TakenData: Sendable {
  package let scratch: ScratchDirectory
  /// Of the directory, and of what is made of it.
  package let name: String
  private var path: String { "\(scratch.path)/\(name)" }

  /// - Parameter name: of the run.
  package init(named name: String) throws {
    scratch = try ScratchDirectory()
    self.name = OutputName.file(name)
  }

  /// Writes a fixture of the run.
  /// - Throws: `DatasetError`, `OutputError`, `QueryError`.
  package func fixture(
    of run: String, _ options: FixtureWriter.Options, progress: @escaping @Sendable (Double) -> Void
  ) throws -> FixtureWriter.Outcome {
    try FixtureWriter(try Dataset(run), options).write(to: path, progress: progress)
  }

  /// Writes the run's data set in a format.
  /// - Throws: `DatasetError`, `OutputError`; what `check` throws.
  package func export(
    _ run: String, as format: DatasetFormat, program: String, check: @escaping @Sendable () throws -> Void,
    progress: @escaping @Sendable (Double) -> Void
  ) throws {
    let source = try DatasetSource(try Dataset(run))
    var manifest =
      source.dataset.manifest
      ?? Manifest(
        program: program, scenario: nil, seed: nil,
        period: .init(from: source.period.lowerBound, to: source.period.upperBound), source: name)
    // Of the source's own files.
    manifest.files = [:]
    manifest.rollups = nil
    manifest.contents = nil
    var recorder = RunRecorder()
    recorder.formats = [format]
    _ = try recorder.record(
      Interruptible(source, check: check),
      into: try RunDirectory(path, manifest: manifest, isDurable: false), progress: progress)
  }

  /// Packs what was written into a zip file, which takes its place.
  /// - Returns: its path.
  /// - Throws: as `ZipArchive.write`.
  package func zip(check: () throws -> Void) throws -> String {
    let file = "\(scratch.path)/\(name).zip"
    try ZipArchive.write(path, folder: name, to: file, scratch: scratch, check: check)
    // What cannot be removed goes away with the rest.
    try? FileManager.default.removeItem(atPath: path)
    return file
  }
}
