import CGSL
import Foundation

/// Owns the memory behind streams, samplers and copulas, which are plain pointers for the sake of
/// the simulation's loop. Keep the arena alive as long as anything it made is in use. It may be asked from any thread.
///
/// Sendable, unchecked: the lists of what there is to free are touched under the lock alone, and by `deinit`, when nobody
/// else holds the arena. The memory itself it only frees: a stream belongs to the thread that uses it, and whatever else
/// it hands out is not written to any more. (A `Mutex` cannot say so, since what is listed is handed out as well.)
package final class SamplingArena: @unchecked Sendable {
  private let lock = NSLock()
  private var streams: [UnsafeMutablePointer<gsl_rng>] = []
  private var aliasTables: [UnsafeMutablePointer<gsl_ran_discrete_t>] = []
  private var numbers: [UnsafeMutablePointer<Double>] = []
  private var samplers: [UnsafeMutablePointer<Sampler>] = []
  private var distributions: [Unmanaged<QuantileFunction>] = []

  package init() {}

  deinit {
    for stream in streams { gsl_rng_free(stream) }
    for table in aliasTables { gsl_ran_discrete_free(table) }
    for table in numbers { table.deallocate() }
    for table in samplers { table.deallocate() }
    for distribution in distributions { distribution.release() }
  }

  /// The stream of that name, at its beginning.
  package func stream(_ name: StreamName) -> RandomStream { stream(state: name.state) }

  /// A stream from its 256-bit state, which must not be all zero.
  package func stream(state: (UInt64, UInt64, UInt64, UInt64)) -> RandomStream {
    let generator = withUnsafeBytes(of: state) {
      wb_stream_alloc($0.bindMemory(to: UInt64.self).baseAddress)
    }
    // malloc failed: nothing could go on from here, and Swift's own allocations trap as well.
    guard let generator else { fatalError("out of memory for a random stream") }
    lock.withLock { streams.append(generator) }
    return RandomStream(generator: generator)
  }

  /// An alias table for drawing an index with the given weights. Source: Walker (1977), as in GSL.
  func aliasTable(weights: [Double]) -> UnsafeMutablePointer<gsl_ran_discrete_t> {
    // GSL also refuses negative weights, which `Distribution` has refused before.
    guard let table = gsl_ran_discrete_preproc(weights.count, weights) else {
      fatalError("out of memory for an alias table of \(weights.count) entries")
    }
    lock.withLock { aliasTables.append(table) }
    return table
  }

  func table(_ values: [Double]) -> UnsafePointer<Double> {
    let memory = UnsafeMutablePointer<Double>.allocate(capacity: max(values.count, 1))
    memory.initialize(from: values, count: values.count)
    lock.withLock { numbers.append(memory) }
    return UnsafePointer(memory)
  }

  func table(_ values: [Sampler]) -> UnsafePointer<Sampler> {
    let memory = UnsafeMutablePointer<Sampler>.allocate(capacity: max(values.count, 1))
    memory.initialize(from: values, count: values.count)
    lock.withLock { samplers.append(memory) }
    return UnsafePointer(memory)
  }

  func quantileFunction(of distribution: Distribution) -> UnsafeRawPointer {
    let box = Unmanaged.passRetained(QuantileFunction(distribution))
    lock.withLock { distributions.append(box) }
    return UnsafeRawPointer(box.toOpaque())
  }
}

/// A distribution behind a pointer, for the rare samplers that invert the cdf.
final class QuantileFunction {
  let distribution: Distribution
  init(_ distribution: Distribution) { self.distribution = distribution }
}
