"""Makes Tests/Goldens: values and gradients of every operation, logits of small models and losses of small training runs, all from
PyTorch. Seeded: the same versions make the same files. Needs torch, transformers and safetensors from PyPI.

python scripts/make-goldens.py [--only operations|attention|losses|optimisers|models|training]

Operations are computed in f64 from f32 inputs and stored rounded to f32: expected values carry no rounding of their own.
"""
import argparse
import base64
import json
import math
import pathlib

import torch
import torch.nn.functional as F

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "Tests" / "Goldens"


def array(x):
    """A tensor as JSON: shape, element type, little-endian bytes in base64."""
    if x.dtype in (torch.int64, torch.int32):
        kind, raw = "i32", x.to(torch.int32)
    else:
        kind, raw = "f32", x.to(torch.float32)
    return dict(shape=list(x.shape), type=kind, data=base64.b64encode(raw.detach().contiguous().numpy().tobytes()).decode())


class Cases:
    """Cases of one file; each draws its inputs from a generator seeded by its own name."""

    def __init__(self, file):
        self.file, self.cases = file, {}

    def add(self, name, shapes, function, integers=None, away=0.0, low=None, fixed=None):
        """function(inputs as f64 tensors, **integers) -> output; inputs: name -> shape. `away` keeps inputs that far from 0, `low`
        makes them uniform in [low, low + 2]; `fixed` names inputs without a gradient."""
        generator = torch.Generator().manual_seed(int.from_bytes(name.encode()[-7:], "little"))
        inputs = {}
        for key, shape in shapes.items():
            x = torch.randn(shape, generator=generator)
            if low is not None:
                x = low + 2 * torch.rand(shape, generator=generator)
            if away:
                x = x.sign() * (x.abs() + away)
            inputs[key] = x.requires_grad_(key not in (fixed or ()))
        integers = {key: torch.tensor(value, dtype=torch.int32) for key, value in (integers or {}).items()}
        wide = {key: x.detach().double().requires_grad_(x.requires_grad) for key, x in inputs.items()}
        output = function(**wide, **{key: value.long() for key, value in integers.items()})
        cotangent = torch.randn(output.shape, generator=generator)
        (output * cotangent.double()).sum().backward()
        self.cases[name] = dict(
            inputs={key: array(x) for key, x in inputs.items()} | {key: array(x) for key, x in integers.items()},
            output=array(output), output_gradient=array(cotangent),
            gradients={key: array(x.grad if x.grad is not None else torch.zeros_like(x)) for key, x in wide.items() if x.requires_grad})

    def write(self):
        lines = [json.dumps(name) + ":" + json.dumps(case, separators=(",", ":")) for name, case in self.cases.items()]
        (FOLDER / self.file).write_text("{\n" + ",\n".join(lines) + "\n}\n")


ACTIVATIONS = {
    "identity": lambda x: x * 1, "gelu": F.gelu, "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"), "silu": F.silu, "relu": F.relu,
    "relu_squared": lambda x: F.relu(x) ** 2, "sigmoid": torch.sigmoid, "tanh": torch.tanh,
    "quick_gelu": lambda x: x * torch.sigmoid(1.702 * x),
}


def rotate(x, positions, frequencies, interleaved):
    """x [batch, time, heads, width]; the first 2 * len(frequencies) numbers of a head turn."""
    angles = positions.double()[..., None] * frequencies
    cosine, sine = angles.cos()[:, :, None], angles.sin()[:, :, None]
    width = 2 * len(frequencies)
    turned, rest = x[..., :width], x[..., width:]
    if interleaved:
        a, b = turned[..., 0::2], turned[..., 1::2]
        y = torch.stack([a * cosine - b * sine, b * cosine + a * sine], -1).flatten(-2)
    else:
        a, b = turned.chunk(2, -1)
        y = torch.cat([a * cosine - b * sine, b * cosine + a * sine], -1)
    return torch.cat([y, rest], -1)


