import Foundation
import Hashing
import Telemetry

extension TelemetryTables {
  /// The tables with every instant moved by the same time, µs: orders and durations stay.
  func shifted(by shift: Int64) -> TelemetryTables {
    var tables = self
    for index in tables.models.indices {
      tables.models[index].createdAt = tables.models[index].createdAt + shift
    }
    for index in tables.deployments.indices {
      tables.deployments[index].requestedAt = tables.deployments[index].requestedAt + shift
      tables.deployments[index].deployedAt = tables.deployments[index].deployedAt.map { $0 + shift }
      tables.deployments[index].undeployedAt = tables.deployments[index].undeployedAt.map { $0 + shift }
    }
    for index in tables.replicas.indices { tables.replicas[index].at = tables.replicas[index].at + shift }
    for index in tables.fineTuningJobs.indices {
      tables.fineTuningJobs[index].startedAt = tables.fineTuningJobs[index].startedAt + shift
      tables.fineTuningJobs[index].finishedAt = tables.fineTuningJobs[index].finishedAt + shift
    }
    for index in tables.incidents.indices {
      tables.incidents[index].startedAt = tables.incidents[index].startedAt + shift
      tables.incidents[index].endedAt = tables.incidents[index].endedAt + shift
    }
    // Clocks that were off by minutes do not move quarters.
    let quarters = KVCacheRecord.quarter
    for index in tables.kvCache.indices {
      let moved = tables.kvCache[index].at.microseconds + shift
      let rest = (moved % quarters + quarters) % quarters
      tables.kvCache[index].at = Timestamp(microseconds: moved - rest)
    }
    return tables
  }

  /// The tables with names of accounts, models, providers and base models replaced.
  func anonymised(_ pseudonyms: Pseudonyms) -> TelemetryTables {
    var tables = self
    func account(_ name: String) -> String { pseudonyms.name("account", name) }
    for index in tables.accounts.indices {
      tables.accounts[index].account = account(tables.accounts[index].account)
    }
    for index in tables.hardware.indices {
      tables.hardware[index].account = account(tables.hardware[index].account)
    }
    for index in tables.models.indices {
      tables.models[index].account = account(tables.models[index].account)
      tables.models[index].name = pseudonyms.name("model", tables.models[index].name)
      tables.models[index].provider = pseudonyms.name("provider", tables.models[index].provider)
    }
    for index in tables.fineTuningJobs.indices {
      tables.fineTuningJobs[index].baseModel = pseudonyms.name("base", tables.fineTuningJobs[index].baseModel)
    }
    for index in tables.incidents.indices {
      tables.incidents[index].provider = pseudonyms.name("provider", tables.incidents[index].provider)
    }
    return tables
  }
}

/// Names that replace others: under the same salt, the same name always gets the same replacement.
package struct Pseudonyms: Sendable {
  private let key: SHA256Digest

  /// - Parameter salt: without a secret one, anyone who guesses a name can check the guess.
  package init(salt: String) { key = SHA256.hash(data: Data(salt.utf8)) }

  /// Empty stays empty.
  func name(_ kind: String, _ name: String) -> String {
    if name.isEmpty { return "" }
    let code = SHA256.authenticationCode(of: Data("\(kind)\u{0}\(name)".utf8), key: key)
    return "\(kind)-\(code.prefix(5).hexadecimal)"
  }
}
