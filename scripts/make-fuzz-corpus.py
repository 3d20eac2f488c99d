"""Writes what the fuzzer starts from: small sound inputs of every reader, into Tests/FuzzTargets/Corpus. Needs nothing but Python.

python scripts/make-fuzz-corpus.py
"""
import json
import pathlib
import random
import struct

corpus = pathlib.Path(__file__).resolve().parent.parent / "Tests/FuzzTargets/Corpus"


def write(target, name, content):
    folder = corpus / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)


def text(value):
    raw = value.encode()
    return struct.pack("<Q", len(raw)) + raw


def value(kind, item):
    packs = {"u32": (4, "<I"), "i32": (5, "<i"), "f32": (6, "<f"), "bool": (7, "<B")}
    if kind == "text":
        return struct.pack("<I", 8) + text(item)
    if kind.startswith("["):
        inner = [value(kind[1:], each)[4:] for each in item]
        code = 8 if kind == "[text" else packs[kind[1:]][0]
        return struct.pack("<IIQ", 9, code, len(item)) + b"".join(inner)
    code, form = packs[kind]
    return struct.pack("<I", code) + struct.pack(form, item)


def gguf(pairs, tensors):
    """pairs: (key, kind, value); tensors: (name, ggml's axes, type, bytes)."""
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(pairs))
    for key, kind, item in pairs:
        head += text(key) + value(kind, item)
    data = b""
    for name, axes, kind, raw in tensors:
        head += text(name) + struct.pack("<I", len(axes)) + struct.pack(f"<{len(axes)}Q", *axes)
        head += struct.pack("<IQ", kind, len(data))
        data += raw + b"\0" * (-len(raw) % 32)
    return head + b"\0" * (-len(head) % 32) + data