def operations():
    g = Cases("operations.json")
    pairs = {
        "same": ((2, 3, 4), (2, 3, 4)), "row": ((2, 3, 4), (4,)), "matrix": ((2, 3, 4), (3, 4)), "column": ((2, 3, 4), (2, 3, 1)),
        "middle": ((2, 3, 4), (2, 1, 4)), "both": ((2, 1, 4), (3, 1)), "left": ((4,), (2, 3, 4)), "scalar": ((3, 5), ()),
    }
    binary = {"add": lambda a, b: a + b, "subtract": lambda a, b: a - b, "multiply": lambda a, b: a * b, "divide": lambda a, b: a / b}
    for operation, function in binary.items():
        for kind, (a, b) in pairs.items():
            g.add(f"{operation}.{kind}", dict(a=a, b=b), function, away=0.5 if operation == "divide" else 0)
    for operation, function in {"maximum": lambda a, b: torch.maximum(a, b), "minimum": lambda a, b: torch.minimum(a, b)}.items():
        for kind in ("same", "middle"):
            g.add(f"{operation}.{kind}", dict(zip("ab", pairs[kind])), function)
    g.add("scaled", dict(x=(3, 5)), lambda x: -1.5 * x + 0.25)
    for name in ("exp", "log", "sqrt", "square", "sin", "cos", "reciprocal"):
        g.add(name, dict(x=(5, 7)), lambda x: getattr(torch, name)(x), low=0.5)
    g.add("absolute", dict(x=(5, 7)), lambda x: x.abs(), away=0.1)
    for name, function in ACTIVATIONS.items():
        g.add(f"activation.{name}", dict(x=(5, 37)), lambda x: function(x), away=0.02)
    g.add("sum", dict(x=(3, 4, 5)), lambda x: x.sum())
    g.add("mean", dict(x=(3, 4, 5)), lambda x: x.mean())
    for axis in (0, 1, 2):
        g.add(f"sum.axis{axis}", dict(x=(3, 4, 5)), lambda x: x.sum(axis))
        g.add(f"mean.kept{axis}", dict(x=(3, 4, 5)), lambda x: x.mean(axis, keepdim=True))
    g.add("softmax", dict(x=(2, 3, 19)), lambda x: x.softmax(-1))
    g.add("log_softmax", dict(x=(2, 3, 19)), lambda x: x.log_softmax(-1))

    g.add("reshaped", dict(x=(2, 3, 4)), lambda x: x.reshape(4, 6))
    g.add("permuted", dict(x=(2, 3, 4, 5)), lambda x: x.permute(2, 0, 3, 1))
    g.add("transposed", dict(x=(2, 3, 4)), lambda x: x.transpose(-1, -2))
    g.add("permuted_reshaped", dict(x=(2, 3, 4)), lambda x: x.permute(1, 0, 2).reshape(3, 8))
    g.add("sliced", dict(x=(4, 5, 3)), lambda x: x[:, 1:4])
    g.add("overlapping", dict(x=(4, 5)), lambda x: x[:, 0:3] * x[:, 1:4])
    g.add("split", dict(x=(3, 6)), lambda x: x[:, 0:2] * x[:, 2:4] - x[:, 4:6])
    g.add("broadcast", dict(x=(3, 1)), lambda x: x.expand(2, 3, 4))
    g.add("concatenated", dict(a=(2, 3), b=(2, 1), c=(2, 4)), lambda a, b, c: torch.cat([a, b, c], 1))

    g.add("matmul.plain", dict(a=(5, 7), b=(7, 3)), lambda a, b: a @ b)
    g.add("matmul.shared", dict(a=(2, 3, 5, 7), b=(7, 4)), lambda a, b: a @ b)
    g.add("matmul.batched", dict(a=(2, 3, 5, 7), b=(2, 3, 7, 4)), lambda a, b: a @ b)
    g.add("matmul.left_transposed", dict(a=(3, 7, 5), b=(3, 7, 4)), lambda a, b: a.transpose(-1, -2) @ b)
    g.add("matmul.right_transposed", dict(a=(3, 5, 7), b=(3, 4, 7)), lambda a, b: a @ b.transpose(-1, -2))
    g.add("matmul.both_transposed", dict(a=(7, 5), b=(4, 7)), lambda a, b: a.T @ b.T)
    g.add("matmul.heads", dict(a=(2, 5, 3, 7), b=(2, 6, 3, 7)),
          lambda a, b: a.permute(0, 2, 1, 3) @ b.permute(0, 2, 3, 1))
    g.add("matmul.vector", dict(a=(1, 33), b=(33, 1)), lambda a, b: a @ b)
    g.add("matmul.large", dict(a=(37, 65), b=(65, 50)), lambda a, b: a @ b / 8)

    for name, function in ACTIVATIONS.items():
        g.add(f"linear.{name}", dict(x=(2, 3, 6), weight=(5, 6), bias=(5,)), lambda x, weight, bias: function(F.linear(x, weight, bias)))
    g.add("linear.no_bias", dict(x=(4, 6), weight=(5, 6)), lambda x, weight: x @ weight.T)
    g.add("linear.residual", dict(x=(2, 3, 6), weight=(5, 6), bias=(5,), residual=(2, 3, 5)),
          lambda x, weight, bias, residual: F.linear(x, weight, bias) + residual)
    g.add("linear.own_residual", dict(x=(2, 3, 6), weight=(6, 6), bias=(6,)), lambda x, weight, bias: F.linear(x, weight, bias) + x)
    g.add("linear.fixed_weight", dict(x=(4, 6), weight=(5, 6), bias=(5,)), lambda x, weight, bias: x @ weight.T + bias, fixed=("weight",))
    g.add("linear.transposed_input", dict(x=(6, 4), weight=(5, 6), bias=(5,)), lambda x, weight, bias: F.linear(x.T, weight, bias))
    for name in ("gelu", "gelu_tanh", "silu", "relu_squared", "tanh"):
        g.add(f"chain.{name}", dict(x=(3, 6), up=(8, 6), up_bias=(8,), down=(5, 8), down_bias=(5,)),
              lambda x, up, up_bias, down, down_bias: F.linear(ACTIVATIONS[name](F.linear(x, up, up_bias)), down, down_bias))
    g.add("chain.read_twice", dict(x=(3, 6), up=(8, 6), down=(8, 8)),
          lambda x, up, down: (lambda y: F.linear(y, down) * y)(F.gelu(F.linear(x, up))))
    g.add("chain.deep", dict(x=(3, 6), a=(6, 6), b=(6, 6), c=(6, 6)),
          lambda x, a, b, c: F.linear(F.silu(F.linear(F.gelu(F.linear(x, a)), b)), c) + x)
    g.add("tied", dict(x=(3, 6), w=(6, 6)), lambda x, w: F.linear(F.gelu(F.linear(x, w)), w))
    for name in ("silu", "gelu", "relu", "sigmoid"):
        g.add(f"gated.{name}", dict(gate=(3, 5), up=(3, 5)), lambda gate, up: ACTIVATIONS[name](gate) * up, away=0.02)
    g.add("gated.packed", dict(x=(2, 3, 10)), lambda x: F.silu(x[..., :5]) * x[..., 5:])

    g.add("layer_norm.full", dict(x=(2, 3, 21), weight=(21,), bias=(21,)), lambda x, weight, bias: F.layer_norm(x, (21,), weight, bias, 1e-5))
    g.add("layer_norm.weight", dict(x=(5, 8), weight=(8,)), lambda x, weight: F.layer_norm(x, (8,), weight, None, 1e-5))
    g.add("layer_norm.bare", dict(x=(5, 8)), lambda x: F.layer_norm(x, (8,), None, None, 1e-2))
    g.add("layer_norm.rows", dict(x=(70, 9), weight=(9,), bias=(9,)), lambda x, weight, bias: F.layer_norm(x, (9,), weight, bias, 1e-5))
    rms = lambda x, w, epsilon: x * (x.square().mean(-1, keepdim=True) + epsilon).rsqrt() * w
    g.add("rms_norm.weight", dict(x=(2, 3, 21), weight=(21,)), lambda x, weight: rms(x, weight, 1e-5))
    g.add("rms_norm.offset", dict(x=(5, 8), weight=(8,)), lambda x, weight: rms(x, weight + 1, 1e-6))
    g.add("rms_norm.bare", dict(x=(5, 8)), lambda x: rms(x, 1, 1e-2))
    g.add("norm.residual", dict(x=(4, 8), weight=(8,), bias=(8,)), lambda x, weight, bias: F.layer_norm(x, (8,), weight, bias, 1e-5) + x)

    g.add("embedding", dict(table=(7, 5)), lambda table, ids: F.embedding(ids, table) * 1.5, integers=dict(ids=[[3, 0, 6], [3, 3, 1]]))
    positions = [[0, 1, 2, 3, 4], [3, 4, 5, 6, 7]]
    frequencies = torch.tensor([10_000.0 ** (-2 * i / 8) for i in range(4)], dtype=torch.float64)
    for layout in ("halves", "interleaved"):
        for kind, used in (("full", 4), ("partial", 2)):
            g.add(f"rotary.{layout}.{kind}", dict(x=(2, 5, 3, 8)),
                  lambda x, positions: rotate(x, positions, frequencies[:used], layout == "interleaved"), integers=dict(positions=positions))
    return g


