import PrimerTokenizers

/// A short valid request of each address that takes one, for the model of `ServiceHarness`.
enum RequestExamples {
  static let chat = parsed(
    #"{"model": "letters", "messages": [{"role": "user", "content": "abc"}], "max_tokens": 2}"#)
  static let completion = parsed(
    #"{"model": "letters", "prompt": "abc", "max_tokens": 2, "temperature": 0}"#)
  static let response = parsed(
    #"{"model": "letters", "input": "abc", "max_output_tokens": 16, "store": false}"#)
  static let stored = parsed(
    #"{"model": "letters", "input": "abc", "max_output_tokens": 16}"#)
  static let embedding = parsed(#"{"model": "letters", "input": ["abc", "de"]}"#)

  /// What each address is asked in every way that it knows of.
  static let all: [(path: String, body: JSONValue)] = [
    ("/v1/chat/completions", chat),
    (
      "/v1/chat/completions",
      parsed(
        """
        {"model": "letters", "max_tokens": 3, "n": 2, "seed": 1, "temperature": 0.5, "top_p": 0.9, "stop": ["a", "b"],
         "logit_bias": {"1": -100, "2": 5}, "logprobs": true, "top_logprobs": 2, "frequency_penalty": 1,
         "presence_penalty": -1, "stream": true, "stream_options": {"include_usage": true}, "metadata": {"a": "b"},
         "user": "u", "messages": [
           {"role": "system", "content": [{"type": "text", "text": "a"}]},
           {"role": "user", "content": "b", "name": "n"},
           {"role": "assistant", "content": null, "tool_calls": [
             {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
           {"role": "tool", "tool_call_id": "c", "content": "d"}]}
        """)
    ),
    (
      "/v1/chat/completions",
      parsed(
        """
        {"model": "letters", "messages": [{"role": "user", "content": "abc"}], "max_tokens": 4,
         "response_format": {"type": "json_schema", "json_schema": {"name": "s", "strict": true, "schema":
           {"type": "object", "properties": {"a": {"type": "string", "maxLength": 3, "pattern": "a*"}},
            "required": ["a"], "additionalProperties": false}}}}
        """)
    ),
    (
      "/v1/chat/completions",
      parsed(
        """
        {"model": "letters", "messages": [{"role": "user", "content": "abc"}], "max_tokens": 4,
         "tool_choice": {"type": "function", "function": {"name": "f"}}, "parallel_tool_calls": false, "tools": [
           {"type": "function", "function": {"name": "f", "description": "d", "strict": true, "parameters":
             {"type": "object", "properties": {"b": {"enum": ["a", 1, null]}}}}}]}
        """)
    ),
    ("/v1/completions", completion),
    (
      "/v1/completions",
      parsed(
        """
        {"model": "letters", "prompt": [[1, 2], [3]], "max_tokens": 2, "n": 2, "best_of": 2, "echo": true,
         "logprobs": 2, "stop": "c", "seed": -1, "top_k": 3, "min_p": 0.1, "repetition_penalty": 1.1}
        """)
    ),
    ("/v1/embeddings", embedding),
    (
      "/v1/embeddings",
      parsed(
        #"{"model": "letters", "input": [1, 2, 3], "encoding_format": "base64", "dimensions": 4}"#)
    ),
    ("/v1/responses", response),
    (
      "/v1/responses",
      parsed(
        """
        {"model": "letters", "max_output_tokens": 16, "store": false, "stream": true, "instructions": "a", "truncation": "auto",
         "include": ["message.output_text.logprobs"], "top_logprobs": 1, "text": {"format": {"type": "text"}},
         "tools": [{"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": true}],
         "tool_choice": "auto", "input": [
           {"role": "user", "content": [{"type": "input_text", "text": "a"}]},
           {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
           {"type": "function_call_output", "call_id": "c", "output": "b"}]}
        """)
    ),
    ("/v1/moderations", parsed(#"{"input": ["abc", "de"], "model": "any"}"#)),
    ("/v1/moderations", parsed(#"{"input": [{"type": "text", "text": "abc"}]}"#)),
    ("/tokenize", parsed(#"{"content": "abc", "with_pieces": true, "add_special": true}"#)),
    ("/detokenize", parsed(#"{"tokens": [1, 2, 3], "model": "letters"}"#)),
    ("/v1/keys", parsed(#"{"name": "n", "scopes": ["inference"], "concurrency": 2}"#)),
  ]

  static func parsed(_ text: String) -> JSONValue {
    try! JSONValue(parsing: Array(text.utf8), keepsIntegers: true)
  }
}
