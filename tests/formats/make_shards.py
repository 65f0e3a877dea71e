#!/usr/bin/env python3
"""Writes tests/golden/shards, a model in several files, with transformers 5.23.0 and torch 2.11.0: make_shards.py OUTPUT.

The first tensor is larger than a file may be. order.json lists the tensors in the order in which they were saved.
"""
import json
import pathlib
import sys

import torch
import transformers

torch.manual_seed(5)
config = transformers.LlamaConfig(
    vocab_size=37, hidden_size=8, intermediate_size=12, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=1,
    max_position_embeddings=16, tie_word_embeddings=True)
model = transformers.LlamaForCausalLM(config)
out = pathlib.Path(sys.argv[1])
out.mkdir(parents=True, exist_ok=True)
model.save_pretrained(out, max_shard_size="1KB")
(out / "config.json").unlink()
(out / "generation_config.json").unlink()
names = [name for name in model.state_dict() if name != "lm_head.weight"]
(out / "order.json").write_text(json.dumps(names, indent=1) + "\n")
