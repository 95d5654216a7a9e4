import Documents
import Foundation
import ScenarioModel

/// A value in which two scenarios differ; `nil` where one does not have it.
struct ScenarioDifference: Encodable {
  var path: String
  var label: String
  var a: String?
  var b: String?

  private static let most = 1000

  /// The differences between two scenarios as they were run, in the order of the first; `nil` where one is unknown.
  static func between(_ a: String?, _ b: String?) throws -> [ScenarioDifference]? {
    guard let a, let b else { return nil }
    do {
      let before = try ScenarioParameters(Data(a.utf8), path: "a").all
      let after = try ScenarioParameters(Data(b.utf8), path: "b").all
      let values = Dictionary(before.map { ($0.path, $0) }, uniquingKeysWith: { one, _ in one })
      let others = Dictionary(after.map { ($0.path, $0) }, uniquingKeysWith: { one, _ in one })
      var found = before.filter { others[$0.path]?.value != $0.value }.map {
        ScenarioDifference(path: $0.path, label: $0.label, a: $0.value, b: others[$0.path]?.value)
      }
      found += after.filter { values[$0.path] == nil }.map {
        ScenarioDifference(path: $0.path, label: $0.label, a: nil, b: $0.value)
      }
      return Array(found.prefix(most))
    } catch is DocumentErrors {
      // One that another version of the program wrote.
      return nil
    }
  }
}
