import Foundation
import Runs
import Studio
import Synchronization

/// What-ifs that people at the page have asked for: the newest of each session is worked on, and its last two are kept in
/// memory for other views.
final class WhatIfSessions: Sendable {
  /// One question of a session.
  final class Ticket: Sendable {
    let session: String
    /// Told when a newer question of the session comes.
    let listeners = DepartureListeners()
    /// The session's scenario as it was read last: its traces need not be read again.
    let known: ScenarioBundle?

    fileprivate init(_ session: String, _ known: ScenarioBundle?) {
      (self.session, self.known) = (session, known)
    }
  }

  private struct Kept {
    var session: String
    var run: ServedRun
    var usedAt: ContinuousClock.Instant
  }

  private struct State {
    var tickets: [String: Ticket] = [:]
    /// Sessions in the order in which they asked last.
    var order: [String] = []
    /// The oldest first.
    var kept: [Kept] = []
  }

  private let state = Mutex(State())
  private static let mostSessions = 100
  private static let mostOfSession = 2
  private static let mostKept = 24
  private static let keptFor = Duration.seconds(600)

  /// A new question, which cancels the session's last.
  func begin(_ session: String) -> Ticket {
    let (ticket, old) = state.withLock { state -> (Ticket, [Ticket]) in
      let known = state.kept.last { $0.session == session }?.run.simulated?.bundle
      let ticket = Ticket(session, known)
      var old = [state.tickets.updateValue(ticket, forKey: session)].compactMap { $0 }
      state.order.removeAll { $0 == session }
      state.order.append(session)
      if state.order.count > Self.mostSessions {
        old += [state.tickets.removeValue(forKey: state.order.removeFirst())].compactMap { $0 }
      }
      return (ticket, old)
    }
    for ticket in old { ticket.listeners.tell() }
    return ticket
  }

  func keep(_ run: ServedRun, of ticket: Ticket) {
    state.withLock { state in
      Self.forgetOld(&state)
      let own = state.kept.indices.filter { state.kept[$0].session == ticket.session }
      if own.count >= Self.mostOfSession, let oldest = own.first { state.kept.remove(at: oldest) }
      if state.kept.count >= Self.mostKept { state.kept.removeFirst() }
      state.kept.append(Kept(session: ticket.session, run: run, usedAt: .now))
    }
  }

  private static func forgetOld(_ state: inout State) {
    state.kept.removeAll { ContinuousClock.now - $0.usedAt > keptFor }
  }

  /// What-ifs have identifiers of their own.
  static let prefix = "whatif-"

  /// - Throws: `Problem` if it is not kept any more.
  func run(_ id: String) throws -> ServedRun {
    try state.withLock { state in
      Self.forgetOld(&state)
      guard let place = state.kept.firstIndex(where: { $0.run.id == id }) else {
        throw Problem(
          title: "Gone", status: 410, detail: "This what-if is no longer kept. Ask for it again.")
      }
      state.kept[place].usedAt = .now
      return state.kept[place].run
    }
  }

  /// Ends a session.
  func drop(_ session: String) {
    let ticket = state.withLock { state in
      state.kept.removeAll { $0.session == session }
      state.order.removeAll { $0 == session }
      return state.tickets.removeValue(forKey: session)
    }
    ticket?.listeners.tell()
  }
}
