import Datasets
import Foundation

/// Room on a disk.
package enum DiskRoom {
  /// - Parameter path: of something that is, or will be, on the disk.
  /// - Throws: `StudioProblem` if less than this many bytes are free.
  package static func require(_ bytes: Int, at path: String) throws {
    var place = path
    while FileKind(of: place) == nil {
      let parent = PathText.parent(place)
      if parent.isEmpty || parent == place {
        place = "."
        break
      }
      place = parent
    }
    var status = statvfs()
    guard statvfs(place, &status) == 0 else { return }  // Whoever writes will say what is wrong.
    let free = Int(status.f_bavail) * Int(status.f_frsize)
    guard free >= bytes else {
      throw StudioProblem(
        .full, "The disk has \(free >> 20) MiB left; at least \(bytes >> 20) must be free to write to it.")
    }
  }
}
