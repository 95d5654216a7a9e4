import Datasets
import Foundation
import Synchronization

/// Where the runs of a server are, in the order in which they are shown.
package struct RunList: Sendable {
  package struct Place: Sendable {
    package var path: String
    /// Whether the others are shown where this one cannot be read.
    package var isOptional: Bool

    package init(_ path: String, isOptional: Bool = false) {
      (self.path, self.isOptional) = (path, isOptional)
    }
  }

  package var places: [Place] = []
  /// Runs that should be there but cannot be read.
  package var unreadable: [UnreadableRun] = []

  package init() {}
  package init(_ paths: [String]) { places = paths.map { Place($0) } }

  /// Adds runs that may be gone or damaged, without those that are there already by another path.
  package mutating func add(_ paths: [String]) {
    func real(_ path: String) -> String { URL(fileURLWithPath: path).resolvingSymlinksInPath().path }
    let known = Set(places.map { real($0.path) })
    places += paths.filter { !known.contains(real($0)) }.map { Place($0, isOptional: true) }
  }

  package static func + (list: RunList, other: RunList) -> RunList {
    var all = list
    all.places += other.places
    all.unreadable += other.unreadable
    return all
  }
}

/// A run that cannot be shown, in words that name no path of the server's machine.
package struct UnreadableRun: Encodable, Equatable, Sendable {
  package var name: String
  package var reason: String

  package init(name: String, reason: String) { (self.name, self.reason) = (name, reason) }
}

