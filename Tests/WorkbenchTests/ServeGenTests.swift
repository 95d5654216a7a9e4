import Datasets
import Foundation
import ScenarioModel
import Simulation
import Telemetry
import TestSupport
import Testing

@Suite("ServeGen clients")
struct ServeGenTests {
  /// Counts and tokens by window of one client.
  final class Windows: TelemetrySink {
    var counts: [Int64: Int] = [:]
    var input: [Int64: Int64] = [:]
    let origin: Int64
    init(origin: Int64) { self.origin = origin }
    func receive(_ requests: RequestColumns) {
      for row in 0..<requests.count {
        let window = (requests.arrivedAt[row] - origin) / 600_000_000
        counts[window, default: 0] += 1
        input[(requests.arrivedAt[row] - origin) / 21_600_000_000, default: 0] += Int64(
          requests.inputTokens[row])
      }
    }
  }

  static let directory = sharedData("servegen-m-small")

  @Test(
    "windows that start together, and kinds of tokens that are not known, are refused in words",
    arguments: [
      (
        #"{"0":{"input_tokens":"{100: 1}","output_tokens":"{50: 1}"},"0.0":{"input_tokens":"{9: 1}","output_tokens":"{5: 1}"}}"#,
        "\"0\" and \"0.0\" start at the same time"
      ),
      (
        #"{"600":{"input_tokens":"{100: 1}","output_tokens":"{50: 1}"},"600.0000001":{"input_tokens":"{9: 1}","output_tokens":"{5: 1}"}}"#,
        "start at the same time"
      ),
      (
        #"{"0":{"text_tokens":"{40: 1}","pdf_tokens":"{500: 1}","output_tokens":"{50: 1}"}}"#,
        "pdf_tokens is not a known kind of tokens"
      ),
    ])
  func refused(_ dataset: String, _ words: String) throws {
    let scratch = try Scratch()
    let trace = try scratch.write("chunk-1-trace.csv", "0,1,1,Gamma,1,1\n600,1,1,Gamma,1,1\n")
    let path = try scratch.write("chunk-1-dataset.json", dataset)
    do {
      _ = try ServeGenClient(trace: trace, dataset: path)
      Issue.record("it was read")
    } catch {
      #expect("\(error)".contains(words), "\(error)")
    }
  }

