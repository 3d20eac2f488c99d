"""Every endpoint of a running `primer serve`, by the official `openai` client and by LangChain. Every answer that they
get is held against the service's own /openapi.json and, where it is at hand, against OpenAI's specification.

python scripts/api_tests.py --primer .build/release/primer --model MODEL [--specification openapi.yaml]
"""
import argparse
import asyncio
import base64
import json
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import traceback

import httpx
import jsonschema
import openai
import yaml
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from pydantic import BaseModel

from api_conformance import Description, Recorder, with_nulls

parser = argparse.ArgumentParser()
parser.add_argument("--primer", required=True)
parser.add_argument("--model", required=True)
parser.add_argument("--only", default="")
parser.add_argument("--specification", default="")
arguments = parser.parse_args()

WEATHER = {
    "type": "object",
    "properties": {"city": {"type": "string", "maxLength": 20}, "days": {"type": "integer", "minimum": 1, "maximum": 9}},
    "required": ["city", "days"],
    "additionalProperties": False,
}
TOOL = {"type": "function", "function": {"name": "get_weather", "description": "The weather.", "parameters": WEATHER}}
OTHER = {"type": "function", "function": {"name": "get_time", "parameters": {"type": "object", "properties": {"zone": {"type": "string", "maxLength": 8}}, "required": ["zone"]}}}
QUESTION = [{"role": "user", "content": "What is the capital of France?"}]
tests = []


def test(function):
    tests.append(function)
    return function


def refused(kind, ask, **expected):
    """The error of that kind that `ask` has to end with, with those members."""
    try:
        ask()
    except kind as error:
        for name, value in expected.items():
            assert getattr(error, name) == value, (name, error)
        return error
    raise AssertionError("no error")


def send(method, path, body=None, key=None, **more):
    return raw.request(method, url + path, json=body, headers={"Authorization": "Bearer " + (key or ready["key"])}, **more)


