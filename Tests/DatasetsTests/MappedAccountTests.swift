import Datasets
import Foundation
import Telemetry
import TestSupport
import Testing

@Suite("Accounts and deployments of an export")
struct MappedAccountTests {
  static let day = "2026-03-02T10:00"

  @Test("an export may be of several accounts; rows without one belong to the mapping's")
  func accounts() throws {
    let csv = """
      t,org,model
      \(Self.day):03Z,zeta,chat
      \(Self.day):00Z,alpha,chat
      \(Self.day):01Z,,chat
      \(Self.day):02Z,alpha,code

      """
    let mapping = """
      account: { name: main, timeZone: Asia/Kathmandu, maxReplicas: 7 }
      columns: { arrivedAt: t, model: model, kind: { constant: external }, account: org }
      """
    let found = try Mapped(csv, "t.csv", mapping)
    #expect(
      found.tables.accounts
        == ["alpha", "main", "zeta"].map {
          AccountRecord(account: $0, timeZone: "Asia/Kathmandu", subscriptionMaxReplicas: 7)
        })
    #expect(
      found.tables.models.map { "\($0.modelID) \($0.account) \($0.name)" } == [
        "1 alpha chat", "2 alpha code", "3 main chat", "4 zeta chat",
      ])
    // In order of arrival, numbered throughout.
    #expect(
      found.requests.map(\.series.modelID) == [1, 3, 2, 4] && found.requests.map(\.id) == [1, 2, 3, 4])
    #expect(
      found.partitions.flatMap(\.accounts) == [0, 1, 2] && found.partitions.flatMap(\.series) == [0, 1, 2, 3])
    let reversed = csv.split(separator: "\n").map(String.init)
    let again = try Mapped(
      (reversed.prefix(1) + reversed.dropFirst().reversed()).joined(separator: "\n"), "t.csv", mapping)
    #expect(again.tables == found.tables && again.requests == found.requests)
  }

  @Test("the same identity in two accounts is two rows; a name in two spellings is rejected")
  func identities() throws {
    let csv =
      "t,org,id,model\n\(Self.day):00Z,a,1,m\n\(Self.day):01Z,b,1,m\n\(Self.day):02Z,b,1,m\n\(Self.day):03Z,e\u{301},2,m\n\(Self.day):03Z,\u{e9},3,m\n"
    let found = try Mapped(csv, "t.csv", Mapped.columns("arrivedAt: t", "account: org", "id: id"))
    #expect(found.requests.count == 3)
    #expect(
      found.rejects.kinds == ["id came before with other values": 1, "account is not a name": 1])
  }

  static let served = """
    t,model,v,gpu,s
    \(day):00Z,chat,V1,A10 single,2
    \(day):30Z,chat,V1,A10 single,1
    \(day):40Z,chat,V1,T4 single,1
    \(day):20Z,code,V1,,1

    """

  static func mapping(_ account: String = "", _ deployments: String, hardware: String = "hardware: gpu")
    -> String
  {
    """
    account: { name: acme\(account) }
    columns:
      arrivedAt: t
      model: model
      kind: { constant: openSource }
      version: v
      latency: { column: s, unit: s }
      \(hardware)
    \(deployments)
    """
  }

  @Test(
    "hardware comes from the export, replicas and batch sizes from the mapping, for as long as they serve")
  func deployments() throws {
    let found = try Mapped(
      Self.served, "t.csv",
      Self.mapping(
        ", credits: { A10 single: 1.25, T4 single: 0, V100 single: 3 }",
        "deployments:\n  - { model: chat, version: V1, replicas: 12, maxBatchSize: 8 }\n  - { maxBatchSize: 4 }"
      ))
    func at(_ second: Int) -> Timestamp {
      Timestamp(microseconds: 1_772_445_600_000_000 + Int64(second) * 1_000_000)
    }
    func deployment(
      _ model: Int32, _ hardware: String, _ replicas: (Int, Int), _ batch: Int, _ from: Int, _ to: Int?
    ) -> DeploymentRecord {
      DeploymentRecord(
        modelID: model, version: "V1", hardware: hardware, minReplicas: replicas.0, maxReplicas: replicas.1,
        maxBatchSize: batch, requestedAt: at(from), deployedAt: at(from), undeployedAt: to.map(at),
        outcome: .deployed)
    }
    // The A10's last request arrives at 30 and takes a second; the T4's first arrives at 40.
    #expect(
      found.tables.deployments == [
        deployment(1, "A10 single", (10, 12), 8, 0, 31), deployment(1, "T4 single", (10, 12), 8, 40, nil),
        deployment(2, "unknown", (0, 0), 4, 20, nil),
      ])
    func replicas(_ second: Int, _ hardware: String, _ ready: Int) -> ReplicaRecord {
      ReplicaRecord(
        at: at(second), modelID: 1, version: "V1", hardware: hardware, starting: 0, ready: ready, draining: 0,
        limitedBy: .none)
    }
    #expect(
      found.tables.replicas == [
        replicas(0, "A10 single", 12), replicas(31, "A10 single", 0), replicas(40, "T4 single", 12),
      ])
    #expect(
      found.tables.hardware == [
        HardwareRecord(account: "acme", hardware: "A10 single", creditsMicroPerHour: 1_250_000),
        HardwareRecord(account: "acme", hardware: "T4 single", creditsMicroPerHour: 0),
        HardwareRecord(account: "acme", hardware: "V100 single", creditsMicroPerHour: 3_000_000),
      ])
    // Never more than twelve at once.
    #expect(found.tables.accounts.map(\.subscriptionMaxReplicas) == [12])
    #expect(found.tables.models.count == 2 && Set(found.requests.map(\.series)).count == 2)
  }

  @Test("hardware may be stated; what fits no deployment is said")
  func stated() throws {
    let found = try Mapped(
      Self.served, "t.csv",
      Self.mapping(
        ", maxReplicas: 4, credits: { A10 single: 1 }",
        "deployments:\n  - { model: chat, hardware: A10 single, replicas: 2 }\n  - { model: caht, maxBatchSize: 2 }",
        hardware: ""))
    #expect(found.tables.deployments.map(\.hardware) == ["A10 single", "unknown"])
    #expect(
      found.tables.replicas.map(\.ready) == [2] && found.tables.accounts[0].subscriptionMaxReplicas == 4)
    #expect(
      found.sentences.contains(
        "No deployment of the export fits entry 2 of the mapping's deployments (model caht)."))
  }

  @Test("replicas without a price, or more than the subscription has, are errors")
  func refused() throws {
    let unpriced = #expect(throws: DatasetError.self) {
      try Mapped(
        Self.served, "t.csv",
        Self.mapping(", credits: { A10 single: 1 }", "deployments: [ { model: chat, replicas: 1 } ]"))
    }
    #expect(
      unpriced?.message
        == "the mapping states replicas of model \"chat\" on \"T4 single\", of which no price is known, so their credits would be unknown. Add the hardware to account.credits of the mapping; 0 if it costs nothing."
    )
    let many = #expect(throws: DatasetError.self) {
      try Mapped(
        Self.served, "t.csv",
        Self.mapping(
          ", maxReplicas: 3, credits: { A10 single: 1 }",
          "deployments: [ { hardware: A10 single, replicas: 2 } ]", hardware: ""))
    }
    #expect(
      many?.message
        == "account \"acme\" has 4 replicas at once by the mapping's deployments, and account.maxReplicas of the mapping is 3. Raise it, or correct the replicas."
    )
  }

  @Test(
    "contradictions of deployments are errors with their place",
    arguments: [
      ("deployments: [ { model: chat } ]", "gpu", "10:16: error: this entry says nothing"),
      ("deployments: [ { hardware: A10 single } ]", "gpu", "columns give the hardware of each row already"),
      ("deployments: [ { replicas: 2 } ]", "", "replicas without their hardware, which they are charged by"),
      (
        "deployments: [ { hardware: A10 single, replicas: 2 } ]", "",
        "replicas on \"A10 single\", of which no price is known. Add account.credits: { \"A10 single\": … }"
      ),
      ("deployments: [ { replicas: 51 } ]", "gpu", "replicas 51 is out of range. It must be 1 to 50"),
      (
        "deployments: [ { model: a, maxBatchSize: 2 }, { model: a, version: b, maxBatchSize: 3 } ]", "gpu",
        "10:47: error: an earlier entry is of all deployments that this one is of"
      ),
    ])
  func contradictions(deployments: String, hardware: String, message: String) {
    let found = Mapped.problems(
      Self.mapping("", deployments, hardware: hardware.isEmpty ? "" : "hardware: \(hardware)"))
    #expect(found.contains(message), "\(found)")
    let external = Mapped.problems(
      Mapped.columns("arrivedAt: t", more: "deployments: [ { maxBatchSize: 2 } ]\n"))
    #expect(external.contains("map.yaml:3:14: error: external models have no deployments"), "\(external)")
  }
}
