import Datasets
import Foundation
import Planning
import Telemetry
import Testing

@Suite("Recorded replicas from Prometheus")
struct ShadowReplicasTests {
  /// Samples every 15 s of the hour.
  private static func answer(
    _ labels: String = #""deployment": "V1""#, from first: Int = 0, value: (Int) -> String? = { _ in "4" }
  ) throws -> PrometheusRange {
    let samples = (first..<first + 240).compactMap { step in
      value(step - first).map { "[\(1_767_571_200 + 15 * step), \"\($0)\"]" }
    }
    let text =
      #"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{\#(labels)},"values":[\#(samples.joined(separator: ","))]}]}}"#
    return try PrometheusRange(Data(text.utf8), path: "replicas.json")
  }

  @Test("replicas of a range query are compared as those of the table are")
  func prometheus() throws {
    let policy = try ShadowPolicy("{ startup: 10s, policy: { targetUtilisation: { target: 0.5 } } }")
    // The table's are not looked at.
    var recorded = try ShadowTests.byHand([(0, 1)], Array(repeating: (0, 3000), count: 4))
    recorded.replicas = try Self.answer { $0 < 120 ? "4" : "6" }
    let own = try #require(try Shadow(recorded, policy: policy).result().deployments.first)
    #expect(
      own.differences.map {
        [ShadowTests.second($0.from), ShadowTests.second($0.to), Int64($0.recorded), Int64($0.shadow)]
      }
        == [[15, 1800, 4, 8], [1800, 3285, 6, 8], [3285, 3600, 6, 1]])
    #expect(own.notes.contains { $0.hasPrefix("Replicas are those of replicas.json") })
  }

  @Test("samples that are missing leave a gap; too many, another period, averages and strangers are refused")
  func badReplicas() throws {
    let policy = try ShadowPolicy("{ startup: 10s, policy: { targetUtilisation: { target: 0.5 } } }")
    var recorded = try ShadowTests.byHand([(0, 1)], Array(repeating: (0, 3000), count: 4))
    // None from 600 s to 1200 s: the sample at 585 s holds until 600 s.
    recorded.replicas = try Self.answer { (40..<80).contains($0) ? nil : "4" }
    let own = try #require(try Shadow(recorded, policy: policy).result().deployments.first)
    #expect(own.comparedHours == 3000.0 / 3600)
    #expect(own.differences.first.map { ShadowTests.second($0.to) } == 600)
    for (range, error) in [
      (try Self.answer { (40..<180).contains($0) ? nil : "4" }, "no samples for more than half of the time"),
      (try Self.answer(from: 5000), "the replicas are of another period than the demand"),
      (try Self.answer { _ in "2.5" }, "has 2.5 at 2026-01-05T00:00:00.000000Z: replicas are whole numbers"),
    ] {
      recorded.replicas = range
      #expect { try Shadow(recorded, policy: policy).result() } throws: {
        "\($0)".hasPrefix("replicas.json: error: ") && "\($0)".contains(error)
      }
    }
    // One series and one version belong together whatever the labels; of several versions, one must be named.
    recorded.replicas = try Self.answer(#""app": "stranger""#)
    #expect(try Shadow(recorded, policy: policy).result().deployments.count == 1)
    recorded.tables.deployments.append(recorded.tables.deployments[0])
    recorded.tables.deployments[1].version = "V2"
    #expect { try Shadow(recorded, policy: policy).result() } throws: {
      "\($0)".contains(
        #"the series {app="stranger"} names no version or model, or several. There are: m V1, m V2."#)
    }
  }
}
