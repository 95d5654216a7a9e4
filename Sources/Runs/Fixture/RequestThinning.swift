import HeapModule
import Telemetry

/// Chooses some of a data set's requests: as many as wanted, spread evenly by chance that does not change from run to
/// run, and with them the first request of every version and of every outcome, however rare.
final class RequestChoice: TelemetrySink {
  private let wanted: Int
  private struct Kept: Comparable {
    var hash: UInt64
    var row: Int64

    static func < (a: Kept, b: Kept) -> Bool { (a.hash, a.row) < (b.hash, b.row) }
  }

  /// The rows that are kept so far.
  private var kept = Heap<Kept>()
  private var mustHave: [Int64] = []
  private var seen: Set<Int64> = []
  private(set) var rows: Int64 = 0

  init(_ wanted: Int) { self.wanted = wanted }

  /// The rows chosen, ascending.
  var chosen: [Int64] {
    let needed = mustHave.prefix(wanted)
    let isNeeded = Set(needed)
    // The least hashes make room for what must be there.
    let rest = kept.unordered.sorted().map(\.row).filter { !isNeeded.contains($0) }
    return (needed + rest.prefix(wanted - needed.count)).sorted()
  }

  func receive(_ requests: RequestColumns) {
    for row in 0..<requests.count {
      let number = rows
      rows += 1
      if seen.insert(Int64(requests.series[row]) << 8 | Int64(requests.outcome[row])).inserted {
        mustHave.append(number)
      }
      let hash = Self.mixed(UInt64(number))
      if kept.count < wanted {
        kept.insert(Kept(hash: hash, row: number))
      } else if let largest = kept.max, hash < largest.hash {
        kept.replaceMax(with: Kept(hash: hash, row: number))
      }
    }
  }

  /// SplitMix64's finaliser. Source: Steele, Lea, Flood (2014), OOPSLA.
  private static func mixed(_ value: UInt64) -> UInt64 {
    var z = value &+ 0x9e37_79b9_7f4a_7c15
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}

/// Hands on some rows, renumbered and moved in time.
final class RequestSelection: TelemetrySink {
  private let target: any TelemetrySink
  /// Ascending; `nil` for all.
  private let chosen: [Int64]?
  private var place = 0
  private var row: Int64 = 0
  private let shift: Int64
  private(set) var count: Int64 = 0
  private let batch = RequestBatch(capacity: 16_384)
  private let pseudonyms: Pseudonyms?

  /// - Parameter pseudonyms: for the texts that name people, what they said together, and what was tuned for them.
  init(_ target: any TelemetrySink, chosen: [Int64]?, shift: Int64, pseudonyms: Pseudonyms?) {
    self.pseudonyms = pseudonyms
    self.target = target
    self.chosen = chosen
    self.shift = shift
  }

  func receive(_ requests: RequestColumns) throws {
    for index in 0..<requests.count {
      defer { row += 1 }
      if let chosen {
        guard place < chosen.count, chosen[place] == row else { continue }
        place += 1
      }
      count += 1
      batch.append(index, of: requests, requestID: count, shiftedBy: shift)
      if let pseudonyms, let extras = requests.extras { anonymise(index, extras, pseudonyms) }
      if batch.isFull { try flush() }
    }
  }

  private func anonymise(_ index: Int, _ extras: RequestExtras, _ pseudonyms: Pseudonyms) {
    for (text, kind) in [(RequestText.session, "session"), (.user, "user"), (.adapter, "adapter")] {
      guard let name = extras[text]?.text(index), !name.isEmpty else { continue }
      var pseudonym = pseudonyms.name(kind, name)
      pseudonym.withUTF8 { batch.set(text, UnsafeRawBufferPointer($0)) }
    }
  }

  func flush() throws {
    try batch.send(to: target)
    batch.removeAll()
  }
}
