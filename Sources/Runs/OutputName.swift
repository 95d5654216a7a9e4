import Datasets
import Foundation

/// Names of what is written where the user gave none.
package enum OutputName {
  /// `FOLDER/NAME`, or the first of `FOLDER/NAME-2`, `-3`, … that is free.
  package static func free(_ name: String, in folder: String = "Outputs") -> String {
    let base = "\(folder)/\(file(name))"
    if !isTaken(base) { return base }
    var number = 2
    while isTaken("\(base)-\(number)") { number += 1 }
    return "\(base)-\(number)"
  }

  /// By anything, be it a link that leads nowhere.
  private static func isTaken(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0
  }

  /// A name that any file system takes, with room for a number and an ending; different names stay different.
  package static func file(_ name: String) -> String {
    FileName.encoded(name, keeping: "-_.=, ", longest: 150, kept: 80)
  }
}
