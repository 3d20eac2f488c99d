"""Tests of scripts/interop_tests.py: what Primer writes as GGUF files and as folders, read by llama.cpp and by transformers."""
import functools
import json
import pathlib
import subprocess

import numpy as np
import torch
import transformers
from tokenizers import Tokenizer

from llama_reference import HERE, LlamaCpp, log_softmax, stories260k

TEXT = HERE.parent / "Tests" / "Goldens" / "training" / "text.txt"
TEXTS = ["First Citizen:\nWe are", "Hello, world! It's 12345 o'clock.\n\n\tTabs,  spaces   and\r\nlines…", "naïve Ωmega 日本語 🙂", ""]
PROMPTS = ["First Citizen:\nWe are accounted poor", "Once upon a time, there was a little"]
CONTEXT = 128

# Mean and largest difference of ln p of the five likeliest tokens. Floats: both sides add f32 numbers in orders of their own (llama.cpp
# also rounds activations to the type of f16 and bf16 weights). Blocks: both round activations to eight bits, Primer in blocks of 32,
# llama.cpp in 32 or 256. Against f32 products of the same weights (SmolLM2 in q2_k) Primer was 0.09 off in the mean, 0.43 at most,
# llama.cpp 0.13 and 0.78: the bar is about the sum of both. What the blocks say is tested without that noise, by their f32 copy.
BARS = {"f32": (1e-4, 1e-3), "f16": (0.005, 0.05), "bf16": (0.03, 0.3)} | dict.fromkeys(
    ("q4_0", "q4_1", "q5_0", "q5_1", "q8_0", "q2_k", "q3_k", "q4_k", "q5_k", "q6_k", "mxfp4"), (0.2, 1.2))
# llama.cpp takes GELU from a table of f16 numbers.
GELU_FAMILIES, GELU_BAR = ("gpt2", "gemma2", "gemma3_text"), (1e-3, 5e-3)

SHAPE = dict(hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
             max_position_embeddings=CONTEXT)
WINDOWS = dict(head_dim=16, sliding_window=12, query_pre_attn_scalar=16)
FAMILIES = {
    "gpt2": dict(n_positions=CONTEXT, n_embd=64, n_layer=2, n_head=4),
    "llama": SHAPE,
    "mistral": SHAPE | dict(sliding_window=None),
    "mixtral": SHAPE | dict(num_local_experts=4, num_experts_per_tok=2),
    "qwen2": SHAPE,
    "qwen2_moe": SHAPE | dict(num_experts=4, num_experts_per_tok=2, moe_intermediate_size=48, shared_expert_intermediate_size=64),
    "qwen3": SHAPE | dict(head_dim=32),
    "qwen3_moe": SHAPE | dict(head_dim=16, num_experts=4, num_experts_per_tok=2, moe_intermediate_size=48, norm_topk_prob=True),
    "gemma2": SHAPE | WINDOWS | dict(layer_types=["sliding_attention", "full_attention"]),
    "gemma3_text": SHAPE | WINDOWS | dict(num_hidden_layers=6, layer_types=["sliding_attention"] * 5 + ["full_attention"]),
    "phi3": SHAPE | dict(num_key_value_heads=4, pad_token_id=0, sliding_window=None),
}


@functools.cache
def tokenizer_file(primer):
    path = primer.work / "bpe.json"
    primer("tokenizer", "train", "--algorithm", "bpe", "--vocabulary", 400, "--output", path, TEXT)
    return path


@functools.cache
def random_model(primer, family, **changes):
    """A folder that transformers wrote, with the tokenizer above, and its model."""
    tokenizer = Tokenizer.from_file(str(tokenizer_file(primer)))
    configuration = transformers.AutoConfig.for_model(
        family, **(FAMILIES[family] | changes), vocab_size=tokenizer.get_vocab_size(), bos_token_id=None, eos_token_id=None)
    torch.manual_seed(3)
    model = transformers.AutoModelForCausalLM.from_config(configuration, dtype=torch.float32).eval()
    with torch.no_grad():
        for parameter in model.parameters():  # biases and norms too
            parameter.add_(torch.randn_like(parameter) * 0.1)
    # Without the family: the name becomes general.name, and llama.cpp treats names with "phi-3" or "phi3" apart.
    folder = primer.work / f"random-{list(FAMILIES).index(family)}-{len(changes)}"
    model.save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder, model


def written(primer, path, prompt, tokens, *options):
    return json.loads(primer("generate", "--model", path, "--prompt", prompt, "--greedy", "--max-tokens", tokens, "--cache-type", "f32",
                             "--logprobs", 5, "--json", *options))


