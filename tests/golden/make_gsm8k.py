#!/usr/bin/env python3
"""Makes tests/golden/gsm8k_smollm2.json: greedy answers of transformers to 200 problems of GSM8K's test split.

    pip install torch==2.11.0 transformers==5.23.0 math-verify
    scripts/get_smollm2.sh
    build/release/bin/sil import .deps/SmolLM2-135M-Instruct.Q4_1.gguf .deps/SmolLM2-135M-Instruct
    build/release/bin/sil eval .deps/SmolLM2-135M-Instruct jsonl=.deps/gsm8k_test.jsonl problems=200 max_new_tokens=1 \
        --rollouts asked.jsonl
    python3 tests/golden/make_gsm8k.py asked.jsonl

What the evaluation asked says which problems; what it answered is not read. Of each problem: the row's id, the ids that
transformers answers in fp32 (128 at most) and whether the package math-verify takes the text for right. Prompts of like
length are answered together, padded on the left: a logit then differs from a lone prompt's by rounding.
"""

import json
import pathlib
import sys

import torch
import transformers
from math_verify import parse, verify

ROOT = pathlib.Path(__file__).resolve().parents[2]
BATCH, NEW_TOKENS = 50, 128


def rows_of(path):
    return [json.loads(line) for line in open(path, encoding="utf-8")]


def main():
    torch.set_num_threads(2)
    folder = ROOT / ".deps" / "SmolLM2-135M-Instruct"
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder, padding_side="left")
    by_prompt = {row["prompt"]: row for row in rows_of(ROOT / ".deps" / "gsm8k_test.jsonl")}
    problems = [by_prompt[row["prompt"]] for row in rows_of(sys.argv[1])]
    texts = [tokenizer.apply_chat_template([{"role": "user", "content": problem["prompt"]}], add_generation_prompt=True,
                                           tokenize=False) for problem in problems]
    order = sorted(range(len(problems)), key=lambda i: len(texts[i]))
    answers = {}
    for begin in range(0, len(order), BATCH):
        members = order[begin:begin + BATCH]
        batch = tokenizer([texts[i] for i in members], add_special_tokens=False, padding=True, return_tensors="pt")
        with torch.no_grad():
            out = model.generate(**batch, max_new_tokens=NEW_TOKENS, do_sample=False, eos_token_id=2, pad_token_id=2)
        for i, row in zip(members, out[:, batch["input_ids"].shape[1]:].tolist()):
            answers[i] = row[:row.index(2) + 1] if 2 in row else row
        print(f"{len(answers)} of {len(problems)}", flush=True)
    rows = []
    for i, problem in enumerate(problems):
        text = tokenizer.decode(answers[i], skip_special_tokens=True)
        right = verify(parse(problem["answer"]), parse(text))
        rows.append({"id": problem["id"], "token_ids": answers[i], "right": bool(right)})
    golden = {"transformers": transformers.__version__, "torch": torch.__version__, "rows": rows}
    path = ROOT / "tests" / "golden" / "gsm8k_smollm2.json"
    path.write_text(json.dumps(golden, separators=(",", ":")) + "\n")
    print(sum(row["right"] for row in rows), "right")


if __name__ == "__main__":
    main()
