import Aggregation
import ArgumentParser
import Datasets
import Foundation
import Telemetry

extension ObjectiveReport {
  /// A line for each objective.
  func lines() -> [String] {
    objectives.map { result in
      let word =
        switch result.verdict {
        case .kept: "kept"
        case .broken: "BROKEN"
        case .inconclusive: "inconclusive"
        }
      return "\(word.padding(toLength: 13, withPad: " ", startingAt: 0))\(result.summary)"
    }
  }

  /// Ends with the exit status of the verdict. What was broken is said on standard error if nothing else says it.
  /// - Parameter isSaid: whether the lines are on standard output already.
  /// - Throws: `ExitCode`, `InconclusiveError`.
  func conclude(_ subject: String, isSaid: Bool) throws {
    switch verdict {
    case .kept: break
    case .broken:
      if !isSaid {
        for result in objectives where result.verdict == .broken {
          Terminal.diagnose("\(subject.shown): broken: \(result.summary)")
        }
      }
      throw ExitCode(1)
    case .inconclusive: throw InconclusiveError(subject, inconclusive ?? "nothing was judged.")
    }
  }

  /// As a JUnit report: one suite, a case for each objective. What could not be judged is an error, since some systems
  /// show skipped tests as green.
  func junit(_ command: String) -> Data {
    let root = XMLElement(name: "testsuites")
    let suite = XMLElement(name: "testsuite")
    for result in objectives {
      let test = XMLElement(name: "testcase")
      test.set([("name", XMLText.clean(result.objective)), ("classname", XMLText.clean(result.scope))])
      switch result.verdict {
      case .kept: break
      case .broken:
        let failure = XMLElement(name: "failure", stringValue: XMLText.clean(result.summary))
        failure.set([("message", "the objective is broken"), ("type", "objective")])
        test.addChild(failure)
      case .inconclusive:
        let error = XMLElement(name: "error", stringValue: XMLText.clean(result.summary))
        error.set([("message", "no verdict was possible"), ("type", "inconclusive")])
        test.addChild(error)
      }
      suite.addChild(test)
    }
    let counts = [
      ("tests", String(objectives.count)),
      ("failures", String(objectives.count { $0.verdict == .broken })),
      ("errors", String(objectives.count { $0.verdict == .inconclusive })),
    ]
    suite.set([("name", "objectives")] + counts + [("skipped", "0")])
    root.addChild(suite)
    root.set([("name", XMLText.clean(command))] + counts)
    return root.document()
  }
}
