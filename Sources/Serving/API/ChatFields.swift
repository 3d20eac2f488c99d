import PrimerTokenizers

/// The body of `POST /v1/chat/completions`, as OpenAI's specification has it.
enum ChatFields {
  private static let readsText = "models here read and write text."

  static let body = Shape.named(
    "ChatCompletionRequest",
    .object(
      [
        Field("model", .string(longest: 512), required: true, "A name that /v1/models lists."),
        Field("messages", .list(message, count: 1...4096), required: true),
        Field("max_completion_tokens", .integer(1 ... .max), "At most what the context has left."),
        Field("max_tokens", .integer(1 ... .max), "The older name of max_completion_tokens."),
        Field("n", .integer(1...128), default: "1", "How many answers."),
        Field("logprobs", .boolean, default: "false"),
        Field("top_logprobs", .integer(0...20), "Alternatives to each token; needs logprobs."),
        Field("response_format", responseFormat),
        Field("tools", .list(tool, count: 0...128)),
        Field("tool_choice", toolChoice),
        Field(
          "parallel_tool_calls", .boolean, default: "true",
          "false: an answer has one call at most."),
        Field(
          "modalities", .list(.choice(["text"]), count: 1...2), effect: .ignored(readsText)),
        Field("audio", .any, effect: .refused(readsText)),
        Field("web_search_options", .any, effect: .refused("the service fetches nothing.")),
        Field(
          "prediction", .any, effect: .ignored("it could only make an answer come sooner.")),
        Field(
          "reasoning_effort",
          .choice(["none", "minimal", "low", "medium", "high", "xhigh", "max"]),
          "'none' asks the template of a model that can reason not to (enable_thinking: false); the "
            + "others leave the model's own way."),
        Field(
          "verbosity", .choice(["low", "medium", "high"]),
          effect: .ignored("models here do not know it.")),
        Field(
          "store", .boolean, effect: .ignored("chat completions are not kept; responses are.")),
        SamplingFields.metadata,
        Field(
          "functions", .any, effect: .refused("it is deprecated; use 'tools'.", unless: ["[]"])),
        Field(
          "function_call", .any,
          effect: .refused("it is deprecated; use 'tool_choice'.", unless: ["\"none\""])),
      ] + SamplingFields.sampling + SamplingFields.streaming + SamplingFields.identity
        + SamplingFields.arrangements))

  // MARK: Messages

  private static let partOfText = [
    Field("text", .string(), required: true), SamplingFields.cacheBreakpoint,
  ]
  private static let textPart = Shape.tagged(
    "type", [("text", partOfText)])
  private static let assistantPart = Shape.tagged(
    "type",
    [
      ("text", partOfText),
      ("refusal", [Field("refusal", .string(), required: true)]),
    ])
  private static let text = Shape.either([.string(), .list(textPart, count: 1...4096)])
  private static let name = Field("name", .string(longest: 256))

  static let message = Shape.named(
    "ChatMessage",
    .tagged(
      "role",
      [
        ("system", [Field("content", text, required: true), name]),
        ("developer", [Field("content", text, required: true), name]),
        ("user", [Field("content", text, required: true), name]),
        (
          "assistant",
          [
            Field("content", .either([.string(), .list(assistantPart, count: 1...4096)])),
            Field("refusal", .string()), name,
            Field("tool_calls", .list(toolCall, count: 0...128)),
            Field("audio", .any, effect: .refused(readsText)),
            Field("function_call", .any, effect: .refused("it is deprecated; use 'tool_calls'.")),
            Field("annotations", .list(.any), effect: .ignored("models here do not read them.")),
          ]
        ),
        (
          "tool",
          [
            Field("content", text, required: true),
            Field("tool_call_id", .string(longest: 256), required: true), name,
          ]
        ),
      ]))

  private static let toolCall = Shape.tagged(
    "type",
    [
      (
        "function",
        [
          Field("id", .string(longest: 256), required: true),
          Field("index", .integer(0...4096), effect: .ignored("calls count in their order.")),
          Field(
            "function",
            .object([
              Field("name", .name(longest: 64), required: true),
              Field("arguments", .string(), required: true),
            ]), required: true),
        ]
      )
    ])

  // MARK: Tools

  static let function: [Field] = [
    Field("name", .name(longest: 64), required: true),
    Field("description", .string()),
    Field(
      "parameters", .map(.any),
      "A JSON Schema; what cannot be enforced is refused where a call is forced."),
    Field(
      "strict", .boolean,
      effect: .ignored(
        "forced calls always follow the schema; calls that the model chooses to make are read.")),
  ]

  private static let tool = Shape.tagged(
    "type", [("function", [Field("function", .object(function), required: true)])])

  private static let named = Field(
    "function", .object([Field("name", .name(longest: 64), required: true)]), required: true)

  private static let toolChoice = Shape.either([
    .choice(["none", "auto", "required"]),
    .tagged(
      "type",
      [
        ("function", [named]),
        (
          "allowed_tools",
          [
            Field(
              "allowed_tools",
              .object([
                Field("mode", .choice(["auto", "required"]), required: true),
                Field(
                  "tools", .list(.tagged("type", [("function", [named])]), count: 1...128),
                  required: true),
              ]), required: true)
          ]
        ),
      ]),
  ])

  // MARK: Formats

  static let schemaFormat: [Field] = [
    Field("name", .name(longest: 64), required: true),
    Field("description", .string(), effect: .ignored("the schema itself is enforced.")),
    Field("schema", .map(.any), "A JSON Schema; keywords that cannot be enforced are refused."),
    Field("strict", .boolean, effect: .ignored("schemas are always enforced.")),
  ]

  private static let responseFormat = Shape.tagged(
    "type",
    [
      ("text", []), ("json_object", []),
      ("json_schema", [Field("json_schema", .object(schemaFormat), required: true)]),
    ])
}
