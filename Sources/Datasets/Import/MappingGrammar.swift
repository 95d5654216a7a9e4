import Documents
import Telemetry

/// Every key of a mapping file.
enum MappingGrammar {
  static let mapping = Shape(
    "mapping", "How a platform's own export becomes telemetry.",
    [
      Key("workbenchMapping", .integer(1...1), required: true, "Format version of the document: 1."),
      Key("account", .object { account }, required: true, "The account that the requests belong to."),
      Key("rows", .object { rows }, "Which rows of the export are requests, and where they are."),
      Key("columns", .object { columns }, required: true, "Where each column of telemetry comes from."),
      Key(
        "deployments", .list(.object { deployment }),
        "What the export does not say of the deployments of models that are not external. Of each model version, the first entry that fits it counts."
      ),
    ])

  static let account = Shape(
    "mappingAccount", "The account, or what all accounts have where a column names them.",
    [
      Key(
        "name", .text, required: true,
        "Its name; if a column gives each row's account, that of rows without one."),
      Key("timeZone", .text, default: "UTC", "IANA time zone of its dashboard."),
      Key(
        "maxReplicas", .integer(0...1_000_000), default: "0",
        "Its subscription, if known; otherwise 0, or as many as the replicas that deployments states."),
      Key(
        "credits", .map(keys: ".*", .number(0...1e6)),
        "Credits per replica-hour by hardware: needed of hardware on which deployments states replicas, 0 if they cost nothing."
      ),
    ])

  static let rows = Shape(
    "mappingRows", "Which rows of the export are requests, and where they are.",
    [
      Key(
        "list", .text,
        "If the export is a JSON document: the path of the list of rows in it. Members by dotted names, elements of lists by their number from 0, * for each: data.*.results. A document that is a list itself is *."
      ),
      Key(
        "only", .map(keys: ".*", .list(.text)),
        "Columns of the export, and the values of which a row must have one in each; other rows are left out and counted."
      ),
      Key(
        "except", .map(keys: ".*", .list(.text)),
        "Columns of the export, and values: a row that has one of them in any is left out and counted."),
    ])

  static let deployment = Shape(
    "mappingDeployment", "What is known of deployments.",
    [
      Key("model", .text, "The model's name. Without it, all models."),
      Key("version", .text, "Without it, all versions."),
      Key("hardware", .text, "Hardware, if no column gives it."),
      Key(
        "replicas", .integer(1...Limits.platformMaxReplicas),
        "Replicas, from the first request to the end of the period, on each hardware. Needs a price in account.credits."
      ),
      Key("maxBatchSize", .integer(1...Limits.batchSize), "Requests that a replica serves at once."),
    ])

  private static let source = Kind.either(.text, .object { field })

  static let columns = Shape(
    "mappingColumns", "Each is a column's name, or a mapping that says more about it.",
    [
      Key(
        "arrivedAt", source,
        "Arrival. Needed, unless both endedAt and latency are given: then it is endedAt minus latency."),
      Key("model", source, required: true, "Name of the model."),
      Key("kind", source, required: true, "fineTuned, openSource or external."),
      Key("provider", source, "Provider of an external model."),
      Key("version", source, "Version of a model that is not external."),
      Key("status", source, "Without it, all are successes."),
      Key("failureReason", source, "Of failures; unspecified where empty."),
      Key(
        "waiting", source,
        "Waiting time; or give startedAt. If not given, it is unknown."),
      Key("startedAt", source, "When service began; or give waiting."),
      Key(
        "firstToken", source,
        "Time to first token from arrival; or give firstTokenAt. If not given, it is unknown."
      ),
      Key("firstTokenAt", source, "When the first token came; or give firstToken."),
      Key(
        "latency", source,
        "From arrival to complete response; or give endedAt. With neither, it is unknown, which is written as 0."
      ),
      Key("endedAt", source, "Complete response; or give latency."),
      Key("inputTokens", source, "If not given, unknown, which is written as 0."),
      Key(
        "outputTokens", source, "If not given, unknown, which is written as 0. Those of failures count too."),
      Key(
        "cachedInputTokens", source,
        "Those of the input tokens that a prefix cache had. A row without them stays unknown."),
      Key(
        "reasoningTokens", source,
        "Those of the output tokens that the model thought with. A row without them stays unknown."),
      Key("cost", source, "What the request cost, in credits or any other currency. A row may lack it."),
      Key("session", source, "The conversation or task that a request is a turn of. A row may lack it."),
      Key("turn", source, "Its place in its session. A row may lack it."),
      Key("attempt", source, "Which try of a call it is. A row may lack it."),
      Key("class", source, "Its class of service, such as interactive or batch. A row may lack it."),
      Key(
        "user", source,
        "Who asked. Of the name, a hash with the account's is written, and not the name. A row may lack it."),
      Key("adapter", source, "The fine-tuned adapter (LoRA) that served it. A row may lack it."),
      Key(
        "prefix", source,
        "Hashes of the blocks of its prompt, first to last: a list of JSON, or text with spaces or commas between them. A row may lack it."
      ),
      Key(
        "id", source,
        "The identity of a row, in its account: a row that comes again counts once, and one that contradicts the first is rejected."
      ),
      Key("account", source, "Name of the account, if the export is of several."),
      Key("hardware", source, "Hardware that served a model that is not external."),
    ])

  static let field = Shape(
    "mappingField", "Where a column of telemetry comes from.",
    [
      Key(
        "column", .either(.text, .list(.text)),
        "The column, or several columns, of which each row takes the first that has a value. Nested JSON by dotted names, elements of lists by their number from 0."
      ),
      Key(
        "sum", .list(.text),
        "Columns whose numbers are added: input tokens and the cached ones that are counted separately. A column that a row lacks counts as 0, and the summary counts such rows."
      ),
      Key(
        "difference", .list(.text),
        "Two columns, of which the first minus the second is taken, exactly: two instants of one clock, or all tokens and some of them. A row in which it is negative is rejected."
      ),
      Key(
        "missing", .text, default: "reject",
        "The value that a row without one is assumed to have, in the same unit; reject, which rejects the row; or, of waiting, first token and tokens, unknown. Failures may lack numbers: they count as 0, and the summary counts such rows."
      ),
      Key("constant", .text, "The same for every row."),
      Key(
        "format", .choice(["iso", "s", "ms", "us", "ns"]), default: "iso",
        "Of an instant: ISO 8601, or a number since origin."),
      Key(
        "origin", .instant, default: "1970-01-01",
        "What the numbers of an instant count from, as RFC 3339; without an offset, UTC."),
      Key("zone", .text, "IANA time zone of instants without an offset."),
      Key("unit", .choice(["us", "ms", "s", "min", "ns"]), default: "ms", "Of a duration."),
      Key("values", .map(keys: ".*", .text), "Values of the export, and what they mean."),
      Key(
        "success", .list(.text),
        "Of status: the values that mean success. Without failure, all others mean failure; with both, others are rejected."
      ),
      Key(
        "failure", .list(.text),
        "Of status: the values that mean failure. Without success, all others mean success."),
    ])
}