def plain_attention(q, k, v, scale=None, cap=0.0, causal=False, offset=None, window=0, begin=None, end=None, segments=None, slopes=None,
                    bias=None):
    """By the definition; [batch, time, heads, width]."""
    group = q.shape[2] // k.shape[2]
    k, v = k.repeat_interleave(group, 2), v.repeat_interleave(group, 2)
    scores = torch.einsum("bihd,bjhd->bhij", q, k) * (scale or q.shape[3] ** -0.5)
    if cap:
        scores = cap * torch.tanh(scores / cap)
    queries, keys = q.shape[1], k.shape[1]
    at = torch.arange(queries)[:, None] + (keys - queries if offset is None else offset)
    j = torch.arange(keys)[None]
    if slopes is not None:
        scores = scores - slopes[None, :, None, None] * (at - j)
    if bias is not None:
        scores = scores + bias
    seen = torch.ones(q.shape[0], 1, queries, keys, dtype=torch.bool)
    if causal:
        seen = seen & (j <= at)
    if window:
        seen = seen & (j > at - window)
    if begin is not None:
        seen = seen & (j[None, None] >= begin[:, None, None, None])
    if end is not None:
        seen = seen & (j[None, None] < end[:, None, None, None])
    if segments is not None:
        seen = seen & (segments[:, None, :, None] == segments[:, None, None, :])
    scores = scores.masked_fill(~seen, -1e30)
    # A query that sees nothing gives zeros.
    weights = scores.softmax(-1) * seen.any(-1, keepdim=True)
    return torch.einsum("bhij,bjhd->bihd", weights, v)


