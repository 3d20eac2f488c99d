"""Continues 20 prompts greedily in Primer and in llama.cpp, from the same F32 file, and compares the tokens one by one.

python scripts/greedy_agreement.py [--primer .build/release/primer] [--tokens 64] [--threads 1] [--folder DIR] [MODEL...]

A MODEL is a name of Primer's catalogue, a model's path, or stories260K (of the test data); `primer quantize --type f32` makes the
file. Both caches are f32. Where two texts part, each side's gap between the two tokens, in nats, says whether it was a tie: at most
twice the largest difference of ln p at places before counts as one. Exits with 1 where any other prompt parts. Needs llama-cpp-python,
numpy and gguf from PyPI; scripts/interop's environment has them.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

from llama_reference import HERE, LlamaCpp, stories260k

TEXT = HERE.parent / "Tests" / "Goldens" / "training" / "text.txt"
PROMPTS = [
    "Once upon a time", "The capital of France is", "Water boils when", "def fibonacci(n):\n    ", "1, 1, 2, 3, 5, 8,",
    "Dear Sir or Madam,\n\n", "Lily and Tom went to the park. They", "Die Hauptstadt von Deutschland ist", "To be, or not to be,",
    "Q: What is 12 times 12?\nA:", "The three laws of motion are", "{\"name\": \"Ada\", \"age\":", "In the year 1969, two astronauts",
    "東京は日本の", "Ingredients:\n- 2 eggs\n- 100 g flour\n", "A cat sat on the", "SELECT name FROM users WHERE", "La vie est",
    "🙂 I am so happy because",
]


def primer_json(primer, *arguments):
    done = subprocess.run([primer, *map(str, arguments), "--json"], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"primer {' '.join(map(str, arguments))}\n{done.stderr}")
    return json.loads(done.stdout)


def f32_file(primer, model, folder):
    """An F32 file of the model, and the context that the comparison gives it."""
    path = folder / f"{pathlib.Path(model).name}.f32.gguf"
    if model == "stories260K":
        source = stories260k(folder / "stories260K.gguf")
        if source is None:
            return None
    else:
        source = model if pathlib.Path(model).exists() else primer_json(primer, "pull", model, "--quiet")["path"]
    primer_json(primer, "quantize", "--model", source, "--type", "f32", "--output", path)
    return path, 512 if model == "stories260K" else 2048


def compare(reference, ids, ours, limit):
    """What both sides say of the tokens of `ours`: where they part, the largest difference of ln p before, and the gaps there."""
    theirs, rows = reference.greedy(ids, limit)
    tokens = ours["tokens"]
    parted = next((i for i, (a, b) in enumerate(zip(tokens, theirs)) if a != b), None)
    same = min(len(tokens), len(theirs)) if parted is None else parted
    noise = max((abs(x["logprob"] - rows[i][x["token"]]) for i, t in enumerate(ours["logprobs"][:same]) for x in t["top"]), default=0.0)
    if parted is None:
        return dict(same=same, noise=noise, agrees=len(tokens) == len(theirs), tie=False)
    top = {x["token"]: x["logprob"] for x in ours["logprobs"][parted]["top"]}
    mine, other = tokens[parted], theirs[parted]
    gaps = top[mine] - top.get(other, float("-inf")), rows[parted][other] - rows[parted][mine]
    return dict(same=same, noise=noise, agrees=False, tie=max(gaps) <= 2 * noise, gaps=gaps)


def model_agreement(a, model, folder):
    """Whether every prompt agrees or parts at a tie; prints a line a prompt."""
    made = f32_file(a.primer, model, folder)
    if made is None:
        print(f"{model}: absent (set PRIMER_TEST_DATA)", flush=True)
        return False
    path, context = made
    failures, agreed, largest = 0, 0, 0.0
    with LlamaCpp(path, context, a.threads) as reference:
        long = TEXT.read_text()[:4000]
        while len(reference.tokens(long)) > context - a.tokens:
            long = long[:len(long) // 2]
        for prompt in [*PROMPTS, long]:
            ids = reference.tokens(prompt)
            ours = primer_json(a.primer, "generate", "--model", path, "--prompt", prompt, "--greedy", "--max-tokens", a.tokens,
                               "--cache-type", "f32", "--logprobs", 5, "--threads", a.threads)
            title = f"{model}  {prompt[:32]!r} ({len(ids)} tokens)"
            if ours["prompt_tokens"] != len(ids):
                print(f"{title}: Primer reads {ours['prompt_tokens']} tokens: FAILED", flush=True)
                failures += 1
                continue
            result = compare(reference, ids, ours, a.tokens)
            largest = max(largest, result["noise"])
            verdict = f"{result['same']} tokens the same"
            if not result["agrees"]:
                if "gaps" in result:
                    verdict += ", then gaps of {:.2e} and {:.2e} nats".format(*result["gaps"])
                verdict += ": a tie" if result["tie"] else ": FAILED"
                failures += not result["tie"]
            agreed += result["agrees"]
            print(f"{title}: {verdict}; ln p differ by {result['noise']:.1e} at most", flush=True)
    print(f"{model}: {agreed} of {len(PROMPTS) + 1} prompts agree whole, {failures} fail; ln p differ by {largest:.1e} at most", flush=True)
    path.unlink()
    return failures == 0


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("models", nargs="*", default=["stories260K", "smollm2-135m-instruct", "gemma-3-270m"], metavar="MODEL")
    p.add_argument("--primer", default=".build/release/primer")
    p.add_argument("--tokens", type=int, default=64)
    p.add_argument("--threads", type=int, default=1, help="few, where the machine is busy: llama.cpp waits for its threads in loops")
    p.add_argument("--folder", type=pathlib.Path, help="where the files are made (default: a temporary folder)")
    a = p.parse_args()
    a.primer = str(pathlib.Path(a.primer).resolve())
    with tempfile.TemporaryDirectory() as folder:
        results = [model_agreement(a, model, a.folder or pathlib.Path(folder)) for model in a.models]
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
