#!/usr/bin/env python3
"""Writes Tests/Goldens/tokenizers: where Hugging Face's regular expressions cut random Unicode.

Needs `pip install tokenizers`. Run from the package's folder. A line holds a text and, for each pattern, the
lengths of its pieces in code points.
"""
import json
import pathlib
import random
import re

from tokenizers import Regex, pre_tokenizers

gpt2 = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"


def words(digits, letters=r"\p{L}", marks=""):
    return (
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?" + letters + r"+|" + digits + r"| ?[^\s\p{L}" + marks
        + r"\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    )


patterns = {
    "gpt2": gpt2,
    "cl100k": r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s++$"
    r"|\s*[\r\n]|\s+(?!\S)|\s",
    "llama3": words(r"\p{N}{1,3}"),
    "digitPairs": words(r"\p{N}{1,2}"),
    "qwen2": words(r"\p{N}"),
    "qwen35": words(r"\p{N}", r"[\p{L}\p{M}]", r"\p{M}"),
    "o200k": r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    "tekken": r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
    r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
}
splitters = {name: pre_tokenizers.Split(Regex(p), behavior="isolated") for name, p in patterns.items()}
# Patterns of several steps, as llama.cpp writes them (llama-vocab.cpp); each cuts what the one before left.
cased = "".join(re.search(r"cased: \[ClosedRange<UInt32>\] = \[(.*?)\]", pathlib.Path("Sources/Tokenizers/SplitSteps.swift").read_text(), re.S)[1].split())
cased = "".join(chr(int(low, 16)) + "-" + chr(int(high, 16)) for low, high in (each.split("...") for each in cased.strip(",").split(",")))
eastern = "[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+"
steps = {
    "falcon": [r"[\p{P}\$\+<=>\^~\|`]+", gpt2, "[0-9][0-9][0-9]"],
    "unnamed": [r"[\p{P}\$\+<=>\^~\|]+", gpt2, r"\p{N}+", "[0-9][0-9][0-9]"],
    "deepSeekCoder": ["[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", eastern, r"\p{N}"],
    "deepSeekLLM": ["[\r\n]", r"\s?[" + cased + "]+", "\\s?[!-/:-~\uff01-\uff0f\uff1a-\uff5e\u2018-\u201f\u3000-\u3002]+", r"\s+$", eastern, r"\p{N}+"],
    "deepSeek3": [r"\p{N}{1,3}", "[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+",
                  r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*"""
                  r"|\s*[\r\n]+|\s+(?!\S)|\s+"],
}
for name, expressions in steps.items():
    splitters[name] = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(each), behavior="isolated") for each in expressions])
splitters["gpt2Digits"] = pre_tokenizers.Sequence(
    [pre_tokenizers.Digits(individual_digits=True), splitters["gpt2"]])

pool = [
    "'s", "'S", "'\u017f", "'ll", "'LL", "'Ve", "'re", "'d", " ", "  ", "\n", "\r\n", "\t", "\u00a0", "\u3000", "\u0301", "A",
    "b", "Zz", "\u00c9", "\u00e9", "\u02b0", "\u65e5", "\u672c", "1", "\u00b2", "\u0663", "234", "!", "?", "/", "//\n", "_",
    "\u01c5", "\U0001f600", "\u200d", "\U0001d400", "\u017f", "hello", " World", "\u2028", "\x85", "\x1c", "\u180e",
    "\u3042", "\uff01", "\ub098", "$", "+a", "`", "\u20ac", "\u2018x", "1234567", "\u0436", "\u0905\u093e", "\u3001 ", "\u0e19\u0e34", "\u0345", "\u212a", "\u2177", "\U00010428", "\u0600",
]
random.seed(1)
texts = ["", " ", "\n", "  \n  ", "a", "'", "''s", "I'll've  \n\n x", "\u0301 A", "\u0301A b", "\u02b0AA x", " \u0301!\r\n/"]
texts += ["".join(random.choice(pool) for _ in range(24)) for _ in range(90)]
for _ in range(40):
    codes = [random.choice((random.randrange(0x3000), random.randrange(0x20000))) for _ in range(24)]
    texts.append("".join(chr(c) for c in codes if not 0xD800 <= c < 0xE000))

folder = pathlib.Path("Tests/Goldens/tokenizers")
folder.mkdir(parents=True, exist_ok=True)
with open(folder / "pieces.jsonl", "w", encoding="utf-8") as out:
    for text in texts:
        line = {"text": text}
        for name, splitter in sorted(splitters.items()):
            lengths = [len(piece) for piece, _ in splitter.pre_tokenize_str(text)]
            assert sum(lengths) == len(text), (name, text)
            line[name] = lengths
        out.write(json.dumps(line, separators=(",", ":")) + "\n")
