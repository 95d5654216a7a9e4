import Datasets
import Foundation
import Testing

@Suite("The checksum that a document carries of itself")
struct JSONSealTests {
  static let document = Data(#"{"name": "a", "passed over": {"of nobody": ["käse", 1, null, true]}}"#.utf8)

  @Test("no flipped bit passes for the same document, and none is an error of its own")
  func bits() throws {
    let checksum = try JSONSeal.checksum(of: Self.document)
    #expect(JSONSeal.holds(checksum, for: Self.document))
    for bit in 0..<Self.document.count * 8 {
      var damaged = Self.document
      damaged[bit / 8] ^= 1 << (bit % 8)
      // How it is laid out is none of what it says.
      let isLayout = Self.document[bit / 8] == 0x20 && [0x09, 0x0a, 0x0d, 0x20].contains(damaged[bit / 8])
      #expect(JSONSeal.holds(checksum, for: damaged) == isLayout, "bit \(bit)")
    }
  }

  @Test("it does not depend on the layout")
  func layout() throws {
    let checksum = try JSONSeal.checksum(of: Self.document)
    let other = Data("{\n \"passed over\":{\"of nobody\":[\"käse\",1,null,true]},\n \"name\":\"a\" }\n".utf8)
    #expect(JSONSeal.holds(checksum, for: other))
    #expect(!JSONSeal.holds(checksum, for: Data()))
  }
}
