#!/usr/bin/env python3
"""Writes tests/golden/losses.json: values and gradients of published losses by TRL's own code.

    pip install torch==2.11.0 trl==1.16.0
    make_losses.py tests/golden/losses.json

GRPOTrainer._compute_loss, DPOTrainer._compute_loss and CPOTrainer.cpo_loss are called on an object that has just the
attributes they read; the log-probabilities are given, not computed by a model, and are the leaves that autograd
differentiates by, in float64. Every number of the data is a multiple of 1/16, so that float32 holds it exactly.
"""
import collections
import json
import random
import sys
import types

import torch
from trl import DPOTrainer, GRPOTrainer
from trl.experimental.cpo import CPOTrainer

LENGTHS = [3, 1, 4, 2, 5, 2]
WIDTH = max(LENGTHS)


def sixteenths(rng, low, high):
    return rng.randint(low * 16, high * 16) / 16


def data(spread):
    """Log-probs now, as sampled and of a reference, one row a sequence; an advantage a sequence."""
    rng = random.Random(11)
    now = [[sixteenths(rng, -4, 0) - 1 / 16 for _ in range(n)] for n in LENGTHS]
    old = [[x - sixteenths(rng, -1, 1) * spread for x in row] for row in now]
    reference = [[x - sixteenths(rng, -1, 1) for x in row] for row in now]
    return now, old, reference, [1.5, -0.5, -0.5, 0.25, -2.0, 1.0]


def padded(rows):
    return torch.tensor([row + [0.0] * (WIDTH - len(row)) for row in rows], dtype=torch.float64)


class Stub(types.SimpleNamespace):
    """The trainer without a model, a data set or processes."""


def accelerator():
    return types.SimpleNamespace(gather=lambda x: x, gather_for_metrics=lambda x: x, reduce=lambda x, reduction: x,
                                 device="cpu", num_processes=1, sync_gradients=False)


def ragged(gradient):
    return [gradient[i, : LENGTHS[i]].tolist() for i in range(len(LENGTHS))]


def grpo(name, options, spread, **settings):
    now, old, reference, advantages = data(spread)
    leaf = padded(now).requires_grad_()
    mask = torch.tensor([[1] * n + [0] * (WIDTH - n) for n in LENGTHS])
    stub = Stub(
        _get_per_token_logps_and_entropies=lambda *a, **k: (leaf, torch.zeros_like(leaf), None),
        top_entropy_quantile=1.0, off_policy_mask_threshold=None, importance_sampling_level="token", beta=0.0,
        loss_type="grpo", epsilon_low=0.2, epsilon_high=0.2, use_vllm=False, aux_loss_enabled=False,
        _entropy_bonus_enabled=False, current_gradient_accumulation_steps=1, max_completion_length=WIDTH,
        model=types.SimpleNamespace(training=True), accelerator=accelerator(),
        vllm_importance_sampling_correction=False, router_aux_loss_coef=0.0,
        args=types.SimpleNamespace(delta=None, use_bias_correction_kl=False, steps_per_generation=1),
        _metrics=collections.defaultdict(lambda: collections.defaultdict(list)))
    for key, value in settings.items():
        if key in ("delta", "use_bias_correction_kl"):
            setattr(stub.args, key, value)
        else:
            setattr(stub, key, value)
    ids = torch.zeros((len(LENGTHS), WIDTH), dtype=torch.long)
    inputs = {"prompt_ids": ids[:, :1], "prompt_mask": torch.ones_like(ids[:, :1]), "completion_ids": ids,
              "completion_mask": mask, "advantages": torch.tensor(advantages, dtype=torch.float64),
              "old_per_token_logps": padded(old), "ref_per_token_logps": padded(reference),
              "num_items_in_batch": mask.sum()}
    loss = GRPOTrainer._compute_loss(stub, None, inputs)
    loss.backward()
    return {"loss": name, "options": options, "now": now, "old": old, "reference": reference, "credit": advantages,
            "pairs": False, "value": loss.item(), "gradient": ragged(leaf.grad)}


