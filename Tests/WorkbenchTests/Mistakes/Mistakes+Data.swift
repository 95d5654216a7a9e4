extension Mistake {
  /// Data sets, traces and tasks that are not there, or not what they should be.
  static let data = table(
    #"""
    """#)
}
