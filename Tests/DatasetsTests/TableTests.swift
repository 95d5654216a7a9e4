import Datasets
import Foundation
import Telemetry
import TestSupport
import Testing

@Suite("Tables on the disk")
struct TableTests {
  static let header =
    "request_id,arrived_at,model_id,version,status,failure_reason,waiting_us,ttft_us,latency_us,input_tokens,output_tokens"
  static let row = "1,2026-01-05T09:00:00.123456Z,1,V1,success,,10,20,30,40,50"
  static let series = [
    Series(modelID: 1, version: "V1"), Series(modelID: 1, version: "V,\"2\"\n"),
    Series(modelID: 2, version: ""),
  ]

  static func read(_ path: String, series: [Series]? = TableTests.series) throws -> [SimulatedRequest] {
    let recorder = RequestRecorder(series ?? [Series(modelID: 0, version: "")])
    let format = try #require(DatasetFormat(path: path))
    try RequestReader(path, layout: format.layout, series: series).read(into: recorder)
    return recorder.requests
  }

  static func requests(_ count: Int) -> RequestBatch {
    let batch = RequestBatch(capacity: count)
    for row in 0..<count {
      let failed = row % 5 == 3
      batch.append(
        requestID: Int64(row + 1),
        arrivedAt: Timestamp.supported.lowerBound.microseconds + Int64(row) * 236_000_001_001,
        series: Int32(row % 3), outcome: failed ? UInt8(1 + row % 6) : 0,
        waitingMicroseconds: Int64(row) * 1_000_003,
        firstTokenMicroseconds: failed ? 0 : Int64(row) * 1_000_004,
        latencyMicroseconds: Int64(row) * 1_000_005,
        inputTokens: Int32.max - Int32(row), outputTokens: failed ? 0 : Int32(row))
    }
    return batch
  }

  @Test(
    "requests come back as they were written, in every format",
    arguments: DatasetFormat.all.filter { $0.layout == .csv || $0.layout == .ndjson })
  func roundTrip(format: DatasetFormat) throws {
    let scratch = try Scratch()
    let path = "\(scratch.path)/requests.\(format)"
    let batch = Self.requests(40_000)
    let file = try OutputFile(path, compression: format.compression)
    let writer = try RequestWriter(
      file, layout: format.layout,
      RequestTable(series: Self.series, reasons: FailureReasons(), optional: .none))
    try batch.send(to: writer)
    #expect(try scratch.entries().allSatisfy { $0.hasPrefix(".") })  // Not there before it is whole.
    _ = try file.close()
    let expected = RequestRecorder(Self.series)
    try batch.send(to: expected)
    #expect(try Self.read(path) == expected.requests)
    #expect(try scratch.entries() == ["requests.\(format)"])
  }

  @Test("the system's own tools read what we compress")
  func otherTools() throws {
    let scratch = try Scratch()
    for compression in [Compression.gzip, .zstd] {
      let path = "\(scratch.path)/requests.csv\(compression.fileEnding)"
      let file = try OutputFile(path, compression: compression)
      try Self.requests(10_000).send(
        to: RequestWriter(
          file, layout: .csv, RequestTable(series: Self.series, reasons: FailureReasons(), optional: .none)))
      _ = try file.close()
      guard let tool = ["gzip", "zstd"].first(where: { $0 == compression.rawValue }), let at = Self.find(tool)
      else { continue }
      let process = Process()
      process.executableURL = URL(fileURLWithPath: at)
      process.arguments = ["-t", path]
      try process.run()
      process.waitUntilExit()
      #expect(process.terminationStatus == 0)
    }
  }
  static func find(_ tool: String) -> String? {
    ["/usr/bin/\(tool)", "/bin/\(tool)"].first { FileManager.default.isExecutableFile(atPath: $0) }
  }

