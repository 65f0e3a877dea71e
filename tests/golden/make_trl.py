#!/usr/bin/env python3
"""Makes tests/golden/trl/: a tiny chat model, rows, and what TRL reads of them and computes on them.

    pip install torch==2.11.0 transformers==5.23.0 trl==1.16.0 datasets
    python3 tests/golden/make_trl.py

golden.json, by the name of a case: the rows, the ids and masks of TRL's own data preparation, and the losses and norms
of the gradient of the first optimizer steps (AdamW, the whole data in one batch, learning rate 0.01).
"""
import json
import pathlib
import tempfile

import datasets
import tokenizers
import torch
import transformers
from tokenizers import decoders, models, pre_tokenizers, trainers
from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer

HERE = pathlib.Path(__file__).resolve().parent / "trl"
SPECIAL = ["<|pad|>", "<|system|>", "<|user|>", "<|assistant|>", "<|end|>"]
# What the assistant says is marked; nothing stands behind the token that ends a turn.
TEMPLATE = ("{%- for message in messages %}{{- '<|' + message.role + '|>' }}"
            "{%- if message.role == 'assistant' %}{% generation %}{{- message.content + '<|end|>' }}{% endgeneration %}"
            "{%- else %}{{- message.content + '<|end|>' }}{%- endif %}{%- endfor %}"
            "{%- if add_generation_prompt %}{{- '<|assistant|>' }}{%- endif %}")


def say(role, content):
    return {"role": role, "content": content}


TALKS = [[say("user", "one and one"), say("assistant", "two"), say("user", "and one"), say("assistant", "three")],
         [say("system", "count"), say("user", "two"), say("assistant", "one two"), say("user", "again?"),
          say("assistant", "one two"), say("user", "thanks"), say("assistant", "na\u00efve")],
         [say("user", "hello"), say("assistant", "\n hello, hello")]]
COMPLETIONS = [{"prompt": talk[:-1], "completion": talk[-1:]} for talk in TALKS]
TEXTS = [{"text": "one two three"}, {"text": "na\u00efve  text: it"}]
PLAIN = [{"prompt": "one plus two is", "completion": " three"}, {"prompt": "count:", "completion": " one, two"}]
PAIRS = [{"prompt": talk[:-1], "chosen": talk[-1:], "rejected": [say("assistant", wrong)]}
         for talk, wrong in zip(TALKS, ["two two", "three", "bye"])]
IMPLICIT = [{"chosen": row["prompt"] + row["chosen"], "rejected": row["prompt"] + row["rejected"]} for row in PAIRS]


def make_tokenizer():
    tokenizer = tokenizers.Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    corpus = [message["content"] for talk in TALKS for message in talk] * 4
    tokenizer.train_from_iterator(corpus, trainers.BpeTrainer(
        vocab_size=300, special_tokens=SPECIAL, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False))
    return transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|end|>", pad_token="<|pad|>",
                                                chat_template=TEMPLATE, clean_up_tokenization_spaces=False)


def make_model(size):
    config = transformers.LlamaConfig(
        vocab_size=size, hidden_size=16, intermediate_size=20, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=1, max_position_embeddings=96, tie_word_embeddings=True, bos_token_id=None,
        eos_token_id=SPECIAL.index("<|end|>"), pad_token_id=SPECIAL.index("<|pad|>"))
    model = transformers.AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            parameter.copy_(1 + 0.3 * noise if "norm" in name else 0.3 * noise)
    return model


def settings(folder, rows, steps):
    return dict(output_dir=folder, use_cpu=True, bf16=False, report_to=[], logging_steps=1, max_steps=steps,
                per_device_train_batch_size=len(rows), learning_rate=0.01, lr_scheduler_type="constant",
                max_grad_norm=1e9, weight_decay=0.0, optim="adamw_torch", save_strategy="no", max_length=None,
                gradient_checkpointing=False, disable_tqdm=True)


def trained(make, rows, steps):
    with tempfile.TemporaryDirectory() as folder:
        model = transformers.AutoModelForCausalLM.from_pretrained(HERE, dtype=torch.float32)
        tokenizer = transformers.AutoTokenizer.from_pretrained(HERE)
        trainer = make(folder, model, tokenizer, datasets.Dataset.from_list(rows))
        prepared = [dict(row) for row in trainer.train_dataset]
        trainer.train()
        logs = [log for log in trainer.state.log_history if "loss" in log and "grad_norm" in log]
        assert len(logs) == steps, trainer.state.log_history
        return {"rows": rows, "prepared": prepared, "loss": [log["loss"] for log in logs],
                "grad_norm": [float(log["grad_norm"]) for log in logs]}


def sft(rows, **options):
    return trained(lambda folder, model, tokenizer, data: SFTTrainer(
        model, SFTConfig(**settings(folder, rows, 2), **options), train_dataset=data, processing_class=tokenizer),
        rows, 2)


def dpo(rows):
    return trained(lambda folder, model, tokenizer, data: DPOTrainer(
        model, args=DPOConfig(**settings(folder, rows, 3), beta=0.5), train_dataset=data, processing_class=tokenizer),
        rows, 3)


def main():
    HERE.mkdir(exist_ok=True)
    tokenizer = make_tokenizer()
    tokenizer.save_pretrained(HERE)
    make_model(len(tokenizer)).save_pretrained(HERE)
    golden = {
        "completion": sft(COMPLETIONS, completion_only_loss=True),
        "assistant": sft([{"messages": talk} for talk in TALKS], assistant_only_loss=True),
        "text": sft(TEXTS),
        "plain": sft(PLAIN, completion_only_loss=True),
        "dpo": dpo(PAIRS),
        "dpo_implicit": dpo(IMPLICIT),
    }
    (HERE / "golden.json").write_text(json.dumps(golden, indent=None, separators=(",", ":")) + "\n")
    for name, case in golden.items():
        print(name, case["loss"], case["grad_norm"], list(case["prepared"][0]))


if __name__ == "__main__":
    main()
