#!/usr/bin/env python3
"""Is a run's last figure better than its first? paired_test.py RUN FIRST_STEP LAST_STEP, evaluate steps over one task.

Prints pass@1 of the first evaluation by FIRST_STEP and of the last by LAST_STEP on the problems that both asked, their
difference, and the one-sided p of a permutation test that flips the signs of the differences by problem.
"""

import json
import pathlib
import random
import sys

FLIPS = 100_000


def evaluations(run, step):
    """Share of right rollouts by problem, one dictionary an evaluation."""
    with open(pathlib.Path(run) / "journal", encoding="utf-8") as journal:
        for line in journal:
            record = json.loads(line)
            for figures in record["payload"].get("figures", []) if record["type"] == "step" else []:
                if figures["step"] == step:
                    yield figures["problems"]


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__.splitlines()[0])
    run, first_step, last_step = sys.argv[1:]
    if not (pathlib.Path(run) / "journal").is_file():
        sys.exit(f"paired_test: {run} is no run: it holds no journal; name a directory such as runs/rft_countdown")
    firsts, lasts = list(evaluations(run, first_step)), list(evaluations(run, last_step))
    for step, found in ((first_step, firsts), (last_step, lasts)):
        if not found:
            sys.exit(f"paired_test: {run} has no figures of an evaluate step '{step}'")
    first, last = firsts[0], lasts[-1]
    both = sorted(first.keys() & last.keys())
    if not both:
        sys.exit(f"paired_test: '{first_step}' and '{last_step}' share no problem")
    differences = [last[p] - first[p] for p in both]
    gain = sum(differences)
    flip = random.Random(0)
    unlike = [d for d in differences if d != 0]
    as_large = sum(sum(d if flip.random() < 0.5 else -d for d in unlike) >= gain for _ in range(FLIPS))
    mean = [sum(figures[p] for p in both) / len(both) for figures in (first, last)]
    print(f"{run}: {first_step} {mean[0]:.3f}, {last_step} {mean[1]:.3f} on {len(both)} problems:"
          f" {gain / len(both):+.3f}, p = {(as_large + 1) / (FLIPS + 1):.1g}")


main()
