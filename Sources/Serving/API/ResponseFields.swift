import PrimerTokenizers

/// The body of `POST /v1/responses`, as OpenAI's specification has it, for text and functions.
enum ResponseFields {
  static let body = Shape.named(
    "ResponseRequest",
    .object(
      [
        Field("model", .string(longest: 512), required: true, "A name that /v1/models lists."),
        Field("input", .either([.string(), .list(item, count: 1...4096)]), required: true),
        Field("instructions", .string(), "A system text for this answer alone."),
        Field(
          "previous_response_id", .string(longest: 64), "The answer that this one goes on from."),
        Field("max_output_tokens", .integer(16 ... .max)),
        Field("text", text),
        Field("tools", .list(tool, count: 0...128)),
        Field("tool_choice", toolChoice),
        Field("parallel_tool_calls", .boolean, default: "true"),
        Field("top_logprobs", .integer(0...20), "Needs include: message.output_text.logprobs."),
        Field("include", .list(.choice(included), count: 0...16)),
        Field("store", .boolean, default: "true", "Whether it can be read again and gone on from."),
        Field("stream", .boolean, default: "false"),
        Field(
          "stream_options",
          .object([
            Field(
              "include_obfuscation", .boolean,
              effect: .ignored("events are not padded; use TLS in front."))
          ])),
        Field(
          "truncation", .choice(["auto", "disabled"]), default: "\"disabled\"",
          "auto: the oldest messages go where the context does not hold all."),
        Field("reasoning", reasoning),
        Field(
          "background", .boolean, default: "false",
          "The answer is written while nobody waits; GET tells how far it is. Not with stream."),
        Field("conversation", .any, effect: .refused("use 'previous_response_id'.")),
        Field("context_management", .any, effect: .refused("use 'truncation'.")),
        Field("prompt", .any, effect: .refused("there are no stored prompts; send the text.")),
        Field(
          "max_tool_calls", .integer(),
          effect: .ignored("it counts built-in tools, of which none is here.")),
        SamplingFields.metadata,
      ] + SamplingFields.sampling.filter { $0.name == "temperature" || $0.name == "top_p" }
        + SamplingFields.identity + SamplingFields.arrangements))

  /// What an answer may be asked to include.
  static let included = [
    "message.output_text.logprobs", "reasoning.encrypted_content", "file_search_call.results",
    "web_search_call.results", "web_search_call.action.sources", "message.input_image.image_url",
    "computer_call_output.output.image_url", "code_interpreter_call.outputs",
  ]

  private static let unseen = Field.Effect.ignored("no reasoning is reported apart.")
  private static let effort = Shape.choice(
    ["none", "minimal", "low", "medium", "high", "xhigh", "max"])

  static let reasoning = Shape.object([
    Field(
      "effort", effort,
      "'none' asks the template of a model that can reason not to; the others leave its own way."),
    Field("summary", .choice(summaries), effect: unseen),
    Field("generate_summary", .choice(summaries), effect: unseen),
    Field("mode", .string(longest: 64), effect: .ignored("models here have one.")),
    Field(
      "context", .choice(["auto", "current_turn", "all_turns"]),
      effect: .ignored("no reasoning is kept for later turns.")),
  ])
  private static let summaries = ["auto", "concise", "detailed"]

  static let text = Shape.object([
    Field(
      "format",
      .tagged(
        "type",
        [("text", []), ("json_object", []), ("json_schema", ChatFields.schemaFormat)])),
    Field(
      "verbosity", .choice(["low", "medium", "high"]),
      effect: .ignored("models here do not know it.")),
  ])

  // MARK: Input

  static let part = Shape.tagged(
    "type",
    [
      (
        "input_text", [Field("text", .string(), required: true), SamplingFields.cacheBreakpoint]
      ),
      (
        "output_text",
        [
          Field("text", .string(), required: true),
          Field("annotations", .any, effect: .ignored("models here do not read them.")),
          Field("logprobs", .any, effect: .ignored("models here do not read them.")),
        ]
      ),
      ("refusal", [Field("refusal", .string(), required: true)]),
    ])
  static let content = Shape.either([.string(), .list(part, count: 0...4096)])
  private static let state: [Field] = [
    Field("id", .string(longest: 128), effect: .ignored("items count in their order.")),
    Field("status", .string(longest: 32), effect: .ignored("items count as they are.")),
  ]
  private static let message: [Field] =
    [
      Field("role", .choice(["user", "assistant", "system", "developer"]), required: true),
      Field("content", content, required: true),
      Field("phase", .any, effect: .ignored("models here do not know it.")),
    ] + state

  private static let callName = Field("call_id", .string(longest: 64), required: true)
  private static let calling = [
    Field("namespace", .string(), effect: .refused("functions here are in none.")),
    Field("caller", .any, effect: .ignored("only the model calls.")),
  ]

  private static let item = Shape.either([
    .tagged(
      "type",
      [
        ("message", message),
        (
          "function_call",
          [
            callName, Field("name", .name(longest: 64), required: true),
            Field("arguments", .string(), required: true),
          ] + state + calling
        ),
        (
          "function_call_output",
          [
            callName, Field("output", content, required: true),
            Field(
              "name", .string(longest: 128),
              effect: .ignored("the id of the call says of which function.")),
          ] + state + calling
        ),
      ]),
    .object(message),
  ])

  // MARK: Tools

  static let tool = Shape.tagged(
    "type",
    [
      (
        "function",
        ChatFields.function + [
          Field(
            "output_schema", .any,
            effect: .ignored("models here are told what a function takes alone.")),
          Field(
            "defer_loading", .boolean, effect: .refused("send all tools.", unless: ["false"])),
          Field(
            "allowed_callers", .list(.string()),
            effect: .refused("only the model calls.", unless: ["[]", "[\"direct\"]"])),
        ]
      )
    ])
  private static let named = Field("name", .name(longest: 64), required: true)
  static let toolChoice = Shape.either([
    .choice(["none", "auto", "required"]),
    .tagged(
      "type",
      [
        ("function", [named]),
        (
          "allowed_tools",
          [
            Field("mode", .choice(["auto", "required"]), required: true),
            Field(
              "tools", .list(.tagged("type", [("function", [named])]), count: 1...128),
              required: true),
          ]
        ),
      ]),
  ])
}
