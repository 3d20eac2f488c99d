import Foundation
import PrimerTokenizers
import TestSupport
import Testing

@testable import PrimerServing

@Suite("The table of fields, beside OpenAI's specification", .enabled(if: SharedData.isPresent))
struct SpecificationTests {
  /// What vLLM's and llama.cpp's clients send beside OpenAI's fields, and a default that a client writes out.
  private static let samplers = """
    .cache_prompt: ours alone
    .ignore_eos: ours alone
    .min_p: ours alone
    .repetition_penalty: ours alone
    .top_k: ours alone
    stop: absent is nothing, not "<|endoftext|>"
    """

  /// Pictures, sound, files, custom tools and the functions of old: refused by name.
  private static let chatDifferences = """
    messages.*.annotations: ours alone
    messages.*.content.*: no type file
    messages.*.content.*: no type image_url
    messages.*.content.*: no type input_audio
    messages.*.name: ours alone
    messages.*.tool_calls.*.custom: unknown to us
    messages.*.tool_calls.*.function: ours alone
    messages.*.tool_calls.*.index: ours alone
    messages.*.tool_calls.*.type: no custom
    messages.*: no role function
    modalities.*: no audio
    reasoning_effort: absent is nothing, not "medium"
    tool_choice.allowed_tools.tools.*: no type ?
    tool_choice: no type custom
    tools.*: no type custom
    """

  /// Tools and items that run elsewhere, pictures and files: refused by name. Items may be given back as they were answered.
  private static let responseDifferences = """
    input.*.call_id: maxLength is 256.0, not 64.0
    input.*.call_id: required by us alone
    input.*.caller: unknown to us
    input.*.content.*.annotations: not required by us
    input.*.content.*.logprobs: not required by us
    input.*.content.*: no type input_file
    input.*.content.*: no type input_image
    input.*.id: not required by us
    input.*.id: ours alone
    input.*.name: unknown to us
    input.*.namespace: unknown to us
    input.*.output.*.text: maxLength is inf, not 10485760.0
    input.*.output.*: no type input_file
    input.*.output.*: no type input_image
    input.*.output: maxLength is inf, not 10485760.0
    input.*.phase: ours alone
    input.*.status: not required by us
    input.*.status: ours alone
    input.*.type: required by us alone
    input.*: no type ?
    input.*: no type additional_tools
    input.*: no type apply_patch_call
    input.*: no type apply_patch_call_output
    input.*: no type code_interpreter_call
    input.*: no type compaction
    input.*: no type compaction_trigger
    input.*: no type computer_call
    input.*: no type computer_call_output
    input.*: no type custom_tool_call
    input.*: no type custom_tool_call_output
    input.*: no type file_search_call
    input.*: no type image_generation_call
    input.*: no type local_shell_call
    input.*: no type local_shell_call_output
    input.*: no type mcp_approval_request
    input.*: no type mcp_approval_response
    input.*: no type mcp_call
    input.*: no type mcp_list_tools
    input.*: no type program
    input.*: no type program_output
    input.*: no type reasoning
    input.*: no type shell_call
    input.*: no type shell_call_output
    input.*: no type tool_search_call
    input.*: no type tool_search_output
    input.*: no type web_search_call
    input: required by us alone
    model: required by us alone
    reasoning.effort: absent is nothing, not "medium"
    text.format.schema: not required by us
    tool_choice.tools.*: no type ?
    tool_choice: no type ?
    tool_choice: no type apply_patch
    tool_choice: no type custom
    tool_choice: no type mcp
    tool_choice: no type programmatic_tool_calling
    tool_choice: no type shell
    tools.*.parameters: not required by us
    tools.*.strict: not required by us
    tools.*: no type ?
    tools.*: no type apply_patch
    tools.*: no type code_interpreter
    tools.*: no type computer
    tools.*: no type computer_use_preview
    tools.*: no type custom
    tools.*: no type file_search
    tools.*: no type image_generation
    tools.*: no type local_shell
    tools.*: no type mcp
    tools.*: no type namespace
    tools.*: no type programmatic_tool_calling
    tools.*: no type shell
    tools.*: no type tool_search
    """

  private static func lines(_ texts: String...) -> Set<String> {
    Set(texts.flatMap { $0.split(separator: "\n").map(String.init) })
  }

  private func compare(_ shape: Shape, _ name: String, _ expected: Set<String>) throws {
    let specification = try OpenAISpecification(
      SharedData.file("openai_openapi/openapi.yaml"))
    let found = specification.differences(shape, from: name)
    let new = found.subtracting(expected).sorted().joined(separator: "\n")
    #expect(new.isEmpty, "\(name) differs in more:\n\(new)")
    let gone = expected.subtracting(found).sorted().joined(separator: "\n")
    #expect(gone.isEmpty, "\(name) no longer differs in:\n\(gone)")
  }

  @Test("chat completions take every field, within its bounds")
  func chat() throws {
    try compare(
      ChatFields.body, "CreateChatCompletionRequest",
      Self.lines(Self.samplers, Self.chatDifferences))
  }

  @Test("completions take every field, within its bounds")
  func completions() throws {
    try compare(CompletionFields.body, "CreateCompletionRequest", Self.lines(Self.samplers))
  }

  @Test("embeddings take every field, within its bounds")
  func embeddings() throws {
    try compare(Embeddings.body, "CreateEmbeddingRequest", ["input.*: no integer"])
  }

  @Test("moderations take every field, within its bounds")
  func moderations() throws {
    try compare(Moderations.body, "CreateModerationRequest", [])
  }

  @Test("responses take every field, within its bounds")
  func responses() throws {
    try compare(ResponseFields.body, "CreateResponse", Self.lines(Self.responseDifferences))
  }
}
