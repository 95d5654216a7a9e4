extension Mistake {
  /// Commands, options and arguments that are none.
  static let usage = table(
    #"""
    """#)
}
