import Foundation
import TestSupport
import Testing

private let azureTrace = sharedData("AzureLLMInferenceTrace_conv.csv")

/// Real input. Runs where the data is present: set WORKBENCH_DATA to its folder.
@Suite(
  "The Azure LLM inference trace 2023",
  .enabled(if: azureTrace != nil, "the trace is absent: set WORKBENCH_DATA"))
struct AzureTraceTests {
  @Test("is replayed request by request through an autoscaled deployment into the dashboard's figures")
  func replay() throws {
    let trace = try #require(azureTrace)
    let scratch = try Scratch()
    #expect(try Program.run("import", "azure-llm", trace, "-o", scratch.file("azure.yaml")).status == 0)
    #expect(try Program.run("check", scratch.file("azure.yaml")).status == 0)
    #expect(
      try Program.run("run", scratch.file("azure.yaml"), "--out", scratch.file("run"), "--quiet").status == 0)
    #expect(try Program.run("validate", scratch.file("run")).status == 0)

    // The same figures from the file itself, line by line.
    let lines = try String(contentsOfFile: trace, encoding: .utf8).split(whereSeparator: \.isNewline)
      .dropFirst()
    #expect(lines.count == 19_366)
    var hours: [Substring: Int] = [:]
    for line in lines { hours[line.prefix(13), default: 0] += 1 }
    let figures = try Program.run("aggregate", scratch.file("run"), "--period", "2023-11-16")
    struct Figures: Decodable {
      struct Requests: Decodable {
        struct Point: Decodable {
          var at: String
          var successes: Int
          var failures: Int
        }
        var points: [Point]
        var totalRequests: Int
      }
      struct Scaling: Decodable { var points: [Point] }
      struct Point: Decodable { var replicas: Int }
      var requests: Requests
      var scaling: Scaling
    }
    let decoded = try JSONDecoder().decode(Figures.self, from: Data(figures.output.utf8))
    #expect(decoded.requests.totalRequests == 19_366)
    #expect(decoded.requests.points.count == hours.count)
    for point in decoded.requests.points {
      let hour = point.at.prefix(13).replacing("T", with: " ")
      #expect(hours[Substring(hour)] == point.successes + point.failures)
    }
    #expect(Set(decoded.scaling.points.map(\.replicas)).count > 2)
  }

  @Test("becomes telemetry of an external model, with its tokens")
  func telemetry() throws {
    let trace = try #require(azureTrace)
    let scratch = try Scratch()
    #expect(
      try Program.run("import", "azure-llm", trace, "-o", scratch.file("data"), "--format", "csv.gz").status
        == 0)
    let figures = try Program.run("aggregate", scratch.file("data"), "--period", "2023-11-16")
    struct Figures: Decodable {
      struct Tokens: Decodable {
        var totalInputTokens: Int
        var totalOutputTokens: Int
      }
      var tokens: Tokens
    }
    let lines = try String(contentsOfFile: trace, encoding: .utf8).split(whereSeparator: \.isNewline)
      .dropFirst()
    let sums = lines.reduce(into: (0, 0)) { sums, line in
      let fields = line.split(separator: ",")
      sums.0 += Int(fields[1]) ?? 0
      sums.1 += Int(fields[2]) ?? 0
    }
    let tokens = try JSONDecoder().decode(Figures.self, from: Data(figures.output.utf8)).tokens
    #expect(tokens.totalInputTokens == sums.0 && tokens.totalOutputTokens == sums.1)
  }
}