def post(path, body):
    answer = send("POST", path, body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def chat(client, model, **more):
    return client.chat.completions.create(model=model, messages=QUESTION, max_tokens=more.pop("max_tokens", 16), **more)


@test
def models_are_listed_and_found(client, model):
    assert model in [m.id for m in client.models.list()]
    assert client.models.retrieve(model).id == model


@test
def a_model_that_is_not_there_is_a_404(client, model):
    refused(openai.NotFoundError, lambda: client.models.retrieve("nothing"), code="model_not_found")


@test
def a_wrong_key_is_a_401(client, model):
    refused(openai.AuthenticationError, lambda: client.with_options(api_key="pk-wrong").models.list(), code="invalid_api_key")


@test
def chat_streams_what_it_answers_at_once(client, model):
    whole = chat(client, model, seed=5, temperature=0.8)
    pieces = list(chat(client, model, seed=5, temperature=0.8, stream=True, stream_options={"include_usage": True}))
    text = "".join(c.choices[0].delta.content or "" for c in pieces if c.choices)
    assert text == whole.choices[0].message.content, (text, whole)
    assert pieces[-1].choices == [] and pieces[-1].usage.total_tokens == whole.usage.total_tokens
    assert all(p.usage is None for p in pieces[:-1])
    reasons = [c.choices[0].finish_reason for c in pieces if c.choices]
    assert reasons[-1] == whole.choices[0].finish_reason and set(reasons[:-1]) == {None}


@test
def several_answers_have_seeds_of_their_own(client, model):
    answer = chat(client, model, n=3, seed=1, temperature=1.5)
    assert [c.index for c in answer.choices] == [0, 1, 2]
    assert len({c.message.content for c in answer.choices}) > 1
    again = chat(client, model, n=3, seed=1, temperature=1.5)
    assert [c.message.content for c in answer.choices] == [c.message.content for c in again.choices]


@test
def a_stop_string_ends_the_text_before_it(client, model):
    text = chat(client, model, temperature=0).choices[0].message.content
    stop = text.split()[1]
    answer = chat(client, model, temperature=0, stop=[stop]).choices[0]
    assert stop not in answer.message.content and answer.finish_reason == "stop"


@test
def a_bias_bans_a_token(client, model):
    first = chat(client, model, temperature=0, logprobs=True, max_tokens=1).choices[0].logprobs.content[0].token
    token = post("/tokenize", {"content": first})["tokens"][0]
    answer = chat(client, model, temperature=0, logprobs=True, logit_bias={str(token): -100}, max_tokens=4)
    assert first not in [entry.token for entry in answer.choices[0].logprobs.content]


@test
def log_probabilities_come_with_their_alternatives(client, model):
    for stream in (False, True):
        if stream:
            chunks = chat(client, model, temperature=0, logprobs=True, top_logprobs=3, stream=True)
            entries = [e for c in chunks if c.choices and c.choices[0].logprobs for e in c.choices[0].logprobs.content or []]
        else:
            answer = chat(client, model, temperature=0, logprobs=True, top_logprobs=3)
            entries = answer.choices[0].logprobs.content
            assert len(entries) == answer.usage.completion_tokens
        assert entries and all(len(e.top_logprobs) == 3 and e.logprob <= 0 for e in entries)
        assert all(abs(e.logprob - e.top_logprobs[0].logprob) < 1e-6 for e in entries), "greedy is the likeliest"


@test
def a_schema_is_obeyed(client, model):
    for seed in range(3):
        answer = chat(client, model, seed=seed, temperature=1.3, max_tokens=120, response_format={
            "type": "json_schema", "json_schema": {"name": "w", "strict": True, "schema": WEATHER}})
        assert answer.choices[0].finish_reason == "stop"
        jsonschema.validate(json.loads(answer.choices[0].message.content), WEATHER)


@test
def a_class_of_pydantic_is_filled(client, model):
    class Place(BaseModel):
        country: str
        population: int

    schema = Place.model_json_schema()
    answer = client.chat.completions.parse(model=model, messages=QUESTION, response_format=Place, seed=3, max_tokens=200)
    if answer.choices[0].finish_reason == "stop":
        assert isinstance(answer.choices[0].message.parsed, Place), schema


@test
def a_json_object_is_an_object(client, model):
    answer = chat(client, model, seed=2, max_tokens=200, response_format={"type": "json_object"})
    if answer.choices[0].finish_reason == "stop":
        assert isinstance(json.loads(answer.choices[0].message.content), dict)


@test
def a_keyword_that_cannot_be_enforced_is_refused(client, model):
    refused(openai.BadRequestError, lambda: chat(client, model, response_format={"type": "json_schema", "json_schema": {
        "name": "x", "schema": {"type": "object", "unevaluatedProperties": {"type": "string"}, "dependentSchemas": {"a": {}}}}}),
        param="response_format", code="invalid_schema")


@test
def a_forced_call_follows_its_schema(client, model):
    for choice in ("required", {"type": "function", "function": {"name": "get_weather"}}):
        answer = chat(client, model, tools=[TOOL, OTHER] if choice == "required" else [TOOL], tool_choice=choice, seed=4, max_tokens=100).choices[0]
        call = answer.message.tool_calls[0]
        schema = {"get_weather": WEATHER, "get_time": OTHER["function"]["parameters"]}[call.function.name]
        jsonschema.validate(json.loads(call.function.arguments), schema)
        assert answer.finish_reason == "tool_calls" and call.id.startswith("call_")


@test
def the_arguments_of_a_call_stream(client, model):
    for tools in ([TOOL], [TOOL, OTHER]):
        pieces = list(chat(client, model, tools=tools, tool_choice="required", seed=4, max_tokens=100, stream=True))
        deltas = [d for p in pieces if p.choices for d in p.choices[0].delta.tool_calls or []]
        assert deltas[0].function.name and deltas[0].id and all(d.index == 0 for d in deltas)
        assert len(deltas) > 3, "in pieces"
        json.loads("".join(d.function.arguments or "" for d in deltas))
        assert pieces[-1].choices[0].finish_reason == "tool_calls"


@test
def tools_may_be_left_alone_and_their_results_read(client, model):
    answer = chat(client, model, tools=[TOOL], tool_choice="auto", temperature=0)
    assert answer.choices[0].finish_reason in ("stop", "length", "tool_calls")
    messages = QUESTION + [
        {"role": "assistant", "content": None, "tool_calls": [{"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": "{\"city\": \"Paris\", \"days\": 1}"}}]},
        {"role": "tool", "tool_call_id": "call_1", "content": "sunny"}]
    assert client.chat.completions.create(model=model, messages=messages, tools=[TOOL], max_tokens=8).choices


@test
def an_unknown_field_is_refused(client, model):
    refused(openai.BadRequestError, lambda: chat(client, model, extra_body={"temprature": 1}), param="temprature", code="unknown_parameter")


