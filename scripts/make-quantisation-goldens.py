#!/usr/bin/env python3
"""Writes Tests/Goldens/quantisation.json: rows of floats, the blocks that ggml makes of them, and the error of its blocks of 256.

Needs numpy, the package `gguf`, and ggml's library as its build makes it: make-quantisation-goldens.py libggml-base.so
"""

import base64
import ctypes
import json
import pathlib
import sys

import gguf
import numpy as np
from gguf.quants import dequantize

SMALL = ["Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "MXFP4"]
LARGE = ["Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K"]
OUTPUT = pathlib.Path(__file__).parent.parent / "Tests/Goldens/quantisation.json"


def rows():
    random = np.random.default_rng(20)
    x = np.stack([
        random.standard_normal(512) * 0.02, random.laplace(size=512) * 0.05, random.standard_t(3, 512) * 0.02,
        random.standard_normal(512) + 3, random.uniform(-1, 1, 512) ** 9, np.round(random.standard_normal(512) * 4) / 4,
    ]).astype(np.float32)
    x[5, :32] = 0
    x[5, 32:64] = 0.25
    x[5, 64:96] = -np.arange(32)
    x[5, 96] = 1e-30
    return np.ascontiguousarray(x)


def main():
    library = ctypes.CDLL(sys.argv[1])
    library.ggml_quantize_chunk.restype = ctypes.c_size_t
    library.ggml_quantize_chunk.argtypes = [
        ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p]
    x = rows()

    def blocks(name):
        kind = gguf.GGMLQuantizationType[name]
        elements, size = gguf.GGML_QUANT_SIZES[kind]
        result = np.zeros((x.shape[0], x.shape[1] // elements * size), np.uint8)
        library.ggml_quantize_chunk(kind.value, x.ctypes.data, result.ctypes.data, 0, *x.shape, None)
        return kind, result

    def text(array):
        return base64.b64encode(array.tobytes()).decode()

    def errors(kind, found):
        return np.sqrt(np.mean((dequantize(found, kind).astype(np.float64) - x) ** 2, axis=1)).tolist()

    document = {
        "input": {"shape": list(x.shape), "type": "f32", "data": text(x)},
        "blocks": {name: text(blocks(name)[1]) for name in SMALL},
        "errors": {name: errors(*blocks(name)) for name in LARGE},
    }
    OUTPUT.write_text(json.dumps(document, indent=1) + "\n")


main()
