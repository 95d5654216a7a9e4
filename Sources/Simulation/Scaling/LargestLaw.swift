/// Several policies: what the one that wants the most replicas wants.
///
/// A policy whose own instant it is not stays with what it last wanted; before its first decision it wants what there is.
final class LargestLaw: ScalingLaw {
  private let members: [any ScalingLaw]
  private var wanted: [Int?]

  init(_ members: [any ScalingLaw]) {
    self.members = members
    wanted = members.map { _ in nil }
  }

  var quiet: (above: Int, upTo: Int) {
    members.reduce(everyDemand) { (max($0.above, $1.quiet.above), min($0.upTo, $1.quiet.upTo)) }
  }

  var due: Int64 { members.reduce(.max) { min($0, $1.due) } }

  func demandChanged(to demand: Int, rises: Bool, at time: Int64) {
    for member in members where rises ? demand > member.quiet.upTo : demand <= member.quiet.above {
      member.demandChanged(to: demand, rises: rises, at: time)
    }
  }

  func replicasChanged(to provisioned: Int, demand: Int, at time: Int64, notBefore: Int64) {
    for member in members {
      member.replicasChanged(to: provisioned, demand: demand, at: time, notBefore: notBefore)
    }
  }

  func stop() {
    for member in members { member.stop() }
    wanted = members.map { _ in nil }
  }

  func decide(_ observation: ScalingObservation) -> Int? {
    for (index, member) in members.enumerated() {
      if let own = member.decide(observation) { wanted[index] = own }
    }
    return wanted.map { $0 ?? observation.provisioned }.max()
  }

  func checkInvariants(demand: Int) -> Bool { members.allSatisfy { $0.checkInvariants(demand: demand) } }
}