def attention():
    g = Cases("attention.json")
    full = dict(query=(2, 7, 4, 5), key=(2, 7, 4, 5), value=(2, 7, 4, 5))
    grouped = dict(query=(2, 7, 4, 5), key=(2, 7, 2, 5), value=(2, 7, 2, 5))
    cross = dict(query=(2, 3, 2, 5), key=(2, 9, 2, 5), value=(2, 9, 2, 5))

    def sdpa(query, key, value, **how):
        return F.scaled_dot_product_attention(
            query.transpose(1, 2), key.transpose(1, 2), value.transpose(1, 2), **how).transpose(1, 2)

    def add(name, shapes, integers=None, fixed=None, **how):
        how_here = dict(how)

        def function(query, key, value, **rest):
            names = dict(key_begin="begin", key_end="end")
            return plain_attention(query, key, value, **how_here, **{names.get(k, k): x for k, x in rest.items()})
        g.add(name, shapes, function, integers=integers, fixed=fixed)

    g.add("full", full, sdpa)
    g.add("causal", full, lambda query, key, value: sdpa(query, key, value, is_causal=True))
    g.add("grouped", grouped, lambda query, key, value: sdpa(query, key, value, is_causal=True, enable_gqa=True))
    g.add("scaled", full, lambda query, key, value: sdpa(query, key, value, scale=0.7))
    g.add("cross", cross, sdpa)
    add("causal_offset", cross, causal=True)
    add("query_offset", cross, causal=True, offset=2)
    add("window", full, causal=True, window=3)
    add("soft_cap", full, causal=True, cap=1.5)
    add("segments", full, integers=dict(segments=[[0, 0, 0, 1, 1, 2, 2], [0, 1, 1, 1, 1, 1, 2]]), causal=True)
    add("segments_both_ways", full, integers=dict(segments=[[0, 0, 0, 1, 1, 2, 2], [0, 1, 1, 1, 1, 1, 2]]))
    add("left_padding", full, integers=dict(key_begin=[0, 3]), causal=True)
    add("right_padding", full, integers=dict(key_end=[7, 4]))
    add("alibi", full | dict(slopes=(4,)), fixed=("slopes",), causal=True)
    add("bias", full | dict(bias=(2, 4, 7, 7)), causal=True)
    add("bias_shared_by_batch", full | dict(bias=(1, 4, 7, 7)))
    add("bias_shared_by_heads", full | dict(bias=(2, 1, 7, 7)))
    add("bias_shared_by_all", cross | dict(bias=(1, 1, 3, 9)))
    add("everything", grouped | dict(bias=(1, 4, 7, 7), slopes=(4,)), integers=dict(key_end=[7, 6]), fixed=("slopes",),
        causal=True, window=4, cap=2.0, scale=0.5)
    # Longer than a tile, whatever its size.
    add("long", dict(query=(1, 75, 2, 4), key=(1, 75, 1, 4), value=(1, 75, 1, 4)), causal=True)
    add("long_window", dict(query=(1, 75, 1, 4), key=(1, 75, 1, 4), value=(1, 75, 1, 4)), causal=True, window=20)
    g.add("packed", dict(packed=(2, 7, 3 * 16)),
          lambda packed: sdpa(*packed.view(2, 7, 6, 8).split([2, 2, 2], 2), is_causal=True).reshape(2, 7, 16))
    g.add("packed_grouped", dict(packed=(2, 7, 48)),
          lambda packed: sdpa(*packed.view(2, 7, 6, 8).split([4, 1, 1], 2), is_causal=True, enable_gqa=True).reshape(2, 7, 32))
    return g


