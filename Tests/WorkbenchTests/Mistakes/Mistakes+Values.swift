extension Mistake {
  /// Values of options that cannot be.
  static let values = table(
    #"""
    """#)
}