def dpo(name, options, loss_type, beta):
    """Sequences 2i and 2i+1 are a pair; TRL wants all chosen first."""
    now, old, reference, _ = data(1)
    leaf = padded(now).requires_grad_()
    order = [0, 2, 4, 1, 3, 5]
    mask = torch.tensor([[1] * n + [0] * (WIDTH - n) for n in LENGTHS])[order]
    # Position 0 is a prompt of one token: log_probs are of what follows.
    completion = torch.cat([torch.zeros((len(LENGTHS), 1), dtype=torch.long), mask], dim=1)
    reference_sums = (padded(reference)[order] * mask).sum(1)
    stub = Stub(model=types.SimpleNamespace(training=True), accelerator=accelerator(), aux_loss_enabled=False,
                ld_alpha=None, precompute_ref_logps=True, f_divergence_type="reverse_kl", loss_types=[loss_type],
                loss_weights=[1.0], beta=beta, label_smoothing=0.0, use_weighting=False,
                _metrics=collections.defaultdict(lambda: collections.defaultdict(list)), _total_train_tokens=0, _tp_size=1,
                args=types.SimpleNamespace(gradient_checkpointing_kwargs=None))
    nothing = torch.zeros_like(leaf).detach()  # of what is only logged
    outputs = types.SimpleNamespace(log_probs=leaf[order] * mask, entropy=nothing, mean_logits=nothing,
                                    is_top1=nothing > 1)
    half = len(LENGTHS) // 2
    inputs = {"input_ids": torch.zeros_like(completion), "attention_mask": torch.ones_like(completion),
              "completion_mask": completion, "ref_chosen_logps": reference_sums[:half],
              "ref_rejected_logps": reference_sums[half:]}
    loss = DPOTrainer._compute_loss(stub, lambda **_: outputs, inputs, False)
    loss.backward()
    return {"loss": name, "options": options, "now": now, "old": old, "reference": reference,
            "credit": [1.0] * len(LENGTHS), "pairs": True, "value": loss.item(), "gradient": ragged(leaf.grad)}


def simpo(beta, gamma):
    now, old, reference, _ = data(1)
    leaf = padded(now).requires_grad_()
    means = torch.stack([leaf[i, :n].mean() for i, n in enumerate(LENGTHS)])
    # TRL's simpo_gamma is the paper's gamma, which its loss divides by beta and multiplies by it again.
    stub = Stub(beta=beta, loss_type="simpo", simpo_gamma=gamma, label_smoothing=0.0, alpha=0.0,
                accelerator=accelerator())
    losses = CPOTrainer.cpo_loss(stub, means[0::2], means[1::2])[0]
    loss = losses.mean()
    loss.backward()
    return {"loss": "simpo", "options": {"beta": beta, "gamma": gamma}, "now": now, "old": old, "reference": reference,
            "credit": [1.0] * len(LENGTHS), "pairs": True, "value": loss.item(), "gradient": ragged(leaf.grad)}


cases = [
    grpo("grpo", {}, 1),
    grpo("grpo", {"clip_high": 0.28}, 0.25, epsilon_high=0.28),
    grpo("grpo", {"dual_clip": 1.5}, 1, delta=1.5),
    grpo("pg", {"average": "constant", "length": WIDTH}, 1, loss_type="dr_grpo"),
    grpo("ppo", {}, 1, loss_type="bnpo"),
    grpo("dapo", {}, 0.25, loss_type="dapo", epsilon_high=0.28),
    grpo("gspo", {}, 0.25, importance_sampling_level="sequence", epsilon_low=3e-4, epsilon_high=4e-4),
    grpo("gspo", {"clip_low": 0.2, "clip_high": 0.2}, 0.25, importance_sampling_level="sequence"),
    grpo("cispo", {}, 1, loss_type="cispo", epsilon_high=5.0),
    grpo("cispo", {"clip_high": 0.5}, 1, loss_type="cispo", epsilon_high=1.5),
    grpo([["grpo", {}], ["match", {"coef": 0.25, "average": "sequences"}]], {}, 1, beta=0.25),
    grpo([["grpo", {}], ["match", {"coef": 0.25, "average": "sequences", "importance": True}]], {}, 1, beta=0.25,
         use_bias_correction_kl=True),
    dpo("dpo", {}, "sigmoid", 0.1),
    dpo("dpo", {"beta": 2.0}, "sigmoid", 2.0),
    dpo("ipo", {"beta": 0.5}, "ipo", 0.5),
    simpo(2.0, 1.0),
    simpo(0.5, 0.25),
]
with open(sys.argv[1], "w") as out:
    out.write("[\n" + ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases) + "\n]\n")
