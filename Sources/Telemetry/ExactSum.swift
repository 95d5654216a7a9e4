/// A sum of products of whole numbers: exact as long as it fits in 128 bits, else the nearest double that adding up
/// doubles gives. Never traps, whatever telemetry says.
package struct ExactSum: Sendable {
  private var exact: Int128 = 0
  private var isExact = true
  private var approximate = 0.0

  package init() {}

  package mutating func add(_ a: Int128, times b: Int128) {
    approximate += Double(a) * Double(b)
    let product = a.multipliedReportingOverflow(by: b)
    let sum = exact.addingReportingOverflow(product.partialValue)
    exact = sum.partialValue
    isExact = isExact && !product.overflow && !sum.overflow
  }

  package var value: Double { isExact ? Double(exact) : approximate }
}
