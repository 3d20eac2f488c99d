"""How `primer serve` behaves when too much is asked of it, when clients go away and when it is killed.

python serving.py --primer .build/release/primer [--model smollm2-135m-instruct] [--port 18150] [--minutes 3] [PART...]

Starts the service itself, on loopback. Parts: soak (with refusals, Retry-After and memory), fairness, cancellation, kill, drain, bytes, idle;
all of them where none is named. Prints one JSON object a row, and a table of all rows in Markdown at the end; ends with 1 where a promise
that has to be kept always (nothing lost, the same bytes, no message lost) was broken.
"""
import argparse
import asyncio
import itertools
import json
import os
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import time

from service_client import Answer, Service, TICKS, percentile, process_ticks, send

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--primer", required=True)
parser.add_argument("--model", default="smollm2-135m-instruct")
parser.add_argument("--port", type=int, default=18150)
parser.add_argument("--minutes", type=float, default=3)
parser.add_argument("--clients", type=int, default=200)
parser.add_argument("--rounds", type=int, default=8, help="of kill -9")
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("parts", nargs="*")
arguments = parser.parse_args()
rows, broken = [], []


def row(what, value, aim="", met=None, **more):
    """One figure; `met` is None where nothing is promised."""
    verdict = "" if met is None else ("met" if met else "MISSED")
    rows.append((what, value, aim, verdict))
    print(json.dumps(dict(what=what, value=value, aim=aim, verdict=verdict, **more)), flush=True)


def must(what, holds, value, aim, **more):
    row(what, value, aim, bool(holds), **more)
    if not holds:
        broken.append(what)


def tokens(random_, count):
    return [random_.randrange(100, 49000) for _ in range(count)]


def completion(service, prompt, most, **more):
    return dict(model=service.model, prompt=prompt, max_tokens=most, ignore_eos=True, stream=True,
                stream_options=dict(include_usage=True), **more)


async def complete(service, key, body, **more):
    return await send(service.port, "POST", "/v1/completions", body, {"Authorization": "Bearer " + key}, **more)


def serve(folder, *options, **more):
    return Service(arguments.primer, [arguments.model], pathlib.Path(folder) / "data", arguments.port, *options, **more)


# Soak: far more is asked for than can be done.

class Soak:
    """Clients that ask again at once, whatever they were told, but for some that do as Retry-After says."""

    def __init__(self, service, seconds):
        self.service, self.seconds = service, seconds
        self.answers, self.samples = [], []
        self.kept, self.late = [], []
        self.offered = 0
        self.end = 0
        self.predictions = []

    async def ask(self, client, random_, key, leaves):
        prompt, most = random_.randrange(50, 250), random_.randrange(100, 400)
        self.offered += prompt + most
        # One in ten is told each token, to count them.
        told = dict(logprobs=0) if client % 10 == 1 else {}
        body = completion(self.service, tokens(random_, prompt), most, temperature=random_.choice([0, 1]), seed=client, **told)
        leave = random_.uniform(0.1, 20) if leaves else None
        answer = await complete(self.service, key, body, leave_after=leave)
        answer.client, answer.most = client, most
        self.answers.append(answer)
        return answer, body

    async def impatient(self, client, key):
        random_ = random.Random(arguments.seed * 1000 + client)
        while time.perf_counter() < self.end:
            answer, _ = await self.ask(client, random_, key, leaves=client % 10 == 0)
            if answer.status == 429:
                await asyncio.sleep(random_.uniform(0.5, 2))

    async def obedient(self, client, key):
        """Comes back exactly when told, with the same request."""
        random_ = random.Random(arguments.seed * 1000 + client)
        while time.perf_counter() < self.end:
            answer, body = await self.ask(client, random_, key, leaves=False)
            if answer.status != 429:
                continue
            told = answer.retry_after
            if time.perf_counter() + told > self.end:
                return
            await asyncio.sleep(told - (time.perf_counter() - answer.end))
            again = await complete(self.service, key, body)
            again.client, again.most = client, body["max_tokens"]
            self.answers.append(again)
            self.kept.append(again.status == 200)
            if again.status == 200 and again.first:
                self.late.append(again.first - again.begun)

    async def watch(self):
        while time.perf_counter() < self.end:
            own, all_ = self.service.resident
            self.samples.append((time.perf_counter(), own, all_, self.service.descriptors))
            await asyncio.sleep(1)

    async def run(self):
        keys = [self.service.make_key(f"user{n}") for n in range(arguments.clients)]
        self.end = time.perf_counter() + self.seconds
        crowd = [(self.obedient if n % 8 == 7 else self.impatient)(n, keys[n]) for n in range(arguments.clients)]
        await asyncio.gather(self.watch(), *crowd)


