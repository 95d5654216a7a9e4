import Datasets
import Foundation
import Hashing
import Runs
import TestSupport
import Testing

@Suite("Inputs of tasks, by their content")
struct TaskStoreTests {
  @Test("only a SHA-256 in lower-case hexadecimal, perhaps with an extension, is a name")
  func names() {
    let hash = String(repeating: "0a", count: 32)
    for name in [hash, hash + ".yaml", hash + ".csv.gz"] { #expect(TaskStore.isName(name), "\(name)") }
    for name in [
      "", String(hash.dropLast()), hash.uppercased(), hash + ".", hash + "x", hash + "./../x", hash + "/x",
      hash + ".abcdefghijklmnopq", hash + ".a\u{301}",
    ] { #expect(!TaskStore.isName(name), "\(name)") }
  }

  @Test("a file is named by its content, once, and keeps what says how to read it")
  func add() throws {
    let scratch = try Scratch()
    let store = TaskStore(scratch.file("store"))
    let data = Data("hello".utf8)
    let name = try store.add(data, extension: ".yaml")
    #expect(name == SHA256.hash(data: data).hexadecimal + ".yaml" && TaskStore.isName(name))
    #expect(try store.add(data, extension: ".yaml") == name)
    #expect(try store.add(contentsOf: scratch.write("calls.csv.gz", data)).hasSuffix(".csv.gz"))
    #expect(try scratch.entries("/store").count == 2)
    #expect(try Data(contentsOf: URL(fileURLWithPath: store.file(name))) == data)
  }

  @Test("what is not there is not found; what is damaged is refused, and mended by adding it again")
  func damaged() throws {
    let scratch = try Scratch()
    let store = TaskStore(scratch.file("store"))
    let data = Data("hello".utf8)
    let name = try store.add(data, extension: "")
    #expect(throws: NotFoundError.self) { try store.file(String(repeating: "0", count: 64)) }
    #expect(throws: NotFoundError.self) { try store.add(contentsOf: scratch.file("absent")) }
    try scratch.write("store/\(name)", Data("hallo".utf8))
    #expect(throws: DatasetError.self) { try store.file(name) }
    #expect(try store.add(data, extension: "") == name)
    #expect(throws: Never.self) { try store.file(name) }
  }
}

@Suite("A run cut into tasks")
struct RunTaskTests {
  private static func tasks(_ scratch: Scratch, requestsPerTask: Int) throws -> [SimulationTask] {
    try RunTasks.make(
      try Recording.bundle(scratch), program: "test", store: TaskStore(scratch.file("store")),
      requestsPerTask: requestsPerTask, maxPoints: 100)
  }

  @Test("every account is in one task; small accounts share one, and none is divided")
  func cut() throws {
    let scratch = try Scratch()
    let many = try Self.tasks(scratch, requestsPerTask: 1)
    #expect(many.compactMap(\.run).map { [$0.from, $0.to, $0.of] } == [[0, 1, 2], [1, 2, 2]])
    let one = try Self.tasks(scratch, requestsPerTask: 1_000_000)
    #expect(one.compactMap(\.run).map { [$0.from, $0.to, $0.of] } == [[0, 2, 2]])
    #expect(Set((many + one).map(\.id)).count == 3)
    // The same tasks each time, and the scenario in the store once.
    #expect(try Self.tasks(scratch, requestsPerTask: 1).map(\.id) == many.map(\.id))
    #expect(try scratch.entries("/store").count == 1)
  }

  @Test("a list of tasks that was cut, or put together from two runs, is refused")
  func whole() throws {
    let scratch = try Scratch()
    let many = try Self.tasks(scratch, requestsPerTask: 1)
    let one = try Self.tasks(scratch, requestsPerTask: 1_000_000)
    #expect(throws: Never.self) { try TaskList.checkWhole(many, "tasks") }
    #expect(throws: Never.self) { try TaskList.checkWhole(many.reversed() + [many[0]], "tasks") }
    for tasks in [[many[0]], [many[1]], many + one, []] {
      #expect(throws: DatasetError.self, "\(tasks.count)") { try TaskList.checkWhole(tasks, "tasks") }
    }
  }
}
