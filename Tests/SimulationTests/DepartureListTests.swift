import Simulation
import Telemetry
import TestSupport
import Testing

@Suite("The list of departures")
struct DepartureListTests {
  @Test("gives what a sorted list would, through ties, growth, replacement and crashes", arguments: 1...20)
  func order(_ seed: UInt64) {
    var random = SeededGenerator(state: seed)
    var list = DepartureList()
    var reference: [(time: Int64, sequence: Int, deployment: Int, replica: Int)] = []
    var sequence = 0
    // A coarse grid makes ties; some start before 1970.
    func time() -> Int64 { Int64.random(in: -5...5, using: &random) * 1_000_003 }
    for step in 0..<4000 {
      switch Int.random(in: 0..<100, using: &random) {
      case 0..<(step < 2500 ? 55 : 30):
        let entry = (
          time(), sequence, Int.random(in: 0..<Limits.deploymentsOfModel, using: &random),
          Int.random(in: 0..<Limits.replicasOfDeployment, using: &random)
        )
        list.insert(time: entry.0, sequence: entry.1, deployment: entry.2, replica: entry.3)
        reference.append(entry)
        sequence += 1 + Int.random(in: 0...1_000_000, using: &random)
      case 90..<95 where !reference.isEmpty:
        let first =
          reference.indices.min {
            (reference[$0].time, reference[$0].sequence) < (reference[$1].time, reference[$1].sequence)
          } ?? 0
        let entry = (time: time(), sequence: sequence)
        list.replaceFirst(time: entry.time, sequence: entry.sequence)
        reference[first].time = entry.time
        reference[first].sequence = entry.sequence
        sequence += 1
      case 95... where !reference.isEmpty:
        let chosen = reference[Int.random(in: 0..<reference.count, using: &random)]
        let lost = reference.filter { $0.deployment == chosen.deployment && $0.replica == chosen.replica }
          .map(\.sequence).sorted()
        #expect(list.removeAll(deployment: chosen.deployment, replica: chosen.replica) == lost)
        reference.removeAll { $0.deployment == chosen.deployment && $0.replica == chosen.replica }
      default:
        guard
          let first = reference.indices.min(by: {
            (reference[$0].time, reference[$0].sequence) < (reference[$1].time, reference[$1].sequence)
          })
        else { break }
        let expected = reference.remove(at: first)
        let found = list.first
        #expect(found.time == expected.time && found.sequence == expected.sequence)
        #expect(found.deployment == expected.deployment && found.replica == expected.replica)
        list.removeFirst()
      }
      #expect(list.count == reference.count)
      #expect(list.firstTime == reference.map(\.time).min() ?? .max)
      if step.isMultiple(of: 97) {
        let isSound = list.checkInvariants()
        #expect(isSound)
      }
    }
    let isSound = list.checkInvariants()
    #expect(isSound)
  }

  @Test("the last instant that there is comes after all others, and before nothing at all")
  func ends() {
    var list = DepartureList()
    #expect(list.firstTime == .max)
    list.insert(time: DepartureList.endOfTime, sequence: 1, deployment: 0, replica: 0)
    #expect(list.firstTime == DepartureList.endOfTime)
    list.insert(time: -DepartureList.endOfTime, sequence: 2, deployment: 1, replica: 2)
    #expect(list.first.sequence == 2)
    list.removeFirst()
    list.insert(time: 253_402_300_799_999_999, sequence: (1 << 44) - 1, deployment: 3, replica: 4)
    #expect(list.first.sequence == (1 << 44) - 1 && list.first.deployment == 3 && list.first.replica == 4)
    list.removeFirst()
    list.removeFirst()
    let isSound = list.checkInvariants()
    #expect(list.firstTime == .max && list.count == 0 && isSound)
  }
}
