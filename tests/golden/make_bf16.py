#!/usr/bin/env python3
"""Makes tests/golden/transformer/bf16.json: what transformers in bf16 says of the models of make_transformer.py.

    pip install torch==2.11.0 transformers==5.23.0 safetensors
    python3 tests/golden/make_bf16.py

Per model the log-probabilities of each id of its first sequence but the first one, by weights and activations in bf16.
"""

import json

import torch
import transformers
from safetensors.torch import load_file

from make_transformer import HERE, MODELS


def log_probs(name, config):
    config._attn_implementation = "eager"
    model = transformers.AutoModelForCausalLM.from_config(config, dtype=torch.float32).eval()
    model.load_state_dict(load_file(HERE / f"{name}.safetensors"), strict=not config.tie_word_embeddings)
    model = model.to(torch.bfloat16)
    ids = torch.tensor(json.loads((HERE / f"{name}.json").read_text())["sequences"][0]["ids"])
    with torch.no_grad():
        rows = torch.log_softmax(model(ids[None]).logits[0].float(), -1)
    return rows[:-1].gather(1, ids[1:, None]).squeeze(1)


def main():
    names = ("llama_tied", "llama_gqa", "qwen2", "qwen3")
    golden = {name: [float(f"{x:.8g}") for x in log_probs(name, MODELS[name][0]).tolist()] for name in names}
    about = {"transformers": transformers.__version__, "torch": torch.__version__}
    (HERE / "bf16.json").write_text(json.dumps({**about, "log_probs": golden}) + "\n")


if __name__ == "__main__":
    main()
