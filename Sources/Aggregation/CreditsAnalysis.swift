import Telemetry

/// What the credits of one account were spent on in a period, and when: by model, version and hardware, in each bucket.
/// The parts of an entry add up to the account's figures on the cards.
package struct CreditsAnalysis: Encodable, Equatable, Sendable {
  package enum Use: String, Encodable, Sendable { case deployment, fineTuning }

  package struct Entry: Encodable, Equatable, Sendable {
    package var use: Use
    package var modelID: Int32
    package var kind: String
    package var model: String
    /// Empty for fine-tuning.
    package var version: String
    package var hardware: String
    package var credits: Double
    /// Of deployments; `null` for fine-tuning.
    package var replicaHours: Double?
    /// Credits of each bucket.
    package var parts: [Double]

    enum CodingKeys: String, CodingKey {
      case use, kind, model, version, hardware, credits, replicaHours, parts
      case modelID = "modelId"
    }
  }

  package var from: String
  package var to: String
  package var timeZone: String
  package var granularity: String
  package var deploymentCredits: Double
  package var fineTuningCredits: Double
  /// Where the buckets begin.
  package var starts: [String]
  /// The largest first.
  package var entries: [Entry]

  /// - Throws: `QueryError` if the account's time zone is unknown, or for a date that cannot be selected.
  package init(
    _ account: AccountRecord, _ tables: TelemetryTables, _ filter: TimelineFilter, now: Timestamp
  ) throws {
    let calendar = try account.calendar
    let period = try filter.period(now: now, calendar: calendar)
    let stretches = period.stretches
    let models = Dictionary(
      tables.models.filter { $0.account == account.account }.map { ($0.modelID, $0) },
      uniquingKeysWith: { first, _ in first })
    let prices = Dictionary(
      tables.hardware.filter { $0.account == account.account }.map { ($0.hardware, $0.creditsMicroPerHour) },
      uniquingKeysWith: { first, _ in first })
    from = period.range.lowerBound.rfc3339(in: calendar)
    to = period.range.upperBound.rfc3339(in: calendar)
    timeZone = account.timeZone
    granularity = period.isHourly ? "hour" : "day"
    starts = period.bucketStarts.map { $0.rfc3339(in: calendar) }
    let count = starts.count

    var times: [ReplicaTime.Key: [Int128]] = [:]
    ReplicaTime.visit(tables.replicas) { key, replicas, range in
      guard replicas > 0, models[key.modelID] != nil else { return }
      // The first stretch that ends after the range begins.
      var index = stretches.partitionPoint { $0.range.upperBound > range.lowerBound }
      while index < stretches.count, stretches[index].range.lowerBound < range.upperBound {
        let part = stretches[index].range.clamped(to: range)
        times[key, default: Array(repeating: 0, count: count)][stretches[index].bucket] +=
          Int128(replicas) * Int128(part.upperBound - part.lowerBound)
        index += 1
      }
    }
    var total = ExactSum()
    entries = times.compactMap { key, parts in
      guard let model = models[key.modelID] else { return nil }
      let price = Int128(prices[key.hardware] ?? 0)
      func credits(_ time: Int128) -> Double {
        var sum = ExactSum()
        sum.add(time, times: price)
        return sum.value / 3.6e9 / 1e6
      }
      let whole = parts.reduce(0, +)
      total.add(whole, times: price)
      return Entry(
        use: .deployment, modelID: key.modelID, kind: model.kind.rawValue, model: model.name,
        version: key.version, hardware: key.hardware, credits: credits(whole),
        replicaHours: Double(whole) / 3.6e9, parts: parts.map(credits))
    }
    deploymentCredits = total.value / 3.6e9 / 1e6

    struct Job: Hashable {
      var modelID: Int32
      var hardware: String
    }
    var jobs: [Job: [Int128]] = [:]
    for job in tables.fineTuningJobs where models[job.modelID] != nil {
      let key = Job(modelID: job.modelID, hardware: job.hardware)
      for stretch in stretches {
        let accrued = job.accrued(in: stretch.range)
        if accrued != 0 {
          jobs[key, default: Array(repeating: 0, count: count)][stretch.bucket] += Int128(accrued)
        }
      }
    }
    fineTuningCredits = Double(jobs.values.joined().reduce(0, +)) / 1e6
    entries += jobs.compactMap { key, parts in
      guard let model = models[key.modelID] else { return nil }
      return Entry(
        use: .fineTuning, modelID: key.modelID, kind: model.kind.rawValue, model: model.name, version: "",
        hardware: key.hardware, credits: Double(parts.reduce(0, +)) / 1e6, replicaHours: nil,
        parts: parts.map { Double($0) / 1e6 })
    }
    entries.sort {
      ($1.credits, $0.modelID, $0.version, $0.hardware, $0.use.rawValue)
        < ($0.credits, $1.modelID, $1.version, $1.hardware, $1.use.rawValue)
    }
  }
}

extension AccountRecord {
  /// - Throws: `QueryError` if the time zone is unknown.
  var calendar: ZonedCalendar {
    get throws {
      guard let calendar = ZonedCalendar(identifier: timeZone) else {
        throw QueryError("account \(account) has the unknown time zone \"\(timeZone)\".")
      }
      return calendar
    }
  }
}

extension DashboardPeriod {
  /// The stretches of the period up to now, in order of time, each with its bucket.
  var stretches: [(range: Range<Timestamp>, bucket: Int)] {
    let past = past
    return zip(segments, segments.dropFirst()).compactMap { segment, next in
      guard let bucket = segment.bucket else { return nil }
      let range = (segment.start..<max(segment.start, next.start)).clamped(to: past)
      return range.isEmpty ? nil : (range, bucket)
    }
  }
}

extension Array {
  /// The first index from which on a condition holds; it must hold for none before and all after.
  func partitionPoint(_ condition: (Element) -> Bool) -> Int {
    var low = 0
    var high = count
    while low < high {
      let middle = (low + high) / 2
      if condition(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