PROBE = """
import http.client, json, sys, time
port, key, model, end = int(sys.argv[1]), sys.argv[2], sys.argv[3], time.time() + float(sys.argv[4])
body = json.dumps(dict(model=model, prompt=[1000] * 300, max_tokens=500, ignore_eos=True, stream=True))
connection = http.client.HTTPConnection("127.0.0.1", port)
while time.time() < end:
    begun = time.perf_counter()
    connection.request("POST", "/v1/completions", body, {"Authorization": "Bearer " + key, "Content-Type": "application/json"})
    response = connection.getresponse()
    if response.status == 429:
        response.read()
        print(time.perf_counter() - begun, response.headers["Retry-After"], flush=True)
    else:
        connection.close()
    time.sleep(0.05)
"""


def soak():
    """200 clients, ten times what can be done, and one more process that times its refusals."""
    with tempfile.TemporaryDirectory() as folder:
        service = serve(folder, "--memory", "4GB")
        seconds = arguments.minutes * 60
        before, quiet = service.metrics(), service.descriptors
        run = Soak(service, seconds)
        # Not nicer than the service: what is timed is its answer, not how long the crowd keeps the processor.
        probe = subprocess.Popen([sys.executable, "-c", PROBE, str(service.port), service.make_key("probe"), service.model, str(seconds)],
                                 stdout=subprocess.PIPE, text=True, preexec_fn=lambda: os.nice(-10) if os.geteuid() == 0 else None)
        begun = time.perf_counter()
        asyncio.run(run.run())
        spent = time.perf_counter() - begun
        refusals = [float(line.split()[0]) for line in probe.communicate()[0].splitlines()]
        wait_until_idle(service)
        after = service.metrics()
        judge_soak(run, before, after, spent)
        must("descriptors open before and after", service.descriptors <= quiet + 4, f"{quiet}, {service.descriptors}", "no growth")
        row("refusal, ms p50", round(percentile(refusals, .5) * 1e3, 2), refusals=len(refusals))
        row("refusal, ms p99", round(percentile(refusals, .99) * 1e3, 2), "10", percentile(refusals, .99) <= 0.01)
        must("ended by SIGTERM", service.stop() == 0, service.process.returncode, "0")


def judge_soak(run, before, after, spent):
    answers = run.answers
    whole = [a for a in answers if a.status == 200 and a.is_whole]
    refused = [a for a in answers if a.status == 429]
    left = [a for a in answers if a.problem == "left"]
    lost = [a for a in answers if a not in left and not a.explained]
    written = sum(a.usage()["completion_tokens"] for a in whole)
    read = sum(a.usage()["prompt_tokens"] for a in whole)
    row("soak: clients, seconds", f"{arguments.clients}, {spent:.0f}", answers=len(answers), whole=len(whole), refused=len(refused), left=len(left))
    row("soak: tokens asked for / tokens read and written", round(run.offered / max(1, read + written), 1), "10")
    row("soak: tokens/s written, read", f"{written / spent:.0f}, {read / spent:.0f}")
    must("soak: requests lost or unexplained", not lost, len(lost), "0", first=[(a.status, a.problem, a.body.decode()[:200]) for a in lost[:3]])
    short = [a for a in whole if a.usage()["completion_tokens"] != a.most]
    must("soak: texts of another length than asked for", not short, len(short), "0")
    told = [a for a in whole if a.client % 10 == 1]
    counted = sum(len((c.get("logprobs") or {}).get("tokens", [])) for a in told for e in a.events for c in e.get("choices", []))
    must("soak: tokens that came, and as told", counted == sum(a.usage()["completion_tokens"] for a in told),
         f"{counted}, {sum(a.usage()['completion_tokens'] for a in told)}", "equal")
    service_written = int(after["vllm:generation_tokens_total"] - before.get("vllm:generation_tokens_total", 0))
    must("soak: tokens written, as clients and service count them", service_written == written, f"{written}, {service_written}", "equal")
    third = len(run.samples) // 3
    # The cache is memory that is touched once and kept: the first third fills it.
    middle, last = (statistics.mean(s[1] for s in part) / 1e6 for part in (run.samples[third:-third], run.samples[-third:]))
    row("soak: own memory, MB, second and last third", f"{middle:.0f}, {last:.0f}", "flat", abs(last - middle) <= 0.05 * middle,
        every=[round(s[1] / 1e6) for s in run.samples[::10]])
    row("soak: descriptors, most", max(s[3] for s in run.samples))
    row("Retry-After kept", f"{sum(run.kept)} of {len(run.kept)}", "all", all(run.kept))
    waits = sorted(run.late)
    row("wait after coming back, s p10, p50, p90", ", ".join(f"{percentile(waits, share):.1f}" for share in (.1, .5, .9)),
        "60 ± 25 %", bool(waits) and all(45 <= percentile(waits, share) <= 75 for share in (.1, .9)))


