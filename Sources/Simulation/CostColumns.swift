import ScenarioModel
import Telemetry

/// What requests of an external model cost, as columns beside those that are handed on.
///
/// Invariant: both columns have room for `capacity` rows, and are this object's own.
final class CostColumns {
  private let prices: TokenPrices
  private var capacity = 0
  private var cost: UnsafeMutablePointer<Int64>
  private var cached: UnsafeMutablePointer<Int32>

  init(_ prices: TokenPrices) {
    self.prices = prices
    cost = .allocate(capacity: 0)
    cached = .allocate(capacity: 0)
  }

  deinit {
    cost.deallocate()
    cached.deallocate()
  }

  /// Adds the cost of each row, and how much of its prompt the provider's cache had; valid until the next call.
  func add(to columns: inout RequestColumns) {
    reserve(columns.count)
    for row in 0..<columns.count {
      let (input, output) = (columns.inputTokens[row], columns.outputTokens[row])
      let isAnswered = columns.outcome[row] == RequestOutcome.success
      cached[row] = isAnswered ? prices.cached(of: input) : 0
      cost[row] = isAnswered ? prices.cost(input: input, cached: cached[row], output: output) : 0
    }
    var extras = columns.extras ?? RequestExtras()
    extras.set(.cost, cost)
    columns.extras = extras
    if prices.cachedShare > 0 { columns.cachedInputTokens = UnsafePointer(cached) }
  }

  private func reserve(_ rows: Int) {
    guard rows > capacity else { return }
    cost.deallocate()
    cached.deallocate()
    cost = .allocate(capacity: rows)
    cached = .allocate(capacity: rows)
    capacity = rows
  }
}

extension Scenario.Model {
  /// What telemetry knows of its prices.
  var costMeasures: [RequestMeasure] {
    guard let prices else { return [] }
    return prices.cachedShare > 0 ? [.cost, .cachedInputTokens] : [.cost]
  }
}
