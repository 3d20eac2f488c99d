"""Every endpoint of a running `primer serve`, by the official `openai` client and by LangChain.

python scripts/api_tests.py --primer .build/release/primer --model MODEL
"""
import argparse
import json
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.request

import jsonschema
import openai
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from pydantic import BaseModel

parser = argparse.ArgumentParser()
parser.add_argument("--primer", required=True)
parser.add_argument("--model", required=True)
parser.add_argument("--only", default="")
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


def chat(client, model, **more):
    return client.chat.completions.create(model=model, messages=QUESTION, max_tokens=more.pop("max_tokens", 16), **more)


@test
def models_are_listed_and_found(client, model):
    assert model in [m.id for m in client.models.list()]
    assert client.models.retrieve(model).id == model


@test
def a_model_that_is_not_there_is_a_404(client, model):
    try:
        client.models.retrieve("nothing")
    except openai.NotFoundError as error:
        assert error.code == "model_not_found"
    else:
        raise AssertionError("no error")


@test
def a_wrong_key_is_a_401(client, model):
    try:
        client.with_options(api_key="pk-wrong").models.list()
    except openai.AuthenticationError as error:
        assert error.code == "invalid_api_key"
    else:
        raise AssertionError("no error")


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
    token = json.loads(post("/tokenize", {"content": first}))["tokens"][0]
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
    try:
        chat(client, model, response_format={"type": "json_schema", "json_schema": {
            "name": "x", "schema": {"type": "object", "unevaluatedProperties": {"type": "string"}, "dependentSchemas": {"a": {}}}}})
    except openai.BadRequestError as error:
        assert error.param == "response_format" and error.code == "invalid_schema", error
    else:
        raise AssertionError("no error")


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
    try:
        chat(client, model, extra_body={"temprature": 1})
    except openai.BadRequestError as error:
        assert error.param == "temprature" and error.code == "unknown_parameter"
    else:
        raise AssertionError("no error")


@test
def completions_continue_texts(client, model):
    answer = client.completions.create(model=model, prompt=["Once upon", "The sea"], max_tokens=6, temperature=0, n=2)
    assert [c.index for c in answer.choices] == [0, 1, 2, 3]
    assert answer.choices[0].text == answer.choices[1].text != answer.choices[2].text
    pieces = client.completions.create(model=model, prompt="Once upon", max_tokens=6, temperature=0, stream=True)
    assert "".join(p.choices[0].text for p in pieces if p.choices) == answer.choices[0].text


@test
def token_ids_are_prompts_too(client, model):
    ids = json.loads(post("/tokenize", {"content": "Once upon", "add_special": False}))["tokens"]
    by_ids = client.completions.create(model=model, prompt=ids, max_tokens=6, temperature=0)
    by_text = client.completions.create(model=model, prompt="Once upon", max_tokens=6, temperature=0)
    assert by_ids.choices[0].text == by_text.choices[0].text
    assert json.loads(post("/detokenize", {"tokens": ids}))["content"] == "Once upon"


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
    try:
        client.completions.create(model=model, prompt="def f(", suffix="return x", max_tokens=4)
    except openai.BadRequestError as error:
        assert error.param == "suffix"


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
    try:
        client.responses.retrieve(first.id)
    except openai.NotFoundError:
        return
    raise AssertionError("still there")


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
    llm = ChatOpenAI(model=model, base_url=str(client.base_url), api_key=client.api_key, max_tokens=16, temperature=0)
    assert llm.invoke("Say hi.").content
    assert "".join(c.content for c in llm.stream("Say hi.")) == llm.invoke("Say hi.").content
    forced = ChatOpenAI(model=model, base_url=str(client.base_url), api_key=client.api_key, max_tokens=100).bind_tools(
        [TOOL], tool_choice="get_weather")
    calls = forced.invoke("Weather in Rome?").tool_calls
    jsonschema.validate(calls[0]["args"], WEATHER)
    vectors = OpenAIEmbeddings(model=model, base_url=str(client.base_url), api_key=client.api_key, check_embedding_ctx_length=False)
    assert len(vectors.embed_documents(["a", "b"])) == 2


@test
def keys_are_scoped_and_revoked(client, model):
    made = json.loads(post("/v1/keys", {"name": "reader", "scopes": ["inference"]}))
    other = client.with_options(api_key=made["key"])
    assert other.models.list().data
    try:
        post("/v1/keys", {"name": "x"}, key=made["key"])
    except urllib.error.HTTPError as error:
        assert error.code == 403
    urllib.request.urlopen(request("/v1/keys/" + made["id"], method="DELETE"))
    try:
        other.models.list()
    except openai.AuthenticationError:
        return
    raise AssertionError("the revoked key still works")


@test
def metrics_count_tokens(client, model):
    text = urllib.request.urlopen(request("/metrics")).read().decode()
    assert "vllm:generation_tokens_total{" in text and "vllm:time_to_first_token_seconds_bucket{" in text


@test
def the_description_names_every_address(client, model):
    paths = json.loads(urllib.request.urlopen(request("/openapi.json")).read())["paths"]
    assert {"/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/responses", "/health", "/metrics"} <= set(paths)


def request(path, body=None, key=None, method=None):
    data = None if body is None else json.dumps(body).encode()
    return urllib.request.Request(url + path, data=data, method=method, headers={
        "Authorization": "Bearer " + (key or ready["key"]), "Content-Type": "application/json"})


def post(path, body, key=None):
    return urllib.request.urlopen(request(path, body, key)).read().decode()


with tempfile.TemporaryDirectory() as data:
    server = subprocess.Popen(
        [arguments.primer, "serve", "--model", arguments.model, "--port", "0", "--data", data, "--quiet"],
        stdout=subprocess.PIPE)
    failed = 0
    try:
        ready = json.loads(server.stdout.readline())
        url, model = ready["url"], ready["models"][0]
        client = openai.OpenAI(base_url=url + "/v1", api_key=ready["key"], max_retries=0, timeout=300)
        for function in tests:
            if arguments.only not in function.__name__:
                continue
            begun = time.time()
            try:
                function(client, model)
                print(f"passed {function.__name__} ({time.time() - begun:.1f} s)", flush=True)
            except Exception:
                failed += 1
                print(f"FAILED {function.__name__}", flush=True)
                traceback.print_exc()
    finally:
        server.send_signal(signal.SIGTERM)
        status = server.wait(timeout=60)
    print(f"{failed} failed; the service ended with {status}")
    sys.exit(1 if failed or status else 0)
