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

  /// Mean waiting times of classes, the highest priority first, in an M/M/c queue whose servers are not taken from whom they
  /// serve; all classes have one service time. Source: Cobham (1954), "Priority assignment in waiting line problems".
  /// - Parameters:
  ///   - loads: of the classes, arrival rate × service time.
  /// - Returns: in service times.
  package static func cobham(_ c: Int, _ loads: [Double]) -> [Double] {
    let delay = erlangC(c, loads.reduce(0, +)) / Double(c)
    var before = 0.0
    return loads.map { load in
      let after = before + load / Double(c)
      defer { before = after }
      return delay / ((1 - before) * (1 - after))
    }
  }

  /// A closed network of users who think and c servers: throughput and mean response time for a number of users, by exact
  /// mean value analysis with a load-dependent centre. Source: Reiser and Lavenberg (1980), "Mean-value analysis of closed
  /// multichain queuing networks", JACM 27:2.
  package static func meanValueAnalysis(users: Int, servers c: Int, service: Double, think: Double) -> (
    throughput: Double, response: Double
  ) {
    // p[k]: probability of k customers at the servers.
    var p = [1.0]
    var (throughput, response) = (0.0, service)
    for n in 1...users {
      response = (1...n).reduce(0) { $0 + Double($1) * service / Double(min($1, c)) * p[$1 - 1] }
      throughput = Double(n) / (response + think)
      var next = [0.0]
      for k in 1...n { next.append(throughput * service / Double(min(k, c)) * p[k - 1]) }
      next[0] = max(0, 1 - next.reduce(0, +))
      p = next
    }
    return (throughput, response)
  }
}
