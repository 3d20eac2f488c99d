"""Writes a GGUF file of random weights in the shapes of 18 layers of Llama 2 7B, to measure what no cache holds.

python random_model.py Q4_K|Q8_0 FILE
"""
import pathlib
import sys

import gguf
import numpy as np

kind, path = sys.argv[1], pathlib.Path(sys.argv[2])
WIDTH, HIDDEN, LAYERS, HEADS, VOCABULARY = 4096, 11008, 18, 32, 32000
TYPE = {"Q4_K": gguf.GGMLQuantizationType.Q4_K, "Q8_0": gguf.GGMLQuantizationType.Q8_0}[kind]
random = np.random.default_rng(1)


def blocks(rows, columns):
    """Random codes under scales that keep values about 0.02 in size."""
    elements, size = gguf.GGML_QUANT_SIZES[TYPE]
    data = random.integers(0, 256, (rows, columns // elements, size), dtype=np.uint8)
    scale = np.frombuffer(np.float16(0.02 / (8 * 32) if kind == "Q4_K" else 0.02 / 64).tobytes(), dtype=np.uint8)
    data[:, :, 0:2] = scale
    if kind == "Q4_K":
        data[:, :, 2:4] = scale
    return data.reshape(rows, -1)


writer = gguf.GGUFWriter(path.with_suffix(".part"), "llama")
writer.add_block_count(LAYERS)
writer.add_context_length(2048)
writer.add_embedding_length(WIDTH)
writer.add_feed_forward_length(HIDDEN)
writer.add_head_count(HEADS)
writer.add_head_count_kv(HEADS)
writer.add_layer_norm_rms_eps(1e-5)
writer.add_rope_dimension_count(WIDTH // HEADS)
writer.add_vocab_size(VOCABULARY)
writer.add_tokenizer_model("no_vocab")


def add(name, rows, columns):
    writer.add_tensor(name, blocks(rows, columns), raw_dtype=TYPE)


ones = np.ones(WIDTH, dtype=np.float32)
add("token_embd.weight", VOCABULARY, WIDTH)
writer.add_tensor("output_norm.weight", ones)
add("output.weight", VOCABULARY, WIDTH)
for n in range(LAYERS):
    writer.add_tensor(f"blk.{n}.attn_norm.weight", ones)
    writer.add_tensor(f"blk.{n}.ffn_norm.weight", ones)
    for name, rows, columns in (("attn_q", WIDTH, WIDTH), ("attn_k", WIDTH, WIDTH), ("attn_v", WIDTH, WIDTH), ("attn_output", WIDTH, WIDTH),
                                ("ffn_gate", HIDDEN, WIDTH), ("ffn_up", HIDDEN, WIDTH), ("ffn_down", WIDTH, HIDDEN)):
        add(f"blk.{n}.{name}.weight", rows, columns)
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()
path.with_suffix(".part").rename(path)
