/// Stops the program where the state is not what the code relies on: in debug builds, and in the optimised one of
/// `make verify` (`-DASSERTIONS`). Elsewhere the condition is not evaluated.
///
/// It stands for the standard library's `assert` in this module, which optimised builds have only by
/// `-assert-config Debug`; with that, Swift 6.3.1 crashes on `serveWaiting` ("EarlyPerfInliner", signal 11).
@inline(__always)
func assert(_ condition: @autoclosure () -> Bool, _ message: @autoclosure () -> String = String()) {
  #if DEBUG || ASSERTIONS
    precondition(condition(), message())
  #endif
}
