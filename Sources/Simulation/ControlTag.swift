/// What a control event of a model is about, in the 64 bits of an entry's tag: the control, the deployment, the replica
/// and which of the replica's lives it was scheduled in. Entries of one instant come in the order of their tags.
package struct ControlTag: Equatable {
  /// Events that are neither arrivals nor departures, in their order at one instant. A handover has that of its
  /// request (`Handovers.tag`) where others have the replica's life.
  package enum Control: UInt8, CaseIterable {
    case step, handover, machineReady, replicaReady, replicaCrash, machineReclaimed, machineGone, undeploy,
      deploy
  }

  /// Deployments (16 bits) and replicas (8 bits) that a tag can name.
  package static let deployments = 1 << 16
  package static let replicas = 1 << 8

  /// From the top: 8 bits of control, 16 of deployment, 8 of replica, 32 of generation.
  package let bits: UInt64

  package init(_ control: Control, _ deployment: Int, replica: Int = 0, generation: UInt32 = 0) {
    assert((0..<Self.deployments).contains(deployment) && (0..<Self.replicas).contains(replica))
    bits =
      UInt64(control.rawValue) << 56 | UInt64(deployment) << 40 | UInt64(replica) << 32 | UInt64(generation)
  }

  /// The tag of an entry that was made from one.
  package init(bits: UInt64) { self.bits = bits }

  package var control: Control {
    guard let control = Control(rawValue: UInt8(truncatingIfNeeded: bits >> 56)) else {
      preconditionFailure("\(bits) is not the tag of a control event")
    }
    return control
  }
  package var deployment: Int { Int(bits >> 40) & (Self.deployments - 1) }
  package var replica: Int { Int(bits >> 32) & (Self.replicas - 1) }
  package var generation: UInt32 { UInt32(truncatingIfNeeded: bits) }
}
