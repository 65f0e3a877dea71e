#!/usr/bin/env python3
"""Writes tests/golden/gguf with the PyPI package `gguf` (made with 0.19.0, numpy 2.4.6): make_gguf.py OUTPUT.

reference.gguf holds every type of value and some tensors; its values are repeated by hand in gguf_test.cpp.
dequantised.gguf holds random blocks of each type, as NAME, and what the package makes of them, as NAME.f32: among the
scales are zeros, subnormals and the largest.
llama.gguf is tests/golden/transformer/llama_gqa as llama.cpp's converter lays it out, in F32: of the
rows of queries and keys, [heads x 2 x half], the last two change places. gemma3.gguf and gpt2.gguf likewise: the scales of
Gemma's norms are 1 more, GPT-2's linear maps turned. (Gemma's file has not the windows of the golden model: llama.cpp knows
those of the published ones alone.)
quantised.gguf holds floats of all magnitudes as NAME, and what the package makes of them as NAME.TYPE.
"""
import json
import pathlib
import sys

import gguf
import numpy
from safetensors.numpy import load_file

GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "golden"

SCALARS = {
    "u8": (255, gguf.GGUFValueType.UINT8),
    "i8": (-128, gguf.GGUFValueType.INT8),
    "u16": (65535, gguf.GGUFValueType.UINT16),
    "i16": (-32768, gguf.GGUFValueType.INT16),
    "u32": (4294967295, gguf.GGUFValueType.UINT32),
    "i32": (-2147483648, gguf.GGUFValueType.INT32),
    "u64": (9223372036854775807, gguf.GGUFValueType.UINT64),
    "i64": (-9223372036854775808, gguf.GGUFValueType.INT64),
    "f32": (0.1, gguf.GGUFValueType.FLOAT32),
    "f64": (0.1, gguf.GGUFValueType.FLOAT64),
    "yes": (True, gguf.GGUFValueType.BOOL),
    "no": (False, gguf.GGUFValueType.BOOL),
    "text": ("caf\u00e9\n\0.", gguf.GGUFValueType.STRING),
}


def close(writer):
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def reference(path):
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_custom_alignment(64)
    for key, (value, kind) in SCALARS.items():
        writer.add_key_value("test." + key, value, kind)
    writer.add_array("test.texts", ["a", "", "\u00e9"])
    writer.add_array("test.bytes", [b"\xff\xfe", b"plain"])
    writer.add_array("test.numbers", [1, -2, 3])
    writer.add_array("test.floats", [0.5, -2.0])
    writer.add_array("test.flags", [True, False])
    writer.add_tensor("matrix", numpy.array([[1.0, -2.5, 3.25], [0.0, 1e-30, 65504.0]], dtype=numpy.float32))
    writer.add_tensor("half", numpy.array([1.0, -2.0, 0.5], dtype=numpy.float16))
    blocks = gguf.quants.quantize(numpy.arange(-64, 64, dtype=numpy.float32).reshape(2, 64), gguf.GGMLQuantizationType.Q8_0)
    writer.add_tensor("blocks", blocks, raw_dtype=gguf.GGMLQuantizationType.Q8_0)
    close(writer)


# Of each type: where its fp16 scales stand in a block.
SCALES = {
    "F16": [0], "Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0], "Q2_K": [80, 82], "Q3_K": [108], "Q4_K": [0, 2],
    "Q5_K": [0, 2], "Q6_K": [208], "BF16": [], "F32": [],
}
EXTREME = [0x0000, 0x8000, 0x0001, 0x8001, 0x03FF, 0x0400, 0x8400, 0x7BFF, 0xFBFF, 0x3C00]


def random_blocks(random, kind, count):
    weights, size = gguf.GGML_QUANT_SIZES[kind]
    blocks = random.integers(0, 256, (count, size), dtype=numpy.uint8)
    for at in SCALES[kind.name]:
        scales = random.integers(0, 0x7C00, count, dtype=numpy.uint16) | random.integers(0, 2, count, dtype=numpy.uint16) << 15
        picked = random.permutation(count)[: len(EXTREME)]
        scales[picked] = EXTREME[: len(picked)]
        blocks[:, at : at + 2] = scales.astype("<u2").view(numpy.uint8).reshape(count, 2)
    if kind.name in ("F32", "BF16"):  # finite numbers
        blocks[:, -1] &= 0xBF
    return blocks.reshape(1, -1)


def dequantised(path):
    random = numpy.random.default_rng(2024)
    writer = gguf.GGUFWriter(path, "llama")
    for name in SCALES:
        kind = gguf.GGMLQuantizationType[name]
        weights = gguf.GGML_QUANT_SIZES[kind][0]
        blocks = random_blocks(random, kind, {1: 256, 32: 40, 256: 14}[weights])
        writer.add_tensor(name, blocks, raw_dtype=kind)
        writer.add_tensor(name + ".f32", gguf.quants.dequantize(blocks, kind).astype(numpy.float32))
    close(writer)


def name_of(published):
    plain = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}
    layer = {
        "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
        "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down", "input_layernorm": "attn_norm",
        "post_attention_layernorm": "ffn_norm",
    }
    stem = published.removesuffix(".weight")
    if stem in plain:
        return plain[stem] + ".weight"
    _, _, number, rest = stem.split(".", 3)
    return f"blk.{number}.{layer[rest]}.weight"


