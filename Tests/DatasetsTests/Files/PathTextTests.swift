import Datasets
import Foundation
import TestSupport
import Testing

@Suite("Paths")
struct PathTextTests {
  @Test(
    "a path's directory and name, however short it is",
    arguments: [
      ("a", "", "a"), ("a/", "", "a"), ("B/", "", "B"), ("a//", "", "a"), ("/", "/", ""), ("//", "/", ""),
      ("/a", "/", "a"), ("/a/", "/", "a"), ("//a", "/", "a"), ("a/b", "a", "b"), ("a//b/", "a", "b"),
      ("./a", ".", "a"), ("../", "", ".."), ("ä/ö", "ä", "ö"), ("/a/b/c", "/a/b", "c"), ("", "", ""),
    ])
  func parts(path: String, parent: String, name: String) {
    #expect(PathText.parent(path) == parent)
    #expect(PathText.name(path) == name)
  }
}
