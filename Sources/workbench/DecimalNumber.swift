import ArgumentParser
import Telemetry

/// A decimal number on the command line, read whole: no 0x10, nan or inf.
/// - Throws: `ValidationError` for anything else.
func decimalNumber(_ text: String) throws -> Double {
  guard let number = NumberText.decimal(text) else {
    throw ValidationError("\"\(text)\" is not a decimal number such as 0.95.")
  }
  return number
}
