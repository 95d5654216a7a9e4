extension Mistake {
  /// Verdicts that are not green.
  static let verdicts = table(
    #"""
    """#)
}
