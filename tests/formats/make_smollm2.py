#!/usr/bin/env python3
"""Writes tests/golden/gguf/smollm2.json with gguf 0.19.0 and numpy: make_smollm2.py GGUF OUTPUT.

SHA-256 of the fp32 values of SmolLM2-135M-Instruct (scripts/get_smollm2.sh): of some tensors, by their names in the file,
and of all of them in the file's order. The rows of queries and keys are in the order in which transformers has them.
"""
import hashlib
import json
import sys

import gguf

reader = gguf.GGUFReader(sys.argv[1])
everything = hashlib.sha256()
some = {}
for i, tensor in enumerate(reader.tensors):
    values = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
    for part, heads in (("attn_q.", 9), ("attn_k.", 3)):
        if part in tensor.name:
            values = values.reshape(heads, values.shape[0] // heads // 2, 2, -1).swapaxes(1, 2).reshape(values.shape)
    data = values.tobytes()
    everything.update(data)
    if i % 30 in (0, 5):
        some[tensor.name] = hashlib.sha256(data).hexdigest()
out = {"tensors": len(reader.tensors), "sha256": everything.hexdigest(), "some": some}
open(sys.argv[2], "w").write(json.dumps(out, indent=1) + "\n")
