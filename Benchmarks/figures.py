"""Measures the table of figures: Primer's own commands and its rivals in turn (A B A B ...), medians of the ratios pair by pair.

python figures.py --primer .build/release/primer --text shakespeare.txt [--only train,matmul] [--pairs 5] [--threads 2]
    [--texts FOLDER] [--ranks FOLDER] [--llama FOLDER --models FOLDER]

Writes a Markdown table to standard output and progress to standard error. Nothing else may run meanwhile. `--texts` is a folder of English
texts for the tokenizer rows, `--ranks` one with r50k_base.tiktoken and cl100k_base.tiktoken; without them those rows are left out. `--llama` is the folder of llama.cpp's tools, `--models`
one to keep re-encoded models in, for the rows of generation.py.
"""
import argparse
import json
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

from generation import batched_rows, generation_rows, large_rows, perplexity_rows, start_rows
from streams import streams_rows

HERE = pathlib.Path(__file__).resolve().parent
SHAPES = {
    "shakespeare-char step (12 x 64)": ("shakespeare-char", dict(layers=4, heads=4, width=128, context=64, batch=12, vocabulary=65), 200),
    "shakespeare-baby step (16 x 256)": ("shakespeare-baby", dict(layers=6, heads=6, width=384, context=256, batch=16, vocabulary=65), 6),
    "GPT-2 124M step (2 x 512)": ("gpt2-124m", dict(layers=12, heads=12, width=768, context=512, batch=2, vocabulary=50304), 3),
}
# Products of those models, [m, n, k] and layout: forward nt, gradient of the input nn, of the weight tn.
PRODUCTS = [
    (12, 128, 128, "nt"),
    (768, 384, 128, "nt"), (768, 128, 384, "nn"), (384, 128, 768, "tn"), (768, 512, 128, "nt"), (768, 128, 512, "nt"), (512, 128, 768, "tn"),
    (4096, 1152, 384, "nt"), (4096, 384, 1152, "nn"), (1152, 384, 4096, "tn"), (4096, 1536, 384, "nt"), (384, 1536, 4096, "tn"),
    (1024, 2304, 768, "nt"), (1024, 768, 2304, "nn"), (2304, 768, 1024, "tn"), (1024, 3072, 768, "nt"), (1024, 768, 3072, "nt"),
    (3072, 768, 1024, "tn"), (768, 768, 768, "nn"), (512, 50304, 768, "nt"), (50304, 768, 512, "tn"), (512, 768, 50304, "nn"),
]


def call(command):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stderr}")
    return json.loads(done.stdout.strip().splitlines()[-1])


class Table:
    def __init__(self, a):
        self.a, self.rows = a, []

    def rival(self, what, **options):
        command = [sys.executable, HERE / "rivals.py", what]
        for key, value in options.items():
            command += [f"--{key}"] + ([] if value is True else list(value) if isinstance(value, tuple) else [value])
        return call(command)

    def primer(self, *arguments, threads=None):
        """`threads`: how many, None for as many as the table, False to say nothing of them."""
        chosen = [] if threads is False else ["--threads", threads or self.a.threads]
        return call([self.a.primer, *arguments, "--json", *chosen])

    def add(self, name, ours, theirs, ratio, bar, note=""):
        row = dict(name=name, ours=ours, theirs=theirs, ratio=ratio, bar=bar, note=note, memory=None, rival_memory=None)
        self.rows.append(row)
        print(json.dumps(row), file=sys.stderr, flush=True)

    def pairs(self, name, ours, theirs, key, bar, higher_is_better=True, pairs=None):
        """Runs both in turn and keeps the figure `key` of each."""
        left, right, kept = [], [], []
        for _ in range(pairs or self.a.pairs):
            mine, other = ours(), theirs()
            kept.append((mine, other))
            left.append(mine[key])
            right.append(other[key])
        ratios = [x / y if higher_is_better else y / x for x, y in zip(left, right)]
        row = dict(name=name, ours=statistics.median(left), theirs=statistics.median(right), ratio=statistics.median(ratios), bar=bar)
        for side, number in (("memory", 0), ("rival_memory", 1)):
            values = [pair[number].get("peak_memory_bytes") for pair in kept]
            row[side] = statistics.median(values) / 1e6 if all(values) else None
        row["note"] = "; ".join(f"{k} {kept[-1][0][k]:.3f} / {kept[-1][1].get(k, float('nan')):.3f}" for k in ("validation_loss", "seconds") if k in kept[-1][0] and k != key)
        if "flops_utilisation" in kept[-1][0]:
            row["note"] += f" {100 * statistics.median(p[0]['flops_utilisation'] for p in kept):.0f} % of the f32 peak"
        self.rows.append(row)
        print(json.dumps(row), file=sys.stderr, flush=True)

    def print(self):
        print("| what | Primer | rival | ratio | bar | memory, MB: Primer / rival | note |\n| --- | --- | --- | --- | --- | --- | --- |")
        for r in self.rows:
            memory = f"{r['memory']:.0f} / {r['rival_memory']:.0f}" if r["memory"] and r["rival_memory"] else ""
            ours, theirs = (f"{x:,.0f}" if x >= 1000 else f"{x:.4g}" for x in (r["ours"], r["theirs"]))
            print(f"| {r['name']} | {ours} | {theirs} | {r['ratio']:.2f} | {r['bar']} | {memory} | {r['note']} |")


