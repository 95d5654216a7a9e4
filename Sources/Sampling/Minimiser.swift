import CGSL

/// GSL's minimiser for functions without derivatives.
package enum Minimiser {
  package struct Minimum: Sendable {
    package var point: [Double]
    package var value: Double
    /// Whether the simplex became as small as asked for.
    package var hasConverged: Bool
  }

  /// A minimum near a point. Source: Nelder and Mead (1965), Computer J. 7, in the form of `gsl_multimin`'s nmsimplex2.
  /// - Parameters:
  ///   - step: the first simplex's size in each direction.
  ///   - tolerance: the simplex's size at which to stop.
  ///   - isEnough: asked after each step with the least value so far, whether to stop.
  ///   - function: where it is undefined it may give infinity, which is taken for very large.
  package static func minimum(
    from start: [Double], step: [Double], tolerance: Double = 1e-6, mostSteps: Int = 2000,
    until isEnough: (Double) -> Bool = { _ in false },
    _ function: ([Double]) -> Double
  ) -> Minimum {
    withoutActuallyEscaping(function) { function in
      let count = start.count
      let box = Box(count, function)
      let x = gsl_vector_alloc(count)
      let size = gsl_vector_alloc(count)
      let minimiser = wb_simplex_alloc(count)
      defer {
        gsl_multimin_fminimizer_free(minimiser)
        gsl_vector_free(x)
        gsl_vector_free(size)
      }
      for index in 0..<count {
        gsl_vector_set(x, index, start[index])
        gsl_vector_set(size, index, step[index])
      }
      return withExtendedLifetime(box) {
        var target = gsl_multimin_function(
          f: { vector, context in
            guard let vector, let context else { return 1e300 }
            return Unmanaged<Box>.fromOpaque(context).takeUnretainedValue().value(vector)
          }, n: count, params: Unmanaged.passUnretained(box).toOpaque())
        gsl_multimin_fminimizer_set(minimiser, &target, x, size)
        var hasConverged = false
        for _ in 0..<mostSteps where !hasConverged {
          guard gsl_multimin_fminimizer_iterate(minimiser) == 0 else { break }
          hasConverged = gsl_multimin_fminimizer_size(minimiser) < tolerance
          if isEnough(gsl_multimin_fminimizer_minimum(minimiser)) { break }
        }
        let best = gsl_multimin_fminimizer_x(minimiser)
        return Minimum(
          point: (0..<count).map { gsl_vector_get(best, $0) },
          value: gsl_multimin_fminimizer_minimum(minimiser),
          hasConverged: hasConverged)
      }
    }
  }

  /// What C's callback finds its way back to.
  private final class Box {
    private let count: Int
    private let function: ([Double]) -> Double
    init(_ count: Int, _ function: @escaping ([Double]) -> Double) {
      self.count = count
      self.function = function
    }
    func value(_ vector: UnsafePointer<gsl_vector>) -> Double {
      let value = function((0..<count).map { gsl_vector_get(vector, $0) })
      return value.isFinite ? value : 1e300
    }
  }

  /// The inverse of a function's second derivatives at its minimum: the covariance of maximum likelihood estimates,
  /// where the function is the negative logarithm of the likelihood.
  /// - Parameter step: of the central differences, in each direction.
  /// - Returns: `nil` where the derivatives are not those of a minimum.
  package static func covariance(
    at point: [Double], step: [Double], _ function: ([Double]) -> Double
  ) -> [[Double]]? {
    let count = point.count
    func value(_ moves: [(Int, Double)]) -> Double {
      var moved = point
      for (index, by) in moves { moved[index] += by * step[index] }
      return function(moved)
    }
    let centre = function(point)
    let matrix = gsl_matrix_alloc(count, count)
    defer { gsl_matrix_free(matrix) }
    for row in 0..<count {
      for column in 0...row {
        let second =
          row == column
          ? (value([(row, 1)]) - 2 * centre + value([(row, -1)])) / (step[row] * step[row])
          : (value([(row, 1), (column, 1)]) - value([(row, 1), (column, -1)])
            - value([(row, -1), (column, 1)])
            + value([(row, -1), (column, -1)])) / (4 * step[row] * step[column])
        guard second.isFinite else { return nil }
        gsl_matrix_set(matrix, row, column, second)
        gsl_matrix_set(matrix, column, row, second)
      }
    }
    guard gsl_linalg_cholesky_decomp1(matrix) == 0, gsl_linalg_cholesky_invert(matrix) == 0 else {
      return nil
    }
    return (0..<count).map { row in (0..<count).map { gsl_matrix_get(matrix, row, $0) } }
  }
}
