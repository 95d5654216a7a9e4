import Documents
import Foundation
import ScenarioModel
import Telemetry

/// What decisions change, as overrides that a scenario takes.
///
/// `scaling` means that of every deployment, `@FILE` what the file has, and a policy that replaces another leaves nothing
/// of that behind: keys of a policy stand beside `minReplicas`, and a scenario refuses those of two policies.
struct DecisionChanges {
  private let files: [String: Plan.FileValue]
  private let root: DocumentNode
  private static let scaling = "scaling"
  private static let policy = "policy"

  /// - Parameter text: of the scenario, as it is.
  /// - Throws: `DocumentErrors`.
  init(_ text: String, path: String, files: [String: Plan.FileValue]) throws {
    root = try Document.parse(text, path: path)
    self.files = files
  }

  /// - Throws: `PlanProblem`; `DocumentErrors` for what is wrong with a file.
  func overrides(_ changes: [String]) throws -> [String] {
    guard changes.contains(where: needsDocument) else { return changes }
    var document = root
    var found: [String] = []
    for change in changes {
      let own = try overrides(change, in: document)
      // What cannot be applied is said when the scenario is read.
      for one in own { try? document.apply(one) }
      found += own
    }
    return found
  }

  private func needsDocument(_ change: String) -> Bool {
    let steps = ChangedPath(change).steps
    return steps.first == Self.scaling || steps.last == Self.policy
      || Plan.value(change).map(Plan.isFile) == true
  }

  private func overrides(_ change: String, in document: DocumentNode) throws -> [String] {
    let scalars = change.unicodeScalars
    guard needsDocument(change), let equals = scalars.firstIndex(of: "="), let value = Plan.value(change)
    else { return [change] }
    let path = String(scalars[..<equals])
    let steps = ChangedPath(change).steps
    let file = Plan.isFile(value) ? try file(value) : nil
    let isPlain = scalars[..<equals].last != "+" && steps == Overrides.steps(of: path)
    if isPlain, file != nil || steps.last == Self.policy,
      steps.last == Self.scaling || steps.last == Self.policy
    {
      return try policy(steps, file, value, change, in: document)
    }
    if let file {
      let text = YAMLWriter.line(try Document.parse(file.text, path: file.path))
      return try everywhere(path, steps, in: document).map { "\($0)=\(text)" }
    }
    guard steps.first == Self.scaling else { return [change] }
    return try everywhere(path, steps, in: document).map { $0 + String(scalars[equals...]) }
  }

  private func file(_ value: String) throws -> Plan.FileValue {
    guard let file = files[value] else {
      throw PlanProblem(
        .vary, "files are not read here, and \"\(value)\" names one. Give what it has, { … }, instead.")
    }
    return file
  }

  /// A path of `scaling` once for each deployment; any other as it is.
  private func everywhere(_ path: String, _ steps: [String], in document: DocumentNode) throws -> [String] {
    guard steps.first == Self.scaling else { return [path] }
    // With + or * behind it, if it has one.
    let rest = path.utf8.dropFirst(Self.scaling.utf8.count)
    return try places([Self.scaling], in: document).map { $0.path + String(decoding: rest, as: UTF8.self) }
  }

  /// Another policy, or another `scaling`, of the deployments that a path means.
  private func policy(
    _ steps: [String], _ file: Plan.FileValue?, _ value: String, _ change: String, in document: DocumentNode
  ) throws -> [String] {
    let isPolicy = steps.last == Self.policy
    let given: ScalingDocument
    if let file {
      given = try ScalingDocument(Data(file.text.utf8), path: file.path)
    } else {
      guard let inline = try? ScalingDocument(Data("\(Self.policy): \(value)\n".utf8), path: "") else {
        return [change]
      }
      given = inline
    }
    let found = try places(isPolicy ? steps.dropLast() : steps, in: document)
    guard !found.isEmpty else { return [change] }
    return try found.map { place in
      // What the file itself gets wrong is said with its line.
      if file != nil { try given.check(with: place.node) }
      if isPolicy, file == nil, !given.replacesKeys(of: place.node) {
        return "\(place.path).\(Self.policy)=\(value)"
      }
      return "\(place.path)=\(YAMLWriter.line(given.merged(over: place.node)))"
    }
  }

  /// Where a path leads, by paths without `*`.
  /// - Throws: `PlanProblem` where `scaling` is to be that of every deployment, and there is none.
  private func places(_ steps: some Collection<String>, in document: DocumentNode) throws -> [Place] {
    guard steps.first == Self.scaling else { return Self.walk(Array(steps)[...], document, []) }
    let models = ["models", "*", "deployments", "*"]
    let found = [models, ["accounts", "*"] + models].flatMap {
      Self.walk(($0 + steps)[...], document, [])
    }
    if found.isEmpty {
      throw PlanProblem(
        .vary,
        "\(Self.scaling) means that of every deployment, and the scenario has none. Give the path of a deployment."
      )
    }
    return found
  }

  private struct Place {
    var path: String
    var node: DocumentNode
  }

  private static func walk(_ steps: ArraySlice<String>, _ node: DocumentNode, _ path: [String]) -> [Place] {
    guard let step = steps.first else {
      return [Place(path: path.map { Overrides.step($0) }.joined(separator: "."), node: node)]
    }
    let rest = steps.dropFirst()
    if let elements = node.elements {
      return elements.indices.filter { step == "*" || isElement($0, step, of: elements) }.flatMap {
        walk(rest, elements[$0], path + [name($0, of: elements)])
      }
    }
    return node.member(step).map { walk(rest, $0, path + [step]) } ?? []
  }

  private static func isElement(_ index: Int, _ step: String, of elements: [DocumentNode]) -> Bool {
    let isNamed = elements.contains { names($0).contains(step) }
    return isNamed ? names(elements[index]).contains(step) : Int(step) == index
  }

  private static func names(_ element: DocumentNode) -> [String] {
    ["name", "version"].compactMap { element.member($0)?.scalar }
  }

  /// Of an element: its name or version, if it alone has that; else its number.
  private static func name(_ index: Int, of elements: [DocumentNode]) -> String {
    names(elements[index]).first { name in
      name != "*" && elements.count { names($0).contains(name) } == 1
    } ?? String(index)
  }
}
