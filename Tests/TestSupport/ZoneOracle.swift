import Foundation

/// Facts about zones from Python's zoneinfo, which reads the machine's zone files: `zone_oracle.py`.
package enum ZoneOracle {
  package static let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent(
      "zone_oracle.py"
    ).path

  /// Zones whose changes are the hardest: at one past midnight, by half an hour, over the date line, at odd offsets.
  package static let hard = [
    "Africa/Casablanca", "Africa/Monrovia", "America/Asuncion", "America/Goose_Bay", "America/Havana",
    "America/Moncton", "America/Nuuk", "America/St_Johns", "Antarctica/Casey", "Antarctica/Troll",
    "Antarctica/Vostok", "Asia/Gaza", "Asia/Kathmandu", "Atlantic/Azores", "Australia/Lord_Howe", "EET",
    "Kwajalein", "Pacific/Apia", "Pacific/Chatham", "Pacific/Fakaofo", "Pacific/Guam", "Pacific/Kanton",
    "Pacific/Kiritimati", "WET",
  ]

  /// Lines of fields, of every 29th zone and the hard ones, or of all.
  package static func facts() throws -> [[Substring]] {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["python3", script, hasLongChecks ? "1" : "29"] + hard
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw Failure(description: "python3 \(script) ended with \(process.terminationStatus)")
    }
    return String(decoding: data, as: UTF8.self).split(separator: "\n").map {
      $0.split(separator: "\t", omittingEmptySubsequences: false)
    }
  }

  package struct Failure: Error, CustomStringConvertible { package let description: String }

  /// Whether python3 has zoneinfo and the machine zone files.
  package static let isThere: Bool = {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["python3", "-c", "import zoneinfo; zoneinfo.ZoneInfo('Pacific/Apia')"]
    process.standardError = FileHandle.nullDevice
    do { try process.run() } catch { return false }
    process.waitUntilExit()
    return process.terminationStatus == 0
  }()
}
