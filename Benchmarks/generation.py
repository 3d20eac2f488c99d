"""Rows of the table of figures that compare reading prompts and writing with llama.cpp: same file, same threads, in turn.

Imported by figures.py. The models are those of the catalogue, re-encoded by llama-quantize into the formats people use, and one of random
weights in a 7B layer's shapes, too large for any cache.
"""
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

SMOLLM, GEMMA = "smollm2-135m-instruct", "gemma-3-270m"
TYPES = {SMOLLM: ["Q4_0", "Q4_1", "Q8_0", "Q4_K_M", "Q5_K_M", "Q6_K", "F16"], GEMMA: ["Q4_0", "Q4_K_M", "Q8_0", "F16"]}
SHIPPED = {SMOLLM: "Q4_1", GEMMA: "Q4_K_M"}
PROMPT, GENERATE, SHARE, PERPLEXITY_BYTES = 512, 128, 0.8, 120_000
# More than Primer writes before it lays matrices out for that: the first round pays for it, not the measured one.
LARGE_GENERATE = 66


def tool(t, name, *arguments, both=False):
    """Standard output of one of llama.cpp's tools; `both`: what it says of its work too."""
    folder = pathlib.Path(t.a.llama)
    done = subprocess.run([folder / name, *map(str, arguments)], capture_output=True, text=True,
                          env=dict(os.environ, LD_LIBRARY_PATH=str(folder)))
    if done.returncode:
        sys.exit(f"{name} {' '.join(map(str, arguments))}\n{done.stderr[-2000:]}")
    return done.stdout + done.stderr if both else done.stdout


def from_disk(path):
    """Lets the system forget a file it has in memory: both sides then meet it as after a start of the machine, in the large pages of a first reading."""
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(descriptor)


def model_files(t):
    """{model: {type: path}}, made where missing."""
    folder = pathlib.Path(t.a.models)
    folder.mkdir(parents=True, exist_ok=True)
    files = {}
    for model, types in TYPES.items():
        source = pathlib.Path(t.primer("pull", model, "--quiet", threads=False)["path"])
        files[model] = {}
        for kind in types:
            path = source if kind == SHIPPED[model] else folder / f"{model}.{kind}.gguf"
            if not path.exists():
                tool(t, "llama-quantize", "--allow-requantize", source, path, kind, 2)
            from_disk(path)
            files[model][kind] = path
    return files


def large_files(t):
    folder = pathlib.Path(t.a.models)
    files = {}
    for kind in ("Q4_K", "Q8_0"):
        path = folder / f"random-7b-layers.{kind}.gguf"
        if not path.exists():
            subprocess.run([sys.executable, pathlib.Path(__file__).parent / "random_model.py", kind, path], check=True)
        from_disk(path)
        files[kind] = path
    return files


def rival_bench(t, path, threads):
    rates = {}
    for line in tool(t, "llama-bench", "-m", path, "-t", threads, "-p", PROMPT, "-n", GENERATE, "-r", 1, "-o", "jsonl").splitlines():
        if line.startswith("{"):
            row = json.loads(line)
            rates["prefill" if row["n_prompt"] else "decode"] = statistics.median(row["samples_ts"])
    return rates


def own_bench(t, path, threads, batch=1, prompt=PROMPT):
    row = t.primer("bench", "generate", "--model", path, "--prompt", prompt, "--generate", GENERATE, "--repetitions", 1, "--batch", batch,
                   threads=threads)
    return dict(prefill=row["prefill_tokens_per_second"], decode=row["decode_tokens_per_second"], bytes=row["bytes_per_token"])


def decode_bar(bar, ratio, ours, bandwidth, bytes_per_token):
    """The bar, or 80 % of the bandwidth where the bar would ask for more."""
    limit = SHARE * bandwidth / bytes_per_token
    return f"{bar} x, or {SHARE:.0%} of bandwidth = {limit:.0f}", "met" if ratio >= bar or ours >= limit else "MISSED"


