import Foundation
import Hashing
import Testing

/// Published values; none is copied from this program's output.
@Suite("SHA-256 and HMAC")
struct SHA256Tests {
  @Test(
    "the digests of FIPS 180-4's examples are theirs",
    arguments: [
      ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
      ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
      (
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
      ),
      (
        "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
        "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"
      ),
    ])
  func examples(message: String, digest: String) {
    #expect(SHA256.hash(data: Data(message.utf8)).hexadecimal == digest)
  }

  @Test("a million times a, the long example of FIPS 180-4", arguments: [1, 63, 64, 65, 4096, 1_000_000])
  func longExample(chunkLength: Int) {
    var hash = SHA256()
    var left = 1_000_000
    while left > 0 {
      let count = min(left, chunkLength)
      hash.update(data: [UInt8](repeating: UInt8(ascii: "a"), count: count))
      left -= count
    }
    #expect(
      hash.finalize().hexadecimal == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
  }

  @Test("how bytes are cut does not matter, around the block of 64 bytes and its padding")
  func chunks() {
    let bytes = (0..<300).map { UInt8(truncatingIfNeeded: $0 &* 197 &+ 11) }
    for length in [0, 1, 55, 56, 57, 63, 64, 65, 119, 120, 127, 128, 129, 300] {
      let whole = SHA256.hash(data: Array(bytes[..<length]))
      for cut in 0...length {
        var hash = SHA256()
        hash.update(data: Data(bytes[..<cut]))
        hash.update(data: [UInt8]())
        bytes[cut..<length].withUnsafeBytes { hash.update(bufferPointer: $0) }
        #expect(hash.finalize() == whole, "\(length) bytes, cut at \(cut)")
      }
    }
  }

  @Test("a digest may be taken half-way, and a copy goes on by itself")
  func copies() {
    var hash = SHA256()
    hash.update(data: Data("a".utf8))
    let early = hash.finalize()
    var copy = hash
    copy.update(data: Data("xyz".utf8))
    hash.update(data: Data("bc".utf8))
    #expect(early == SHA256.hash(data: Data("a".utf8)))
    #expect(hash.finalize() == SHA256.hash(data: Data("abc".utf8)))
    #expect(copy.finalize() == SHA256.hash(data: Data("axyz".utf8)))
    #expect(hash.finalize() != copy.finalize())
  }

  @Test(
    "authentication codes are those of RFC 4231",
    arguments: [
      // Cases 1, 2 and 6: a plain key, a short one, one that is longer than a block.
      (
        [UInt8](repeating: 0x0b, count: 20), "Hi There",
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
      ),
      (
        Array("Jefe".utf8), "what do ya want for nothing?",
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
      ),
      (
        [UInt8](repeating: 0xaa, count: 131), "Test Using Larger Than Block-Size Key - Hash Key First",
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
      ),
    ])
  func authenticationCodes(key: [UInt8], message: String, code: String) {
    #expect(SHA256.authenticationCode(of: Data(message.utf8), key: key).hexadecimal == code)
  }

  @Test("an empty key and an empty message have a code")
  func emptyCode() {
    // Source: RFC 2104, computed by Python's hmac module.
    #expect(
      SHA256.authenticationCode(of: Data(), key: Data()).hexadecimal
        == "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad")
  }

  @Test("a digest is its 32 bytes in order")
  func bytes() {
    let digest = SHA256.hash(data: Data("abc".utf8))
    #expect(Array(digest).count == SHA256Digest.byteCount)
    #expect(Array(digest).prefix(4) == [0xba, 0x78, 0x16, 0xbf])
    #expect(digest.withUnsafeBytes { Array($0) } == Array(digest))
    #expect([UInt8(0), 9, 10, 255].hexadecimal == "00090aff")
  }
}
