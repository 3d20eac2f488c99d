"""A `primer serve` of one's own on loopback, and a client that says exactly what came back and when; standard library only."""
import asyncio
import json
import os
import pathlib
import signal
import subprocess
import time
import urllib.request

TICKS = os.sysconf("SC_CLK_TCK")


class Service:
    """The real binary, from its start to its end."""

    def __init__(self, primer, models, data, port, *options, threads=None):
        self.command = [primer, "serve", "--port", str(port), "--data", str(data), "--quiet", *options]
        for model in models:
            self.command += ["--model", model]
        if threads:
            self.command += ["--threads", str(threads)]
        self.port = port
        self.start()

    def start(self):
        begun = time.perf_counter()
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("the service did not start: " + self.process.stderr.read().decode())
        self.start_seconds = time.perf_counter() - begun
        self.ready = json.loads(line)
        # The first key is told once, at the first start.
        self.key = self.ready.get("key") or self.key
        self.model = self.ready["models"][0]
        return self

    def request(self, path, body=None, method=None, key=None):
        data = None if body is None else json.dumps(body).encode()
        return urllib.request.urlopen(urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", data=data, method=method,
            headers={"Authorization": "Bearer " + (key or self.key), "Content-Type": "application/json"}))

    def make_key(self, user, **limits):
        body = dict(name=user, user=user, scopes=["inference"], **limits)
        return json.load(self.request("/v1/keys", body))["key"]

    def metrics(self):
        """Values of /metrics; those of several labels are added."""
        values = {}
        for line in self.request("/metrics").read().decode().splitlines():
            if line and not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                name = name.split("{")[0]
                values[name] = values.get(name, 0) + float(value)
        return values

    @property
    def resident(self):
        """Bytes of memory of its own, and in all; files that are mapped belong to whoever reads them."""
        fields = dict(line.split(":", 1) for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines())
        return tuple(int(fields[name].split()[0]) * 1024 for name in ("RssAnon", "VmRSS"))

    @property
    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    @property
    def ticks(self):
        return process_ticks(self.process.pid)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)

    def stop(self):
        if self.process.poll() is None:
            self.terminate()
        return self.process.wait(timeout=120)


def process_ticks(pid):
    """User and system ticks of a process with all its threads."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


class Answer:
    """What came back: `status` 0 where the connection broke before an answer."""

    def __init__(self):
        self.status, self.headers, self.body, self.events = 0, {}, b"", []
        self.begun = time.perf_counter()
        self.first = self.end = None
        self.is_whole, self.problem = False, None

    @property
    def retry_after(self):
        return float(self.headers["retry-after"]) if "retry-after" in self.headers else None

    @property
    def json(self):
        return json.loads(self.body)

    def usage(self):
        return next((event["usage"] for event in reversed(self.events) if event.get("usage")), None)

    def text(self):
        choices = [choice for event in self.events for choice in event.get("choices", [])]
        return "".join(choice.get("text") or (choice.get("delta") or {}).get("content") or "" for choice in choices)

    @property
    def explained(self):
        """Answered whole, refused with the time to come back, or told why."""
        if self.status == 200:
            return self.is_whole or any("error" in event for event in self.events)
        if self.status in (429, 503):
            return self.retry_after is not None
        return self.status >= 400 and "error" in self.json


async def send(port, method, path, body=None, headers=None, on_event=None, leave_after=None):
    """One request on a connection of its own. `on_event(answer)` returns True to go away in mid-stream;
    `leave_after` seconds it goes away in any case."""
    answer = Answer()
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError as problem:
        answer.problem, answer.end = repr(problem), time.perf_counter()
        return answer
    try:
        data = b"" if body is None else json.dumps(body).encode()
        lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", "Connection: close", f"Content-Length: {len(data)}"]
        if body is not None:
            lines.append("Content-Type: application/json")
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        answer.begun = time.perf_counter()
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + data)
        if leave_after is None:
            await read(reader, answer, on_event)
        else:
            try:
                await asyncio.wait_for(read(reader, answer, on_event), leave_after)
            except asyncio.TimeoutError:
                answer.problem = "left"
    except (OSError, asyncio.IncompleteReadError, ValueError) as problem:
        answer.problem = repr(problem)
    finally:
        answer.end = time.perf_counter()
        writer.close()
    return answer


async def read(reader, answer, on_event):
    line = await reader.readline()
    if not line:
        raise ConnectionResetError("closed before an answer")
    answer.status = int(line.split()[1])
    while (line := (await reader.readline()).strip()):
        name, value = line.decode().split(":", 1)
        answer.headers[name.lower()] = value.strip()
    is_stream = "event-stream" in answer.headers.get("content-type", "")
    is_chunked = answer.headers.get("transfer-encoding") == "chunked"
    rest = b""
    async for piece in pieces(reader, is_chunked, answer.headers.get("content-length")):
        if not is_stream:
            answer.body += piece
            continue
        rest += piece
        while b"\n\n" in rest:
            block, rest = rest.split(b"\n\n", 1)
            data = b"\n".join(line[5:].strip() for line in block.split(b"\n") if line.startswith(b"data:"))
            if data == b"[DONE]":
                answer.is_whole = True
                continue
            event = json.loads(data)
            answer.events.append(event)
            if answer.first is None and has_text(event):
                answer.first = time.perf_counter()
            if on_event and on_event(answer):
                answer.problem = "left"
                return
    if not is_stream:
        answer.is_whole = True


def has_text(event):
    return any(c.get("text") or (c.get("delta") or {}).get("content") or (c.get("logprobs") or {}).get("tokens") for c in event.get("choices", []))


async def pieces(reader, is_chunked, length):
    if not is_chunked:
        if length is not None and int(length) > 0:
            yield await reader.readexactly(int(length))
        return
    while True:
        size = int((await reader.readline()).strip() or b"0", 16)
        if size == 0:
            await reader.readline()
            return
        yield await reader.readexactly(size)
        await reader.readexactly(2)


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")
