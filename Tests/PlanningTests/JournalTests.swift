import Aggregation
import Foundation
import Planning
import TestSupport
import Testing

@Suite("Plan journals")
struct JournalTests {
  static func record(_ number: Int64) -> ReplicationRecord {
    var record = ReplicationRecord()
    record.requests = 10 + number
    record.successes = 8
    record.failures = ["timeout": 2 + number]
    record.latencySum = 123_456
    record.waited = 9
    record.waitingSum = 77
    record.latencies = [100, 3, 200, 5]
    record.credits = 1.25
    record.replicaHours = 3
    record.utilisation = 0.5
    return record
  }

  private func journal(_ scratch: Scratch, _ count: Int) throws -> String {
    let path = scratch.file("p.journal")
    let journal = try PlanJournal(path)
    for number in 0..<count {
      try journal.append(key: "key", replication: number, Self.record(Int64(number)))
    }
    return path
  }

  @Test("what was appended is read; a line that an interruption cut off is forgotten, and appending goes on")
  func reading() throws {
    let scratch = try Scratch()
    let path = try journal(scratch, 3)
    let whole = try Data(contentsOf: URL(fileURLWithPath: path))
    try (whole + Data("0123456789abcdef {\"key".utf8)).write(to: URL(fileURLWithPath: path))
    do {
      let again = try PlanJournal(path)
      let contents = try again.read()
      #expect(contents.damaged == 0 && contents.entries.map(\.replication) == [0, 1, 2])
      #expect(contents.entries[1].record == Self.record(1))
      // Two plans of one name do not write into each other's journal.
      #expect(throws: PlanJournal.Refusal.inUse) { try PlanJournal(path) }
      try again.append(key: "key", replication: 3, Self.record(3))
    }
    #expect(try PlanJournal(path).read().entries.count == 4)
  }

  @Test(
    "a program that was killed before the first line was whole leaves a journal that the next one starts over"
  )
  func cutHeader() throws {
    let scratch = try Scratch()
    for text in ["", "workbench plan j"] {
      try scratch.write("p.journal", text)
      #expect(try PlanJournal(scratch.file("p.journal")).read().entries.isEmpty)
      let path = try journal(scratch, 2)
      #expect(try PlanJournal(path).read().entries.count == 2)
    }
  }

  @Test("a flip of any single bit loses its own line and no other, and never changes a figure")
  func flips() throws {
    let scratch = try Scratch()
    let path = try journal(scratch, 8)
    let sound = try Data(contentsOf: URL(fileURLWithPath: path))
    var generator = SeededGenerator(state: 4)
    for _ in 0..<300 {
      var data = sound
      let bit = Int.random(in: 0..<8 * data.count, using: &generator)
      data[bit / 8] ^= 1 << UInt8(bit % 8)
      try data.write(to: URL(fileURLWithPath: path))
      do {
        let contents = try PlanJournal(path).read()
        for entry in contents.entries {
          #expect(entry.key == "key" && entry.record == Self.record(Int64(entry.replication)), "bit \(bit)")
        }
        // The end of a line makes two of one, or one of two.
        #expect(contents.entries.count >= 6, "bit \(bit)")
        #expect(contents.damaged > 0 || contents.entries.count >= 7, "bit \(bit)")
      } catch is PlanJournal.Refusal {
        #expect(bit / 8 < 25, "bit \(bit)")
      }
    }
  }

  @Test("a journal of an earlier version, or somebody's file, is left alone")
  func refusals() throws {
    let scratch = try Scratch()
    for (text, refusal) in [
      ("workbench plan journal 1\n{}\n", PlanJournal.Refusal.otherVersion), ("notes\n", .notAJournal),
      ("workbench, plan", .notAJournal),
    ] {
      try scratch.write("x.journal", text)
      #expect(throws: refusal) { try PlanJournal(scratch.file("x.journal")) }
      #expect(try String(contentsOfFile: scratch.file("x.journal"), encoding: .utf8) == text)
    }
  }

  @Test("numbers that no simulation gives are refused behind a right checksum")
  func impossible() throws {
    let changes: [(String, (inout ReplicationRecord) -> Void)] = [
      ("an odd list of bins", { $0.latencies = [100] }),
      ("a bin that there is not", { $0.latencies = [Int64(LatencyBin.count), 8] }),
      ("a negative bin", { $0.latencies = [-1, 8] }),
      ("bins out of order", { $0.latencies = [200, 3, 100, 5] }),
      ("a negative count", { $0.latencies = [100, -3, 200, 11] }),
      ("more in bins than successes", { $0.latencies = [100, 9] }),
      ("more requests than any run has", { $0.requests = .max }),
      ("failures that do not add up", { $0.failures = ["timeout": .max] }),
      ("a negative sum", { $0.latencySum = -1 }), ("a sum beyond all", { $0.waitingSum = .max }),
      ("credits without end", { $0.credits = .infinity }), ("a share above one", { $0.utilisation = 1.5 }),
      ("negative replicas", { $0.peakReplicas = -1 }),
    ]
    #expect(Self.record(0).isPossible && ReplicationRecord().isPossible)
    for (name, change) in changes {
      var record = Self.record(0)
      change(&record)
      #expect(!record.isPossible, "\(name)")
      guard record.credits.isFinite else { continue }
      let line = try PlanJournal.line(key: "k", replication: 0, record)
      let contents = PlanJournal.contents(of: line)
      #expect(contents.entries.isEmpty && contents.damaged == 1, "\(name)")
    }
    for replication in [-1, .max] {
      let line = try PlanJournal.line(key: "k", replication: replication, Self.record(0))
      #expect(PlanJournal.contents(of: line).entries.isEmpty)
    }
  }
}
