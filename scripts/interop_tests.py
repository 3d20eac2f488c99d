"""Proves that Primer, transformers, tokenizers and llama.cpp read each other's files and compute the same from them. Run by
scripts/interop.

Both families that train, both directions: losses equal within 1e-5, 64 greedily chosen tokens equal; both tokenizers encode alike; training
follows PyTorch's losses within 1e-4. GGUF files of every type and family in llama.cpp, and folders of every family in transformers:
interop_gguf.py. Prints a line a test; exits with 1 where one fails.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import traceback
import warnings

import torch
import torch.nn.functional as F
import transformers
from tokenizers import Tokenizer

import interop_gguf
import parity

HERE = pathlib.Path(__file__).resolve().parent
TEXT = HERE.parent / "Tests" / "Goldens" / "training" / "text.txt"
CONTEXT = 128
FAMILIES = {
    # Tokenizers differ too, so that each kind is used by each side.
    "gpt2": ["layers=2", "heads=4", "width=64", "tokenizer=characters"],
    "llama": ["layers=2", "heads=4", "key_value_heads=2", "width=64", "activation=silu", "tie_embeddings=false", "tokenizer=bpe",
              "bpe_vocabulary=400"],
}


class Primer:
    def __init__(self, path, work):
        self.path, self.work = path, work
        self.environment = dict(os.environ, PRIMER_CACHE=str(work / "cache"))

    def __call__(self, *arguments):
        command = [str(self.path), *map(str, arguments)]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stderr}"
        return done.stdout

    def pretrained(self, family):
        """The run folder of a short run; trained once."""
        run = self.work / f"run-{family}"
        if not run.exists():
            changes = [f"family={family}", f"context={CONTEXT}", "steps=60", "warmup=5", "evaluate_every=0", "checkpoint_every=0",
                       "sample_tokens=0", *FAMILIES[family]]
            self("pretrain", "--recipe", "shakespeare-char", "--data", TEXT, "--output", run, "--quiet", "--json",
                 *[word for change in changes for word in ("--set", change)])
        return run

    def loss(self, model):
        return json.loads(self("evaluate", "perplexity", "--model", model, "--data", TEXT, "--json"))["metrics"]["loss"]

    def continued(self, model, prompt, tokens):
        return json.loads(self("generate", "--model", model, "--prompt", prompt, "--greedy", "--max-tokens", tokens, "--json"))["tokens"]

    def encoded(self, model, file):
        return json.loads(self("tokenizer", "encode", "--model", model, "--whole", file))


def loss_of(model, ids):
    """Mean loss of ids[1:] in windows of the context without overlap, as `primer evaluate perplexity` takes it."""
    total = 0.0
    with torch.no_grad():
        for start in range(0, len(ids) - 1, CONTEXT):
            end = min(start + CONTEXT, len(ids) - 1)
            logits = model(torch.tensor([ids[start:end]])).logits[0].double()
            total += F.cross_entropy(logits, torch.tensor(ids[start + 1:end + 1]), reduction="sum").item()
    return total / (len(ids) - 1)


def greedy(model, ids, tokens):
    """What follows, up to the end of text if the model says what that is."""
    ids, written = list(ids), []
    with torch.no_grad():
        while len(written) < tokens and (not written or written[-1] != model.config.eos_token_id):
            written.append(model(torch.tensor([ids + written])).logits[0, -1].argmax().item())
    return written


def same_behaviour(primer, folder, model, tokenizer):
    """Primer on `folder` and transformers' `model` agree on the text's loss and on what follows a prompt."""
    ids = tokenizer.encode(TEXT.read_text(), add_special_tokens=False).ids
    ours, theirs = primer.loss(folder), loss_of(model, ids)
    assert abs(ours - theirs) < 1e-5, f"loss {ours}, transformers says {theirs}"
    prompt = "First "
    expected = greedy(model, tokenizer.encode(prompt, add_special_tokens=False).ids, 64)
    assert primer.continued(folder, prompt, 64) == expected, "the greedy continuation differs"


def test_transformers_loads_what_primer_trained(primer, family):
    run = primer.pretrained(family)
    model, report = transformers.AutoModelForCausalLM.from_pretrained(run, dtype=torch.float32, output_loading_info=True)
    for problem in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        assert not report[problem], f"{problem}: {report[problem]}"
    same_behaviour(primer, run, model.eval(), Tokenizer.from_file(str(run / "tokenizer.json")))


def test_primer_loads_what_transformers_saved(primer, family):
    run = primer.pretrained(family)
    tokenizer = Tokenizer.from_file(str(run / "tokenizer.json"))
    size = tokenizer.get_vocab_size()
    torch.manual_seed(7)
    if family == "gpt2":
        model = transformers.GPT2LMHeadModel(transformers.GPT2Config(
            vocab_size=size, n_positions=CONTEXT, n_embd=48, n_layer=2, n_head=3, initializer_range=0.2, bos_token_id=0, eos_token_id=0))
    else:
        model = transformers.LlamaForCausalLM(transformers.LlamaConfig(
            vocab_size=size, max_position_embeddings=CONTEXT, hidden_size=48, intermediate_size=80, num_hidden_layers=2,
            num_attention_heads=6, num_key_value_heads=2, initializer_range=0.2))
    for name, most in (("whole", "5GB"), ("sharded", "60KB")):
        folder = primer.work / f"saved-{family}-{name}"
        model.eval().save_pretrained(folder, max_shard_size=most)
        assert (name == "sharded") == (folder / "model.safetensors.index.json").exists()
        tokenizer.save(str(folder / "tokenizer.json"))
        same_behaviour(primer, folder, model, tokenizer)


def test_tokenizers_encodes_as_primer_does(primer, family):
    run = primer.pretrained(family)
    texts = [TEXT.read_text()]
    if family == "llama":  # any text is bytes to it
        texts += ["Hello, world! It's 12345 o'clock.\n\n\tTabs,  spaces   and\r\nlines…", "naïve Ωmega 日本語 🙂👩‍👩‍👧 \u00a0\u2003x", ""]
    for tokenizer in (Tokenizer.from_file(str(run / "tokenizer.json")),
                      transformers.AutoTokenizer.from_pretrained(run)._tokenizer):
        for text in texts:
            file = primer.work / "text.txt"
            file.write_bytes(text.encode())
            expected = tokenizer.encode(text, add_special_tokens=False).ids
            assert primer.encoded(run, file) == expected, f"{text[:40]!r} is encoded otherwise"
            assert tokenizer.decode(expected) == text, f"{text[:40]!r} is decoded otherwise"


def test_training_follows_pytorch(primer, family):
    shape = parity.SHAPES[family] | dict(layers=2, width=64, hidden_width=96)
    tokens, alphabet = parity.characters(TEXT.read_text())
    starts = parity.window_starts(int(0.9 * len(tokens)), shape["context"], 12, 100, 1)
    model = parity.build(family, len(alphabet), shape, 1)
    folder = primer.work / f"initial-{family}"
    model.save(folder)
    ours = parity.primer_losses(primer.path, folder, TEXT, starts, parity.settings_of(family, shape, 100))
    theirs = parity.train(model, tokens, starts, shape["context"], 100)
    worst = max(abs(x - y) for x, y in zip(ours, theirs, strict=True))
    assert worst < 1e-4, f"a step's loss differs by {worst}"


def all_tests(primer):
    for name, test in [(n, t) for n, t in globals().items() if n.startswith("test_")]:
        for family in FAMILIES:
            yield f"{name[5:].replace('_', ' ')}: {family}", lambda: test(primer, family)
    yield from interop_gguf.tests(primer)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--primer", default=".build/release/primer")
    p.add_argument("--only", default="", metavar="TEXT", help="run the tests whose titles hold this")
    a = p.parse_args()
    warnings.filterwarnings("ignore")
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    torch.set_num_threads(1)
    failures = 0
    with tempfile.TemporaryDirectory() as work:
        primer = Primer(pathlib.Path(a.primer).resolve(), pathlib.Path(work))
        for title, test in all_tests(primer):
            if a.only not in title:
                continue
            try:
                seen = test()
                print("passed", title + (f": {seen}" if seen else ""), flush=True)
            except Exception:
                failures += 1
                print("FAILED", title, flush=True)
                traceback.print_exc()
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
