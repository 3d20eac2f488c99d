import PrimerTokenizers

/// What `POST /v1/responses` and the addresses of what it keeps answer.
enum ResponseAnswerFields {
  static let response = Shape.named(
    "Response",
    .object([
      Field("id", .string(), required: true),
      Field("object", .choice(["response"]), required: true),
      Field("created_at", .integer(), required: true, "Seconds since 1970."),
      Field("status", .choice(statuses), required: true),
      Field("error", .nullable(problem), required: true),
      Field("background", .boolean, required: true),
      Field(
        "incomplete_details",
        .nullable(
          .object([Field("reason", .choice(["max_output_tokens"]), required: true)])),
        required: true),
      Field("instructions", .nullable(.string()), required: true),
      Field("max_output_tokens", .nullable(.integer()), required: true),
      Field("model", .string(), required: true),
      Field("output", .list(item), required: true),
      Field("parallel_tool_calls", .boolean, required: true),
      Field("previous_response_id", .nullable(.string()), required: true),
      Field("reasoning", ResponseFields.reasoning, required: true),
      Field("store", .boolean, required: true),
      Field("temperature", .number(), required: true),
      Field("text", ResponseFields.text, required: true),
      Field("tool_choice", ResponseFields.toolChoice, required: true),
      Field("tools", .list(ResponseFields.tool), required: true),
      Field("top_p", .number(), required: true),
      Field("truncation", .choice(["auto", "disabled"]), required: true),
      Field("usage", usage, "Once it is finished."),
      Field("metadata", ChatAnswerFields.metadata, required: true),
    ]))

  private static let statuses = [
    "in_progress", "completed", "incomplete", "failed", "cancelled",
  ]
  private static let problem = Shape.object([
    Field("code", .string(), required: true), Field("message", .string(), required: true),
  ])

  // MARK: Output

  private static let status = Field(
    "status", .choice(["in_progress", "completed", "incomplete"]), required: true)

  private static let part = Shape.named(
    "ResponseOutputText",
    .object([
      Field("type", .choice(["output_text"]), required: true),
      Field("text", .string(), required: true),
      Field("annotations", .list(.any), required: true, "Always empty."),
      Field("logprobs", .list(ChatAnswerFields.tokenLikelihood), required: true),
    ]))

  private static let call: [Field] = [
    Field("call_id", .string(), required: true), Field("name", .string(), required: true),
    Field("arguments", .string(), required: true, "JSON, unless the answer was cut."),
  ]

  private static let item = Shape.named(
    "ResponseOutputItem",
    .tagged(
      "type",
      [
        (
          "message",
          [
            Field("id", .string(), required: true), status,
            Field("role", .choice(["assistant"]), required: true),
            Field("content", .list(part), required: true),
          ]
        ),
        ("function_call", [Field("id", .string(), required: true), status] + call),
      ]))

  private static let usage = Shape.object([
    Field("input_tokens", .integer(0 ... .max), required: true),
    Field(
      "input_tokens_details",
      .object([
        Field("cached_tokens", .integer(0 ... .max), required: true),
        Field("cache_write_tokens", .integer(0 ... .max), required: true),
      ]), required: true),
    Field("output_tokens", .integer(0 ... .max), required: true),
    Field(
      "output_tokens_details",
      .object([Field("reasoning_tokens", .integer(0 ... .max), required: true)]), required: true),
    Field("total_tokens", .integer(0 ... .max), required: true),
  ])

  // MARK: Events

  static let stream = EventStream(
    data: .named(
      "ResponseEvent",
      .tagged(
        "type",
        ["created", "in_progress", "completed", "incomplete"].map {
          ("response." + $0, [sequence, Field("response", response, required: true)])
        } + [
          ("response.output_item.added", [sequence, index, Field("item", item, required: true)]),
          ("response.output_item.done", [sequence, index, Field("item", item, required: true)]),
          ("response.content_part.added", place + [Field("part", part, required: true)]),
          ("response.content_part.done", place + [Field("part", part, required: true)]),
          (
            "response.output_text.delta",
            place + [Field("delta", .string(), required: true), likelihoods]
          ),
          (
            "response.output_text.done",
            place + [Field("text", .string(), required: true), likelihoods]
          ),
          (
            "response.function_call_arguments.delta",
            [sequence, itemName, index, Field("delta", .string(), required: true)]
          ),
          (
            "response.function_call_arguments.done",
            [
              sequence, itemName, index, Field("name", .string(), required: true),
              Field("arguments", .string(), required: true),
            ]
          ),
          (
            "error",
            [
              sequence, Field("message", .string(), required: true),
              Field("code", .nullable(.string()), required: true),
              Field("param", .nullable(.string()), required: true),
            ]
          ),
        ])))

  private static let sequence = Field(
    "sequence_number", .integer(0 ... .max), required: true, "From 0, without a gap.")
  private static let index = Field("output_index", .integer(0 ... .max), required: true)
  private static let itemName = Field("item_id", .string(), required: true)
  private static let place = [
    sequence, itemName, index, Field("content_index", .integer(0 ... .max), required: true),
  ]
  private static let likelihoods = Field(
    "logprobs", .list(ChatAnswerFields.tokenLikelihood), required: true)

  // MARK: What is kept

  static let deleted = Shape.object([
    Field("id", .string(), required: true),
    Field("object", .choice(["response"]), required: true),
    Field("deleted", .boolean, required: true),
  ])

  static let inputItems = Shape.named(
    "ResponseInputItemList",
    .object([
      Field("object", .choice(["list"]), required: true),
      Field("data", .list(inputItem), required: true),
      Field("has_more", .boolean, required: true),
      Field("first_id", .nullable(.string()), required: true),
      Field("last_id", .nullable(.string()), required: true),
    ]))

  private static let inputItem = Shape.named(
    "ResponseInputItem",
    .tagged(
      "type",
      [
        (
          "message",
          [
            Field("id", .string(), required: true), status,
            Field("role", .choice(["user", "assistant", "system", "developer"]), required: true),
            Field("content", .list(ResponseFields.part), required: true),
          ]
        ),
        ("function_call", [Field("id", .string(), required: true), status] + call),
        (
          "function_call_output",
          [
            Field("id", .string(), required: true), status,
            Field("call_id", .string(), required: true),
            Field("output", ResponseFields.content, required: true),
          ]
        ),
      ]))

  /// The parameters of `GET /v1/responses/{response}/input_items`.
  static let paging: [Field] = [
    Field("limit", .integer(1...100), default: "20"),
    Field("order", .choice(["asc", "desc"]), default: "\"desc\""),
    Field("after", .string(longest: 64), "The id of the item before the first."),
    Field(
      "include", .list(.choice(ResponseFields.included), count: 0...16),
      effect: .ignored("items come as they were sent.")),
  ]

  /// The parameters of `GET /v1/responses/{response}`.
  static let retrieval: [Field] = [
    Field(
      "include", .list(.choice(ResponseFields.included), count: 0...16),
      effect: .ignored("an answer comes as it was kept.")),
    Field(
      "stream", .boolean, effect: .refused("it has been told already.", unless: ["false"])),
    Field("starting_after", .integer(), effect: .refused("kept answers are not streamed.")),
    Field(
      "include_obfuscation", .boolean, effect: .refused("kept answers are not streamed.")),
  ]
}
