import Datasets
import Foundation
import Synchronization
import Telemetry

/// What the program says to people: diagnostics and progress on standard error, results on standard output.
enum Terminal {
  static let outputIsTerminal = isatty(STDOUT_FILENO) == 1
  static let errorIsTerminal = isatty(STDERR_FILENO) == 1

  private static let environment = ProcessInfo.processInfo.environment

  /// Whether colours and cursor movements mean anything: not to a dumb terminal, nor to whoever wants none.
  static let isPlain =
    environment["NO_COLOR"].map { !$0.isEmpty } ?? false || environment["TERM"] == "dumb"

  /// As COLUMNS says, or the terminal.
  private static let width: Int? = {
    let narrowest = 40
    if let given = environment["COLUMNS"].flatMap({ Int($0) }), given > 0 { return max(given, narrowest) }
    var size = winsize()
    guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
    return max(Int(size.ws_col), narrowest)
  }()

  /// How wide text and help may be: as COLUMNS says, or the terminal; else 80.
  static var columns: Int { width ?? 80 }

  /// How wide tables may be: the same, but a row is a line for whoever reads from a pipe or a file.
  static var tableColumns: Int { width ?? 10_000 }

  /// Whether standard output is that of a document, so that words for people go to standard error.
  private static let isTaken = Atomic(false)

  static func takeOutput() { isTaken.store(true, ordering: .relaxed) }

  private static let isGitHub = environment["GITHUB_ACTIONS"] == "true"

  /// Messages for people: lines of text, whatever the names in it. Control characters are shown, not sent.
  static func harmless(_ text: String, forGitHub: Bool = isGitHub) -> String {
    let shown = text.shownInLines
    return forGitHub ? GitHubText.inert(shown) : shown
  }

  static func diagnose(_ text: String) {
    var text = harmless(text)
    if errorIsTerminal, !isPlain {
      text = text.replacing("error:", with: "\u{1b}[1;31merror:\u{1b}[0m")
    }
    StandardStreams.writeError(text + "\n")
  }

  static func print(_ text: String) {
    if isTaken.load(ordering: .relaxed) {
      StandardStreams.writeError(style(harmless(text)) + "\n")
    } else {
      write(Data((style(harmless(text)) + "\n").utf8))
    }
  }

  /// Lines for a machine that reads the log, each harmless on its own: workflow commands.
  static func printCommands(_ text: String) { write(Data((text.shownInLines + "\n").utf8)) }

  static func write(_ data: Data) {
    do {
      let output = try OutputFile.standardOutput()
      try output.write(data)
      try output.close()
    } catch let problem as OutputError where problem.number != EPIPE {
      // A verdict that could not be printed is not given.
      diagnose(problem.words)
      exit(73)
    } catch {
      // The reader has ended, as `head` does: no further output can be read.
      exit(141)
    }
  }

  /// Text in bold where standard output is a terminal.
  static func bold(_ text: String) -> String { styled(text, "1") }
  static func dim(_ text: String) -> String { styled(text, "2") }

  static func good(_ text: String) -> String { styled(text, "1;32") }
  static func bad(_ text: String) -> String { styled(text, "1;31") }

  private static func styled(_ text: String, _ code: String) -> String {
    isStyled ? "\(mark)[\(code)m\(text)\(mark)[0m" : text
  }

  private static let isStyled = outputIsTerminal && !isPlain

  /// Stands for an escape character until the text is printed. Nobody can have put it into a name.
  private static let mark = "\u{f8ff}\(UInt64.random(in: .min ... .max))\u{f8ff}"

  /// A text with marks as it is printed, or without them for a file.
  static func styled(_ text: String, isFile: Bool) -> String {
    isFile ? unmarked(harmless(text)) : style(harmless(text))
  }

  /// Without the marks of styles.
  private static func unmarked(_ text: String) -> String {
    guard isStyled else { return text }
    var plain = style(text)
    for code in ["1", "2", "1;32", "1;31", "0"] {
      plain = plain.replacing("\u{1b}[\(code)m", with: "")
    }
    return plain
  }

  private static func style(_ text: String) -> String {
    guard isStyled else { return text }
    // By bytes: a Prepend character at the end of a name would take the mark into its cluster.
    let mark = Array(mark.utf8)
    var rest = Array(text.utf8)[...]
    var out: [UInt8] = []
    while let byte = rest.first {
      let isMark = byte == mark[0] && rest.starts(with: mark)
      out.append(isMark ? 0x1b : byte)
      rest = rest.dropFirst(isMark ? mark.count : 1)
    }
    return String(decoding: out, as: UTF8.self)
  }
}

/// A progress bar with the time left, on a terminal only. May be told from any thread.
final class ProgressBar: Sendable {
  private let label: String
  private let start = Date()
  /// When the bar was last drawn. Held while it is drawn, so that no two threads write at once.
  private let shownAt = Mutex(Date.distantPast)
  private let isOn: Bool

  init(_ label: String, quiet: Bool = false) {
    self.label = label.shown
    isOn = Terminal.errorIsTerminal && !Terminal.isPlain && !quiet
  }

  func show(_ share: Double) {
    guard isOn else { return }
    shownAt.withLock { shownAt in
      let now = Date()
      guard now.timeIntervalSince(shownAt) >= 0.1 else { return }
      shownAt = now
      let filled = Int(share * 30)
      let elapsed = now.timeIntervalSince(start)
      let left = share > 0.01 ? elapsed / share * (1 - share) : nil
      let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: 30 - filled)
      let time = left.map { String(format: "  %.0f s left", $0) } ?? ""
      StandardStreams.writeError("\r\(label) \(bar) \(Int(share * 100)) %\(time)\u{1b}[K")
    }
  }

  func clear() {
    guard isOn else { return }
    shownAt.withLock { _ in StandardStreams.writeError("\r\u{1b}[K") }
  }
}