def losses():
    g = Cases("losses.json")
    targets = dict(targets=[3, 0, -1, 10, 5, 5, 2])

    def loss(logits, targets, cap=0.0):
        if cap:
            logits = cap * torch.tanh(logits / cap)
        return F.cross_entropy(logits, targets, ignore_index=-1, reduction="sum")

    g.add("cross_entropy.sum", dict(logits=(7, 11)), loss, integers=targets)
    g.add("cross_entropy.mean", dict(logits=(7, 11)), lambda logits, targets: loss(logits, targets) / 6, integers=targets)
    g.add("cross_entropy.soft_cap", dict(logits=(7, 11)), lambda logits, targets: loss(3 * logits, targets, 2.0), integers=targets)
    head = dict(hidden=(7, 6), weight=(11, 6))
    g.add("linear_cross_entropy.sum", head, lambda hidden, weight, targets: loss(hidden @ weight.T, targets), integers=targets)
    g.add("linear_cross_entropy.soft_cap", head, lambda hidden, weight, targets: loss(hidden @ weight.T, targets, 2.0) / 6, integers=targets)
    g.add("linear_cross_entropy.padded", dict(hidden=(7, 6), weight=(16, 6)),
          lambda hidden, weight, targets: loss(hidden @ weight[:11].T, targets) / 6, integers=targets)
    g.add("linear_cross_entropy.rows", dict(hidden=(2, 3, 6), weight=(11, 6)),
          lambda hidden, weight, targets: loss((hidden @ weight.T).flatten(0, 1), targets.flatten()) / 6,
          integers=dict(targets=[[3, 0, 1], [10, 5, 5]]))
    return g


