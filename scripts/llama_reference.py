"""llama.cpp, by llama-cpp-python, as the reference that scripts/interop_tests.py and scripts/greedy_agreement.py compare Primer with."""
import os
import pathlib
import struct

import llama_cpp
import numpy as np

HERE = pathlib.Path(__file__).resolve().parent


class LlamaCpp:
    """A GGUF file in llama.cpp: no flash attention, an f32 cache."""

    def __init__(self, path, context=512, threads=2):
        self.inner = llama_cpp.Llama(
            str(path), n_ctx=context, n_batch=context, n_ubatch=context, n_threads=threads, n_threads_batch=threads, swa_full=True,
            type_k=llama_cpp.GGML_TYPE_F32, type_v=llama_cpp.GGML_TYPE_F32, flash_attn=False, verbose=False)
        self.vocabulary = self.inner.n_vocab()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.inner.close()

    def tokens(self, text, framed=True):
        """Ids of a text; special tokens spelled out are recognised, `framed` adds those that frame a text."""
        return self.inner.tokenize(text.encode(), add_bos=framed, special=True)

    def ends(self, token):
        return llama_cpp.llama_vocab_is_eog(self.inner._model.vocab, token)

    def next(self, ids):
        """ln p [vocabulary] of what follows `ids` behind what was read."""
        self.inner.eval(ids)
        row = llama_cpp.llama_get_logits_ith(self.inner.ctx, len(ids) - 1)
        return log_softmax(np.ctypeslib.as_array(row, (self.vocabulary,)))

    def greedy(self, ids, count):
        """The likeliest tokens behind `ids`, and ln p [tokens, vocabulary] they were taken from."""
        self.inner.reset()
        chosen, rows, unread = [], [], ids
        while len(chosen) < count and not (chosen and self.ends(chosen[-1])):
            rows.append(self.next(unread))
            chosen.append(int(rows[-1].argmax()))
            unread = chosen[-1:]
        return chosen, rows

    def follow(self, ids, given):
        """ln p [tokens, vocabulary] at each place of `given` behind `ids`."""
        self.inner.reset()
        return [self.next(part) for part in [ids, *([token] for token in given[:-1])]]


def log_softmax(logits):
    x = np.array(logits, np.float64)
    x -= x.max()
    return x - np.log(np.exp(x).sum())


def shared_data():
    return pathlib.Path(os.environ.get("PRIMER_TEST_DATA", HERE.parent.parent / "shared" / "data"))


def stories260k(path):
    """Writes karpathy's stories260K (llama2.c's format) as an F32 GGUF file; None where the test data is absent."""
    from gguf import GGUFWriter
    source = shared_data() / "models" / "stories260K"
    if not (source / "stories260K.bin").exists():
        return None
    raw = (source / "stories260K.bin").read_bytes()
    width, hidden, layers, heads, key_value_heads, vocabulary, context = struct.unpack("<7i", raw[:28])
    numbers, used = np.frombuffer(raw, np.float32, offset=28), 0
    assert vocabulary > 0, "a vocabulary below 0 tells of an output head of its own"

    def take(*shape):
        nonlocal used
        count = int(np.prod(shape))
        used += count
        return numbers[used - count:used].reshape(shape)

    keys = width // heads * key_value_heads
    writer = GGUFWriter(str(path), "llama")
    writer.add_name("stories260K")
    for add, value in ((writer.add_context_length, context), (writer.add_embedding_length, width), (writer.add_block_count, layers),
                       (writer.add_feed_forward_length, hidden), (writer.add_head_count, heads), (writer.add_head_count_kv, key_value_heads),
                       (writer.add_layer_norm_rms_eps, 1e-5), (writer.add_rope_dimension_count, width // heads)):
        add(value)
    writer.add_tensor("token_embd.weight", take(vocabulary, width))
    for name, shape in (("attn_norm", (width,)), ("attn_q", (width, width)), ("attn_k", (keys, width)), ("attn_v", (keys, width)),
                        ("attn_output", (width, width)), ("ffn_norm", (width,)), ("ffn_gate", (hidden, width)),
                        ("ffn_down", (width, hidden)), ("ffn_up", (hidden, width))):
        for layer, tensor in enumerate(take(layers, *shape)):
            writer.add_tensor(f"blk.{layer}.{name}.weight", tensor)
    writer.add_tensor("output_norm.weight", take(width))

    pieces, scores, kinds = [], [], []
    file = (source / "tok512.bin").read_bytes()
    at = 4
    for number in range(vocabulary):
        score, length = struct.unpack_from("<fi", file, at)
        piece = file[at + 8:at + 8 + length]
        at += 8 + length
        if number < 3:  # unknown, begin, end
            piece = [b"<unk>", b"<s>", b"</s>"][number]
        # llama2.c spells SentencePiece's space as a space, and bytes as <0xNN>.
        pieces.append(piece.replace(b" ", "▁".encode()))
        scores.append(score)
        kinds.append(2 if number == 0 else 3 if number < 3 else 6 if number < 259 else 1)
    writer.add_tokenizer_model("llama")
    writer.add_token_list(pieces)
    writer.add_token_scores(scores)
    writer.add_token_types(kinds)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
