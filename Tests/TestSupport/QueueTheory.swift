import Foundation

/// Closed formulas of queues.
package enum QueueTheory {
  /// P(a customer waits) in M/M/c. Source: Erlang (1917), as in Gross et al. (2008), "Fundamentals of Queueing
  /// Theory", eq. 2.34.
  package static func erlangC(_ c: Int, _ load: Double) -> Double {
    var term = 1.0
    var sum = 1.0
    for k in 1..<max(c, 1) {
      term *= load / Double(k)
      sum += term
    }
    let last = (c == 1 ? load : term * load / Double(c)) / (1 - load / Double(c))
    return c == 1 ? load : last / (sum + last)
  }
}
