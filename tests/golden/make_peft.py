#!/usr/bin/env python3
"""Makes tests/golden/peft/NAME/: LoRA adapters that PEFT saved, on tests/golden/transformer/NAME, with what they compute.

    pip install torch==2.11.0 transformers==5.23.0 peft safetensors
    python3 tests/golden/make_peft.py

adapter_config.json and adapter_model.safetensors are PEFT's own files. golden.json holds a sequence of ids, the
log-probability of each id but the first under the adapted model, and the adapter's tensors after one step of plain
gradient descent on the sequence's mean negative log-likelihood.
"""

import json
import pathlib

import peft
import torch
import transformers
from safetensors.torch import load_file

HERE = pathlib.Path(__file__).resolve().parent
RATE = 0.25
TARGETS = {"llama_gqa": ["q_proj", "v_proj", "gate_proj", "down_proj"], "gpt2": ["c_attn", "c_proj"]}


def config_of(golden):
    if golden.get("family") == "gpt2":
        return transformers.GPT2Config(
            vocab_size=golden["vocabulary"], n_embd=golden["width"], n_inner=golden["hidden"], n_layer=golden["layers"],
            n_head=golden["heads"], n_positions=golden["context"], attn_implementation="eager",
            bos_token_id=None, eos_token_id=None, pad_token_id=None)
    return transformers.LlamaConfig(
        vocab_size=golden["vocabulary"], hidden_size=golden["width"], intermediate_size=golden["hidden"],
        num_hidden_layers=golden["layers"], num_attention_heads=golden["heads"], num_key_value_heads=golden["kv_heads"],
        max_position_embeddings=golden["context"], rms_norm_eps=golden["epsilon"], tie_word_embeddings=golden["tied"],
        rope_parameters={"rope_type": "default", "rope_theta": golden["rope_theta"]}, attn_implementation="eager",
        bos_token_id=None, eos_token_id=None, pad_token_id=None)


def base_model(name):
    golden = json.loads((HERE / "transformer" / f"{name}.json").read_text())
    model = transformers.AutoModelForCausalLM.from_config(config_of(golden)).float().eval()
    model.load_state_dict(load_file(HERE / "transformer" / f"{name}.safetensors"), strict=not golden["tied"])
    return model, golden["sequences"][0]["ids"]


def logprobs(model, ids):
    logits = model(torch.tensor([ids])).logits[0]
    return torch.log_softmax(logits, -1)[range(len(ids) - 1), ids[1:]]


def make(name):
    out = HERE / "peft" / name
    model, ids = base_model(name)
    config = peft.LoraConfig(r=3, lora_alpha=5, target_modules=TARGETS[name], use_rslora=True,
                             task_type="CAUSAL_LM", base_model_name_or_path="base")
    model = peft.get_peft_model(model, config).eval()
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_" in name:
                parameter.copy_(0.3 * torch.randn(parameter.shape, generator=generator))
    model.peft_config["default"].base_model_name_or_path = "base"
    model.save_pretrained(out)
    (out / "README.md").unlink(missing_ok=True)
    before = logprobs(model, ids)
    (-before.mean()).backward()
    after = {}
    for name, parameter in model.named_parameters():
        if "lora_" in name:
            after[name.replace(".default", "")] = (parameter - RATE * parameter.grad).flatten().tolist()
    short = lambda values: [float(f"{x:.8g}") for x in values]
    golden = {"peft": peft.__version__, "transformers": transformers.__version__, "torch": torch.__version__,
              "ids": ids, "logprobs": short(before.tolist()), "rate": RATE,
              "after": {name: short(values) for name, values in after.items()}}
    (out / "golden.json").write_text(json.dumps(golden) + "\n")


def main():
    for name in TARGETS:
        make(name)


if __name__ == "__main__":
    main()
