import CFileSystem
import Foundation

/// A program that runs beside this one. Unlike Foundation's `Process`, it reports when the system runs out of resources:
/// no descriptor, no process.
final class ChildProcess {
  /// One of its standard streams.
  enum Stream {
    case null
    /// A descriptor of ours, which stays ours.
    case descriptor(Int32)
  }

  let identifier: pid_t
  private var status: Int32?

  /// - Parameters:
  ///   - program: its path.
  ///   - arguments: without its name.
  ///   - environment: all that it gets to see of it.
  ///   - folder: where it runs.
  /// - Throws: `OutputError` if it cannot be started.
  init(
    _ program: String, _ arguments: [String], environment: [String: String], in folder: String,
    input: Stream, output: Stream, errors: Stream
  ) throws {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    for (number, stream) in [input, output, errors].enumerated() {
      switch stream {
      case .null:
        posix_spawn_file_actions_addopen(&actions, Int32(number), "/dev/null", O_RDWR, 0)
      case .descriptor(let descriptor):
        posix_spawn_file_actions_adddup2(&actions, descriptor, Int32(number))
      }
    }
    // A descriptor that it inherited would keep a pipe of another child open.
    var number = wb_confine_child(&actions, folder)
    // A group of its own, so that Ctrl-C is for us to pass on, and signals as any program finds them.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    sigemptyset(&none)
    var ours = sigset_t()
    sigemptyset(&ours)
    for number in [SIGPIPE, SIGXFSZ, SIGINT, SIGTERM, SIGHUP] { sigaddset(&ours, number) }
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setsigdefault(&attributes, &ours)
    posix_spawnattr_setpgroup(&attributes, 0)
    posix_spawnattr_setflags(
      &attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP))
    var words = ([program] + arguments).map { strdup($0) } + [nil]
    var variables = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { for text in words + variables { free(text) } }
    var identifier = pid_t()
    if number == 0 { number = posix_spawn(&identifier, program, &actions, &attributes, &words, &variables) }
    guard number == 0 else {
      throw OutputError(program, "cannot be started: \(String(cString: strerror(number))).")
    }
    self.identifier = identifier
    Unfinished.shared.add(process: identifier)
  }

  deinit {
    guard status == nil else { return }
    kill(identifier, SIGTERM)
    _ = wait()
  }

  /// Waits for its end.
  /// - Returns: its exit status, or 128 and the number of the signal that ended it.
  func wait() -> Int32 {
    if let status { return status }
    var raw: Int32 = 0
    while waitpid(identifier, &raw, 0) < 0, errno == EINTR {}
    Unfinished.shared.remove(process: identifier)
    let signal = raw & 0x7f
    let ended = signal == 0 ? raw >> 8 & 0xff : 128 + signal
    status = ended
    return ended
  }

  /// Both ends of a pipe: what is written to the second is read from the first.
  static func pipe(for path: String) throws -> (reading: Int32, writing: Int32) {
    var ends: [Int32] = [-1, -1]
    guard Foundation.pipe(&ends) == 0 else { throw OutputError(path, cannot: "make a pipe") }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    return (ends[0], ends[1])
  }
}
