#!/usr/bin/env python3
"""Writes Sources/Tokenizers/UnicodeClassRuns.swift: which class of \\p{L}, \\p{M}, \\p{N}, \\p{P}, \\p{S}, \\s each code point belongs to.

Needs `pip install tiktoken`: its regular-expression engine (the Rust crate `regex`) is asked, because the scanners
must agree with it and with Hugging Face tokenizers, which has the same one. Run from the package's folder.
"""
import pathlib
import tiktoken

UPPER, LOWER, MARK, NUMBER, SPACE, NEWLINE, PUNCTUATION, SYMBOL = 1, 2, 4, 8, 16, 32, 64, 128
bytes_only = {bytes([i]): i for i in range(256)}
everything = "".join(chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000)


def members(pattern):
    """Code points that match: tiktoken drops what its pattern does not."""
    encoding = tiktoken.Encoding("x", pat_str=pattern, mergeable_ranks=bytes_only, special_tokens={})
    return {ord(c) for c in encoding.decode_bytes(encoding.encode_ordinary(everything)).decode()}


flags = [0] * 0x110000
for pattern, flag in (
    (r"[\p{Lu}\p{Lt}]", UPPER), (r"\p{Ll}", LOWER), (r"[\p{Lm}\p{Lo}]", UPPER | LOWER), (r"\p{M}", MARK),
    (r"\p{N}", NUMBER), (r"\s", SPACE), (r"[\r\n]", NEWLINE), (r"\p{P}", PUNCTUATION), (r"\p{S}", SYMBOL),
):
    for c in members(pattern):
        flags[c] |= flag

runs = [(c << 8) | flags[c] for c in range(0x110000) if c == 0 or flags[c] != flags[c - 1]]
lines = []
for run in runs:
    word = f"{run:#x}, "
    if not lines or len(lines[-1]) + len(word) > 99:
        lines.append("    ")
    lines[-1] += word
target = pathlib.Path("Sources/Tokenizers/UnicodeClassRuns.swift")
target.write_text(
    "// Written by scripts/generate-unicode-classes.py; do not edit.\n\n"
    "extension UnicodeClasses {\n"
    "  /// Code points of Unicode 16 in runs of equal class: the first one shifted left by 8, and the flags.\n"
    "  static let runs: [UInt32] = [\n" + "\n".join(line.rstrip() for line in lines) + "\n  ]\n}\n"
)
print(len(runs), "runs")