def numbers(count, kind):
    draw = random.Random(count)
    if kind == 0:
        return struct.pack(f"<{count}f", *(round(draw.gauss(0, 0.5), 2) for _ in range(count)))
    # Q8_0: a half and 32 codes a block.
    return b"".join(struct.pack("<e", 0.01) + bytes(draw.randrange(256) for _ in range(32)) for _ in range(count // 32))


def tensor(name, axes, kind=0):
    count = 1
    for axis in axes:
        count *= axis
    return name, axes, kind, numbers(count, kind)


def decoder(architecture, width, heads, hidden, words, kind=0, normed=False, tied=True):
    head_width = width // heads
    pairs = [("general.architecture", "text", architecture)] + [(f"{architecture}.{key}", kind, item) for key, kind, item in [
        ("context_length", "u32", 16), ("embedding_length", "u32", width), ("block_count", "u32", 1), ("feed_forward_length", "u32", hidden),
        ("attention.head_count", "u32", heads), ("attention.head_count_kv", "u32", 1), ("rope.freq_base", "f32", 10000.0),
        ("rope.dimension_count", "u32", head_width), ("attention.layer_norm_rms_epsilon", "f32", 1e-5)]]
    if architecture == "gemma3":
        pairs += [("gemma3.attention.sliding_window", "u32", 4), ("gemma3.attention.key_length", "u32", head_width)]
    tensors = [tensor("token_embd.weight", [width, words], kind), tensor("output_norm.weight", [width])]
    if not tied:
        tensors.append(tensor("output.weight", [width, words], kind))
    names = [("attn_norm", [width]), ("attn_q", [width, width]), ("attn_k", [width, head_width]), ("attn_v", [width, head_width]),
             ("attn_output", [width, width]), ("ffn_norm", [width]), ("ffn_gate", [width, hidden]), ("ffn_up", [width, hidden]),
             ("ffn_down", [hidden, width])]
    if normed:
        names += [("attn_q_norm", [head_width]), ("attn_k_norm", [head_width]), ("post_attention_norm", [width]), ("post_ffw_norm", [width])]
    tensors += [tensor(f"blk.0.{name}.weight", axes, kind if len(axes) == 2 else 0) for name, axes in names]
    return pairs, tensors


def pieces():
    tokens = ["<unk>", "<s>", "</s>", "<0x0A>", "\u2581", "a", "b", "ab", "\u2581ab"]
    return [("tokenizer.ggml.model", "text", "llama"), ("tokenizer.ggml.tokens", "[text", tokens),
            ("tokenizer.ggml.scores", "[f32", [-float(index) for index in range(len(tokens))]),
            ("tokenizer.ggml.token_type", "[i32", [2, 3, 3, 6, 1, 1, 1, 1, 1]), ("tokenizer.ggml.bos_token_id", "u32", 1),
            ("tokenizer.ggml.eos_token_id", "u32", 2), ("tokenizer.ggml.add_bos_token", "bool", 1),
            ("tokenizer.chat_template", "text", "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}")]


def byte_letters():
    """GPT-2's letters of the 256 bytes."""
    kept = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters, extra = {}, 0
    for byte in range(256):
        letters[byte] = chr(byte) if byte in kept else chr(256 + extra)
        extra += byte not in kept
    return [letters[byte] for byte in range(256)]


def letters(pre):
    tokens = byte_letters() + ["ab", "\u0120a", "\u0120ab", "<|end|>"]
    return [("tokenizer.ggml.model", "text", "gpt2"), ("tokenizer.ggml.pre", "text", pre), ("tokenizer.ggml.tokens", "[text", tokens),
            ("tokenizer.ggml.token_type", "[i32", [1] * 259 + [3]), ("tokenizer.ggml.merges", "[text", ["a b", "\u0120 a", "\u0120a b"]),
            ("tokenizer.ggml.eos_token_id", "u32", 259)]


def words():
    tokens = ["[UNK]", "[CLS]", "[SEP]", "\u2581a", "b", "\u2581ab", "\u2581."]
    return [("tokenizer.ggml.model", "text", "bert"), ("tokenizer.ggml.tokens", "[text", tokens),
            ("tokenizer.ggml.token_type", "[i32", [3, 3, 3, 1, 1, 1, 1]), ("tokenizer.ggml.unknown_token_id", "u32", 0),
            ("tokenizer.ggml.cls_token_id", "u32", 1), ("tokenizer.ggml.seperator_token_id", "u32", 2)]


def models():
    pairs, tensors = decoder("llama", 8, 2, 8, 9)
    write("gguf", "llama", gguf(pairs + pieces(), tensors))
    pairs, tensors = decoder("llama", 4, 1, 4, 260, tied=False)
    write("gguf", "llama-letters", gguf(pairs + letters("llama-bpe"), tensors))
    pairs, tensors = decoder("qwen2", 32, 4, 32, 9, kind=8)
    write("gguf", "qwen2-blocks", gguf(pairs + pieces(), tensors))
    pairs, tensors = decoder("gemma3", 8, 2, 8, 9, normed=True)
    write("gguf", "gemma3", gguf(pairs + pieces(), tensors))
    pairs, tensors = decoder("llama", 8, 2, 8, 9)
    scaling = [("llama.rope.scaling.type", "text", "yarn"), ("llama.rope.scaling.factor", "f32", 2.0), ("general.alignment", "u32", 64)]
    write("gguf", "words", gguf(pairs + scaling + words(), tensors[:3]))


def elements():
    def file(entries, data, **more):
        head = json.dumps({**more, **entries}, separators=(",", ":")).encode()
        return struct.pack("<Q", len(head)) + head + data
    write("safetensors", "three", file(
        {"a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, "b": {"dtype": "BF16", "shape": [3], "data_offsets": [24, 30]},
         "c": {"dtype": "I8", "shape": [], "data_offsets": [30, 31]}}, bytes(31), __metadata__={"format": "pt"}))
    write("safetensors", "empty", file({"a": {"dtype": "F16", "shape": [0, 4], "data_offsets": [0, 0]}}, b""))


def tokenizers():
    added = [{"id": 4, "content": "<s>", "single_word": False, "lstrip": False, "rstrip": True, "normalized": False, "special": True}]
    frame = {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
             "pair": [], "special_tokens": {"<s>": {"id": "<s>", "ids": [4], "tokens": ["<s>"]}}}
    letters = byte_letters()
    model = {"type": "BPE", "dropout": None, "unk_token": None, "fuse_unk": False, "byte_fallback": False,
             "vocab": {**{letter: index for index, letter in enumerate(letters)}, "ab": 256}, "merges": ["a b"]}
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    digits = {"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": True}, byte_level]}
    end = [{**added[0], "id": 257}]
    write("tokenizer", "letters", json.dumps(dict(version="1.0", added_tokens=end, normalizer=None, pre_tokenizer=digits, post_processor=None,
                                                  decoder={"type": "ByteLevel"}, model=model)))
    pieces = {"<unk>": 0, "\u2581": 1, "a": 2, "b": 3, "<s>": 4, "<0x0A>": 5, "ab": 6, "\u2581ab": 7}
    write("tokenizer", "pieces", json.dumps(dict(
        version="1.0", added_tokens=added,
        normalizer={"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "\u2581"},
                                                        {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}]},
        pre_tokenizer=None, post_processor=frame,
        decoder={"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "}, {"type": "ByteFallback"},
                                                  {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
        model={"type": "BPE", "unk_token": "<unk>", "fuse_unk": True, "byte_fallback": True, "vocab": pieces,
               "merges": [["a", "b"], ["\u2581", "ab"]]})))
    write("tokenizer", "scored", json.dumps(dict(
        version="1.0", added_tokens=added, normalizer=None,
        pre_tokenizer={"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always", "split": True}, post_processor=frame,
        decoder={"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always", "split": True},
        model={"type": "Unigram", "unk_id": 0, "byte_fallback": False,
               "vocab": [["<unk>", 0.0], ["\u2581", -2.0], ["a", -2.5], ["b", -2.5], ["<s>", 0.0], ["ab", -3.0], ["\u2581ab", -3.5]]})))
    write("tokenizer", "words", json.dumps(dict(
        version="1.0", added_tokens=added,
        normalizer={"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": True},
        pre_tokenizer={"type": "BertPreTokenizer"}, post_processor=frame, decoder={"type": "WordPiece", "prefix": "##", "cleanup": True},
        model={"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100,
               "vocab": {"[UNK]": 0, "a": 1, "##b": 2, "ab": 3, "<s>": 4, ".": 5}})))


