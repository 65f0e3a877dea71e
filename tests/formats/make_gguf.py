#!/usr/bin/env python3
"""Writes tests/golden/gguf with the PyPI package `gguf` (made with 0.19.0, numpy 2.4.6): make_gguf.py OUTPUT.

reference.gguf holds every type of value and some tensors; its values are repeated by hand in gguf_test.cpp.
"""
import pathlib
import sys

import gguf
import numpy

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
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main():
    out = pathlib.Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    reference(out / "reference.gguf")


main()
