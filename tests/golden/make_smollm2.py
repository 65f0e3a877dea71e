#!/usr/bin/env python3
"""Makes tests/golden/smollm2.json: what transformers answers greedily with SmolLM2-135M-Instruct, read from its GGUF file.

    pip install torch==2.11.0 transformers==5.23.0 gguf tokenizers
    scripts/get_smollm2.sh
    build/release/bin/sil import .deps/SmolLM2-135M-Instruct.Q4_1.gguf .deps/SmolLM2-135M-Instruct
    python3 tests/golden/make_smollm2.py

The weights are dequantised by transformers and the package gguf. The tokenizer is the one that sil imported, run by the
package tokenizers: transformers' own conversion of the file loses the rule that every digit stands alone.

Of each prompt: its text, the ids of the chat template's rendering, the ids that follow (64 at most) and their log-probs.
"""

import json
import pathlib

import torch
import transformers

ROOT = pathlib.Path(__file__).resolve().parents[2]
FILE, FOLDER = "SmolLM2-135M-Instruct.Q4_1.gguf", ROOT / ".deps" / "SmolLM2-135M-Instruct"
PROMPTS = [
    "What is the capital of France?", "Write a haiku about the sea.", "What is 17 + 25?", "List three prime numbers.",
    "Translate 'good morning' to Spanish.", "Why is the sky blue?", "Explain recursion in one sentence.",
    "Give me a recipe for pancakes.", "Who wrote Hamlet?", "What comes after Tuesday?", "Define entropy.",
    "Name a mammal that lays eggs.", "Write a Python function that adds two numbers.", "What is 12 * 12?",
    "Summarise the story of Cinderella.", "How many legs does a spider have?", "Say hello in five languages.",
    "What is the boiling point of water in degrees Celsius?", "Tell me a joke about cats.", "Wie heißt die Hauptstadt von Österreich? 🙂",
]


def main():
    torch.set_num_threads(2)
    model = transformers.AutoModelForCausalLM.from_pretrained(ROOT / ".deps", gguf_file=FILE, dtype=torch.float32).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(FOLDER)
    rows = []
    for prompt in PROMPTS:
        text = tokenizer.apply_chat_template([{"role": "user", "content": prompt}], add_generation_prompt=True, tokenize=False)
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        with torch.no_grad():
            out = model.generate(torch.tensor([ids]), max_new_tokens=64, do_sample=False, eos_token_id=2, pad_token_id=2,
                                 repetition_penalty=1.0)[0].tolist()
            logits = model(torch.tensor([out])).logits[0].double()
        answer = out[len(ids):]
        logp = torch.log_softmax(logits, -1)[range(len(ids) - 1, len(out) - 1), answer]
        rows.append({"prompt": prompt, "prompt_ids": ids, "token_ids": answer,
                     "logprobs": [float(f"{x:.8g}") for x in logp.tolist()]})
        print(len(answer), repr(tokenizer.decode(answer))[:100], flush=True)
    golden = {"transformers": transformers.__version__, "torch": torch.__version__, "rows": rows}
    (ROOT / "tests" / "golden" / "smollm2.json").write_text(json.dumps(golden, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