def add_sizes(writer, about):
    writer.add_block_count(about["layers"])
    writer.add_context_length(about["context"])
    writer.add_embedding_length(about["width"])
    writer.add_feed_forward_length(about["hidden"])
    writer.add_head_count(about["heads"])


def llama(path):
    about = json.loads((GOLDEN / "transformer/llama_gqa.json").read_text())
    writer = gguf.GGUFWriter(path, "llama")
    add_sizes(writer, about)
    writer.add_head_count_kv(about["kv_heads"])
    writer.add_rope_freq_base(about["rope_theta"])
    writer.add_layer_norm_rms_eps(about["epsilon"])
    writer.add_vocab_size(about["vocabulary"])
    writer.add_rope_dimension_count(about["head_width"])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(1)
    writer.add_eot_token_id(2)
    writer.add_float32("general.sampling.temp", 0.6)
    writer.add_chat_template("{{ messages[0].content }}")
    for published, values in load_file(GOLDEN / "transformer/llama_gqa.safetensors").items():
        for part, heads in (("q_proj", about["heads"]), ("k_proj", about["kv_heads"])):
            if part in published:
                values = values.reshape(heads, 2, values.shape[0] // heads // 2, -1).swapaxes(1, 2).reshape(values.shape)
        writer.add_tensor(name_of(published), values)
    close(writer)


GEMMA3 = {"pre_feedforward_layernorm": "ffn_norm", "post_feedforward_layernorm": "post_ffw_norm",
          "post_attention_layernorm": "post_attention_norm", "self_attn.q_norm": "attn_q_norm",
          "self_attn.k_norm": "attn_k_norm"}
GPT2 = {"wte": "token_embd", "wpe": "position_embd", "ln_f": "output_norm", "ln_1": "attn_norm", "ln_2": "ffn_norm",
        "attn.c_attn": "attn_qkv", "attn.c_proj": "attn_output", "mlp.c_fc": "ffn_up", "mlp.c_proj": "ffn_down"}


def gemma3(path):
    about = json.loads((GOLDEN / "transformer/gemma3.json").read_text())
    writer = gguf.GGUFWriter(path, "gemma3")
    add_sizes(writer, about)
    writer.add_head_count_kv(about["kv_heads"])
    writer.add_layer_norm_rms_eps(about["epsilon"])
    writer.add_key_length(about["head_width"])
    writer.add_value_length(about["head_width"])
    writer.add_rope_freq_base(about["rope_theta"])
    writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
    writer.add_rope_scaling_factor(about["rope_factor"])
    writer.add_sliding_window(about["window"])
    for published, values in load_file(GOLDEN / "transformer/gemma3.safetensors").items():
        stem, end = published.rsplit(".", 1)
        name = next((f"blk.{stem.split('.')[2]}.{theirs}.{end}" for ours, theirs in GEMMA3.items() if stem.endswith(ours)),
                    None) or name_of(published)
        writer.add_tensor(name, values + 1 if published.endswith("norm.weight") else values)
    close(writer)


def gpt2(path):
    about = json.loads((GOLDEN / "transformer/gpt2.json").read_text())
    writer = gguf.GGUFWriter(path, "gpt2")
    add_sizes(writer, about)
    writer.add_layer_norm_eps(about["epsilon"])
    for published, values in load_file(GOLDEN / "transformer/gpt2.safetensors").items():
        stem, end = published.removeprefix("transformer.").rsplit(".", 1)
        place, _, rest = stem.partition("h.")[2].partition(".")
        name = f"blk.{place}.{GPT2[rest]}.{end}" if rest else f"{GPT2[stem]}.{end}"
        turned = end == "weight" and (".c_" in stem)
        writer.add_tensor(name, numpy.ascontiguousarray(values.T) if turned else values)
    close(writer)


def quantised(path):
    random = numpy.random.default_rng(2025)
    writer = gguf.GGUFWriter(path, "llama")
    ties = numpy.concatenate([[127.0], numpy.arange(-15.5, 15.5)]).astype(numpy.float32)  # of the scale 1
    values = {
        "normal": random.standard_normal((8, 64), dtype=numpy.float32),
        "spread": (random.standard_normal((8, 64)) * 10.0 ** random.integers(-9, 5, (8, 64))).astype(numpy.float32),
        "special": numpy.stack([ties, -ties * 3, numpy.zeros(32, numpy.float32), ties * 1e-6, ties * 60000]).astype(numpy.float32),
    }
    for name, floats in values.items():
        writer.add_tensor(name, floats)
        for kind in (gguf.GGMLQuantizationType.F16, gguf.GGMLQuantizationType.BF16, gguf.GGMLQuantizationType.Q8_0):
            blocks = gguf.quants.quantize(floats, kind)
            writer.add_tensor(f"{name}.{kind.name}", blocks.view(numpy.uint8).reshape(len(floats), -1), raw_dtype=kind)
    close(writer)


def main():
    out = pathlib.Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    reference(out / "reference.gguf")
    dequantised(out / "dequantised.gguf")
    quantised(out / "quantised.gguf")
    llama(out / "llama.gguf")
    gemma3(out / "gemma3.gguf")
    gpt2(out / "gpt2.gguf")


main()
