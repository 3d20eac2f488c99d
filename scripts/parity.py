"""Trains the same model from the same weights on the same batches in PyTorch and in Primer, and compares the losses step by step.

python scripts/parity.py --text input.txt [--primer .build/release/primer] [--family gpt2|llama] [--steps 100] [--shape layers=6 width=384 ...]

GPT-2 is nanoGPT's (Karpathy, github.com/karpathy/nanoGPT: exact GELU, decay groups, warmup, cosine, clipping), written with plain
torch modules; Llama is transformers' LlamaForCausalLM. Needs torch, transformers and safetensors from PyPI; exits with 1 where a
loss differs by more than 1e-4 (--bar).
"""
import argparse
import json
import math
import os
import pathlib
import subprocess
import sys
import tempfile

import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.torch import save_file

SHAPES = {
    "gpt2": dict(layers=4, heads=4, key_value_heads=4, width=128, hidden_width=512, context=64),
    "llama": dict(layers=4, heads=4, key_value_heads=2, width=128, hidden_width=352, context=64),
}


class Block(nn.Module):
    def __init__(self, shape):
        super().__init__()
        width, hidden = shape["width"], shape["hidden_width"]
        self.heads = shape["heads"]
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, hidden), nn.Linear(hidden, width)

    def forward(self, x):
        b, t, w = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(b, t, 3, self.heads, w // self.heads).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(y.transpose(1, 2).reshape(b, t, w))
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class GPT(nn.Module):
    """nanoGPT's model without dropout."""

    def __init__(self, vocabulary, shape):
        super().__init__()
        self.shape, self.vocabulary = shape, vocabulary
        self.tokens = nn.Embedding(vocabulary, shape["width"])
        self.positions = nn.Embedding(shape["context"], shape["width"])
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape["layers"]))
        self.norm = nn.LayerNorm(shape["width"])
        for name, q in self.named_parameters():
            if q.dim() > 1:
                scale = 1 / math.sqrt(2 * shape["layers"]) if name.endswith(("out.weight", "down.weight")) else 1
                nn.init.normal_(q, std=0.02 * scale)
            elif "bias" in name:
                nn.init.zeros_(q)

    def loss(self, x, y):
        z = self.tokens(x) + self.positions.weight[: x.shape[1]]
        for block in self.blocks:
            z = block(z)
        return F.cross_entropy(F.linear(self.norm(z), self.tokens.weight).flatten(0, 1), y.flatten())

    def save(self, folder):
        """As transformers' GPT2LMHeadModel keeps it: Conv1D weights are [inputs, outputs]."""
        tensors = {
            "transformer.wte.weight": self.tokens.weight, "transformer.wpe.weight": self.positions.weight,
            "transformer.ln_f.weight": self.norm.weight, "transformer.ln_f.bias": self.norm.bias,
        }
        for i, block in enumerate(self.blocks):
            at = f"transformer.h.{i}."
            for name, layer in (("attn.c_attn", block.qkv), ("attn.c_proj", block.out), ("mlp.c_fc", block.up), ("mlp.c_proj", block.down)):
                tensors[f"{at}{name}.weight"], tensors[f"{at}{name}.bias"] = layer.weight.T, layer.bias
            for name, layer in (("ln_1", block.norm1), ("ln_2", block.norm2)):
                tensors[f"{at}{name}.weight"], tensors[f"{at}{name}.bias"] = layer.weight, layer.bias
        folder.mkdir(parents=True, exist_ok=True)
        save_file({k: v.detach().clone().contiguous() for k, v in tensors.items()}, folder / "model.safetensors", {"format": "pt"})
        s = self.shape
        (folder / "config.json").write_text(json.dumps(dict(
            architectures=["GPT2LMHeadModel"], model_type="gpt2", vocab_size=self.vocabulary, n_positions=s["context"],
            n_embd=s["width"], n_layer=s["layers"], n_head=s["heads"], n_inner=s["hidden_width"], activation_function="gelu",
            layer_norm_epsilon=1e-5, tie_word_embeddings=True), indent=1) + "\n")


class Llama(nn.Module):
    """transformers' Llama, tied."""

    def __init__(self, vocabulary, shape):
        super().__init__()
        from transformers import LlamaConfig, LlamaForCausalLM
        self.inner = LlamaForCausalLM(LlamaConfig(
            vocab_size=vocabulary, hidden_size=shape["width"], intermediate_size=shape["hidden_width"],
            num_hidden_layers=shape["layers"], num_attention_heads=shape["heads"], num_key_value_heads=shape["key_value_heads"],
            max_position_embeddings=shape["context"], rms_norm_eps=1e-5, tie_word_embeddings=True, attn_implementation="eager"))

    def loss(self, x, y):
        return F.cross_entropy(self.inner(x, use_cache=False).logits.flatten(0, 1), y.flatten())

    def save(self, folder):
        self.inner.save_pretrained(folder)