def wait_until_idle(service, limit=120):
    end = time.time() + limit
    while time.time() < end:
        values = service.metrics()
        if values["vllm:num_requests_running"] + values["vllm:num_requests_waiting"] == 0:
            return
        time.sleep(0.1)
    raise SystemExit("the service does not become idle")


# Fairness.

def fairness():
    """One user's 50 requests at once, then another's single one."""
    with tempfile.TemporaryDirectory() as folder:
        service = serve(folder)
        random_ = random.Random(arguments.seed)
        many, one = service.make_key("many"), service.make_key("one")

        async def run():
            def body():
                return completion(service, tokens(random_, 128), 128, temperature=0)
            await complete(service, one, completion(service, tokens(random_, 16), 8))
            crowd = [asyncio.create_task(complete(service, many, body())) for _ in range(50)]
            await asyncio.sleep(1)
            single = await complete(service, one, body())
            return [await task for task in crowd], single

        crowd, single = asyncio.run(run())
        waits = [a.first - a.begun for a in crowd if a.first]
        alone = single.first - single.begun
        row("fairness: 50 of one user, s to first token p50, max", f"{percentile(waits, .5):.2f}, {max(waits):.2f}", answered=len(waits))
        row("fairness: the other's one, s to first token", round(alone, 2), "before most of the 50", alone < percentile(waits, .5))
        service.stop()


# Going away.

def cancellation():
    """Clients go away while their prompts are read, and while they are answered."""
    with tempfile.TemporaryDirectory() as folder:
        service = serve(folder)
        random_ = random.Random(arguments.seed)
        for when, prompt, leave in (("prefill", 7000, 1.0), ("writing", 64, 1.0)):
            passes, seconds = [], []
            for _ in range(5):
                asyncio.run(complete(service, service.key, completion(service, tokens(random_, prompt), 1000), leave_after=leave))
                gone, begun = service.metrics(), time.perf_counter()
                now = gone
                while now["vllm:num_requests_running"] or now["vllm:kv_cache_usage_perc"]:
                    now = service.metrics()
                    if time.perf_counter() - begun > 30:
                        break
                seconds.append(time.perf_counter() - begun)
                passes.append(int(now["primer:engine_passes_total"] - gone["primer:engine_passes_total"]))
            # The pass that runs, and the one that begins while the news is on its way.
            must(f"cancellation in {when}: passes until the pages are free", max(passes) <= 2, max(passes), "1, 2 when it comes between",
                 ms=[round(s * 1e3) for s in seconds], all=passes)
        service.stop()


# Being killed.

class Browser:
    """The page's side of the product."""

    def __init__(self, service):
        self.service = service
        self.cookie = self.csrf = ""

    async def sign_in(self):
        link = self.service.ready["link"].split(str(self.service.port), 1)[1]
        answer = await send(self.service.port, "GET", link)
        self.cookie = answer.headers["set-cookie"].split(";")[0]
        self.csrf = (await self.call("GET", "/api/me")).json["csrf"]
        return self

    async def call(self, method, path, body=None):
        return await send(self.service.port, method, path, body, {"Cookie": self.cookie, "X-CSRF-Token": self.csrf})


