#!/usr/bin/env python3
"""Loads a checkpoint folder of a run with transformers and compares it with sil: ids, log-probs, and the way back.

    pip install torch==2.11.0 transformers==5.23.0 safetensors        # or transformers==4.57.1
    python3 tests/golden/check_folder.py build/release/bin/sil runs/NAME/accepted

1. AutoTokenizer gives the ids that sil gives, and their text back, for random texts of the alphabet. (Of a qwen2 it
   takes the vocabulary alone, whatever tokenizer.json says: there it is PreTrainedTokenizerFast.)
2. AutoModelForCausalLM gives, for random sequences, the log-probs of `sil score` within 1e-4.
3. What transformers saves again, in fp32, bf16 and fp16, `sil score` reads: the same numbers, but for the rounding.
"""

import json
import pathlib
import random
import subprocess
import sys
import tempfile

import torch
import transformers


def rows(program, command, folder, *options, lines):
    text = "".join(json.dumps(line) + "\n" for line in lines)
    done = subprocess.run([program, command, str(folder), *options], input=text, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"sil {command}: exit {done.returncode}: {done.stderr}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def check_ids(program, folder, tokenizer, context, generator):
    vocabulary = json.loads((folder / "tokenizer.json").read_text())["model"]["vocab"]
    specials = {"<bos>": 0, "<eos>": 1, "<pad>": 2}
    assert {name: tokenizer.convert_tokens_to_ids(name) for name in specials} == specials
    assert (tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id) == (0, 1, 2)
    of_bytes = len(vocabulary) == 259
    alphabet = list("aZ09 \n\t<>~é€語😀\u0301\u200d") if of_bytes else [c for c in vocabulary if c not in specials]
    texts = ["".join(generator.choices(alphabet, k=generator.randrange(1, max(2, context // 4)))) for _ in range(500)]
    if of_bytes:
        texts += ["<eos>", "a<bos>b", "<pad>"]
    texts = [text for text in texts if len(text.encode() if of_bytes else text) < context]
    ours = [row["prompt_ids"] for row in rows(program, "generate", folder, "max_new_tokens=1",
                                              lines=[{"prompt": text} for text in texts])]
    for text, ids in zip(texts, ours, strict=True):
        assert tokenizer(text)["input_ids"] == ids, (text, ids, tokenizer(text)["input_ids"])
        assert tokenizer.decode(ids) == text, (text, tokenizer.decode(ids))
        assert tokenizer.decode([0, *ids, 1, 2], skip_special_tokens=True) == text
    return len(texts)


def logprobs(model, ids):
    with torch.no_grad():
        logits = model(torch.tensor([ids])).logits[0].float()
    return torch.log_softmax(logits, -1)[:-1].gather(1, torch.tensor(ids[1:])[:, None])[:, 0]


def largest(model, sequences, scored):
    return max(float((logprobs(model, ids) - torch.tensor(row["logprobs"], dtype=torch.float64)).abs().max())
               for ids, row in zip(sequences, scored, strict=True))


def main():
    program, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    generator = random.Random(1)
    model, report = transformers.AutoModelForCausalLM.from_pretrained(folder, output_loading_info=True)
    model.eval()
    assert not any(report[key] for key in ("missing_keys", "unexpected_keys", "mismatched_keys")), report
    config = model.config
    auto = transformers.PreTrainedTokenizerFast if config.model_type == "qwen2" else transformers.AutoTokenizer
    tokenizer = auto.from_pretrained(folder)
    count = check_ids(program, folder, tokenizer, config.max_position_embeddings, generator)
    sequences = [[generator.randrange(config.vocab_size) for _ in range(length)]
                 for length in [2, config.max_position_embeddings] +
                 [generator.randrange(2, config.max_position_embeddings) for _ in range(30)]]
    lines = [{"token_ids": ids, "start": 1} for ids in sequences]
    scored = rows(program, "score", folder, lines=lines)
    difference = largest(model, sequences, scored)
    print(f"{type(model).__name__}: {count} texts with equal ids; log-probs differ by at most {difference:.2g}")
    assert difference <= 1e-4
    with tempfile.TemporaryDirectory() as again:
        for dtype in (torch.float32, torch.bfloat16, torch.float16):
            saved = pathlib.Path(again) / str(dtype).removeprefix("torch.")
            model.to(dtype).save_pretrained(saved)
            tokenizer.save_pretrained(saved)
            back = rows(program, "score", saved, lines=lines)
            if dtype == torch.float32:
                assert back == scored
            model = transformers.AutoModelForCausalLM.from_pretrained(saved, dtype=torch.float32).eval()
            difference = largest(model, sequences, back)
            print(f"saved again as {saved.name}: read by sil, log-probs differ by at most {difference:.2g}")
            assert difference <= 1e-4
            model = transformers.AutoModelForCausalLM.from_pretrained(folder).eval()


if __name__ == "__main__":
    main()
