"""Rows of the table of figures that put the service under the load of many streams, beside llama-server: same file, same threads, in turn.

Imported by figures.py. Every request has a prompt of its own, of random tokens, and the first pass of each service meets a cold cache of
prompts; text that would end is written on from; the tokens that came are counted by what either side says of them.
"""
import asyncio
import os
import pathlib
import random
import statistics
import subprocess
import tempfile
import time

from generation import SMOLLM, model_files
from service_client import Service, percentile, send

STREAMS, REQUESTS, PROMPT, GENERATE, VOCABULARY = 16, 32, 128, 128, 49000


class RivalService:
    """llama-server with a slot a stream, started anew."""

    def __init__(self, t, path, port):
        self.port, self.model, self.key = port, "model", "none"
        folder = pathlib.Path(t.a.llama)
        self.process = subprocess.Popen(
            [folder / "llama-server", "-m", path, "-t", str(t.a.threads), "-tb", str(t.a.threads), "-np", str(STREAMS), "-c", "8192",
             "--host", "127.0.0.1", "--port", str(port), "--no-webui", "--log-disable"],
            env=dict(os.environ, LD_LIBRARY_PATH=str(folder)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while asyncio.run(send(port, "GET", "/health")).status != 200:
            if self.process.poll() is not None:
                raise SystemExit("llama-server did not start")
            time.sleep(0.1)

    def stop(self):
        self.process.terminate()
        self.process.wait()


async def one(service, prompts):
    """(tokens, seconds to the first event, whether all of it came) of one request."""
    body = dict(model=service.model, prompt=[prompts.randrange(100, VOCABULARY) for _ in range(PROMPT)], max_tokens=GENERATE, temperature=0,
                stream=True, stream_options=dict(include_usage=True), ignore_eos=True, cache_prompt=False)
    times = []

    def note(answer):
        if answer.events[-1].get("choices") and not times:
            times.append(time.perf_counter())

    answer = await send(service.port, "POST", "/v1/completions", body, {"Authorization": "Bearer " + service.key}, on_event=note)
    usage = answer.usage() or {}
    whole = answer.status == 200 and usage.get("completion_tokens") == GENERATE and usage.get("prompt_tokens") == PROMPT
    return usage.get("completion_tokens", 0), times[0] - answer.begun if times else float("inf"), whole


def load(service, seed):
    """(tokens a second of all streams, seconds to the first token of 95 of 100 requests)"""
    prompts, done = random.Random(seed), []

    async def client(count):
        for _ in range(count):
            done.append(await one(service, prompts))

    async def run():
        await one(service, random.Random(-1))
        begun = time.perf_counter()
        await asyncio.gather(*(client(REQUESTS // STREAMS) for _ in range(STREAMS)))
        return time.perf_counter() - begun

    seconds = asyncio.run(run())
    if not all(whole for _, _, whole in done):
        raise SystemExit(f"not every request on port {service.port} got its {GENERATE} tokens of {PROMPT}: {done}")
    return sum(tokens for tokens, _, _ in done) / seconds, percentile([first for _, first, _ in done], .95)


def streams_rows(t):
    for kind in ("Q4_1", "Q8_0"):
        path = model_files(t)[SMOLLM][kind]
        pairs = []
        for seed in range(t.a.pairs):
            with tempfile.TemporaryDirectory() as data:
                own = Service(t.a.primer, [path], data, 8138, threads=t.a.threads)
                ours = load(own, seed)
                own.stop()
            rival = RivalService(t, path, 8137)
            pairs.append((ours, load(rival, seed)))
            rival.stop()
        speed, first = ([[side[i] for side in pair] for pair in pairs] for i in (0, 1))
        for what, values, bar, better in (("tokens/s in all", speed, 4, 1), ("first token p95, s", first, 4, -1)):
            ratio = statistics.median((a / b) ** better for a, b in values)
            t.add(f"{SMOLLM} {kind}, service, {STREAMS} streams, {what}", *(statistics.median(v[i] for v in values) for i in (0, 1)), ratio,
                  f"{bar} x" if better > 0 else "a quarter", "met" if ratio >= bar else "MISSED")