def kill():
    """kill -9 in the middle of conversations; then what was acknowledged is read back."""
    with tempfile.TemporaryDirectory() as folder:
        service = serve(folder)
        random_ = random.Random(arguments.seed)
        questions, finished, lost, wrong = {}, {}, [], []
        browsers = [asyncio.run(Browser(service).sign_in())]

        async def talk(number, browser):
            made = await browser.call("POST", "/api/conversations", dict(title=f"talk {number}", sampling=dict(maxTokens=40)))
            if made.status != 201:
                return
            conversation, parent = made.json["id"], None
            for turn in itertools.count():
                text = f"question {number}.{turn} {random_.random()}"
                asked = await browser.call("POST", f"/api/conversations/{conversation}/messages", dict(content=text, parent=parent))
                if asked.status not in (201, 429) or not asked.is_whole:
                    return
                questions[asked.json["question"]["id"]] = (conversation, text)
                if asked.status == 429:
                    return
                answer = asked.json["answers"][0]["id"]
                stream = await send(service.port, "GET", f"/api/streams/{answer}", None, {"Cookie": browser.cookie})
                if not stream.events or stream.events[-1]["state"] == "writing":
                    return
                finished[answer] = (conversation, "".join(event["text"] for event in stream.events))
                parent = answer

        async def round_():
            browser = browsers[-1]
            talks = [asyncio.create_task(talk(n, browser)) for n in range(8)]
            await asyncio.sleep(random_.uniform(0.3, 4))
            service.kill()
            await asyncio.gather(*talks)

        async def check():
            # The one who was signed in still is; each start's link is good for one more.
            browser = browsers[-1]
            browsers.append(await Browser(service).sign_in())
            stored = {}
            for conversation in {c for c, _ in [*questions.values(), *finished.values()]}:
                found = await browser.call("GET", f"/api/conversations/{conversation}")
                for message in found.json["messages"] if found.status == 200 else []:
                    stored[message["id"]] = message
            for id_, (_, text) in [*questions.items(), *finished.items()]:
                if id_ not in stored:
                    lost.append(id_)
                elif stored[id_]["content"] != text:
                    wrong.append((text, stored[id_]["content"]))
            return [m["state"] for m in stored.values()]

        for _ in range(arguments.rounds):
            asyncio.run(round_())
            service.start()
            states = asyncio.run(check())
        must("kill -9: acknowledged messages lost", not lost and questions, len(lost), "0", rounds=arguments.rounds,
             questions=len(questions), answers=len(finished))
        must("kill -9: messages that read otherwise", not wrong, len(wrong), "0", first=wrong[:2])
        must("kill -9: answers that nobody writes and say they are being written", "writing" not in states, states.count("writing"), "0")
        service.stop()


# Stopping.

def drain():
    """SIGTERM with streams under way."""
    with tempfile.TemporaryDirectory() as folder:
        service = serve(folder)
        random_ = random.Random(arguments.seed)

        async def run():
            running = [asyncio.create_task(complete(service, service.key, completion(service, tokens(random_, 64), 300))) for _ in range(8)]
            await asyncio.sleep(1.5)
            service.terminate()
            await asyncio.sleep(0.3)
            late = [await complete(service, service.key, completion(service, tokens(random_, 8), 8)) for _ in range(3)]
            return [await task for task in running], late

        running, late = asyncio.run(run())
        status = service.process.wait(timeout=60)
        whole = [a for a in running if a.is_whole and a.usage()["completion_tokens"] == 300]
        must("SIGTERM: running streams that finish", len(whole) == 8, f"{len(whole)} of 8", "all")
        must("SIGTERM: new requests", all(a.status == 503 and a.retry_after for a in late), [a.status for a in late], "503 with Retry-After")
        must("SIGTERM: exit status", status == 0, status, "0")


# The same bytes.

def requests_to_compare(service, random_):
    for number in range(12):
        body = completion(service, tokens(random_, random_.choice([1, 7, 40, 200, 600])), random_.choice([8, 33, 64]), logprobs=0)
        if number % 2:
            body |= dict(temperature=1.0, seed=number, top_p=random_.choice([1, 0.9]))
        else:
            body |= dict(temperature=0)
        yield body


