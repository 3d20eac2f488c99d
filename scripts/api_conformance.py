"""Keeps what is said between clients and a service, and holds it against descriptions of the API."""
import copy
import json
import re

import httpx
import jsonschema


class Exchange:
    def __init__(self, request, response, body):
        self.method, self.path = request.method, request.url.path
        self.status, self.type = response.status_code, response.headers.get("content-type", "").split(";")[0]
        self.body = body

    def events(self):
        """The data of each event of a stream."""
        return [line[6:] for line in self.body.decode().split("\n") if line.startswith("data: ")]


class Recorder(httpx.BaseTransport):
    """A transport that keeps every answer that was read to its end."""

    def __init__(self):
        self.inner, self.exchanges = httpx.HTTPTransport(), []

    def handle_request(self, request):
        response = self.inner.handle_request(request)
        response.stream = Kept(response.stream, lambda body: self.exchanges.append(Exchange(request, response, body)))
        return response

    def take(self):
        taken, self.exchanges = self.exchanges, []
        return taken


class Kept(httpx.SyncByteStream):
    def __init__(self, stream, done):
        self.stream, self.done = stream, done

    def __iter__(self):
        pieces = []
        for piece in self.stream:
            pieces.append(piece)
            yield piece
        self.done(b"".join(pieces))

    def close(self):
        self.stream.close()


class Description:
    """An OpenAPI document whose paths begin at `base`."""

    def __init__(self, document, base="", strict=True):
        self.components = document["components"]
        self.strict = strict
        self.operations = [
            (re.compile(re.escape(base + path).replace(r"\{", "{").replace(r"\}", "}").replace("{", "(?P<_").replace("}", ">[^/]+)") + "$"), operations)
            for path, operations in document["paths"].items() if "?" not in path]
        self.validators = {}

    def problems(self, exchange):
        operation = next((o[exchange.method.lower()] for pattern, o in self.operations
                          if pattern.match(exchange.path) and exchange.method.lower() in o), None)
        if operation is None:
            return [f"{exchange.method} {exchange.path} is not described"] if self.strict and exchange.status not in (401, 404, 405) else []
        answer = operation["responses"].get(str(exchange.status))
        content = (answer or {}).get("content", {})
        if exchange.type not in content:
            return [f"{exchange.method} {exchange.path}: {exchange.status} {exchange.type} is not described"] if self.strict else []
        schema = content[exchange.type].get("schema", {})
        where = f"{exchange.method} {exchange.path} {exchange.status}"
        if exchange.type == "application/json":
            return self.errors(schema, json.loads(exchange.body), where)
        if exchange.type != "text/event-stream":
            return []
        found, data = [], schema.get("properties", {}).get("data")
        for event in exchange.events():
            mark = None
            if data is not None:
                choices = data.get("anyOf", [data])
                mark = next((c["const"] for c in choices if "const" in c), None)
                schema = next(c["contentSchema"] for c in choices if "contentSchema" in c)
            if event != (mark if data is not None else "[DONE]"):
                found += self.errors(schema, json.loads(event), where)
        return found

    def errors(self, schema, value, where):
        key = json.dumps(schema, sort_keys=True)
        if key not in self.validators:
            self.validators[key] = jsonschema.Draft202012Validator({**schema, "components": self.components})
        return [f"{where}: {deepest(e)}" for e in self.validators[key].iter_errors(value)]


def deepest(error):
    """The error of the alternative that came furthest."""
    while error.context:
        error = max(error.context, key=lambda e: (len(e.absolute_path), e.validator != "type"))
    return f"{error.json_path}: {error.message[:300]}"


def with_nulls(node):
    """The document with OpenAPI 3.0's `nullable` as JSON Schema says it, and `format` as an annotation."""
    if isinstance(node, list):
        return [with_nulls(n) for n in node]
    if not isinstance(node, dict):
        return node
    node = {key: with_nulls(value) for key, value in node.items() if key != "format"}
    if node.get("nullable") is True:
        return {"anyOf": [copy.copy(node), {"type": "null"}]}
    return node
