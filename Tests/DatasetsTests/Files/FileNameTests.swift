import Datasets
import Foundation
import TestSupport
import Testing

@Suite("Names of files made of other names")
struct FileNameTests {
  @Test("a short name is percent-encoded, as it always was")
  func short() {
    #expect(RunDirectory.folderName(of: "acme") == "acme")
    #expect(RunDirectory.folderName(of: "../../etc") == "%2E%2E%2F%2E%2E%2Fetc")
    #expect(RunDirectory.folderName(of: "Zürich & Söhne") == "Z%C3%BCrich%20%26%20S%C3%B6hne")
    #expect(RunDirectory.folderName(of: "日本") == "%E6%97%A5%E6%9C%AC")
    #expect(FileName.encoded(".x", keeping: "-_.=, ", longest: 150, kept: 80) == "%2Ex")
    #expect(FileName.encoded("a.b=1, c", keeping: "-_.=, ", longest: 150, kept: 80) == "a.b=1, c")
  }

  @Test(
    "a name of any length and script fits a file system, with an ending",
    arguments: [1, 24, 25, 26, 60, 255, 4000])
  func length(characters: Int) {
    for character in ["a", "é", "日", "😀", "/"] {
      let name = RunDirectory.folderName(of: String(repeating: character, count: characters))
      #expect(name.utf8.count <= 230)
      #expect("\(name).rollups".utf8.count <= 255)
      #expect(ContainedPath.problem(with: "rollups/\(name).rollups") == nil)
      // What is cut is cut between characters of the encoding.
      #expect(!name.contains("%~") && name.firstMatch(of: /%.~/) == nil)
    }
  }

  @Test("different names have different files: by their bytes, and beyond what fits")
  func injective() {
    let long = String(repeating: "日", count: 100)
    var names = [
      "", "~", "%7E", "a", "A", "a ", "é", "e\u{301}", ".", "..", "%2E", "/", "a/b", "a%2Fb", long,
      long + "x", long + "y",
      "x" + long, String(repeating: "a", count: 230), String(repeating: "a", count: 231), "\u{600}'", "'",
    ]
    var random = SeededGenerator(state: 7)
    for _ in 0..<5000 {
      var text = ""
      for _ in 0..<Int.random(in: 1...90, using: &random) {
        text.unicodeScalars.append(
          Unicode.Scalar(UInt32.random(in: 0...0x10ffff, using: &random)) ?? "?")
      }
      names.append(text)
    }
    let distinct = Set(names.map { Array($0.utf8) })
    #expect(Set(names.map { Array(RunDirectory.folderName(of: $0).utf8) }).count == distinct.count)
  }
}