def written(answer):
    """Every byte that a client sees of a text: its tokens, their log-probabilities, its end."""
    choices = [choice for event in answer.events for choice in event.get("choices", [])]
    parts = [(choice["logprobs"]["tokens"], choice["logprobs"]["token_logprobs"]) for choice in choices if choice.get("logprobs")]
    return json.dumps([sum((p[0] for p in parts), []), sum((p[1] for p in parts), []), answer.text(), [c.get("finish_reason") for c in choices][-1:]])


def bytes_():
    """The same requests alone and among 32 others, with a cold cache and a warm one, with each number of threads."""
    kinds = {}
    with tempfile.TemporaryDirectory() as folder:
        for threads in (2, 1):
            service = serve(f"{folder}/{threads}", threads=threads)

            async def alone():
                bodies = list(requests_to_compare(service, random.Random(arguments.seed)))
                return [written(await complete(service, service.key, body)) for body in bodies]

            async def crowded():
                bodies, random_ = list(requests_to_compare(service, random.Random(arguments.seed))), random.Random(2)
                keys = [service.make_key(f"crowd{n}") for n in range(4)]
                others = [asyncio.create_task(complete(service, keys[n % 4], completion(
                    service, tokens(random_, random_.randrange(1, 400)), random_.randrange(8, 80), temperature=1, seed=n))) for n in range(32)]
                random_.shuffle(order := list(range(len(bodies))))
                tasks = {}
                for index in order:
                    tasks[index] = asyncio.create_task(complete(service, service.key, bodies[index]))
                    await asyncio.sleep(random_.uniform(0, 0.3))
                await asyncio.gather(*others)
                return [written(await tasks[index]) for index in range(len(bodies))]

            kinds[threads, "alone, cold"] = asyncio.run(alone())
            kinds[threads, "alone, warm"] = asyncio.run(alone())
            kinds[threads, "among 32, warm"] = asyncio.run(crowded())
            service.stop()
            service.start()
            kinds[threads, "among 32, cold"] = asyncio.run(crowded())
            service.stop()
    first = kinds[2, "alone, cold"]
    different = [(kind, index) for kind, texts in kinds.items() for index, text in enumerate(texts) if text != first[index]]
    must("the same bytes: texts that differ", not different and all("null]" not in t for t in first), f"{len(different)} of {len(first) * len(kinds)}", "0",
         kinds=[f"{threads} threads, {kind}" for threads, kind in kinds], different=different[:5])


# Doing nothing.

def idle():
    """Ticks of the processor while nobody asks anything."""
    with tempfile.TemporaryDirectory() as folder:
        service = serve(folder)
        row("start to ready, s", round(service.start_seconds, 2), "1", service.start_seconds <= 1)
        asyncio.run(complete(service, service.key, completion(service, [100] * 50, 50)))
        time.sleep(2)
        spent = -service.ticks
        time.sleep(10)
        spent += service.ticks
        row("primer serve idle, ticks of 1/%d s in 10 s" % TICKS, spent, "0", spent == 0)
        service.stop()
        begun = time.perf_counter()
        service.start()
        answer = asyncio.run(complete(service, service.key, completion(service, [100] * 20, 2)))
        row("first token after the start, s", round(answer.first - begun, 2), "1", answer.first - begun <= 1)
        service.stop()
    chat = subprocess.Popen([arguments.primer, "chat", "--model", arguments.model, "--max-tokens", "20"], stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    chat.stdin.write(b"Hello\n")
    chat.stdin.flush()
    chat.stdout.read(1)
    time.sleep(4)
    spent = -process_ticks(chat.pid)
    time.sleep(10)
    spent += process_ticks(chat.pid)
    row("primer chat idle, ticks of 1/%d s in 10 s" % TICKS, spent, "0", spent == 0)
    chat.stdin.close()
    chat.wait(timeout=30)


PARTS = dict(soak=soak, fairness=fairness, cancellation=cancellation, kill=kill, drain=drain, bytes=bytes_, idle=idle)
for part in arguments.parts or PARTS:
    if part not in PARTS:
        sys.exit(f"no part is called {part}; there are {', '.join(PARTS)}")
    PARTS[part]()
print("\n| what | measured | aim | |\n| --- | --- | --- | --- |")
for cells in rows:
    print("| " + " | ".join(str(cell) for cell in cells) + " |")
sys.exit(1 if broken else 0)
