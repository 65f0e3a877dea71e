#!/usr/bin/env python3
"""Writes tests/golden/reference.safetensors with the PyPI package `safetensors` (made with 0.8.0, numpy 2.4.6).

Run it in any folder: make_golden.py OUTPUT. The values are repeated by hand in safetensors_test.cpp.
"""
import sys

import numpy
from safetensors.numpy import save_file

save_file(
    {
        "zeta": numpy.array([[1.0, -2.5, 3.25], [0.0, 1e-30, 65504.0]], dtype=numpy.float32),
        "alpha": numpy.array([0.5, -0.25], dtype=numpy.float32),
        "half": numpy.array([1.0, -2.0, 0.5], dtype=numpy.float16),
        "double": numpy.array([0.1], dtype=numpy.float64),
        "steps": numpy.array(-7, dtype=numpy.int64),
        "counts": numpy.array([1, -2], dtype=numpy.int32),
        "bytes": numpy.array([0, 127, 255], dtype=numpy.uint8),
        "flags": numpy.array([True, False], dtype=numpy.bool_),
        "empty": numpy.zeros((0, 4), dtype=numpy.float32),
        'quo"te\n\u00e9': numpy.array([2.0], dtype=numpy.float32),
    },
    sys.argv[1],
    metadata={"format": "pt"},
)