  @Test(
    "window by window, counts agree with rate × length within sampling error, and tokens with their distributions",
    .enabled(if: directory != nil, "ServeGen's data are not there: set WORKBENCH_DATA"),
    arguments: [12, 14, 13])
  func counts(_ number: Int) throws {
    let scratch = try Scratch()
    let directory = try #require(Self.directory)
    let made = try Program.run(
      "import", "servegen", directory, "-o", scratch.file("s.yaml"), "--clients", "\(number)", "--days", "14")
    #expect(made.status == 0, "\(made.error)")
    let client = try ServeGenClient(
      trace: "\(directory)/chunk-\(number)-trace.csv", dataset: "\(directory)/chunk-\(number)-dataset.json")
    var scenario = try ScenarioDocument(
      Data(contentsOf: URL(fileURLWithPath: scratch.file("s.yaml"))), path: "s.yaml"
    ).scenario
    let trace = "\(directory)/chunk-\(number)-trace.csv"
    scenario.measured[trace] = client.demand
    let windows = Windows(origin: scenario.from.microseconds)
    _ = try ScenarioSimulation(scenario).run(threads: 1, into: .init(accounts: [windows], merged: nil))
    var (judged, far, squares) = (0, 0, 0.0)
    for window in client.demand.windows {
      let expected = window.rate * Double(window.length)
      let found = Double(windows.counts[window.start / 600_000_000] ?? 0)
      if expected == 0 {
        #expect(found == 0, "a pause has \(found) requests")
        continue
      }
      // Asymptotically normal with variance cv² × mean where there are many, and they are not too wild.
      let cv = Self.cv(window)
      guard expected > 500, cv < 4 else { continue }
      let z = (found - expected) / (cv * expected.squareRoot())
      judged += 1
      squares += z * z
      if abs(z) > 4 { far += 1 }
    }
    #expect(
      judged > 100 && Double(far) / Double(judged) < 0.005,
      "\(far) of \(judged) windows are more than 4 σ off")
    #expect(
      abs(squares / Double(judged) - 1) < 5 * (2 / Double(judged)).squareRoot(),
      "mean square of z \(squares / Double(judged))")
    // The whole.
    let total = Double(windows.counts.values.reduce(0, +))
    let variance = client.demand.windows.reduce(0.0) {
      $0 + ($1.rate > 0 ? pow(Self.cv($1), 2) * $1.rate * Double($1.length) : 0)
    }
    #expect(
      abs(total - client.expectedRequests) < 4 * variance.squareRoot(),
      "\(total) of \(client.expectedRequests)")
  }

  /// Of the inter-arrival time.
  static func cv(_ window: WindowedDemand.Window) -> Double {
    switch window.family {
    case .gamma: 1 / window.shape.squareRoot()
    case .weibull:
      (tgamma(1 + 2 / window.shape) / pow(tgamma(1 + 1 / window.shape), 2) - 1).squareRoot()
    }
  }

  @Test(
    "rate and variability change at window borders; nothing arrives in an outage; counts of tokens follow their windows"
  )
  func synthetic() throws {
    let scratch = try Scratch()
    // Two hours at 5/s gamma cv 2, one of pause, two at 10/s Weibull shape 0.6.
    let rows = (0..<30).map { index -> String in
      let start = index * 600
      if index < 12 { return "\(start),5,2,Gamma,0.25,0.8" }
      if index < 18 { return "\(start),0,0,,0,0" }
      return "\(start),10,1.76,Weibull,0.6,0.0665"
    }
    try scratch.write("chunk-7-trace.csv", rows.joined(separator: "\n") + "\n")
    try scratch.write(
      "chunk-7-dataset.json",
      #"{"0": {"input_tokens": "{}", "output_tokens": "{}"}, "7200": {"input_tokens": "{100: 1.0}", "output_tokens": "{1: 0.5, 3: 0.5}"}, "10800": {"input_tokens": "{700: 1.0}", "output_tokens": "{2: 1.0}"}}"#
    )
    let made = try Program.run(
      "import", "servegen", scratch.path, "-o", scratch.file("s.yaml"), "--scale", "2", "--days", "1")
    // The first has no counts; windows are an hour, so that from 3,600 s is not there.
    #expect(
      made.status == 0 && made.output.contains("2 token windows are empty"), "\(made.error)\(made.output)")
    // (5 × 7,200 + 10 × 7,200) × 2
    #expect(made.output.contains("216,000 requests expected"), "\(made.output)")
    let run = try Program.run("run", scratch.file("s.yaml"), "--out", scratch.file("run"), "--quiet")
    #expect(run.status == 0, "\(run.error)")
    let check = """
      import csv, sys, statistics as st
      from datetime import datetime
      rows = list(csv.DictReader(open(sys.argv[1])))
      at = [datetime.fromisoformat(r['arrived_at'].replace('Z', '+00:00')).timestamp() for r in rows]
      t = [a - 1736121600 for a in at]
      first = [x for x in t if x < 7200]; pause = [x for x in t if 7200 <= x < 10800]; last = [x for x in t if x >= 10800]
      def cv(x):
          gaps = [b - a for a, b in zip(x, x[1:])]
          return st.pstdev(gaps) / st.mean(gaps)
      print(len(pause), abs(len(first) - 72000) < 4 * 2 * 72000 ** 0.5, abs(len(last) - 144000) < 4 * 1.76 * 144000 ** 0.5, round(cv(first), 1), round(cv(last), 1),
            {r['input_tokens'] for r, x in zip(rows, t) if x < 10800}, {r['input_tokens'] for r, x in zip(rows, t) if x >= 10800}, {r['output_tokens'] for r, x in zip(rows, t) if x < 10800})
      """
    let outcome = try Program.command(
      SchemaTests.python, ["-c", check, scratch.file("run/telemetry/requests.csv")])
    #expect(
      outcome.output.hasPrefix("0 True True 2.0 1.8 {'100'} {'700'} {'1', '3'}")
        || outcome.output.hasPrefix("0 True True 2.0 1.8 {'100'} {'700'} {'3', '1'}"),
      "\(outcome.output)\(outcome.error)")
  }

  @Test("bad files are one clear error with line and column")
  func badInput() throws {
    let scratch = try Scratch()
    func error(_ trace: String, _ dataset: String, _ message: String) throws {
      try scratch.write("chunk-1-trace.csv", trace)
      try scratch.write("chunk-1-dataset.json", dataset)
      let outcome = try Program.run("import", "servegen", scratch.path, "-o", scratch.file("x.yaml"))
      #expect(outcome.status == 65 && outcome.error.contains(message), "\(outcome.status) \(outcome.error)")
      #expect(!FileManager.default.fileExists(atPath: scratch.file("x.yaml")))
    }
    let good = "0,1,1,Gamma,1,1\n600,1,1,Gamma,1,1\n"
    let tokens = #"{"0": {"input_tokens": "{5: 1.0}", "output_tokens": "{5: 1.0}"}}"#
    try error("0,1,1,Gamma,1,1\n600,1,1,Gamma,1\n", tokens, "chunk-1-trace.csv:2:")
    try error("0,1,1,Gamma,1,1\n600,fast,1,Gamma,1,1\n", tokens, "the rate \"fast\" is not a number")
    try error("0,1,1,Gamma,1,1\n0,1,1,Gamma,1,1\n", tokens, "Sort the rows")
    try error("0,1,1,Pareto,1,1\n600,1,1,Gamma,1,1\n", tokens, "neither Gamma nor Weibull")
    try error("0,1,1,Gamma,0,1\n600,1,1,Gamma,1,1\n", tokens, "the shape 0.0 is invalid")
    try error(good, "[1]", "not a ServeGen dataset")
    try error(good, #"{"0": {"input_tokens": "{}", "output_tokens": "{}"}}"#, "no window has token counts")
    try error(
      good, #"{"0": {"input_tokens": "{5: x}", "output_tokens": "{5: 1}"}}"#, "is not count: probability")
    let absent = try Program.run("import", "servegen", scratch.path + "/none", "-o", scratch.file("x.yaml"))
    #expect(absent.status == 66)
  }

  @Test("the input of a multimodal client is the sum of its text and of all its items")
  func multimodal() throws {
    let scratch = try Scratch()
    let trace = try scratch.write(
      "chunk-1-trace.csv", (0..<288).map { "\(600 * $0),\($0 < 144 ? 1 : 0),1,Gamma,1,1\n" }.joined())
    func client(_ window: String) throws -> ServeGenClient {
      let dataset = try scratch.write(
        "chunk-1-dataset.json",
        "{\"0\": {\(window), \"output_tokens\": \"{7: 1.0}\"}, \"86400\": {\(window), \"output_tokens\": \"{}\"}}"
      )
      return try ServeGenClient(trace: trace, dataset: dataset)
    }
    let plain = try client("\"text_tokens\": \"{10: 1.0}\", \"image_tokens\": \"{100: 1.0}\"")
    #expect(plain.demand.tokens[0].input.mean == 110 && plain.inputKinds == ["image_tokens", "text_tokens"])
    // 10 + (0 or 2 items of 150 on average) + nothing.
    let several = try client(
      "\"text_tokens\": \"{10: 1.0}\", \"image_tokens\": \"{100: 0.5, 200: 0.5}\", \"image_count\": \"{0: 0.5, 2: 0.5}\", \"audio_tokens\": \"{0: 1.0}\""
    )
    #expect(abs(several.demand.tokens[0].input.mean - 160) < 1e-9)
    // On a grid, the mean is kept: 4,000 + 50 × 1,234.5.
    let large = try client(
      "\"text_tokens\": \"{4000: 1.0}\", \"image_tokens\": \"{1000: 0.5, 1469: 0.5}\", \"image_count\": \"{50: 1.0}\""
    )
    #expect(abs(large.demand.tokens[0].input.mean - 65_725) < 1e-6)
    // What is said of the data is said of the days that are taken.
    let day: Int64 = 86_400_000_000
    #expect(
      plain.windows(within: day) == 144 && plain.inactiveWindows(within: day) == 0
        && plain.emptyTokenWindows(within: day) == 0)
    #expect(
      plain.windows(within: 2 * day) == 288 && plain.inactiveWindows(within: 2 * day) == 144
        && plain.emptyTokenWindows(within: 2 * day) == 1)
    let error = #expect(throws: DatasetError.self) { try client("\"prompt\": \"{1: 1}\"") }
    #expect(error?.message.contains("Its keys are: prompt, output_tokens.") == true)
  }

  @Test("the scenario lasts as long as the data; a window that they lack is an outage, and reported")
  func extent() throws {
    let scratch = try Scratch()
    let tokens = #"{"0": {"input_tokens": "{5: 1.0}", "output_tokens": "{5: 1.0}"}}"#
    try scratch.write("chunk-1-dataset.json", tokens)
    try scratch.write(
      "chunk-1-trace.csv", "0,1,1,Gamma,1,1\n600,1,1,Gamma,1,1\n1200,1,1,Gamma,1,1\n2400,2,1,Gamma,1,1\n")
    let made = try Program.run("import", "servegen", scratch.path, "-o", scratch.file("x.yaml"))
    // Fifty minutes, of which ten are missing: 3 × 600 + 2 × 600.
    #expect(
      made.status == 0 && made.output.contains("1 clients, 50 min, 3,000 requests expected"),
      "\(made.error)\(made.output)")
    #expect(
      made.output.contains("In 1 of 5 windows a client is inactive; 1 of them are not in the data"),
      "\(made.output)")
    let text = try String(contentsOfFile: scratch.file("x.yaml"), encoding: .utf8)
    #expect(text.contains("2025-01-06T00:50:00Z"), "\(text)")
    func refused(_ trace: String, _ dataset: String, _ message: String) throws {
      try scratch.write("chunk-1-trace.csv", trace)
      try scratch.write("chunk-1-dataset.json", dataset)
      let outcome = try Program.run("import", "servegen", scratch.path, "-o", scratch.file("y.yaml"))
      #expect(outcome.status == 65 && outcome.error.contains(message), "\(outcome.status) \(outcome.error)")
    }
    try refused(
      "0,1,1,Gamma,1,1\n600,1,1,Gamma,1,1\n1200,1,1,Gamma,1,1\n2000,2,1,Gamma,1,1\n", tokens,
      "chunk-1-trace.csv:4:1: error: the window starts 800 s after the one above it")
    try refused(
      "0,1,1,Gamma,1,1\n600,1,1,Gamma,1,1\n", tokens.replacing("{5: 1.0}", with: "{100.5: 1.0}"),
      "has a fractional count")
  }
}