def build(family, vocabulary, shape, seed):
    torch.manual_seed(seed)
    return {"gpt2": GPT, "llama": Llama}[family](vocabulary, shape)


def characters(text):
    """Token ids of a text by its sorted alphabet, and the alphabet."""
    alphabet = sorted(set(text))
    number = {c: i for i, c in enumerate(alphabet)}
    return torch.tensor([number[c] for c in text]), alphabet


def window_starts(tokens, context, batch, steps, seed):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(tokens - context, (steps, batch), generator=generator).tolist()


def train(model, tokens, starts, context, schedule_steps, rate=1e-3, warmup=100, betas=(0.9, 0.99), decay=0.1, clip=1.0):
    """nanoGPT's loop; the loss of each step, as f64 numbers of f32 losses."""
    groups = [dict(params=[q for q in model.parameters() if q.dim() > 1], weight_decay=decay),
              dict(params=[q for q in model.parameters() if q.dim() <= 1], weight_decay=0.0)]
    optimiser = torch.optim.AdamW(groups, lr=rate, betas=betas)
    losses = []
    for number, row in enumerate(starts):
        if number < warmup:
            now = rate * (number + 1) / (warmup + 1)
        else:
            now = 0.1 * rate + 0.45 * rate * (1 + math.cos(math.pi * (number - warmup) / max(1, schedule_steps - warmup)))
        for group in optimiser.param_groups:
            group["lr"] = now
        x = torch.stack([tokens[i:i + context] for i in row])
        y = torch.stack([tokens[i + 1:i + 1 + context] for i in row])
        loss = model.loss(x, y)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        losses.append(loss.item())
    return losses


def primer_losses(primer, folder, text, starts, settings):
    """The losses of `primer pretrain` from the weights in `folder` on the windows `starts`."""
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        (work / "starts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in starts))
        command = [str(primer), "pretrain", "--recipe", "shakespeare-char", "--data", str(text), "--output", str(work / "run"),
                   "--initial", str(folder), "--window-starts", str(work / "starts.jsonl"), "--quiet", "--json"]
        for key, value in settings.items():
            command += ["--set", f"{key}={value}"]
        # Tokens are cached by their text; a cache of its own leaves the user's alone.
        done = subprocess.run(command, env=dict(os.environ, PRIMER_CACHE=str(work / "cache")), capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{' '.join(command)}\n{done.stderr}")
        lines = [json.loads(line) for line in (work / "run" / "metrics.jsonl").read_text().splitlines()]
        return [line["train_loss"] for line in lines if "train_loss" in line]


def settings_of(family, shape, steps):
    """The recipe keys that make shakespeare-char this family and shape, without looks on the way."""
    settings = {key: shape[key] for key in ("layers", "heads", "width", "hidden_width", "context")}
    settings |= dict(family=family, activation="gelu" if family == "gpt2" else "silu", steps=steps, evaluate_every=0,
                     checkpoint_every=0, sample_tokens=0)
    if family == "llama":
        settings["key_value_heads"] = shape["key_value_heads"]
    return settings


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--text", required=True)
    p.add_argument("--primer", default=".build/release/primer")
    p.add_argument("--family", choices=["gpt2", "llama"], default="gpt2")
    p.add_argument("--steps", type=int, default=100)
    p.add_argument("--batch", type=int, default=12)
    p.add_argument("--seed", type=int, default=1337)
    p.add_argument("--bar", type=float, default=1e-4)
    p.add_argument("--shape", nargs="*", default=[], metavar="KEY=NUMBER", help="changes of: " + ", ".join(SHAPES["gpt2"]))
    a = p.parse_args()
    shape = SHAPES[a.family] | {key: int(value) for key, value in (change.split("=") for change in a.shape)}
    tokens, alphabet = characters(open(a.text, newline="").read())
    tokens = tokens[: int(0.9 * len(tokens))]
    starts = window_starts(len(tokens), shape["context"], a.batch, a.steps, a.seed)
    model = build(a.family, len(alphabet), shape, a.seed)
    with tempfile.TemporaryDirectory() as folder:
        model.save(pathlib.Path(folder))
        ours = primer_losses(a.primer, folder, a.text, starts, settings_of(a.family, shape, a.steps) | dict(batch=a.batch))
    theirs = train(model, tokens, starts, shape["context"], a.steps)
    apart = [abs(x - y) for x, y in zip(ours, theirs)]
    worst = max(range(len(apart)), key=apart.__getitem__)
    print(json.dumps(dict(family=a.family, steps=len(apart), first=[ours[0], theirs[0]], last=[ours[-1], theirs[-1]],
                          worst_step=worst + 1, worst_difference=apart[worst])))
    if len(ours) != len(theirs) or apart[worst] > a.bar:
        sys.exit(f"step {worst + 1} differs by {apart[worst]:.2e}, more than {a.bar:.0e}")


if __name__ == "__main__":
    main()
