import Documents
import Foundation
import ScenarioModel
import TestSupport
import Testing

/// Every value of every shipped scenario, replaced by what it cannot be: `check` reads on after an error, so that one
/// pass finds everything, and what it reads on with must not be half of something.
@Suite("Values that are not what they should be")
struct HostileValueTests {
  /// Where numbers, durations, rates and dates stand: the first two of each key, or all of them in `make verify`.
  private static func values(_ text: String) -> [Range<String.Index>] {
    var seen: [String: Int] = [:]
    return text.matches(of: /[ \[]([0-9][0-9A-Za-z.:\/%-]*)(?=[ ,\]}\n])/).compactMap { match in
      let before = text[..<match.1.startIndex]
      let key =
        before.lastIndex(of: ":").map { String(before[..<$0].reversed().prefix(while: \.isLetter)) } ?? ""
      seen[key, default: 0] += 1
      return hasLongChecks || seen[key, default: 0] <= 2 ? match.1.startIndex..<match.1.endIndex : nil
    }
  }

  @Test(
    "each is an error with its place, or read as it stands; none ends the program",
    arguments: try shippedScenarios(),
    ["(0.5", "[]", "{}", "~", "-1", "0", "1e999", "99999999999999999999", "9999-12-31"])
  func replaced(_ path: String, by hostile: String) throws {
    let text = try String(contentsOfFile: path, encoding: .utf8)
    let places = Self.values(text)
    #expect(places.count > 5)
    var refused = 0
    for place in places {
      let line = text[..<place.lowerBound].count { $0 == "\n" } + 1
      if text.split(separator: "\n", omittingEmptySubsequences: false)[line - 1].contains("#") { continue }
      do {
        _ = try ScenarioDocument(
          Data(text.replacingCharacters(in: place, with: hostile).utf8), path: "t.yaml", overrides: [])
      } catch let errors as DocumentErrors {
        refused += 1
        #expect(!errors.diagnostics.isEmpty)
        #expect(
          errors.diagnostics.allSatisfy { $0.rendered(path: "t.yaml").hasPrefix("t.yaml:") }, "\(errors)")
      }
    }
    if hostile == "(0.5" || hostile == "{}" {
      #expect(refused > places.count / 2, "\(refused) of \(places.count)")
    }
  }
}