  @Test("line ends, quotes, byte order marks and columns in another order are all read")
  func dialects() throws {
    let scratch = try Scratch()
    let plain = try Self.read(scratch.write("a.csv", "\(Self.header)\n\(Self.row)\n"))
    #expect(plain.count == 1 && plain[0].latency == 30 && plain[0].arrivedAt == 1_767_603_600_123_456)
    #expect(try Self.read(scratch.write("b.csv", "\u{feff}\(Self.header)\r\n\(Self.row)\r\n\r\n")) == plain)
    #expect(try Self.read(scratch.write("c.csv", "\(Self.header)\n\(Self.row)")) == plain)
    let names = Self.header.split(separator: ",").reversed().joined(separator: ",")
    let cells = Self.row.split(separator: ",", omittingEmptySubsequences: false).reversed().joined(
      separator: ",")
    #expect(try Self.read(scratch.write("d.csv", "extra,\(names)\nx,\(cells)\n")) == plain)
    let quoted = Self.row.split(separator: ",", omittingEmptySubsequences: false).map { "\"\($0)\"" }.joined(
      separator: ",")
    #expect(try Self.read(scratch.write("e.csv", "\(Self.header)\n\(quoted)\n")) == plain)
    #expect(
      try Self.read(
        scratch.write(
          "f.csv",
          "\(Self.header)\n\(Self.row.replacing("09:00:00.123456Z", with: "10:00:00.123456+01:00"))\n"))
        == plain)
  }

  struct Damage: Sendable, CustomTestStringConvertible {
    var name: String
    var text: String
    var error: String
    var testDescription: String { name }
  }

  static let damages: [Damage] = [
    .init(name: "empty", text: "", error: ":1:1: error: the file is empty."),
    .init(name: "no header", text: row + "\n", error: ":1:1: error: the header has no column request_id."),
    .init(name: "cut off", text: "\(header)\n\(row)\n2,2026-01-05T09:00:00.1", error: ":3:"),
    .init(
      name: "not a number", text: "\(header)\n\(row.replacing(",30,", with: ",x30,"))\n",
      error: ":2:51: error: latency_us \"x30\" is not a whole number."),
    .init(
      name: "negative", text: "\(header)\n\(row.replacing(",30,", with: ",-30,"))\n",
      error: ":2:51: error: latency_us -30 is out of range."),
    .init(
      name: "a decimal", text: "\(header)\n\(row.replacing(",40,", with: ",4e1,"))\n",
      error: "input_tokens \"4e1\" is not a whole number."),
    .init(
      name: "too large", text: "\(header)\n\(row.replacing(",40,", with: ",99999999999999999999,"))\n",
      error: "input_tokens \"99999999999999999999\" is not a whole number."),
    .init(
      name: "an instant without zone", text: "\(header)\n\(row.replacing("456Z", with: "456"))\n",
      error: ":2:3: error: arrived_at \"2026-01-05T09:00:00.123456\" is not an instant."),
    .init(
      name: "30 February", text: "\(header)\n\(row.replacing("01-05", with: "02-30"))\n",
      error: ":2:3: error: arrived_at"),
    .init(
      name: "an unknown model", text: "\(header)\n\(row.replacing("Z,1,", with: "Z,7,"))\n",
      error: ":2:31: error: model_id 7 is not in the models table."),
    .init(
      name: "an unknown version", text: "\(header)\n\(row.replacing("V1", with: "V7"))\n",
      error: ":2:33: error: model 1 has no version \"V7\""),
    .init(
      name: "an unknown status", text: "\(header)\n\(row.replacing("success", with: "ok"))\n",
      error: ":2:36: error: status \"ok\" is unknown."),
    .init(
      name: "a success with a reason",
      text: "\(header)\n\(row.replacing("success,,", with: "success,timeout,"))\n",
      error: "a success has the failure_reason \"timeout\""),
    .init(
      name: "an open quote", text: "\(header)\n\(row)\n2,\"2026",
      error: ":3:3: error: a quote opens here and never closes."),
    .init(
      name: "too many fields", text: "\(header)\n\(row),7\n",
      error: "the row has 12 fields, but the header has 11."),
    .init(
      name: "an endless line", text: "\(header)\n" + String(repeating: "x", count: 3 << 20),
      error: "the row has 1 fields, but the header has 11."),
  ]

  @Test("what is damaged is refused with its place", arguments: damages)
  func damaged(damage: Damage) throws {
    let scratch = try Scratch()
    let path = try scratch.write("requests.csv", damage.text)
    do {
      _ = try Self.read(path)
      Issue.record("\(damage.name) was read")
    } catch {
      #expect("\(error)".hasPrefix(path) && "\(error)".contains(damage.error), "\(error)")
    }
  }

  @Test("a compressed file that was cut off or damaged is refused", arguments: [Compression.gzip, .zstd])
  func damagedCompression(compression: Compression) throws {
    let scratch = try Scratch()
    let format = DatasetFormat(.csv, compression)
    let file = try OutputFile("\(scratch.path)/good.\(format)", compression: compression)
    try Self.requests(30_000).send(
      to: RequestWriter(
        file, layout: .csv, RequestTable(series: Self.series, reasons: FailureReasons(), optional: .none)))
    _ = try file.close()
    let whole = try Data(contentsOf: URL(fileURLWithPath: "\(scratch.path)/good.\(format)"))
    for (name, data) in [("cut", whole.prefix(whole.count / 2)), ("flipped", Self.flipped(whole))] {
      let path = try scratch.write("\(name).\(format)", Data(data))
      #expect(throws: DatasetError.self, "\(name)") { try Self.read(path) }
    }
  }
  static func flipped(_ data: Data) -> Data {
    var data = data
    for index in stride(from: data.count / 3, to: data.count / 3 + 40, by: 1) { data[index] ^= 0x5a }
    return data
  }

  @Test("NDJSON that is none is refused with its line")
  func damagedJSON() throws {
    let scratch = try Scratch()
    let good =
      "{\"request_id\":1,\"arrived_at\":\"2026-01-05T09:00:00Z\",\"model_id\":1,\"version\":\"V1\",\"status\":\"success\",\"failure_reason\":\"\",\"waiting_us\":1,\"ttft_us\":2,\"latency_us\":3,\"input_tokens\":4,\"output_tokens\":5}\n"
    #expect(try Self.read(scratch.write("good.ndjson", good)).count == 1)
    for (name, text, error) in [
      ("broken", good + "{\"request_id\":", ":2:1: error: the line is not a JSON object."),
      ("missing", good.replacing("\"waiting_us\":1,", with: ""), ":1:1: error: waiting_us is missing."),
      ("typed", good.replacing(":3,", with: ":\"3\","), ":1:1: error: latency_us has the wrong type."),
      ("list", "[1]\n", ":1:1: error: the line is not a JSON object."),
      (
        "fraction", good.replacing(":3,", with: ":3.5,"),
        ":1:1: error: latency_us 3.5 is not a whole number in 64 bits."
      ),
    ] {
      let path = try scratch.write("\(name).ndjson", text)
      do {
        _ = try Self.read(path)
        Issue.record("\(name) was read")
      } catch let problem {
        #expect("\(problem)".contains(error), "\(problem)")
      }
    }
  }

  @Test("a file is never overwritten, and an unfinished one never stays")
  func outputs() throws {
    let scratch = try Scratch()
    let path = try scratch.write("there.csv", "precious")
    #expect(throws: OutputError.self) { try OutputFile(path) }
    do {
      let file = try OutputFile("\(scratch.path)/dropped.csv")
      try file.write(Array("half".utf8))
    }
    #expect(try scratch.entries() == ["there.csv"])
  }

  @Test("the Azure trace is read in its own format; its last line has no newline")
  func azure() throws {
    let scratch = try Scratch()
    let path = try scratch.write(
      "azure.csv",
      "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.6805900,374,44\n2023-11-16 18:15:45.0000000,396,109"
    )
    let requests = try TraceFile(contentsOf: path).requests
    // In order of arrival; seven decimals cut to six.
    #expect(requests.map(\.inputTokens) == [396, 374])
    #expect(requests[1].arrivedAt.rfc3339 == "2023-11-16T18:15:46.680590Z")
    for (text, error) in [
      (
        "TIMESTAMP,ContextTokens,GeneratedTokens\nyesterday,1,2\n",
        ":2:1: error: TIMESTAMP \"yesterday\" is not an instant"
      ),
      (
        "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.68,-1,2\n",
        ":2:24: error: ContextTokens \"-1\""
      ),
      ("TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.68,1\n", "the row has 2 fields"),
      ("a,b\n1,2\n", ":1:1: error: the header is not that of a known trace."),
    ] {
      do {
        _ = try TraceFile(contentsOf: scratch.write("bad.csv", text))
        Issue.record("\(text) was read")
      } catch let problem {
        #expect("\(problem)".contains(error), "\(problem)")
      }
    }
  }
}
