extension Mistake {
  /// Scenarios, plans, mappings and other documents that are wrong, with the place.
  static let documents = table(
    #"""
    """#)
}
