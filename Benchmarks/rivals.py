"""What Primer is compared with, one measurement a call, one JSON object on standard output.

python rivals.py train --layers 4 --heads 4 --width 128 --context 64 --batch 12 --vocabulary 65 --threads 2 [--steps 30] [--compile]
python rivals.py recipe --text input.txt --threads 2 [--steps 2000]
python rivals.py matmul --size 768 768 768 --layout nt --threads 2
python rivals.py encode --text FILE --ranks FILE.tiktoken --pattern gpt2|cl100k
python rivals.py bpe --text FILE --vocabulary 32000 --threads 2

PyTorch trains nanoGPT's model as scripts/parity.py has it; tiktoken and Hugging Face tokenizers are used as their READMEs say.
"""
import argparse
import json
import math
import os
import pathlib
import resource
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "scripts"))

PATTERNS = {
    "gpt2": r"""'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+""",
    "cl100k": r"""'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s""",
}


def peak_memory():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def fused_adamw(model, rate):
    import torch
    groups = [dict(params=[q for q in model.parameters() if q.dim() > 1], weight_decay=0.1),
              dict(params=[q for q in model.parameters() if q.dim() <= 1], weight_decay=0.0)]
    return torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.99), fused=True)


def train(a):
    """Median seconds of a step on random tokens, after three that warm up."""
    import torch
    from parity import GPT
    torch.set_num_threads(a.threads)
    torch.manual_seed(1337)
    shape = dict(layers=a.layers, heads=a.heads, width=a.width, hidden_width=4 * a.width, context=a.context)
    model = GPT(a.vocabulary, shape)
    optimiser = fused_adamw(model, 1e-3)
    loss_of = torch.compile(model.loss) if a.compile else model.loss
    times = []
    for number in range(a.steps + 3):
        x, y = torch.randint(a.vocabulary, (2, a.batch, a.context))
        begun = time.perf_counter()
        loss = loss_of(x, y)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        loss.item()
        if number >= 3:
            times.append(time.perf_counter() - begun)
    seconds = statistics.median(times)
    return dict(seconds_per_step=seconds, tokens_per_second=a.batch * a.context / seconds, peak_memory_bytes=peak_memory())


def recipe(a):
    """nanoGPT's character recipe whole, with a full pass over the validation text."""
    import torch
    from parity import GPT, SHAPES, characters
    torch.set_num_threads(a.threads)
    torch.manual_seed(1337)
    begun = time.perf_counter()
    tokens, alphabet = characters(open(a.text, newline="").read())
    cut = int(0.9 * len(tokens))
    learn, check, context = tokens[:cut], tokens[cut:], 64
    model = GPT(len(alphabet), SHAPES["gpt2"])
    optimiser = fused_adamw(model, 1e-3)
    for step in range(a.steps):
        rate = 1e-3 * (step + 1) / 101 if step < 100 else 1e-4 + 4.5e-4 * (1 + math.cos(math.pi * (step - 100) / max(1, a.steps - 100)))
        for group in optimiser.param_groups:
            group["lr"] = rate
        starts = torch.randint(len(learn) - context, (12,)).tolist()
        loss = model.loss(torch.stack([learn[i:i + context] for i in starts]), torch.stack([learn[i + 1:i + 1 + context] for i in starts]))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
    trained = time.perf_counter() - begun
    windows = (len(check) - 1) // context
    x, y = check[: windows * context].view(-1, context), check[1: windows * context + 1].view(-1, context)
    with torch.no_grad():
        total = sum(model.loss(x[i:i + 256], y[i:i + 256]).item() * len(x[i:i + 256]) for i in range(0, windows, 256))
    return dict(seconds=time.perf_counter() - begun, tokens_per_second=a.steps * 12 * context / trained, validation_loss=total / windows,
                peak_memory_bytes=peak_memory())


def matmul(a):
    """GFLOP/s of one product: layout nn A·B, nt A·Bᵀ, tn Aᵀ·B, tt Aᵀ·Bᵀ."""
    import torch
    torch.set_num_threads(a.threads)
    m, n, k = a.size
    left = torch.randn(m, k) if a.layout[0] == "n" else torch.randn(k, m).t()
    right = torch.randn(k, n) if a.layout[1] == "n" else torch.randn(n, k).t()
    out = torch.empty(m, n)
    repeats = max(1, int(2e8 / (m * n * k)))
    rates = []
    for number in range(9):
        begun = time.perf_counter()
        for _ in range(repeats):
            torch.mm(left, right, out=out)
        if number >= 2:
            rates.append(2e-9 * m * n * k * repeats / (time.perf_counter() - begun))
    return dict(gigaflops=statistics.median(rates))


def encode(a):
    import base64
    import tiktoken
    ranks = {base64.b64decode(token): int(rank) for token, rank in (line.split() for line in open(a.ranks) if line.strip())}
    tokenizer = tiktoken.Encoding(a.pattern, pat_str=PATTERNS[a.pattern], mergeable_ranks=ranks, special_tokens={})
    text = open(a.text, encoding="utf-8").read()
    documents = [text[i:i + 10_000] for i in range(0, len(text), 10_000)]
    times = []
    for _ in range(6):
        begun = time.perf_counter()
        tokens = sum(len(tokenizer.encode_ordinary(d)) for d in documents)
        times.append(time.perf_counter() - begun)
    return dict(encode_megabytes_per_second=len(text.encode()) / statistics.median(times[1:]) / 1e6, tokens=tokens)


def bpe(a):
    os.environ["RAYON_NUM_THREADS"] = str(a.threads)
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    begun = time.perf_counter()
    tokenizer.train([a.text], trainers.BpeTrainer(vocab_size=a.vocabulary, show_progress=False, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    return dict(seconds=time.perf_counter() - begun, vocabulary=tokenizer.get_vocab_size())


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("what", choices=["train", "recipe", "matmul", "encode", "bpe"])
    for name in ("layers", "heads", "width", "context", "batch", "vocabulary", "steps"):
        p.add_argument("--" + name, type=int)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--size", type=int, nargs=3)
    p.add_argument("--layout", choices=["nn", "nt", "tn", "tt"])
    p.add_argument("--text")
    p.add_argument("--ranks")
    p.add_argument("--pattern", choices=list(PATTERNS))
    p.add_argument("--compile", action="store_true")
    a = p.parse_args()
    a.steps = a.steps or (2000 if a.what == "recipe" else 30)
    print(json.dumps(globals()[a.what](a)))


if __name__ == "__main__":
    main()