@test
def completions_continue_texts(client, model):
    answer = client.completions.create(model=model, prompt=["Once upon", "The sea"], max_tokens=6, temperature=0, n=2)
    assert [c.index for c in answer.choices] == [0, 1, 2, 3]
    assert answer.choices[0].text == answer.choices[1].text != answer.choices[2].text
    pieces = client.completions.create(model=model, prompt="Once upon", max_tokens=6, temperature=0, stream=True)
    assert "".join(p.choices[0].text for p in pieces if p.choices) == answer.choices[0].text


@test
def token_ids_are_prompts_too(client, model):
    ids = post("/tokenize", {"content": "Once upon", "add_special": False})["tokens"]
    by_ids = client.completions.create(model=model, prompt=ids, max_tokens=6, temperature=0)
    by_text = client.completions.create(model=model, prompt="Once upon", max_tokens=6, temperature=0)
    assert by_ids.choices[0].text == by_text.choices[0].text
    assert post("/detokenize", {"tokens": ids})["content"] == "Once upon"


@test
def echo_tells_how_likely_the_prompt_was(client, model):
    answer = client.completions.create(model=model, prompt="The cat sat on the mat", max_tokens=0, echo=True, logprobs=2)
    choice = answer.choices[0]
    assert choice.text == "The cat sat on the mat" and "".join(choice.logprobs.tokens) == choice.text
    assert choice.logprobs.token_logprobs[0] is None and all(v <= 0 for v in choice.logprobs.token_logprobs[1:])
    assert choice.logprobs.text_offset[:2] == [0, 3]


@test
def the_best_of_several_is_returned(client, model):
    answer = client.completions.create(model=model, prompt="The", max_tokens=5, n=1, best_of=3, seed=1)
    assert len(answer.choices) == 1 and answer.usage.completion_tokens > 5


@test
def a_suffix_needs_a_model_for_it(client, model):
    refused(openai.BadRequestError, lambda: client.completions.create(model=model, prompt="def f(", suffix="return x", max_tokens=4),
            param="suffix")


@test
def embeddings_are_the_same_in_both_encodings(client, model):
    plain = client.embeddings.create(model=model, input=["a cat", "a dog"], encoding_format="float")
    coded = client.embeddings.create(model=model, input=["a cat", "a dog"])
    assert len(plain.data) == 2
    assert all(abs(x - y) < 1e-6 for x, y in zip(plain.data[1].embedding, coded.data[1].embedding))
    assert abs(sum(x * x for x in plain.data[0].embedding) - 1) < 1e-4
    short = client.embeddings.create(model=model, input="a cat", dimensions=16)
    assert len(short.data[0].embedding) == 16


@test
def responses_are_kept_and_gone_on_from(client, model):
    first = client.responses.create(model=model, input="My name is Ada.", max_output_tokens=16, temperature=0)
    assert first.output_text and first.usage.output_tokens <= 16
    again = client.responses.retrieve(first.id)
    assert again.output_text == first.output_text
    second = client.responses.create(model=model, input="What is my name?", previous_response_id=first.id, max_output_tokens=16)
    assert second.usage.input_tokens > first.usage.input_tokens
    assert client.responses.input_items.list(first.id).data[0].content[0].text == "My name is Ada."
    client.responses.delete(first.id)
    refused(openai.NotFoundError, lambda: client.responses.retrieve(first.id), code="response_not_found")
    refused(openai.NotFoundError, lambda: client.responses.create(model=model, input="Hi", previous_response_id=first.id),
            param="previous_response_id")


@test
def responses_stream_their_events_in_order(client, model):
    events = list(client.responses.create(model=model, input="Hi", max_output_tokens=16, temperature=0, stream=True))
    kinds = [e.type for e in events]
    assert kinds[:4] == ["response.created", "response.in_progress", "response.output_item.added", "response.content_part.added"]
    assert kinds[-4:-1] == ["response.output_text.done", "response.content_part.done", "response.output_item.done"]
    assert kinds[-1] in ("response.completed", "response.incomplete")
    assert [e.sequence_number for e in events] == list(range(len(events)))
    text = "".join(e.delta for e in events if e.type == "response.output_text.delta")
    assert text == events[-1].response.output_text
    with client.responses.stream(model=model, input="Hi", max_output_tokens=16, temperature=0) as stream:
        for _ in stream:
            pass
        assert stream.get_final_response().output_text == text


