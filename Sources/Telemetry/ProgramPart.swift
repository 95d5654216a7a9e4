import Foundation

/// A folder of files that belong to the program and lie beside it: the page, the catalogues. Where they lie is known
/// here and nowhere else, so that the program works wherever it was put, with nothing set.
package struct ProgramPart: Sendable {
  private let name: String
  private let target: String
  private let contents: String

  /// - Parameters:
  ///   - name: of the folder.
  ///   - target: the target of `Package.swift` whose resource it is.
  ///   - contents: for people, as the subject of a sentence in the plural.
  package init(_ name: String, resourceOf target: String, contents: String) {
    (self.name, self.target, self.contents) = (name, target, contents)
  }

  /// Where the folder lies: beside the program, as a build leaves it, or in `share/workbench`, as a package does.
  /// - Throws: `MissingPartError`.
  package func folder() throws -> URL {
    guard let program = Program.executable else {
      throw MissingPartError(
        "/proc/self/exe", "it cannot be read, so that the program does not know where it lies. Mount /proc.")
    }
    return try folder(ofProgramAt: program)
  }

  /// - Parameter program: the absolute path of an executable, without links.
  package func folder(ofProgramAt program: String) throws -> URL {
    let beside = URL(fileURLWithPath: program).deletingLastPathComponent()
    let places = [
      beside.deletingLastPathComponent().appendingPathComponent("share/workbench/\(name)"),
      beside.appendingPathComponent("workbench_\(target).resources/\(name)"),
    ]
    for place in places {
      var isFolder: ObjCBool = false
      if FileManager.default.fileExists(atPath: place.path, isDirectory: &isFolder), isFolder.boolValue {
        return place
      }
    }
    throw MissingPartError(
      places[0].path,
      "\(contents) are not there, nor in \(places[1].path). They are a part of the program: install all of it again."
    )
  }

  /// One of the folder's files.
  /// - Parameter folder: as `folder()` found it.
  /// - Throws: `MissingPartError` if it cannot be read.
  package static func file(_ name: String, in folder: URL) throws -> Data {
    let file = folder.appendingPathComponent(name)
    do { return try Data(contentsOf: file) } catch {
      throw MissingPartError(
        file.path, "this part of the program cannot be read: \(reason(error)). Install all of it again.")
    }
  }

  private static func reason(_ error: any Error) -> String {
    let cause = (error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError ?? error as NSError
    if cause.domain == NSPOSIXErrorDomain { return String(cString: strerror(Int32(cause.code))) }
    return (error as? CocoaError)?.code == .fileReadNoSuchFile
      ? String(cString: strerror(ENOENT)) : error.localizedDescription
  }
}

extension Program {
  /// The file of the running program, its links resolved; `nil` if the system does not tell.
  package static var executable: String? {
    let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    guard let target else { return nil }
    // What the kernel appends once the file has been replaced, as an upgrade does. The new one lies there.
    let gone = " (deleted)".utf8
    guard target.utf8.suffix(gone.count).elementsEqual(gone),
      !FileManager.default.fileExists(atPath: target)
    else { return target }
    return String(decoding: target.utf8.dropLast(gone.count), as: UTF8.self)
  }
}

/// A part of the program that is not where it belongs: the installation is at fault, not what the program was given.
package struct MissingPartError: ExplainedError {
  package let kind = ErrorKind.installation
  private let path: String
  private let message: String

  package init(_ path: String, _ message: String) { (self.path, self.message) = (path, message) }

  package func text(naming name: (Setting) -> String) -> String { "\(path): error: \(message)".shown }
}
