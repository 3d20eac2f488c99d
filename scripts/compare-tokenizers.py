#!/usr/bin/env python3
"""Compares `primer tokenizer` with tiktoken, Hugging Face tokenizers and transformers, token by token.

    compare-tokenizers.py PRIMER TEXT [--ranks FOLDER] [--seed N]

Needs `pip install tokenizers transformers tiktoken`. Trains a vocabulary for every split pattern on TEXT and on
random Unicode, loads what was written with the others, and encodes and decodes both; with --ranks also encodes
with `r50k_base.tiktoken` and `cl100k_base.tiktoken` of that folder. Ends with 1 where anything differs.
"""
import argparse
import base64
import json
import pathlib
import random
import subprocess
import sys
import tempfile

import tiktoken
import tokenizers
import transformers
from tiktoken_ext import openai_public

arguments = argparse.ArgumentParser()
arguments.add_argument("primer")
arguments.add_argument("text", type=pathlib.Path)
arguments.add_argument("--ranks", type=pathlib.Path)
arguments.add_argument("--seed", type=int, default=1)
options = arguments.parse_args()
random.seed(options.seed)
differences = 0

pool = "'s 'S '\u017f 'll 'LL 'Ve 're A b Zz \u00c9 \u00e9 \u02b0 \u65e5 \u672c \uff41 1 \u00b2 \u0663 23 ! ? / // _ \u01c5 \U0001f600".split()
pool += [" ", "  ", "\n", "\r\n", "\t", "\u00a0", "\u3000", "\u0301", "\u2028", "\x85", "\x1c", "<|endoftext|>", "hello", " World"]
strange = ["".join(random.choice(pool) for _ in range(60)) for _ in range(400)]
for highest in (0x3000, 0x110000):
    for _ in range(100):
        codes = [random.randrange(highest) for _ in range(60)]
        strange.append("".join(chr(c) for c in codes if not 0xD800 <= c < 0xE000))
strange = "\n\x00\n".join(strange) + "\n \n  "
plain = options.text.read_text(encoding="utf-8")


def primer(*words, given=""):
    result = subprocess.run([options.primer, "tokenizer", *map(str, words)], input=given.encode(), capture_output=True)
    if result.returncode:
        sys.exit(result.stderr.decode())
    return result.stdout


def encode(model, text, *flags):
    return json.loads(primer("encode", "--whole", "--model", model, *flags, given=text))


def compare(what, ours, theirs):
    global differences
    if ours != theirs:
        differences += 1
        at = next((i for i, (a, b) in enumerate(zip(ours, theirs)) if a != b), min(len(ours), len(theirs)))
        print(f"{what}: differs at {at}: {ours[at:at + 5]} instead of {theirs[at:at + 5]}")
    else:
        print(f"{what}: {len(ours)} equal")


with tempfile.TemporaryDirectory() as folder:
    folder = pathlib.Path(folder)
    corpus = folder / "corpus.txt"
    corpus.write_bytes((strange + plain).encode())
    kinds = [("bpe", name) for name in "gpt2 gpt2Digits cl100k llama3 qwen2 qwen35 digitPairs o200k".split()]
    for algorithm, pattern in kinds + [("characters", None)]:
        output = folder / (pattern or algorithm)
        more = ["--vocabulary", 2000, "--pattern", pattern] if pattern else []
        primer("train", "--algorithm", algorithm, *more, "--output", output, corpus)
        fast = tokenizers.Tokenizer.from_file(str(output / "tokenizer.json"))
        whole = transformers.AutoTokenizer.from_pretrained(output)
        for kind, text in (("random Unicode", strange), ("text", plain)):
            ours = encode(output, text)
            what = f"{output.name}, {kind}"
            compare(f"{what}, tokenizers", ours, fast.encode(text, add_special_tokens=False).ids)
            compare(f"{what}, transformers", ours, whole(text, add_special_tokens=False).input_ids)
            compare(f"{what}, decoded by tokenizers", fast.decode(ours, skip_special_tokens=False), text)
            decoded = primer("decode", "--whole", "--model", output, given=json.dumps(ours)).decode()
            compare(f"{what}, decoded by primer", decoded, text)

if options.ranks:
    patterns = {"r50k_base": openai_public.r50k_pat_str, "cl100k_base":
                r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$"
                r"|\s*[\r\n]|\s+(?!\S)|\s"}
    for name, pattern in patterns.items():
        file = options.ranks / f"{name}.tiktoken"
        lines = (line.split() for line in file.read_text().splitlines() if line)
        ranks = {base64.b64decode(token): int(rank) for token, rank in lines}
        encoding = tiktoken.Encoding(name, pat_str=pattern, mergeable_ranks=ranks, special_tokens={})
        for kind, text in (("random Unicode", strange), ("text", plain)):
            compare(f"{name}, {kind}, tiktoken", encode(file, text, "--plain"), encoding.encode_ordinary(text))

sys.exit(1 if differences else 0)