def train_rows(t):
    for name, (recipe, shape, steps) in SHAPES.items():
        settings = [x for k, v in shape.items() for x in ("--set", f"{k}={v}")] + ["--set", "dropout=0", "--set", "accumulate=1"]
        t.pairs(name + ", tokens/s", lambda: t.primer("bench", "train", "--recipe", recipe, "--steps", steps, *settings),
                lambda: t.rival("train", **shape, steps=steps, threads=t.a.threads), "tokens_per_second", 1.5 if "char" in name else 1.4)


def compiled_rows(t):
    name = "shakespeare-baby step (16 x 256)"
    recipe, shape, steps = SHAPES[name]
    settings = [x for k, v in shape.items() for x in ("--set", f"{k}={v}")] + ["--set", "dropout=0"]
    t.pairs(name + " against torch.compile, tokens/s", lambda: t.primer("bench", "train", "--recipe", recipe, "--steps", steps, *settings),
            lambda: t.rival("train", **shape, steps=steps, threads=t.a.threads, compile=True), "tokens_per_second", 1.4)


def pretrain(t, recipe):
    with tempfile.TemporaryDirectory() as work:
        return t.primer("pretrain", "--recipe", recipe, "--data", t.a.text, "--output", pathlib.Path(work) / "run", "--quiet")


def recipe_rows(t):
    pairs = max(1, t.a.pairs // 2)
    rival = lambda: t.rival("recipe", text=t.a.text, threads=t.a.threads)
    t.pairs("shakespeare-char, 2,000 steps, tokens/s", lambda: pretrain(t, "shakespeare-char"), rival, "tokens_per_second", 1.5, pairs=pairs)
    t.pairs("shakespeare-fast against that recipe, seconds", lambda: pretrain(t, "shakespeare-fast"), rival, "seconds", "20 s",
            higher_is_better=False, pairs=pairs)


def matmul_rows(t):
    for m, n, k, layout in PRODUCTS:
        for threads in (1, t.a.threads):
            work = m * n * k
            ours = lambda: call([t.a.primer, "bench", "matmul", "--size", f"{m},{n},{k}", "--layout", layout, "--threads", threads, "--json"])
            t.pairs(f"f32 product {m} x {n} x {k} {layout}, {threads} thread{'s' * (threads > 1)}, GFLOP/s", ours,
                    lambda: t.rival("matmul", size=(m, n, k), layout=layout, threads=threads), "gigaflops", 0.95 if work >= 1e7 else 1.5)


def tokenizer_rows(t):
    with tempfile.TemporaryDirectory() as work:
        corpus = pathlib.Path(work) / "corpus.txt"
        with open(corpus, "w", encoding="utf-8") as out:
            for path in sorted(pathlib.Path(t.a.texts).rglob("*.txt")):
                text = path.read_text(encoding="utf-8", errors="ignore")
                if sum(c.isascii() for c in text[:10_000]) > 0.95 * len(text[:10_000]):
                    out.write(text + "\n")
        print(f"tokenizer corpus: {corpus.stat().st_size / 1e6:.1f} MB", file=sys.stderr)
        t.pairs("BPE training, 32,000, seconds",
                lambda: t.primer("tokenizer", "train", "--algorithm", "bpe", "--vocabulary", 32000, "--output", f"{work}/tokenizer.json", corpus),
                lambda: t.rival("bpe", text=corpus, vocabulary=32000, threads=t.a.threads), "seconds", 1.5, higher_is_better=False)
        part = pathlib.Path(work) / "part.txt"
        part.write_text(corpus.read_text(encoding="utf-8")[:4_000_000], encoding="utf-8")
        for name, pattern in (("r50k_base", "gpt2"), ("cl100k_base", "cl100k")):
            ranks = next(pathlib.Path(t.a.ranks).rglob(name + ".tiktoken"))
            t.pairs(f"encoding, {pattern}, one thread, MB/s", lambda: call([t.a.primer, "bench", "tokenizer", "--model", ranks, part, "--json"]),
                    lambda: t.rival("encode", text=part, ranks=ranks, pattern=pattern), "encode_megabytes_per_second", 4)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--primer", required=True)
    p.add_argument("--text", required=True)
    p.add_argument("--texts")
    p.add_argument("--ranks")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--pairs", type=int, default=5)
    p.add_argument("--llama")
    p.add_argument("--models")
    p.add_argument("--only", default="generation,large,batched,start,streams,perplexity,train,recipe,matmul,tokenizer,compiled")
    a = p.parse_args()
    t = Table(a)
    for part in a.only.split(","):
        if part == "tokenizer" and not (a.texts and a.ranks):
            print("tokenizer rows need --texts and --ranks", file=sys.stderr)
            continue
        if part == "perplexity" and not a.texts:
            print("perplexity rows need --texts", file=sys.stderr)
            continue
        if part in ("generation", "large", "batched", "start", "streams", "perplexity") and not (a.llama and a.models):
            print(f"{part} rows need --llama and --models", file=sys.stderr)
            continue
        globals()[part + "_rows"](t)
    t.print()


if __name__ == "__main__":
    main()
