/// Mappings of exports that have a command of their own.
extension ImportMapping {
  /// The Azure LLM inference trace 2023. Times have no zone; read as UTC.
  package static let azure = """
    workbenchMapping: 1
    account: { name: azure, timeZone: UTC }
    columns:
      arrivedAt: { column: TIMESTAMP, zone: UTC }
      model: { constant: azure-llm }
      kind: { constant: external }
      provider: { constant: Azure }
      inputTokens: ContextTokens
      outputTokens: GeneratedTokens

    """

  /// OpenTelemetry spans of generative AI clients. Source: OpenTelemetry semantic conventions, `gen_ai.*`.
  package static let openTelemetry = """
    workbenchMapping: 1
    account: { name: otel, timeZone: UTC }
    columns:
      arrivedAt: { column: startTimeUnixNano, format: ns }
      endedAt: { column: endTimeUnixNano, format: ns }
      model: { column: [ gen_ai.request.model, gen_ai.response.model, llm.model_name ] }
      kind: { constant: external }
      provider: { column: [ gen_ai.provider.name, gen_ai.system, llm.provider, llm.system ] }
      status: { column: status.code, success: [ "", "0", "1", STATUS_CODE_UNSET, STATUS_CODE_OK ], failure: [ "2", STATUS_CODE_ERROR ] }
      failureReason: error.type
      session: gen_ai.conversation.id
      firstToken: { column: [ gen_ai.response.time_to_first_chunk, gen_ai.server.time_to_first_token ], unit: s, missing: unknown }
      inputTokens: { column: [ gen_ai.usage.input_tokens, gen_ai.usage.prompt_tokens, llm.token_count.prompt ], missing: 0 }
      outputTokens: { column: [ gen_ai.usage.output_tokens, gen_ai.usage.completion_tokens, llm.token_count.completion ], missing: 0 }

    """
}
