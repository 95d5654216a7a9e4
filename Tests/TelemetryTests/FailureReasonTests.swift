import Telemetry
import Testing

@Suite("Failure reasons")
struct FailureReasonTests {
  @Test("names are what files of every version have")
  func names() {
    // Renaming a case renames the reason in every file that is written from then on: add one instead.
    let names = [
      "overloaded", "timeout", "replicaLost", "modelError", "providerError", "rateLimited",
      "contextLengthExceeded",
    ]
    #expect(Set(FailureReason.allCases.map(\.name)).isSuperset(of: names))
  }

  @Test("the code of a reason is its place among the names", arguments: FailureReason.allCases)
  func codes(reason: FailureReason) throws {
    #expect(RequestOutcome.names[Int(reason.code)] == reason.name)
    #expect(try FailureReasons().code(of: reason.name) == reason.code)
    #expect(RequestOutcome.names[Int(RequestOutcome.success)].isEmpty)
  }

  @Test("there are as many foreign reasons as codes are left, and then \"other\"")
  func most() throws {
    let reasons = FailureReasons()
    for index in 0..<FailureReasons.mostForeign { #expect(try reasons.code(of: "foreign \(index)") != nil) }
    #expect(try reasons.code(of: "one more") == nil)
    #expect(FailureReasons.tooMany.contains("\(255 - RequestOutcome.names.count) different"))

    let grouped = FailureReasons()
    for index in 0..<FailureReasons.mostForeign - 1 {
      #expect(try !grouped.codeOrOther(of: "foreign \(index)").isOther)
    }
    let other = try grouped.codeOrOther(of: "one more")
    #expect(other.isOther && grouped.names[Int(other.code)] == "other")
    #expect(try grouped.codeOrOther(of: "another").code == other.code)
  }

  @Test("another spelling of a reason is refused for every caller")
  func spellings() throws {
    let reasons = FailureReasons()
    _ = try reasons.code(of: "caf\u{e9}")
    #expect(throws: NameProblem.self) { try reasons.code(of: "cafe\u{301}") }
    #expect(throws: NameProblem.self) { try reasons.codeOrOther(of: "cafe\u{301}") }
    #expect(try reasons.codeOrOther(of: "caf\u{e9}").code == UInt8(RequestOutcome.names.count))
  }

  @Test("a set of outcomes has the reasons that it was made of, and no foreign one")
  func sets() {
    let refused = OutcomeSet(FailureReason.allCases.filter { $0.progress == .refused })
    for code in UInt8.min...UInt8.max {
      #expect(refused.contains(code) == (FailureReason(rawValue: code)?.progress == .refused), "\(code)")
    }
    #expect(OutcomeSet([], success: true).contains(RequestOutcome.success))
  }
}