/// The runs that a server shows, by identifier.
package final class RunCatalogue: Sendable {
  private struct State {
    var runs: [ServedRun] = []
    var unreadable: [UnreadableRun] = []
    /// Identifiers that runs had at their places before they were replaced; by the place.
    var former: [String: [String]] = [:]
    /// Places of runs that came while the server ran, and of those that were deleted.
    var added: [String] = []
    var removed: Set<String> = []
  }

  private let list: @Sendable () throws -> RunList
  /// Called with what cannot be shown, for the server's log.
  let say: @Sendable (String) -> Void
  private let live: LiveRun?
  private let state = Mutex(State())
  /// One reads the runs at a time.
  private let reading = Mutex(())
  private static let mostFormer = 100

  /// - Throws: as `ServedRun` does.
  package convenience init(_ paths: [String], live: LiveRun? = nil) throws {
    try self.init(live: live) { RunList(paths) }
  }

  /// - Parameters:
  ///   - say: is told what cannot be shown, for the server's log.
  ///   - list: of the runs; asked again at each refresh.
  /// - Throws: as `ServedRun` does, of runs that are not optional.
  package init(
    live: LiveRun? = nil, say: @escaping @Sendable (String) -> Void = { _ in },
    list: @escaping @Sendable () throws -> RunList
  ) throws {
    (self.list, self.say, self.live) = (list, say, live)
    try reload(isFirst: true)
  }

  /// Reads the list again, and every run of it that has changed or is new: what the refresh button asks for.
  /// - Parameter isFirst: whether the server starts, when a run that was named and cannot be read is an error. Later it is
  ///   one that can no longer be read, and does not keep the others from being shown.
  package func reload(isFirst: Bool = false) throws {
    try reading.withLock { _ in
      var list = try list()
      let (added, removed) = state.withLock { ($0.added, $0.removed) }
      list.places += added.map { .init($0, isOptional: true) }
      list.places.removeAll { removed.contains($0.path) }
      let old = Dictionary(
        runs.filter { $0.path != nil }.map { ($0.path ?? "", $0) }, uniquingKeysWith: { first, _ in first })
      var runs = live.map { [ServedRun(live: $0)] } ?? []
      var unreadable = list.unreadable
      var places: [String: String] = [:]
      for place in list.places {
        let run: ServedRun
        if let known = old[place.path], known.isReusable {
          run = known
        } else {
          do {
            run = try ServedRun(place.path)
          } catch {
            guard place.isOptional || !isFirst else { throw error }
            say("\(error)")
            unreadable.append(
              .init(name: URL(fileURLWithPath: place.path).lastPathComponent, reason: "It cannot be read."))
            continue
          }
        }
        if let same = places.updateValue(place.path, forKey: run.id) {
          if same != place.path { say("\(place.path) is the same run as \(same). It is shown once.") }
          continue
        }
        runs.append(run)
      }
      take(runs, unreadable)
    }
  }

  private func take(_ runs: [ServedRun], _ unreadable: [UnreadableRun]) {
    state.withLock { state in
      for run in state.runs {
        guard let path = run.path, !runs.contains(where: { $0.id == run.id }) else { continue }
        var former = state.former[path] ?? []
        former.removeAll { $0 == run.id }
        state.former[path] = [run.id] + former.prefix(Self.mostFormer - 1)
      }
      state.runs = runs
      state.unreadable = unreadable
    }
  }

  /// Reads a run again that has been replaced or written to.
  /// - Returns: what lies in its place now.
  /// - Throws: `Problem` if nothing does that can be read.
  func renew(_ run: ServedRun) throws -> ServedRun {
    guard let path = run.path else { return run }
    return try reading.withLock { _ in
      // Another request may have been faster.
      if let current = runs.first(where: { $0.path == path }), current.isCurrent { return current }
      let fresh: ServedRun
      do {
        fresh = try ServedRun(path)
      } catch {
        say("\(error)")
        throw Problem(
          title: "Gone", status: 503,
          detail: "The run has been removed, or is being replaced. Refresh to see what is there now.")
      }
      // The same run in another place is shown there.
      var rest = runs.filter { $0.path == path || $0.id != fresh.id }
      rest = rest.map { $0.path == path ? fresh : $0 }
      take(rest, unreadable)
      return fresh
    }
  }

  /// Shows a run that was not among them.
  /// - Throws: as `ServedRun` does.
  package func adopt(_ path: String) throws -> ServedRun {
    try reading.withLock { _ in
      let run = try ServedRun(path)
      state.withLock { state in
        state.removed.remove(path)
        if !state.added.contains(path) { state.added.append(path) }
      }
      take(runs.filter { $0.path != path && $0.id != run.id } + [run], unreadable)
      return run
    }
  }

  /// No longer shows the runs at a place.
  package func forget(_ path: String) {
    reading.withLock { _ in
      state.withLock { state in
        state.added.removeAll { $0 == path }
        state.removed.insert(path)
      }
      take(runs.filter { $0.path != path }, unreadable)
    }
  }

  package var runs: [ServedRun] { state.withLock { $0.runs } }

  package var unreadable: [UnreadableRun] { state.withLock { $0.unreadable } }

  /// Identifiers under which runs were shown at the place of one.
  func former(_ run: ServedRun) -> [String] {
    state.withLock { state in run.path.flatMap { state.former[$0] } ?? [] }
  }

  /// A run by its identifier, by at least eight digits with which no other begins, or by its place in the list from 1.
  /// - Throws: `Problem` if there is none.
  func run(_ id: String) throws -> ServedRun {
    let runs = runs
    if let exact = runs.first(where: { $0.id == id }) { return exact }
    let alike = runs.filter { id.utf8.count >= 8 && $0.id.utf8.starts(with: id.utf8) }
    if alike.count == 1 { return alike[0] }
    if id.utf8.count < 8, let place = Int(id), runs.indices.contains(place - 1) { return runs[place - 1] }
    guard !state.withLock({ $0.former.values.contains { $0.contains(id) } }) else {
      throw Problem(
        title: "Replaced", status: 410,
        detail: "The run has been replaced by another. GET /api/runs says by which.")
    }
    throw Problem.notFound("There is no run \(id.prefix(40)). GET /api/runs lists them.")
  }
}
