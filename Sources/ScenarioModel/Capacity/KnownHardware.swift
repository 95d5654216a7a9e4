import Documents

/// The hardware configurations that an account has a price for.
struct KnownHardware {
  let names: Set<String>

  init(_ names: Set<String>) { self.names = names }

  /// Whether there is hardware of that name; gives a diagnostic at the location otherwise.
  func isKnown(_ name: String, _ location: Location, _ diagnostics: Diagnostics) -> Bool {
    if names.contains(name) { return true }
    let hint =
      nearest(name, among: names).map { "Did you mean \($0)?" }
      ?? "Known: \(names.sorted().joined(separator: ", "))."
    diagnostics.error(
      location, "hardware \(quoted(name)) is not in the price list. \(hint) Or add it to account.credits.")
    return false
  }
}