def optimisers():
    """Steps of PyTorch's AdamW and Muon, and Muon's iteration in f64."""
    generator = torch.Generator().manual_seed(11)
    start = torch.randn(7, 5, generator=generator)
    gradients = [torch.randn(7, 5, generator=generator) * scale for scale in (1, 1e-3, 30)]

    def steps(make):
        parameter = torch.nn.Parameter(start.clone())
        optimiser, after = make([parameter]), []
        for gradient in gradients:
            parameter.grad = gradient.clone()
            optimiser.step()
            after.append(array(parameter))
        return after

    # Keller Jordan's quintic Newton-Schulz (kellerjordan.github.io/posts/muon).
    a, b, c = 3.4445, -4.7750, 2.0315
    x = start.double().T / start.double().norm()
    for _ in range(5):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    (FOLDER / "optimisers.json").write_text(json.dumps(dict(
        start=array(start), gradients=[array(g) for g in gradients],
        adamw=steps(lambda p: torch.optim.AdamW(p, lr=0.02, betas=(0.9, 0.999), eps=1e-6, weight_decay=0.3)),
        muon=steps(lambda p: torch.optim.Muon(p, lr=0.02, weight_decay=0.3, momentum=0.95, adjust_lr_fn="original")),
        orthogonalised=array(x.T))) + "\n")


def families():
    """Name -> (class of model, configuration) of small models of every family."""
    import transformers as t
    gpt2 = dict(vocab_size=43, n_positions=24, n_embd=16, n_layer=2, n_head=4, attn_pdrop=0, embd_pdrop=0, resid_pdrop=0, bos_token_id=0,
                eos_token_id=0)
    small = dict(vocab_size=43, max_position_embeddings=64, hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=4,
                 num_key_value_heads=2, head_dim=4)
    llama = small | dict(max_position_embeddings=24)
    del llama["num_key_value_heads"], llama["head_dim"]
    made = {
        "gpt2-gelu-tanh": (t.GPT2LMHeadModel, t.GPT2Config(**gpt2, activation_function="gelu_new")),
        "gpt2-gelu": (t.GPT2LMHeadModel, t.GPT2Config(**gpt2, activation_function="gelu", n_inner=40)),
        "llama-untied-grouped": (t.LlamaForCausalLM, t.LlamaConfig(**llama, num_key_value_heads=2)),
        "llama-tied-biased": (t.LlamaForCausalLM, t.LlamaConfig(
            **llama, num_key_value_heads=4, tie_word_embeddings=True, attention_bias=True, mlp_bias=True, rms_norm_eps=1e-5,
            rope_parameters=dict(rope_type="default", rope_theta=500.0))),
        "llama-wide-heads": (t.LlamaForCausalLM, t.LlamaConfig(**llama, num_key_value_heads=1, head_dim=6, hidden_act="gelu")),
    }
    rotary = {
        "linear": dict(rope_type="linear", factor=4.0),
        "llama3": dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=16),
        "yarn": dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=16),
    }
    for name, parameters in rotary.items():
        made[f"llama-{name}"] = (t.LlamaForCausalLM, t.LlamaConfig(
            **(small | dict(head_dim=8, num_hidden_layers=1)), rope_parameters=parameters | dict(rope_theta=1000.0)))
    window = dict(sliding_window=5)
    made |= {
        "mistral": (t.MistralForCausalLM, t.MistralConfig(**small, **window)),
        "qwen2": (t.Qwen2ForCausalLM, t.Qwen2Config(
            **{k: v for k, v in small.items() if k != "head_dim"}, **window, use_sliding_window=True, max_window_layers=1)),
        "qwen3": (t.Qwen3ForCausalLM, t.Qwen3Config(**(small | dict(head_dim=6)), tie_word_embeddings=True)),
        "gemma2": (t.Gemma2ForCausalLM, t.Gemma2Config(
            **(small | dict(head_dim=6)), **window, query_pre_attn_scalar=9, attn_logit_softcapping=3.0, final_logit_softcapping=2.0)),
        "gemma3": (t.Gemma3ForCausalLM, t.Gemma3TextConfig(
            **(small | dict(num_hidden_layers=3, head_dim=6)), **window, query_pre_attn_scalar=9,
            layer_types=["sliding_attention", "full_attention", "sliding_attention"],
            rope_parameters=dict(full_attention=dict(rope_type="linear", factor=8.0, rope_theta=1e4),
                                 sliding_attention=dict(rope_type="default", rope_theta=100.0)))),
        "mixtral": (t.MixtralForCausalLM, t.MixtralConfig(**(small | dict(intermediate_size=12)), num_local_experts=4, **window)),
        "qwen2-moe": (t.Qwen2MoeForCausalLM, t.Qwen2MoeConfig(
            **{k: v for k, v in small.items() if k != "head_dim"}, num_experts=5, num_experts_per_tok=2, moe_intermediate_size=8,
            shared_expert_intermediate_size=12, mlp_only_layers=[1])),
        "qwen3-moe": (t.Qwen3MoeForCausalLM, t.Qwen3MoeConfig(
            **small, num_experts=5, num_experts_per_tok=3, moe_intermediate_size=8, norm_topk_prob=True)),
    }
    phi3 = {k: v for k, v in small.items() if k != "head_dim"} | dict(
        hidden_size=24, pad_token_id=None, bos_token_id=0, eos_token_id=0, num_hidden_layers=1)
    factors = dict(short_factor=[1.0, 1.25, 1.5], long_factor=[1.0, 2.0, 4.0])
    made |= {
        "phi3": (t.Phi3ForCausalLM, t.Phi3Config(**phi3, **window)),
        "phi3-short": (t.Phi3ForCausalLM, t.Phi3Config(
            **phi3, original_max_position_embeddings=32, rope_parameters=dict(rope_type="longrope", rope_theta=1000.0, **factors))),
        "phi3-long": (t.Phi3ForCausalLM, t.Phi3Config(
            **phi3, original_max_position_embeddings=8, rope_parameters=dict(rope_type="longrope", rope_theta=1000.0, **factors))),
        "phi3-partial": (t.Phi3ForCausalLM, t.Phi3Config(
            **(phi3 | dict(num_attention_heads=2)), rope_parameters=dict(rope_type="default", rope_theta=1000.0, partial_rotary_factor=0.5))),
    }
    return made