@test
def responses_call_functions(client, model):
    tool = {"type": "function", "name": "get_weather", "parameters": WEATHER, "strict": True}
    answer = client.responses.create(model=model, input="Weather in Rome?", tools=[tool], tool_choice="required", max_output_tokens=100)
    call = answer.output[0]
    assert call.type == "function_call"
    jsonschema.validate(json.loads(call.arguments), WEATHER)
    after = client.responses.create(model=model, previous_response_id=answer.id, max_output_tokens=16, input=[
        {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"}])
    assert after.status in ("completed", "incomplete")


@test
def responses_obey_a_schema(client, model):
    answer = client.responses.create(model=model, input="Rome", max_output_tokens=120, text={
        "format": {"type": "json_schema", "name": "w", "schema": WEATHER, "strict": True}})
    jsonschema.validate(json.loads(answer.output_text), WEATHER)


@test
def langchain_asks_streams_and_calls(client, model):
    service = {"model": model, "base_url": str(client.base_url), "api_key": client.api_key, "http_client": httpx.Client(transport=recorder, timeout=300)}
    llm = ChatOpenAI(max_tokens=16, temperature=0, **service)
    assert llm.invoke("Say hi.").content
    assert "".join(c.content for c in llm.stream("Say hi.")) == llm.invoke("Say hi.").content
    forced = ChatOpenAI(max_tokens=100, **service).bind_tools([TOOL], tool_choice="get_weather")
    calls = forced.invoke("Weather in Rome?").tool_calls
    jsonschema.validate(calls[0]["args"], WEATHER)
    vectors = OpenAIEmbeddings(check_embedding_ctx_length=False, **service)
    assert len(vectors.embed_documents(["a", "b"])) == 2


@test
def keys_are_scoped_and_revoked(client, model):
    made = post("/v1/keys", {"name": "reader", "scopes": ["inference"]})
    other = client.with_options(api_key=made["key"])
    assert other.models.list().data
    assert send("POST", "/v1/keys", {"name": "x"}, key=made["key"]).status_code == 403
    listed = send("GET", "/v1/keys").json()["data"]
    assert made["id"] in [k["id"] for k in listed] and not any("key" in k for k in listed)
    assert send("DELETE", "/v1/keys/" + made["id"]).json()["revoked"]
    refused(openai.AuthenticationError, lambda: other.models.list())


@test
def metrics_count_tokens(client, model):
    text = send("GET", "/metrics").text
    assert "vllm:generation_tokens_total{" in text and "vllm:time_to_first_token_seconds_bucket{" in text


@test
def the_description_names_every_address(client, model):
    paths = send("GET", "/openapi.json").json()["paths"]
    assert {"/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/responses", "/health", "/metrics"} <= set(paths)


# Every option of the specification


@test
def max_completion_tokens_is_the_limit(client, model):
    answer = client.chat.completions.create(model=model, messages=QUESTION, max_completion_tokens=3, temperature=0)
    assert answer.usage.completion_tokens == 3 and answer.choices[0].finish_reason == "length"


@test
def several_answers_stream_side_by_side(client, model):
    whole = chat(client, model, n=2, seed=9, temperature=1.2)
    texts = ["", ""]
    for piece in chat(client, model, n=2, seed=9, temperature=1.2, stream=True):
        for choice in piece.choices:
            texts[choice.index] += choice.delta.content or ""
    assert texts == [c.message.content for c in whole.choices]


@test
def seeds_may_be_any_whole_number(client, model):
    for seed in (-1, 0, 2**63 - 1, -(2**63)):
        a, b = (chat(client, model, seed=seed, temperature=1.5, max_tokens=8).choices[0].message.content for _ in range(2))
        assert a == b


@test
def four_stop_strings_are_taken_and_held_back_in_streams(client, model):
    text = chat(client, model, temperature=0).choices[0].message.content
    stop = text[len(text) // 2:][:6]
    pieces = chat(client, model, temperature=0, stop=["\u0000never", "neither", "nor this", stop], stream=True)
    streamed = "".join(p.choices[0].delta.content or "" for p in pieces if p.choices)
    assert streamed == text[:text.index(stop)]
    refused(openai.BadRequestError, lambda: chat(client, model, stop=["a"] * 5), param="stop")


@test
def penalties_keep_tokens_from_coming_back(client, model):
    def repeated(**penalty):
        content = client.completions.create(model=model, prompt="one two one two one two one two", max_tokens=24, temperature=0, logprobs=0, **penalty)
        tokens = content.choices[0].logprobs.tokens
        return len(tokens) - len(set(tokens))
    plain = repeated()
    assert repeated(frequency_penalty=2) < plain and repeated(presence_penalty=2) < plain
    for name in ("frequency_penalty", "presence_penalty"):
        for value in (-2.1, 2.1):
            refused(openai.BadRequestError, lambda: chat(client, model, **{name: value}), param=name)


@test
def numbers_out_of_their_bounds_are_named(client, model):
    for name, value in {"temperature": 2.1, "top_p": 1.1, "n": 129, "top_logprobs": 21, "max_tokens": 0, "seed": 0.5, "logit_bias": {"1": 101}}.items():
        error = refused(openai.BadRequestError, lambda: chat(client, model, extra_body={name: value, "logprobs": True}))
        assert error.param.startswith(name), error
    for name, value in {"logprobs": 6, "best_of": 21, "n": 0, "max_tokens": -1}.items():
        refused(openai.BadRequestError, lambda: client.completions.create(model=model, prompt="a", extra_body={name: value}), param=name)


@test
def metadata_comes_back(client, model):
    assert chat(client, model, metadata={"a": "b"}).metadata == {"a": "b"}
    answer = client.responses.create(model=model, input="Hi", max_output_tokens=16, metadata={"a": "b"})
    assert client.responses.retrieve(answer.id).metadata == {"a": "b"}
    refused(openai.BadRequestError, lambda: chat(client, model, metadata={"a": "b" * 513}), param="metadata.a")


@test
def what_has_no_effect_changes_nothing(client, model):
    plain = chat(client, model, seed=3).choices[0].message.content
    same = chat(client, model, seed=3, user="u", safety_identifier="s", store=False, service_tier="auto", prompt_cache_key="k",
                verbosity="low", modalities=["text"], prediction={"type": "content", "content": "x"}, parallel_tool_calls=True)
    assert same.choices[0].message.content == plain and same.service_tier == "default"


@test
def what_cannot_be_done_is_refused_by_name(client, model):
    for name, value in {"audio": {"voice": "alloy", "format": "wav"}, "web_search_options": {}, "functions": [{"name": "f"}],
                        "function_call": "auto", "modalities": ["text", "audio"]}.items():
        error = refused(openai.BadRequestError, lambda: chat(client, model, extra_body={name: value}))
        assert error.param.startswith(name), error
    for name, value in {"conversation": "c", "prompt": {"id": "p"}, "context_management": []}.items():
        refused(openai.BadRequestError, lambda: client.responses.create(model=model, input="Hi", extra_body={name: value}), param=name)
    for kind in ("web_search", "file_search", "code_interpreter", "mcp", "image_generation"):
        refused(openai.BadRequestError, lambda: client.responses.create(model=model, input="Hi", tools=[{"type": kind}]), param="tools.0.type")


@test
def a_schema_is_obeyed_in_a_stream(client, model):
    with client.chat.completions.stream(model=model, messages=QUESTION, seed=3, max_tokens=120, response_format={
            "type": "json_schema", "json_schema": {"name": "w", "strict": True, "schema": WEATHER}}) as stream:
        for _ in stream:
            pass
        jsonschema.validate(json.loads(stream.get_final_completion().choices[0].message.content), WEATHER)


@test
def allowed_tools_are_the_only_ones_called(client, model):
    for mode in ("required", "auto"):
        answer = chat(client, model, tools=[TOOL, OTHER], seed=4, max_tokens=60, tool_choice={"type": "allowed_tools", "allowed_tools": {
            "mode": mode, "tools": [{"type": "function", "function": {"name": "get_time"}}]}}).choices[0]
        assert {c.function.name for c in answer.message.tool_calls or []} <= {"get_time"}
        assert answer.message.tool_calls or mode == "auto"
    none = chat(client, model, tools=[TOOL], tool_choice="none", max_tokens=4)
    assert none.choices[0].message.tool_calls is None
    refused(openai.BadRequestError, lambda: chat(client, model, tools=[TOOL], tool_choice={"type": "function", "function": {"name": "x"}}),
            param="tool_choice")


@test
def completions_stream_with_usage_echo_and_likelihoods(client, model):
    asked = dict(model=model, prompt="Once upon", max_tokens=5, temperature=0, logprobs=2, echo=True)
    whole = client.completions.create(**asked)
    pieces = list(client.completions.create(**asked, stream=True, stream_options={"include_usage": True}))
    assert "".join(c.text for p in pieces for c in p.choices) == whole.choices[0].text
    tokens = [t for p in pieces for c in p.choices for t in c.logprobs.tokens]
    assert tokens == whole.choices[0].logprobs.tokens
    offsets = [o for p in pieces for c in p.choices for o in c.logprobs.text_offset]
    assert offsets == whole.choices[0].logprobs.text_offset
    assert pieces[-1].choices == [] and pieces[-1].usage == whole.usage
    assert len(whole.choices[0].logprobs.top_logprobs[1]) == 2


@test
def a_bias_and_stops_hold_for_completions_too(client, model):
    plain = client.completions.create(model=model, prompt="Once upon", max_tokens=6, temperature=0, logprobs=0).choices[0]
    token = post("/tokenize", {"content": plain.logprobs.tokens[0]})["tokens"][0]
    other = client.completions.create(model=model, prompt="Once upon", max_tokens=6, temperature=0, logit_bias={str(token): -100}).choices[0]
    assert other.text != plain.text
    stop = plain.text[3:7]
    assert client.completions.create(model=model, prompt="Once upon", max_tokens=6, temperature=0, stop=stop).choices[0].text == plain.text[:plain.text.index(stop)]


@test
def embeddings_take_tokens_and_bounds(client, model):
    ids = post("/tokenize", {"content": "a cat"})["tokens"]
    texts = client.embeddings.create(model=model, input=["a cat", "a cat"])
    tokens = client.embeddings.create(model=model, input=[ids, ids])
    alone = client.embeddings.create(model=model, input=ids)
    assert texts.data[0].embedding == tokens.data[1].embedding == alone.data[0].embedding
    assert texts.usage.prompt_tokens == 2 * len(ids)
    short = client.embeddings.create(model=model, input="a cat", dimensions=8, encoding_format="base64").data[0].embedding
    numbers = short if isinstance(short, list) else struct.unpack("<8f", base64.b64decode(short))
    assert len(numbers) == 8 and abs(sum(x * x for x in numbers) - 1) < 1e-4
    for value in (0, 1_000_000):
        refused(openai.BadRequestError, lambda: client.embeddings.create(model=model, input="a", dimensions=value), param="dimensions")
    refused(openai.BadRequestError, lambda: client.embeddings.create(model=model, input=""), param="input")


@test
def moderations_assess_texts_and_parts(client, model):
    one = client.moderations.create(input="I will hurt you and everybody you love.")
    several = client.moderations.create(input=["Bread needs flour, water and salt.", "I will hurt you and everybody you love."])
    parts = client.moderations.create(model="omni-moderation-latest", input=[{"type": "text", "text": "I will hurt you and everybody you love."}])
    assert len(one.results) == 1 and len(several.results) == 2 and len(parts.results) == 1
    assert one.results[0].category_scores.violence == several.results[1].category_scores.violence == parts.results[0].category_scores.violence
    assert several.results[0].category_scores.violence < several.results[1].category_scores.violence
    assert one.id.startswith("modr-") and one.model
    applied = one.results[0].category_applied_input_types
    assert applied.violence == ["text"] and applied.illicit == []
    refused(openai.BadRequestError, lambda: client.moderations.create(input=[{"type": "image_url", "image_url": {"url": "data:,"}}]))


@test
def responses_have_instructions_likelihoods_and_limits(client, model):
    answer = client.responses.create(model=model, input="Hi", instructions="Answer in French.", max_output_tokens=16, temperature=0,
                                     include=["message.output_text.logprobs"], top_logprobs=2)
    part = answer.output[0].content[0]
    assert answer.instructions == "Answer in French." and part.logprobs and len(part.logprobs[0].top_logprobs) == 2
    assert answer.status == "incomplete" and answer.incomplete_details.reason == "max_output_tokens"
    refused(openai.BadRequestError, lambda: client.responses.create(model=model, input="Hi", max_output_tokens=15), param="max_output_tokens")


@test
def a_response_that_is_not_kept_cannot_be_found(client, model):
    answer = client.responses.create(model=model, input="Hi", max_output_tokens=16, store=False)
    refused(openai.NotFoundError, lambda: client.responses.retrieve(answer.id))


@test
def items_of_an_input_are_listed_page_by_page(client, model):
    said = [{"role": "user", "content": f"line {n}"} for n in range(5)] + [{"role": "assistant", "content": "yes"}, {"role": "user", "content": "go on"}]
    answer = client.responses.create(model=model, input=said, max_output_tokens=16)
    listed = list(client.responses.input_items.list(answer.id, order="asc", limit=3))
    assert [i.content[0].text for i in listed] == [m["content"] for m in said]
    assert len({i.id for i in listed}) == 7
    newest = client.responses.input_items.list(answer.id, limit=2)
    assert newest.data[0].content[0].text == "go on" and newest.has_more
    assert send("GET", f"/v1/responses/{answer.id}/input_items?limit=0").json()["error"]["param"] == "limit"
    assert send("GET", f"/v1/responses/{answer.id}?colour=red").json()["error"]["param"] == "colour"


@test
def responses_stream_the_arguments_of_a_call(client, model):
    tool = {"type": "function", "name": "get_weather", "parameters": WEATHER, "strict": True}
    events = list(client.responses.create(model=model, input="Weather in Rome?", tools=[tool], tool_choice="required", max_output_tokens=100, stream=True))
    deltas = "".join(e.delta for e in events if e.type == "response.function_call_arguments.delta")
    done = next(e for e in events if e.type == "response.function_call_arguments.done")
    assert deltas == done.arguments == events[-1].response.output[0].arguments and done.name == "get_weather"
    jsonschema.validate(json.loads(deltas), WEATHER)


@test
def a_conversation_longer_than_the_context_is_cut_only_when_asked(client, model):
    context = send("GET", f"/v1/models/{model}").json()["max_model_len"]
    said = [{"role": "user", "content": "word " * 400} for _ in range(context // 300)]
    error = refused(openai.BadRequestError, lambda: client.responses.create(model=model, input=said, max_output_tokens=16))
    assert error.code == "context_length_exceeded"


# Errors and limits


@test
def every_class_of_error_is_the_clients_own(client, model):
    refused(openai.BadRequestError, lambda: chat(client, model, n=0), status_code=400, type="invalid_request_error")
    refused(openai.NotFoundError, lambda: chat(client, "gpt-4"), code="model_not_found", param="model")
    meter = post("/v1/keys", {"name": "meter", "scopes": ["metrics"]})["key"]
    refused(openai.PermissionDeniedError, lambda: client.with_options(api_key=meter).models.list(), code="forbidden")
    slow = post("/v1/keys", {"name": "slow", "requests_per_minute": 1})["key"]
    limited = client.with_options(api_key=slow)
    chat(limited, model, max_tokens=1)
    error = refused(openai.RateLimitError, lambda: chat(limited, model, max_tokens=1), code="rate_limit_exceeded")
    assert int(error.response.headers["retry-after"]) > 30
    refused(openai.APIStatusError, lambda: client.models.delete(model), status_code=405)


@test
def many_ask_at_once(client, model):
    async def all_of_them():
        async with openai.AsyncOpenAI(base_url=client.base_url, api_key=client.api_key, max_retries=0, timeout=300) as together:
            return await asyncio.gather(*(together.chat.completions.create(
                model=model, messages=[{"role": "user", "content": f"Count from {n}."}], max_tokens=8, seed=n) for n in range(12)))
    answers = asyncio.run(all_of_them())
    alone = client.chat.completions.create(model=model, messages=[{"role": "user", "content": "Count from 7."}], max_tokens=8, seed=7)
    assert answers[7].choices[0].message.content == alone.choices[0].message.content


def spoken(request):
    """What the service says to these bytes, until it closes the connection or says nothing more."""
    address = url.removeprefix("http://").split(":")
    answer = b""
    with socket.create_connection((address[0], int(address[1])), timeout=3) as connection:
        try:
            connection.sendall(request)
            while piece := connection.recv(65536):
                answer += piece
        except (ConnectionResetError, BrokenPipeError, TimeoutError):
            pass
    return answer


@test
def a_header_longer_than_16_kib_is_refused(client, model):
    def status(size):
        answer = spoken(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Long: " + b"a" * size + b"\r\nConnection: close\r\n\r\n")
        return answer[9:12]
    assert status(8 << 10) == b"200"
    assert status(17 << 10) in (b"400", b"431", b"")
    many = b"".join(b"X-%d: %s\r\n" % (n, b"a" * 1000) for n in range(40))
    assert spoken(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n" + many + b"Connection: close\r\n\r\n")[9:12] in (b"400", b"431", b"")
    assert spoken(b"GET /" + b"a" * (20 << 10) + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")[9:12] in (b"400", b"414", b"431", b"")
    assert send("GET", "/health").status_code == 200


@test
def what_is_no_http_is_refused(client, model):
    for garbage in (b"\x16\x03\x01\x02\x00\x01\x00", b"GET / HTTP/9.9\r\n\r\n", b"\r\n" * 100, b"\x00" * 1000, b"POST /v1/models HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -1\r\n\r\n",
                    b"POST /v1/models HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                    b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX: a\x00b\r\n\r\n", b"GET /v1/models HTTP/1.1\r\n\r\n"):
        assert not spoken(garbage).startswith((b"HTTP/1.1 2", b"HTTP/1.1 5")), garbage
    assert send("GET", "/health").status_code == 200


@test
def a_body_longer_than_2_mib_is_refused(client, model):
    for announced in (True, False):
        body = b'{"content": "' + b"a" * (3 << 20) + b'"}'
        answer = raw.post(url + "/tokenize", content=body if announced else iter([body[:1 << 20], body[1 << 20:]]), headers={
            "Authorization": "Bearer " + ready["key"], "Content-Type": "application/json"})
        assert answer.status_code == 413 and answer.json()["error"]["code"] == "body_too_large"


@test
def another_sites_name_is_no_name_of_the_service(client, model):
    for host in (b"evil.example", b"127.0.0.1.evil.example", b"localhost.evil.example"):
        answer = spoken(b"GET /health HTTP/1.1\r\nHost: " + host + b"\r\nConnection: close\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 421"), answer


@test
def no_address_in_a_request_is_fetched(client, model):
    with socket.create_server(("127.0.0.1", 0)) as trap:
        trap.settimeout(1)
        address = f"http://127.0.0.1:{trap.getsockname()[1]}/x.png"
        image = {"type": "image_url", "image_url": {"url": address}}
        refused(openai.BadRequestError, lambda: client.chat.completions.create(model=model, messages=[{"role": "user", "content": [image]}]))
        refused(openai.BadRequestError, lambda: client.moderations.create(input=[image]))
        refused(openai.BadRequestError, lambda: client.responses.create(model=model, input=[
            {"role": "user", "content": [{"type": "input_image", "image_url": address}]}]))
        refused(openai.BadRequestError, lambda: chat(client, model, response_format={
            "type": "json_schema", "json_schema": {"name": "x", "schema": {"$ref": address}}}))
        chat(client, model, max_tokens=1, user=address)
        try:
            trap.accept()
        except TimeoutError:
            return
    raise AssertionError("the service called")


# Where an answer of ours says more than OpenAI's specification does, and is right to.
BEYOND = [
    r"/v1/embeddings .*\.embedding: ",  # base64 is a string
    r"/v1/completions .*token_logprobs\[0\]: None",  # the first token of an echo
    r"/v1/completions .*top_logprobs\[0\]: None",
]


def described():
    """The descriptions that every answer is held against."""
    all = [Description(send("GET", "/openapi.json").json())]
    if arguments.specification:
        with open(arguments.specification) as file:
            document = yaml.load(file, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        all.append(Description(with_nulls({"paths": document["paths"], "components": document["components"]}), base="/v1", strict=False))
    return all


with tempfile.TemporaryDirectory() as data:
    server = subprocess.Popen(
        [arguments.primer, "serve", "--model", arguments.model, "--port", "0", "--data", data, "--quiet"],
        stdout=subprocess.PIPE)
    failed = 0
    try:
        ready = json.loads(server.stdout.readline())
        url, model = ready["url"], ready["models"][0]
        recorder = Recorder()
        raw = httpx.Client(transport=recorder, timeout=300)
        client = openai.OpenAI(base_url=url + "/v1", api_key=ready["key"], max_retries=0, timeout=300,
                               http_client=httpx.Client(transport=recorder, timeout=300))
        descriptions, answers = described(), 0
        for function in tests:
            if arguments.only not in function.__name__:
                continue
            begun = time.time()
            recorder.take()
            try:
                function(client, model)
                exchanges = recorder.take()
                answers += len(exchanges)
                problems = [p for e in exchanges for d in descriptions for p in d.problems(e)]
                problems = [p for p in problems if not any(re.search(b, p) for b in BEYOND)]
                assert not problems, "\n".join(problems[:8])
                print(f"passed {function.__name__} ({time.time() - begun:.1f} s)", flush=True)
            except Exception:
                failed += 1
                print(f"FAILED {function.__name__}", flush=True)
                traceback.print_exc()
    finally:
        server.send_signal(signal.SIGTERM)
        status = server.wait(timeout=60)
    print(f"{failed} failed; {answers} answers were as described; the service ended with {status}")
    sys.exit(1 if failed or status else 0)
