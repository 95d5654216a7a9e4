import Foundation
import TestSupport
import Testing
import Verification

/// Data sets from elsewhere, in CSV by hand.
@Suite("Verification of what does not come from a scenario")
struct RequestNumberTests {
  /// - Parameter requests: number and second of arrival, in the order of the file.
  static func report(_ requests: [(id: Int64, second: Int)], hardware: [String] = []) throws
    -> InvariantReport
  {
    let scratch = try Scratch()
    let tables = [
      "accounts": "account,time_zone,subscription_max_replicas\nacct,UTC,1\n",
      "hardware": "account,hardware,credits_micro_per_hour\n" + hardware.map { $0 + "\n" }.joined(),
      "models":
        "model_id,account,kind,name,provider,created_at\n1,acct,external,m,P,2026-03-02T00:00:00.000000Z\n",
      "deployments":
        "model_id,version,hardware,min_replicas,max_replicas,max_batch_size,requested_at,deployed_at,undeployed_at,outcome\n",
      "replicas": "at,model_id,version,hardware,starting,ready,draining,limited_by\n",
      "fine_tuning_jobs":
        "job_id,model_id,base_model,hardware,started_at,finished_at,outcome,credits_micro\n",
      "incidents": "model_id,provider,kind,started_at,ended_at\n",
    ]
    for (name, text) in tables { try scratch.write("\(name).csv", text) }
    func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    let rows = requests.map { id, second in
      "\(id),2026-03-02T\(two(second / 3600)):\(two(second / 60 % 60)):\(two(second % 60)).000000Z,1,,success,,0,1,2,3,4\n"
    }
    try scratch.write(
      "requests.csv",
      "request_id,arrived_at,model_id,version,status,failure_reason,waiting_us,ttft_us,latency_us,input_tokens,output_tokens\n"
        + rows.joined())
    return try RunVerification(scratch.path).run()
  }

  @Test(
    "a number that comes twice violates I8: next to the other, far from it, among others out of order",
    arguments: [
      ([1, 2, 2], 2), ([7, 3, 5, 3], 3), ([1, 2, 3, 10, 11, 12, 2], 2), ([5, 5], 5),
      ([Int64.max, Int64.max], Int64.max), ([4, 3, 2, 1, 2], 2), ([0, 1, 2, 3, 1], 1),
    ] as [([Int64], Int64)])
  func twice(_ ids: [Int64], _ repeated: Int64) throws {
    let report = try Self.report(ids.enumerated().map { ($1, $0) })
    #expect(report.violations[.i8] == 1)
    #expect(report.findings.contains { $0.message.contains("request \(repeated) occurs more than once") })
  }

  @Test(
    "numbers need not follow each other, nor rise: each once holds",
    arguments: [[1, 2, 3], [3, 2, 1], [10, 20, 15], [Int64.max, 0, Int64.max - 1], [1, 3, 2, 4]] as [[Int64]])
  func once(_ ids: [Int64]) throws {
    #expect(try Self.report(ids.enumerated().map { ($1, $0) }).holds)
  }

  @Test("two interleaved numberings of many requests, and one number of one in the other")
  func interleaved() throws {
    var ids = (0..<6000).flatMap { [Int64($0), Int64(1_000_000 + $0)] }
    #expect(try Self.report(ids.enumerated().map { ($1, $0) }).holds)
    ids[9001] = 77
    let report = try Self.report(ids.enumerated().map { ($1, $0) })
    #expect(report.findings.contains { $0.message.contains("request 77 occurs more than once") })
  }

  @Test("two prices for one hardware of an account: an error at the second, whatever they are")
  func prices() throws {
    for price in [1_000_000, 2_000_000] {
      let error = #expect(throws: (any Error).self) {
        try Self.report(
          [(1, 0)], hardware: ["acct,A10 single,1000000", "acct,T4,5", "acct,A10 single,\(price)"])
      }
      let text = error.map { "\($0)" } ?? ""
      #expect(
        text.contains("hardware.csv:4:6: error: hardware \"A10 single\" of account \"acct\" is listed twice"),
        "\(text)")
    }
    #expect(try Self.report([(1, 0)], hardware: ["acct,A10 single,1000000", "acct,T4,1000000"]).holds)
  }
}
