import CGSL

/// Several quantities of each of many requests, drawn from one stream: request by request, each quantity in turn.
///
/// A block gives what `Sampler.draw` would give one by one, bit for bit. It first takes from the stream what values are
/// made of, uniforms and normals, then makes exponentials and lognormals of them in loops that are vectors. To be used by
/// one thread at a time, as the stream.
package final class BlockSampler {
  /// The most requests of a block.
  package static let most = 64

  private enum Ingredient { case nothing, uniform, normal, value }

  private let samplers: [Sampler]
  private let stream: RandomStream
  private let ingredients: [Ingredient]
  /// What all quantities that are drawn are made of, if it is the same.
  private let common: Ingredient
  private let drawn: Int
  /// One quantity after the other, `most` of each.
  private let values: UnsafeMutablePointer<Double>
  /// What was taken for several quantities, request by request.
  private let taken: UnsafeMutablePointer<Double>

  package init(_ samplers: [Sampler], from stream: RandomStream) {
    self.samplers = samplers
    self.stream = stream
    ingredients = samplers.map { sampler in
      switch sampler.method {
      case .constant: .nothing
      case .exponential where !sampler.isTruncated: .uniform
      case .lognormal where !sampler.isTruncated: .normal
      default: .value
      }
    }
    let made = ingredients.filter { $0 != .nothing }
    drawn = made.count
    common = made.allSatisfy { $0 == made.first } ? made.first ?? .nothing : .value
    values = .allocate(capacity: samplers.count * Self.most)
    values.initialize(repeating: 0, count: samplers.count * Self.most)
    taken = .allocate(capacity: drawn * Self.most)
    taken.initialize(repeating: 0, count: drawn * Self.most)
    for (column, sampler) in samplers.enumerated() where sampler.isConstant {
      (values + column * Self.most).update(repeating: sampler.a, count: Self.most)
    }
  }

  deinit {
    values.deallocate()
    taken.deallocate()
  }

  /// Of the requests that were drawn last.
  package func column(_ column: Int) -> UnsafePointer<Double> {
    UnsafePointer(values + column * Self.most)
  }

  /// Counts: the nearest whole numbers of 0 to 2,147,483,000.
  package func roundedColumn(_ column: Int, _ rows: Int, into counts: UnsafeMutablePointer<Int32>) {
    wb_whole(values + column * Self.most, counts, rows)
  }

  /// Draws the next requests, at most `most`.
  package func draw(_ rows: Int) {
    switch common {
    case .nothing: return
    case .uniform, .normal: takeAlike(rows)
    case .value: takeOneByOne(rows)
    }
    for column in ingredients.indices {
      let sampler = samplers[column]
      switch ingredients[column] {
      case .uniform: wb_exponentials(values + column * Self.most, rows, sampler.a)
      case .normal: wb_lognormals(values + column * Self.most, rows, sampler.a, sampler.b)
      case .nothing, .value: break
      }
    }
  }

  private func takeAlike(_ rows: Int) {
    if common == .uniform {
      wb_stream_uniforms(stream.generator, taken, rows * drawn)
    } else {
      wb_stream_normals(stream.generator, taken, rows * drawn)
    }
    var place = 0
    for column in ingredients.indices where ingredients[column] != .nothing {
      let values = values + column * Self.most
      for row in 0..<rows { values[row] = taken[row &* drawn &+ place] }
      place += 1
    }
  }

  private func takeOneByOne(_ rows: Int) {
    for row in 0..<rows {
      for column in ingredients.indices {
        switch ingredients[column] {
        case .nothing: break
        case .uniform: values[column * Self.most + row] = stream.uniform()
        case .normal: values[column * Self.most + row] = stream.standardNormal()
        case .value: values[column * Self.most + row] = samplers[column].draw(from: stream)
        }
      }
    }
  }
}