def same_as_llama(primer, path, bars):
    """llama.cpp tokenises as Primer does with the file, and thinks the same tokens as likely at each place of Primer's text."""
    mean, most = bars
    apart = []
    with LlamaCpp(path, CONTEXT, threads=1) as reference:
        for text in TEXTS:
            file = primer.work / "text.txt"
            file.write_bytes(text.encode())
            assert primer.encoded(path, file) == reference.tokens(text, framed=False), f"{text[:40]!r} is encoded otherwise"
        for prompt in PROMPTS:
            ids = reference.tokens(prompt)
            ours = written(primer, path, prompt, 16)
            assert ours["prompt_tokens"] == len(ids)
            rows = reference.follow(ids, ours["tokens"])
            for row, choice in zip(rows, ours["logprobs"], strict=True):
                here = [abs(x["logprob"] - row[x["token"]]) for x in choice["top"]]
                apart += here
                behind = row.max() - row[choice["token"]]
                assert behind <= 2 * max(here) + 1e-6, f"llama.cpp puts another token {behind} nats before Primer's choice"
    assert np.mean(apart) < mean and max(apart) < most, f"ln p differ by {np.mean(apart):.2g} in the mean, {max(apart):.2g} at most"
    return f"ln p differ by {np.mean(apart):.1e} in the mean, {max(apart):.1e} at most"


def quantised(primer, source, kind):
    path = primer.work / f"{kind}.gguf"
    primer("quantize", "--model", source, "--type", kind, "--output", path)
    result = same_as_llama(primer, path, BARS[kind])
    if kind[0] in "qm":
        copy = primer.work / f"{kind}-as-f32.gguf"
        primer("quantize", "--model", path, "--type", "f32", "--output", copy)
        result += "; as f32, " + same_as_llama(primer, copy, BARS["f32"])
        copy.unlink()
    path.unlink()
    return result


@functools.cache
def real_model(primer):
    """SmolLM2 of the catalogue, in the user's cache; stories260K of the test data where it cannot be fetched."""
    done = subprocess.run([primer.path, "pull", "smollm2-135m-instruct", "--quiet", "--json"], capture_output=True, text=True)
    path = json.loads(done.stdout)["path"] if done.returncode == 0 else stories260k(primer.work / "stories260K.gguf")
    assert path, f"neither SmolLM2 nor stories260K is there: {done.stderr}"
    return pathlib.Path(path)


def logits_of(model, ids):
    with torch.no_grad():
        return model(torch.tensor([ids])).logits[0]


def family_in_llama(primer, family):
    path = primer.work / f"{family}.gguf"
    primer("export", "--model", random_model(primer, family)[0], "--output", path)
    return same_as_llama(primer, path, GELU_BAR if family in GELU_FAMILIES else BARS["f32"])


def family_in_transformers(primer, family):
    """Folders that Primer writes, of a folder and of a GGUF file, give transformers' own logits; and so does Primer."""
    folder, model = random_model(primer, family)
    file = primer.work / f"{family}.gguf"
    if not file.exists():
        primer("export", "--model", folder, "--output", file)
    ids = Tokenizer.from_file(str(folder / "tokenizer.json")).encode(PROMPTS[0], add_special_tokens=False).ids
    expected = logits_of(model, ids)
    worst = 0.0
    for source in (folder, file):
        target = primer.work / f"exported-{family}-{source.suffix[1:] or 'folder'}"
        primer("export", "--model", source, "--output", target)
        loaded, report = transformers.AutoModelForCausalLM.from_pretrained(target, dtype=torch.float32, output_loading_info=True)
        for problem in ("missing_keys", "unexpected_keys", "mismatched_keys"):
            assert not report[problem], f"{problem}: {report[problem]}"
        assert Tokenizer.from_file(str(target / "tokenizer.json")).encode(PROMPTS[0], add_special_tokens=False).ids == ids
        worst = max(worst, (logits_of(loaded.eval(), ids) - expected).abs().max().item())
        row = log_softmax(expected[-1].numpy())
        for x in written(primer, target, PROMPTS[0], 1)["logprobs"][0]["top"]:
            worst = max(worst, abs(x["logprob"] - row[x["token"]]))
    assert worst < 1e-4, f"differs by {worst}"
    return f"differs by {worst:.1e} at most"


def tests(primer):
    """(title, test) pairs; a test returns what it saw."""
    for kind in BARS:
        yield f"llama.cpp reads what Primer writes: {kind}, a real model", lambda: quantised(primer, real_model(primer), kind)
        # Rows of 256 numbers: no type gives way to another.
        yield f"llama.cpp reads what Primer writes: {kind}, rows of 256", lambda: quantised(
            primer, random_model(primer, "llama", hidden_size=256, intermediate_size=512)[0], kind)
    for family in FAMILIES:
        yield f"llama.cpp reads what Primer exports: {family}", lambda: family_in_llama(primer, family)
        yield f"transformers reads what Primer exports: {family}", lambda: family_in_transformers(primer, family)
