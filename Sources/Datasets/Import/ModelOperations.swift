/// Which spans are calls of a model. Source: OpenTelemetry semantic conventions for generative AI, `gen_ai.operation.name`;
/// before it was there, OpenLLMetry's `llm.request.type` and OpenInference's `openinference.span.kind`.
package struct ModelOperations {
  /// Operations that are calls: each is a request to a model.
  package static let calls: Set<String> = ["chat", "text_completion", "generate_content", "embeddings"]
  /// Operations that are none: they contain calls, or have nothing to do with a model.
  package static let others: Set<String> = [
    "create_agent", "invoke_agent", "execute_tool", "invoke_workflow", "retrieval", "plan",
  ]

  package enum Role: Equatable {
    case call(operation: String)
    /// No operation is given: a call if there is none below it.
    case undecided
    /// No call; whether the conventions know what it is.
    case other(String, isKnown: Bool)
  }

  private let calls: Set<String>

  /// - Parameter further: operations of a vendor that are calls.
  package init(further: Set<String> = []) { calls = Self.calls.union(further) }

  package func role(of values: [String: String]) -> Role {
    guard
      values.keys.contains(where: {
        $0.utf8.starts(with: "gen_ai.".utf8) || $0.utf8.starts(with: "llm.".utf8)
      })
    else { return .other("spans of other things", isKnown: true) }
    func value(_ name: String) -> String? { values[name].flatMap { $0.isEmpty ? nil : $0 } }
    if let operation = value("gen_ai.operation.name") {
      if calls.contains(operation) { return .call(operation: operation) }
      return .other(operation, isKnown: Self.others.contains(operation))
    }
    if let type = value("llm.request.type") {
      switch type {
      case "chat", "completion": return .call(operation: type)
      case "embedding": return .call(operation: "embeddings")
      default: return calls.contains(type) ? .call(operation: type) : .other(type, isKnown: false)
      }
    }
    if let kind = value("openinference.span.kind") {
      switch kind {
      case "LLM": return .call(operation: "chat")
      case "EMBEDDING": return .call(operation: "embeddings")
      default: return .other(kind, isKnown: true)
      }
    }
    let marks = [
      "gen_ai.agent.name", "gen_ai.agent.id", "gen_ai.tool.name", "gen_ai.tool.call.id",
      "gen_ai.workflow.name",
      "traceloop.span.kind",
    ]
    if marks.contains(where: { value($0) != nil }) {
      return .other("agents, tools and workflows without an operation", isKnown: true)
    }
    guard value("gen_ai.request.model") != nil || value("gen_ai.response.model") != nil else {
      return .other("spans without an operation or a model", isKnown: true)
    }
    return .undecided
  }
}
