import Documents
import Telemetry

/// `unknown format "csw". Did you mean csv? Known: csv, …`
/// - Parameters:
///   - what: kind of thing: `format`.
///   - place: the option that names it, with a colon and a space after it.
func unknown(_ what: String, _ word: String, among known: [String], place: String = "") -> String {
  let most = 24
  let hint = nearest(word, among: known).map { "Did you mean \($0)? " } ?? ""
  let list = known.prefix(most).joined(separator: ", ") + (known.count > most ? ", …" : "")
  return "\(place)unknown \(what) \(quoted(word)). \(hint)Known: \(list)."
}

/// For a time zone that is none.
func unknownTimeZone(_ name: String) -> String {
  let hint = nearest(name, among: ZonedCalendar.knownIdentifiers).map { "Did you mean \($0)? " } ?? ""
  return "unknown time zone \(quoted(name)). \(hint)Use an IANA name such as America/New_York."
}
