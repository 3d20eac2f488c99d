import Foundation
import PrimerTokenizers
import TestSupport
import Testing

@testable import PrimerServing

@Suite("The table of fields, beside OpenAI's specification", .enabled(if: SharedData.isPresent))
struct SpecificationTests {
  private func compare(_ shape: Shape, _ name: String, _ expected: Set<String>) throws {
    let specification = try OpenAISpecification(
      SharedData.file("openai_openapi/openapi.yaml"))
    let found = specification.differences(shape, from: name)
    let new = found.subtracting(expected).sorted().joined(separator: "\n")
    #expect(new.isEmpty, "\(name) differs in more:\n\(new)")
    let gone = expected.subtracting(found).sorted().joined(separator: "\n")
    #expect(gone.isEmpty, "\(name) no longer differs in:\n\(gone)")
  }

  /// What vLLM and llama.cpp have beside it, and OpenAI's has not.
  private static let extensions: Set<String> = [
    ".cache_prompt: ours alone", ".ignore_eos: ours alone", ".min_p: ours alone",
    ".repetition_penalty: ours alone", ".top_k: ours alone",
  ]

  /// No text here ends at a word of another model's vocabulary.
  private static let stop: Set<String> = [
    "stop: absent is nothing, not \"<|endoftext|>\""
  ]

  @Test("chat completions take every field, within its bounds")
  func chat() throws {
    try compare(
      ChatFields.body, "CreateChatCompletionRequest",
      Self.extensions.union(Self.stop).union([
        // Models here read and write text.
        "messages.*.content.*: no type file", "messages.*.content.*: no type image_url",
        "messages.*.content.*: no type input_audio", "modalities.*: no audio",
        // Calls are JSON by a schema, never free text; functions are tools.
        "messages.*.tool_calls.*: no type custom", "tool_choice: no type custom",
        "tools.*: no type custom", "messages.*: no role function",
        "tool_choice.allowed_tools.tools.*: no type ?",
        // What other clients send along.
        "messages.*.annotations: ours alone", "messages.*.name: ours alone",
        "messages.*.tool_calls.*.index: ours alone",
        // A model's own way is what is left to it.
        "reasoning_effort: absent is nothing, not \"medium\"",
      ]))
  }

  @Test("completions take every field, within its bounds")
  func completions() throws {
    try compare(
      CompletionFields.body, "CreateCompletionRequest", Self.extensions.union(Self.stop))
  }

  @Test("embeddings take every field, within its bounds")
  func embeddings() throws {
    // A text may have more tokens than OpenAI's models take.
    try compare(
      Embeddings.body, "CreateEmbeddingRequest", ["input: maxItems is 1048576.0, not 2048.0"])
  }

  @Test("moderations take every field, within its bounds")
  func moderations() throws {
    try compare(Moderations.body, "CreateModerationRequest", [])
  }

  @Test("responses take every field, within its bounds")
  func responses() throws {
    let tools = [
      "?", "apply_patch", "code_interpreter", "computer", "computer_use_preview", "custom",
      "file_search", "image_generation", "local_shell", "mcp", "namespace",
      "programmatic_tool_calling", "shell", "tool_search",
    ]
    let items = [
      "?", "additional_tools", "apply_patch_call", "apply_patch_call_output",
      "code_interpreter_call", "compaction", "compaction_trigger", "computer_call",
      "computer_call_output", "custom_tool_call", "custom_tool_call_output", "file_search_call",
      "image_generation_call", "local_shell_call", "local_shell_call_output",
      "mcp_approval_request", "mcp_approval_response", "mcp_call", "mcp_list_tools", "program",
      "program_output", "reasoning", "shell_call", "shell_call_output", "tool_search_call",
      "tool_search_output", "web_search_call",
    ]
    let choices = ["?", "apply_patch", "custom", "mcp", "programmatic_tool_calling", "shell"]
    try compare(
      ResponseFields.body, "CreateResponse",
      Set(tools.map { "tools.*: no type \($0)" })
        .union(items.map { "input.*: no type \($0)" })
        .union(choices.map { "tool_choice: no type \($0)" })
        .union([
          "tool_choice.tools.*: no type ?",
          // Models here read and write text.
          "input.*.content.*: no type input_file", "input.*.content.*: no type input_image",
          "input.*.output.*: no type input_file", "input.*.output.*: no type input_image",
          // A body has at most 2 MiB, and a text of 10 MiB fits no context.
          "input.*.output.*.text: maxLength is inf, not 10485760.0",
          "input.*.output: maxLength is inf, not 10485760.0",
          // Without stored prompts and conversations there is no other place for these.
          "input: required by us alone", "model: required by us alone",
          "input.*.call_id: required by us alone", "input.*.type: required by us alone",
          // What output has, and input may leave out.
          "input.*.content.*.annotations: not required by us",
          "input.*.content.*.logprobs: not required by us", "input.*.id: not required by us",
          "input.*.status: not required by us", "input.*.id: ours alone",
          "input.*.status: ours alone", "input.*.phase: ours alone",
          "text.format.schema: not required by us", "tools.*.parameters: not required by us",
          "tools.*.strict: not required by us",
          // A model's own way is what is left to it.
          "reasoning.effort: absent is nothing, not \"medium\"",
        ]))
  }
}
