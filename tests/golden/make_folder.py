#!/usr/bin/env python3
"""Makes a folder of a family that `sil` does not start from scratch, for check_folder.py: transformers' config and random
weights, with the tokenizer of a checkpoint of a run with `tokenizer: bytes`.

    pip install torch==2.11.0 transformers==5.23.0 safetensors
    python3 tests/golden/make_folder.py gemma3 runs/BYTES/accepted FOLDER      # or gpt2
    build/release/bin/sil run RECIPE           # with models: {lm: {path: FOLDER}}
    python3 tests/golden/check_folder.py build/release/bin/sil runs/RECIPE/accepted
"""

import pathlib
import shutil
import sys

import torch
import transformers
from make_transformer import MODELS, spread


def main():
    family, tokenizer, folder = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
    config = MODELS[family][0]
    config.vocab_size, config.eos_token_id = 259, 1
    model = transformers.AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    spread(model, 1)
    model.save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(tokenizer / name, folder / name)


if __name__ == "__main__":
    main()