def models():
    """Folders that transformers wrote, each with the logits of a few tokens."""
    for number, (name, (family, configuration)) in enumerate(families().items()):
        torch.manual_seed(number)
        model = family(configuration).eval()
        with torch.no_grad():
            for parameter in model.parameters():  # biases and norms too, and large enough to matter
                parameter.add_(torch.randn_like(parameter) * 0.2)
            ids = torch.randint(43, (2, 19))
            logits = model(ids).logits
        folder = FOLDER / "models" / name
        model.save_pretrained(folder)
        (folder / "generation_config.json").unlink(missing_ok=True)
        (folder / "logits.json").write_text(json.dumps(dict(tokens=array(ids), logits=array(logits))) + "\n")


def training():
    """Initial weights, text, windows and PyTorch's losses of 20 steps, for both families."""
    from parity import build, characters, settings_of, train, window_starts
    shape = dict(layers=2, heads=4, key_value_heads=2, width=32, hidden_width=64, context=24)
    text = (FOLDER / "training" / "text.txt").read_text()
    tokens, alphabet = characters(text)
    tokens = tokens[: int(0.9 * len(tokens))]
    for family in ("gpt2", "llama"):
        folder = FOLDER / "training" / family
        starts = window_starts(len(tokens), shape["context"], 12, 20, 5)
        model = build(family, len(alphabet), shape, 3)
        model.save(folder)
        (folder / "generation_config.json").unlink(missing_ok=True)
        losses = train(model, tokens, starts, shape["context"], schedule_steps=20, rate=3e-3, warmup=5)
        settings = settings_of(family, shape, 20) | dict(batch=12, rate=3e-3, final_rate=3e-4, warmup=5)
        (folder / "losses.json").write_text(json.dumps(dict(
            settings=[f"{key}={value}" for key, value in settings.items()], losses=losses)) + "\n")
        (folder / "starts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in starts))


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--only", choices=["operations", "attention", "losses", "optimisers", "models", "training"])
    only = p.parse_args().only
    torch.set_num_threads(1)
    FOLDER.mkdir(exist_ok=True)
    for part in (operations, attention, losses):
        if only in (None, part.__name__):
            part().write()
    for part in (optimisers, models, training):
        if only in (None, part.__name__):
            part()


if __name__ == "__main__":
    main()