def paired(t, path, threads):
    """Medians of both sides and of the ratios of pairs, and the read bandwidth of the same minutes."""
    pairs, bandwidths = [], []
    megabytes = max(1, os.path.getsize(path) // 1_000_000)
    for _ in range(t.a.pairs):
        pairs.append((own_bench(t, path, threads), rival_bench(t, path, threads)))
        bandwidths.append(t.primer("bench", "memory", "--megabytes", megabytes, threads=threads)["read_gigabytes_per_second"])
    result = {}
    for key in ("prefill", "decode"):
        result[key] = [statistics.median(x) for x in ([a[key] for a, _ in pairs], [b[key] for _, b in pairs], [a[key] / b[key] for a, b in pairs])]
    return result, statistics.median(bandwidths) * 1e9, pairs[0][0]["bytes"]


def generation_rows(t):
    for model, files in model_files(t).items():
        for threads in (t.a.threads, 1):
            found = {kind: paired(t, path, threads) for kind, path in files.items()}
            quantised = [rates["prefill"] for kind, (rates, _, _) in found.items() if kind != "F16"]
            fastest = max(theirs for _, theirs, _ in quantised)
            for kind, (rates, bandwidth, size) in found.items():
                ours, theirs, ratio = rates["decode"]
                bar = 1.5 if threads == 1 or model == GEMMA or kind == "F16" else 2
                text, verdict = decode_bar(bar, ratio, ours, bandwidth, size)
                t.add(f"{model} {kind}, decode, {threads}T, tokens/s", ours, theirs, ratio, text,
                      f"{verdict}; read bandwidth {bandwidth / 1e9:.1f} GB/s, weights read at {ours * size / 1e9:.1f}")
                ours, theirs, ratio = rates["prefill"]
                if kind != "F16":
                    theirs, ratio = fastest, ours / fastest
                text = "1.8 x its F16" if kind == "F16" else "2.5 x its fastest format"
                t.add(f"{model} {kind}, prefill {PROMPT}, {threads}T, tokens/s", ours, theirs, ratio, text if threads > 1 else "",
                      ("met" if ratio >= (1.8 if kind == "F16" else 2.5) else "MISSED") if threads > 1 else "")
            slowest, best = min(ours for ours, _, _ in quantised), max(ours for ours, _, _ in quantised)
            if threads > 1:
                t.add(f"{model}, prefill {PROMPT}, {threads}T, slowest and fastest quantised format, tokens/s", slowest, best, slowest / best,
                      "within 20 %", "met" if slowest >= 0.8 * best else "MISSED")


def perplexity_rows(t):
    """llama-perplexity's own protocol over the first PERPLEXITY_BYTES of wikitext2's validation text; the same figures on every machine of a kind."""
    with tempfile.TemporaryDirectory() as folder:
        text = pathlib.Path(folder) / "valid.txt"
        text.write_bytes((pathlib.Path(t.a.texts) / "wikitext2" / "valid.txt").read_bytes()[:PERPLEXITY_BYTES])
        for model, files in model_files(t).items():
            for kind, path in files.items():
                ours = t.primer("evaluate", "perplexity", "--model", path, "--data", text, "--protocol", "llama.cpp", "--context", PROMPT,
                                threads=t.a.threads)["metrics"]["perplexity"]
                said = tool(t, "llama-perplexity", "-m", path, "-f", text, "-c", PROMPT, "-t", t.a.threads, both=True)
                theirs = float(re.search(r"Final estimate: PPL = ([0-9.]+)", said)[1])
                t.add(f"{model} {kind}, perplexity of {PERPLEXITY_BYTES // 1000} kB", ours, theirs, ours / theirs, "within 0.5 %",
                      "met" if abs(ours / theirs - 1) <= 0.005 else "MISSED")


def large_rows(t):
    for kind, path in large_files(t).items():
        for threads in (t.a.threads, 1):
            pairs, bandwidths = [], []
            for _ in range(t.a.pairs):
                row = t.primer("bench", "generate", "--model", path, "--prompt", 0, "--generate", LARGE_GENERATE, "--repetitions", 1, threads=threads)
                lines = tool(t, "llama-bench", "-m", path, "-t", threads, "-p", 0, "-n", 16, "-r", 1, "-o", "jsonl").splitlines()
                theirs = next(statistics.median(json.loads(x)["samples_ts"]) for x in lines if x.startswith("{"))
                pairs.append((row["decode_tokens_per_second"], theirs, row["bytes_per_token"]))
                bandwidths.append(t.primer("bench", "memory", "--megabytes", 2000, threads=threads)["read_gigabytes_per_second"])
            ours, theirs = (statistics.median(p[i] for p in pairs) for i in (0, 1))
            ratio, bandwidth = statistics.median(p[0] / p[1] for p in pairs), statistics.median(bandwidths)
            share = ours * pairs[0][2] / 1e9 / bandwidth
            met = (share >= SHARE and ratio >= 1) if threads > 1 else (ratio >= 1.5 or share >= SHARE)
            t.add(f"7B layers, random weights, {kind}, decode, {threads}T, tokens/s", ours, theirs, ratio,
                  "80 % of bandwidth, never slower" if threads > 1 else "1.5 x, or 80 % of bandwidth",
                  f"{'met' if met else 'MISSED'}; {100 * share:.0f} % of {bandwidth:.1f} GB/s")


def batched_rows(t):
    path = model_files(t)[SMOLLM]["Q4_0"]
    for sequences in (4, 16, 32):
        pairs = []
        for _ in range(t.a.pairs):
            ours = own_bench(t, path, t.a.threads, batch=sequences, prompt=128)["decode"]
            lines = tool(t, "llama-batched-bench", "-m", path, "-t", t.a.threads, "-c", 16384, "-npp", 128, "-ntg", GENERATE, "-npl", sequences,
                         "--output-format", "jsonl").splitlines()
            pairs.append((ours, next(json.loads(x)["speed_tg"] for x in lines if x.startswith("{"))))
        ratio = statistics.median(a / b for a, b in pairs)
        t.add(f"{SMOLLM} Q4_0, {sequences} sequences, decode in all, tokens/s", *(statistics.median(p[i] for p in pairs) for i in (0, 1)), ratio,
              "4 x", "met" if ratio >= 4 else "MISSED")


def start_rows(t):
    """First token after the start of the process, warm file cache, and resident memory against file + cache."""
    path = model_files(t)[GEMMA]["Q4_K_M"]
    rows = []
    for _ in range(t.a.pairs + 1):
        done = subprocess.run([sys.executable, pathlib.Path(__file__).parent / "first_token.py", t.a.primer, path, str(t.a.threads)],
                              capture_output=True, text=True, check=True)
        rows.append(json.loads(done.stdout))
    seconds, memory = (statistics.median(r[key] for r in rows[1:]) for key in ("seconds", "peak_memory_bytes"))
    cache = 18 * 2 * 256 * 2 * 32  # layers, keys and values, head width, f16, a page of tokens
    limit = 1.1 * (os.path.getsize(path) + cache)
    t.add(f"{GEMMA} Q4_K_M, first token after process start, ms", 1000 * seconds, 150, 150 / (1000 * seconds), "at most 150 ms",
          f"{'met' if seconds <= 0.15 else 'MISSED'}; resident {memory / 1e6:.0f} MB, "
          f"{'within' if memory <= limit else 'OVER'} 1.1 x (file + cache) = {limit / 1e6:.0f} MB")
