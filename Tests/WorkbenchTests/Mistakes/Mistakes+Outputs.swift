extension Mistake {
  /// Outputs that cannot be written.
  static let outputs = table(
    #"""
    """#)
}