def templates():
    write("template", "chat", """{{ bos_token }}{%- if messages[0]['role'] == 'system' %}{% set system = messages[0].content %}{% set rest = messages[1:] %}
{%- else %}{% set system = '' %}{% set rest = messages %}{% endif %}{% for m in rest -%}
{% if loop.first and system %}[{{ system | trim }}]{% endif %}<|{{ m.role }}|>
{% generation %}{{ m.content or '' }}{% endgeneration %}{% for call in m.tool_calls or [] %}{{ call.function | tojson }}{% endfor %}
{%- else %}nothing{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}""")
    write("template", "macros", """{% macro line(item, mark='-') %}{{ mark ~ ' ' ~ item }}{{ caller() if caller }}{% endmacro %}
{% set ns = namespace(found=false, n=0) %}{% for t in tools %}{% set ns.n = ns.n + 1 %}{% if t.function.name is defined and not ns.found %}
{% call line(t.function.name | upper, mark='*') %}!{% endcall %}{% set ns.found = true %}{% endif %}{% endfor %}
{% filter indent(2) %}{{ '%s is %d' % ('x', ns.n) }}{{ range(3) | list | join(',') }}{% endfilter %}{% for i in range(9) if i % 2 %}{% if i > 5 %}
{% break %}{% endif %}{{ i }}{% endfor %}""")
    write("template", "values", """{{ messages | map(attribute='role') | unique | list }}{{ messages | selectattr('role', 'equalto', 'user') | list | length }}
{{ {'a': [1, 2.5, none], 'b': true} | dictsort }}{{ 'a,b'.split(',')[::-1] }}{{ strftime_now('%Y') }}{{ (7 // 2) ** 2 ~ -3 % 5 }}{{ 'x' in 'xyz' }}
{{ messages[-1]['content'][0:2] | replace('T', 't') | title }}{{ raise_exception('no') if false }}""")


def constraints():
    schemas = {
        "object": {"type": "object", "properties": {"name": {"type": "string", "minLength": 1, "maxLength": 9}, "age": {
            "type": "integer", "minimum": 0, "maximum": 150}, "tags": {"type": "array", "items": {"enum": ["a", 1, None]}, "maxItems": 3}},
            "required": ["name"], "additionalProperties": False},
        "references": {"$defs": {"tree": {"type": "object", "properties": {"left": {"$ref": "#/$defs/tree"}, "value": {"type": "number"}}}},
                       "anyOf": [{"$ref": "#/$defs/tree"}, {"const": {"x": [1.5, "y"]}}]},
        "strings": {"oneOf": [{"type": "string", "pattern": "^[a-f0-9]{2,8}$"}, {"type": "string", "format": "date"},
                              {"type": "array", "prefixItems": [{"multipleOf": 0.5}], "items": False, "minItems": 1}]},
        "parts": {"allOf": [{"required": ["a"]}, {"properties": {"a": {"not": {"type": "null"}}}}], "patternProperties": {"^x": {"type": "null"}},
                  "propertyNames": {"maxLength": 4}, "type": "object", "minProperties": 1},
    }
    for name, schema in schemas.items():
        write("schema", name, json.dumps(schema))
    write("grammar", "arithmetic", 'root ::= term ([-+*/] term){0,3}\nterm ::= [0-9]+ | "(" root ")" # a number\n')
    write("grammar", "words", 'root ::= ("a" | "\\x41" | "\\u00e9")* item?\nitem ::= [^a-z\\]]{2,4} |\n  . item\n')
    for name, pattern in {"date": r"\d{4}-\d\d-\d\d(T[0-2]\d:[0-5]\d)?", "words": r"(?:[A-Z][a-z]+ ?){1,3}|\u00e9*[^\s\w]", "nested": "((a|ab)(c|bcd)(d*))+"}.items():
        write("expression", name, pattern)


def configurations():
    models = corpus.parent.parent / "Goldens/models"
    for name in ["llama-llama3", "gpt2-gelu", "gemma3", "qwen3-moe", "phi3-long"]:
        fields = json.loads((models / name / "config.json").read_text())
        write("configuration", name, json.dumps(fields, separators=(",", ":")))


random.seed(1)
for make in [models, elements, tokenizers, templates, constraints, configurations]:
    make()
