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

  /// A closed network of users who think and c servers: throughput and mean response time for a number of users, which are
  /// those of mean value analysis. Source: Reiser and Lavenberg (1980), "Mean-value analysis of closed multichain queuing
  /// networks", JACM 27:2.
  ///
  /// By the product form of its states and not by the recursion over users, in which the probability of an idle centre is a
  /// difference of nearly equal numbers: with 100 users and 16 servers, no digit of it is right. Source: Chandy and Sauer
  /// (1980), "Computational algorithms for product form queueing networks", CACM 23:10.
  package static func meanValueAnalysis(users: Int, servers c: Int, service: Double, think: Double) -> (
    throughput: Double, response: Double
  ) {
    // Weights of k customers at the servers: from k − 1, users − k + 1 who think come, and min(k, c) are served.
    var weights = [1.0]
    for k in 1...users {
      weights.append(weights[k - 1] * Double(users - k + 1) / think * service / Double(min(k, c)))
    }
    let all = weights.reduce(0, +)
    let throughput = (1...users).reduce(0) { $0 + weights[$1] * Double(min($1, c)) } / (service * all)
    return (throughput, Double(users) / throughput - think)
  }
}
