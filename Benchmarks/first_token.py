"""Seconds from the start of `primer generate` to its first token on standard output, and its peak resident memory.

python first_token.py PRIMER MODEL THREADS
"""
import json
import os
import resource
import subprocess
import sys
import time

primer, model, threads = sys.argv[1:4]
prompt = "The capital of France"
begun = time.perf_counter()
process = subprocess.Popen([primer, "generate", "--model", model, "--prompt", prompt, "--max-tokens", "1", "--greedy", "--threads", threads, "--quiet"],
                           stdout=subprocess.PIPE)
seen = b""
while len(seen) <= len(prompt.encode()):
    piece = os.read(process.stdout.fileno(), 65536)
    if not piece:
        break
    seen += piece
seconds = time.perf_counter() - begun
process.wait()
memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
print(json.dumps(dict(seconds=seconds, peak_memory_bytes=memory, text=seen.decode(errors="replace"))))
