#!/usr/bin/env python3
"""Makes tests/golden/transformer/: tiny models of each family with the logits that transformers computes for them.

    pip install torch==2.11.0 transformers==5.23.0 safetensors
    python3 tests/golden/make_transformer.py

NAME.safetensors holds a model's weights under their published names; NAME.json its sizes, two sequences of ids and their
logits in fp32. Weights are larger than a fresh model's, so that every part of the model matters to the logits.
"""

import json
import pathlib

import torch
import transformers
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).resolve().parent / "transformer"
VOCABULARY, CONTEXT = 37, 48
COMMON = dict(vocab_size=VOCABULARY, hidden_size=16, intermediate_size=20, num_hidden_layers=2,
              max_position_embeddings=CONTEXT, rms_norm_eps=1e-6, attn_implementation="eager",
              bos_token_id=None, eos_token_id=None, pad_token_id=None)
MODELS = {
    "llama_tied": (transformers.LlamaConfig(num_attention_heads=4, num_key_value_heads=4, tie_word_embeddings=True,
                                            **COMMON), {}),
    "llama_gqa": (transformers.LlamaConfig(num_attention_heads=4, num_key_value_heads=2, tie_word_embeddings=False,
                                           rope_parameters={"rope_type": "default", "rope_theta": 500.0}, **COMMON), {}),
    "qwen2": (transformers.Qwen2Config(num_attention_heads=4, num_key_value_heads=1, tie_word_embeddings=True, **COMMON),
              {"qkv_bias": True}),
    "qwen3": (transformers.Qwen3Config(num_attention_heads=4, num_key_value_heads=2, head_dim=8,
                                       tie_word_embeddings=False, **COMMON), {"qk_norm": True}),
    "rope_linear": (transformers.LlamaConfig(num_attention_heads=4, num_key_value_heads=2, tie_word_embeddings=True,
                                             rope_parameters={"rope_type": "linear", "rope_theta": 500.0, "factor": 2.5},
                                             **COMMON), {"rope_factor": 2.5}),
    # Of its eight waves one stays, two are blended, five are stretched.
    "rope_llama3": (transformers.LlamaConfig(num_attention_heads=2, num_key_value_heads=1, head_dim=16,
                                             tie_word_embeddings=True,
                                             rope_parameters={"rope_type": "llama3", "rope_theta": 500.0, "factor": 8.0,
                                                              "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                                                              "original_max_position_embeddings": 40}, **COMMON),
                    {"rope_factor": 8.0, "rope_low": 1.0, "rope_high": 4.0, "rope_original": 40}),
    "gpt2": (transformers.GPT2Config(vocab_size=VOCABULARY, n_embd=16, n_inner=20, n_layer=2, n_head=4,
                                     n_positions=CONTEXT, attn_implementation="eager",
                                     bos_token_id=None, eos_token_id=None, pad_token_id=None),
             {"family": "gpt2", "qkv_bias": True}),
    # The window is shorter than the sequences and no multiple of anything; so many layers that two kinds alternate.
    "gemma3": (transformers.Gemma3TextConfig(num_attention_heads=4, num_key_value_heads=2, head_dim=8, sliding_window=11,
                                             layer_types=["sliding_attention", "full_attention", "sliding_attention"],
                                             query_pre_attn_scalar=20, tie_word_embeddings=True,
                                             rope_parameters={"full_attention": {"rope_type": "linear", "factor": 2.0,
                                                                                 "rope_theta": 500.0},
                                                              "sliding_attention": {"rope_type": "default",
                                                                                    "rope_theta": 60.0}},
                                             **COMMON | {"num_hidden_layers": 3}),
               {"family": "gemma3", "qk_norm": True, "rope_theta": 500.0, "rope_factor": 2.0, "window": 11,
                "windowed": [True, False, True], "window_rope_theta": 60.0, "query_scalar": 20}),
}


def spread(model, seed):
    generator = torch.Generator().manual_seed(seed)
    gemma = model.config.model_type == "gemma3_text"
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            scale = ("norm" in name or ".ln_" in name) and name.endswith("weight")
            published_as = 1 if scale and not gemma else 0  # Gemma's norms add 1 themselves
            parameter.copy_(published_as + (0.3 if scale else 0.4) * noise)


def main():
    HERE.mkdir(exist_ok=True)
    for number, (name, (config, more)) in enumerate(MODELS.items()):
        config._attn_implementation = "eager"
        model = transformers.AutoModelForCausalLM.from_config(config, dtype=torch.float32).eval()
        spread(model, number)
        generator = torch.Generator().manual_seed(100 + number)
        sequences = [torch.randint(0, VOCABULARY, (length,), generator=generator) for length in (CONTEXT, 7)]
        with torch.no_grad():
            logits = [model(ids[None]).logits[0] for ids in sequences]
        tensors = {key: value.contiguous() for key, value in model.state_dict().items()
                   if not (config.tie_word_embeddings and key == "lm_head.weight")}
        save_file(tensors, HERE / f"{name}.safetensors", metadata={"format": "pt"})
        head = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
        rope = (getattr(config, "rope_parameters", None) or {}).get("rope_theta", 0.0)
        golden = {"transformers": transformers.__version__, "torch": torch.__version__,
                  "layers": config.num_hidden_layers, "width": config.hidden_size,
                  "heads": config.num_attention_heads,
                  "kv_heads": getattr(config, "num_key_value_heads", config.num_attention_heads), "head_width": head,
                  "hidden": getattr(config, "intermediate_size", None) or config.n_inner, "context": CONTEXT,
                  "vocabulary": VOCABULARY, "rope_theta": rope,
                  "epsilon": getattr(config, "rms_norm_eps", None) or config.layer_norm_epsilon,
                  "tied": config.tie_word_embeddings, "qkv_bias": False, "qk_norm": False, **more,
                  "sequences": [{"ids": ids.tolist(), "logits": [[float(f"{x:.8g}") for x in row] for row in rows.tolist()]}
                                for ids, rows in zip(sequences, logits)]}
        (HERE / f"{name}.json").write_text(json.dumps(golden) + "\n")
        print(name, sum(t.numel() for t in tensors.values()), "parameters, logits up to",
              max(float(rows.abs().max()) for rows in logits))


if __name__ == "__main__":
    main()
