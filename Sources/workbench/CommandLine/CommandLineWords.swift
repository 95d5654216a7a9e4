import Datasets
import Telemetry

extension Setting {
  /// Its option.
  var option: String { "--\(rawValue)" }
}

extension Error {
  /// Its message on a terminal, with the options of the command line by their names.
  var words: String {
    guard let explained = self as? any ExplainedError else { return String(describing: self) }
    let text = explained.text(naming: \.option)
    return explained.hasPlace ? text : "workbench: error: \(text)"
  }
}

extension ErrorKind {
  /// As sysexits.h has it; 2 where there is no verdict.
  var exitStatus: Int32 {
    switch self {
    case .usage: 64
    case .data: 65
    case .notFound: 66
    case .installation: 69
    case .output: 73
    case .inconclusive: 2
    case .internal: 70
    }
  }
}
