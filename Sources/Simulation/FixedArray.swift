/// A number of values that is settled when they are made, in memory of their own: what the simulation's loop keeps its
/// state in. Elements are changed in place, need not be copyable, and cost no reference counting and no check of
/// uniqueness.
///
/// Invariants: `base` points to `count` initialised elements from the end of `init` until `deinit`, and nothing else
/// has it. Indices lie in `0..<count`, which debug builds check.
package struct FixedArray<Element: ~Copyable>: ~Copyable {
  private let base: UnsafeMutablePointer<Element>
  package let count: Int

  /// - Parameter element: makes the element of an index; called in ascending order.
  /// - Throws: what `element` throws. Those that were made before are then destroyed.
  package init<Failure: Error>(count: Int, _ element: (Int) throws(Failure) -> Element) throws(Failure) {
    let base = UnsafeMutablePointer<Element>.allocate(capacity: count)
    var made = 0
    do throws(Failure) {
      while made < count {
        (base + made).initialize(to: try element(made))
        made += 1
      }
    } catch {
      base.deinitialize(count: made)
      base.deallocate()
      throw error
    }
    self.base = base
    self.count = count
  }

  deinit {
    base.deinitialize(count: count)
    base.deallocate()
  }

  package var indices: Range<Int> { 0..<count }

  package subscript(index: Int) -> Element {
    @inline(__always)
    _read {
      assert(index >= 0 && index < count, "index \(index) of \(count)")
      yield base[index]
    }
    @inline(__always)
    _modify {
      assert(index >= 0 && index < count, "index \(index) of \(count)")
      yield &base[index]
    }
  }
}

extension FixedArray {
  package init(repeating element: Element, count: Int) { self.init(count: count) { _ in element } }
}
