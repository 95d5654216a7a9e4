import Aggregation
import ArgumentParser
import Datasets
import Foundation
import FoundationXML
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
      JUnit.set(
        [("name", XMLText.clean(result.objective)), ("classname", XMLText.clean(result.scope))], on: test)
      switch result.verdict {
      case .kept: break
      case .broken:
        let failure = XMLElement(name: "failure", stringValue: XMLText.clean(result.summary))
        JUnit.set([("message", "the objective is broken"), ("type", "objective")], on: failure)
        test.addChild(failure)
      case .inconclusive:
        let error = XMLElement(name: "error", stringValue: XMLText.clean(result.summary))
        JUnit.set([("message", "no verdict was possible"), ("type", "inconclusive")], on: error)
        test.addChild(error)
      }
      suite.addChild(test)
    }
    let counts = [
      ("tests", String(objectives.count)),
      ("failures", String(objectives.count { $0.verdict == .broken })),
      ("errors", String(objectives.count { $0.verdict == .inconclusive })),
    ]
    JUnit.set([("name", "objectives")] + counts + [("skipped", "0")], on: suite)
    root.addChild(suite)
    JUnit.set([("name", XMLText.clean(command))] + counts, on: root)
    return JUnit.data(root)
  }
}

/// What JUnit reports have in common.
enum JUnit {
  /// In this order, so that the same result is the same bytes.
  static func set(_ attributes: [(String, String)], on element: XMLElement) {
    for (name, value) in attributes {
      if let node = XMLNode.attribute(withName: name, stringValue: value) as? XMLNode {
        element.addAttribute(node)
      }
    }
  }

  static func data(_ root: XMLElement) -> Data {
    let document = XMLDocument(rootElement: root)
    document.version = "1.0"
    document.characterEncoding = "UTF-8"
    return document.xmlData(options: .nodePrettyPrint) + Data("\n".utf8)
  }
}
