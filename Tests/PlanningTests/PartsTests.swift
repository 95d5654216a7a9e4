import Foundation
import Planning
import Sampling
import TestSupport
import Testing

@Suite("Parts of planning")
struct PartsTests {
  @Test("MSER-5 finds a transient, leaves a stationary series whole, and refuses one that never settles")
  func warmUp() throws {
    let arena = SamplingArena()
    let stream = arena.stream(state: (1, 2, 3, 4))
    let noise = (0..<2000).map { _ in stream.standardNormal() }
    try withExtendedLifetime(arena) {
      #expect(try #require(MSER5.truncation(noise)) < 0.1)
      // Starts ten standard deviations away and decays over 200 batches: to one after 460, which is 0.23 of the series.
      let transient = noise.enumerated().map { $1 + 10 * exp(-Double($0) / 200) }
      let found = try #require(MSER5.truncation(transient))
      #expect(found > 0.15 && found <= 0.5, "\(found)")
      #expect(MSER5.truncation((0..<2000).map { Double($0) }) == nil)
      #expect(MSER5.truncation([1, 2, 3]) == nil)
    }
  }

  @Test("the ideal bound of a system without waiting is the time in service; never more than what is used")
  func ideal() throws {
    // M/M/10 at 10 %: nobody waits; requests in service are arrivals × service time, each a replica of one slot.
    let variant = try KnownSystem.variant(
      "idle", rate: 1, servers: 10, service: "{ exponential: { mean: 1s } }", hours: 10)
    let bound = try IdealBound(variant, replication: 0, warmUp: 0)
    #expect(abs(bound.replicaHours - 10) < 0.3, "\(bound.replicaHours)")
    let record = try variant.replicate(0, warmUp: 0)
    #expect(bound.replicaHours < record.replicaHours && abs(record.replicaHours - 100) < 0.5)
    // 1.428 credits an hour on a T4.
    #expect(abs(bound.credits - 1.428 * bound.replicaHours) < 1e-6)
    #expect(abs(record.utilisation - 0.1) < 0.01)
  }

  @Test("replica figures by hand: hours, credits, utilisation, time at the limit")
  func replicas() throws {
    let variant = try KnownSystem.variant(
      "busy", rate: 10, servers: 2, service: "1s", hours: 2, more: ", timeout: 5s")
    let record = try variant.replicate(3, warmUp: 600_000_000)
    #expect(abs(record.replicaHours - 4) < 1e-9 && abs(record.credits - 4 * 1.428) < 1e-9)
    #expect(record.utilisation > 0.99 && record.atMaxReplicas == 1 && record.atSubscription == 0)
    #expect(record.peakReplicas == 2)
    // Two a second are served of ten.
    let served = Double(record.successes) / 7200
    #expect(abs(served - 2) < 0.01, "\(served)")
    #expect(record.failures["timeout"].map { Double($0) / 7200 > 7.5 } ?? false)
  }

  @Test("a Latin hypercube uses every part of every range once; a factorial design is every combination")
  func designs() throws {
    let factors = try [Factor("a=0..1"), Factor("b=10s..50s"), Factor("c=x,y")]
    let points = Design.latinHypercube(factors, samples: 20, seed: 3)
    let seconds = points.compactMap { Double($0[1].dropLast()) }.sorted()
    #expect(points.count == 20 && seconds.count == 20)
    for (index, value) in seconds.enumerated() {
      #expect(value >= 10 + 2 * Double(index) && value <= 10 + 2 * Double(index + 1))
    }
    #expect(points.count { $0[2] == "x" } == 10)
    #expect(Design.factorial([["1", "2"], ["a", "b", "c"]]).count == 6)
    #expect(try Factor("a=2..8:3").levels() == ["2", "5", "8"])
    #expect(try Factor("a=0.5..1:0.25").levels() == ["0.5", "0.75", "1"])
    #expect(try Factor("a=5/s..10/s:5/s").levels() == ["5/s", "10/s"])
    #expect(try Factor("a=[1, 2],[3]").levels() == ["[1, 2]", "[3]"])
    #expect(throws: Factor.Problem.self) { try Factor("a=1..2:x") }
  }

  @Test("Sobol indices of a function whose indices are known")
  func sobol() throws {
    // y = 3 x1 + 4 x2, uniform: 9 ⁄ 25 and 16 ⁄ 25; x3 does nothing.
    let factors = try ["x1=0..1000", "x2=0..1000", "x3=0..1000"].map { try Factor($0 + ":0.001") }
    let design = Design.saltelli(factors, samples: 4000, seed: 1)
    func f(_ point: [String]) -> Double { 3 * (Double(point[0]) ?? 0) + 4 * (Double(point[1]) ?? 0) }
    let indices = Design.firstOrder(
      a: design.a.map(f), b: design.b.map(f), mixed: design.mixed.map { $0.map(f) }, seed: 1)
    #expect(
      abs(indices[0].index - 0.36) < 0.04 && abs(indices[1].index - 0.64) < 0.04
        && abs(indices[2].index) < 0.05, "\(indices)")
    #expect(indices.allSatisfy { $0.error > 0 && $0.error < 0.05 })
  }
}
