#!/usr/bin/env python3
"""Kills real runs at random times; the same command must continue each to the digest of an undisturbed run.

kills.py [--kills N] [--seed S]   N SIGKILLs over the recipes in configs/, then single and double signals.

After each kill no journaled record is missing, `sil fsck` finds nothing wrong and no grader is left over; the directory
is moved and the number of threads changes before the run goes on. One
SIGINT or SIGTERM must end a run with exit 75 within ten seconds, also while a grader hangs; a second one at once with
128 + its number.
"""
import argparse
import pathlib
import random
import signal
import subprocess
import sys
import time

import runs

KILLS_A_RUN = 3
GRACE_SECONDS = 10
RECIPES = ["rft", "star", "rest_em", "majority", "dpo", "table_quickstart", "grpo", "program_verifier"]
# Answers the handshake, then nothing, and does not go when asked to.
HANGING_GRADER = """
import json, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
sys.stdin.readline()
print(json.dumps({"protocol": "sil-verifier/1", "name": "hanging", "version": "1"}), flush=True)
time.sleep(600)
"""
HANGING_RECIPE = """
name: hanging
seed: 1
rounds: 1
models: {lm: {table: {context: 4}, tokenizer: chars}}
tasks: {sums: {addition: {digits: 1}}}
round:
  - generate: {tasks: sums, problems: 4, samples: 2, max_new_tokens: 2}
  - verify: {program: {command: "python3 GRADER", timeout: 300}}
"""


def check_gone(process):
    for _ in range(200):
        if not runs.graders_of(process):
            return
        time.sleep(0.05)
    runs.fail(f"graders outlive their run: {runs.graders_of(process)}")


class Recipe:
    """A recipe with the digest and the duration of its undisturbed run."""

    def __init__(self, name, directory):
        self.path = runs.ROOT / "configs" / f"{name}.yaml"
        begun = time.monotonic()
        self.digest = runs.finish(self.path, directory / f"{name}-undisturbed")
        self.seconds = time.monotonic() - begun


def kill_once(recipe, out, moment, threads):
    """Returns whether it was killed before its end."""
    process = runs.start(recipe.path, out, "--threads", str(threads))
    try:
        process.wait(moment)
        _, errors = process.communicate()
        if process.returncode != 0:
            runs.fail(f"{recipe.path.name} by itself: exit {process.returncode}: {errors.strip()[-400:]}")
        return False
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        check_gone(process)
        return True


def kill_runs(count, rng, directory):
    recipes = [Recipe(name, directory) for name in RECIPES[:-(-count // KILLS_A_RUN)]]
    killed = torn = trial = 0
    while killed < count:
        recipe = recipes[trial % len(recipes)]
        out = directory / f"killed-{trial}"
        trial += 1
        before = []
        for _ in range(min(KILLS_A_RUN, count - killed)):
            if not kill_once(recipe, out, rng.uniform(0, recipe.seconds), rng.choice([1, 2, 3])):
                break
            killed += 1
            runs.check_kept(before, out, f"killed {recipe.path.name}")
            before = runs.journal_lines(out)
            if before:
                torn += not (out / "journal").read_bytes().endswith(b"\n")
                runs.check_record(out)
                out = out.rename(directory / f"moved-{trial}-{killed}")
        digest = runs.finish(recipe.path, out)
        runs.check_kept(before, out, f"killed {recipe.path.name}")
        runs.check_record(out)
        if digest != recipe.digest:
            runs.fail(f"{recipe.path.name}, killed and continued in {out}: digest {digest}, "
                      f"undisturbed {recipe.digest}")
    print(f"kills: {killed} kills in {trial} runs of {len(recipes)} recipes, every digest as undisturbed, "
          f"{torn} torn journal tails", flush=True)
    return recipes


def signal_runs(count, rng, directory, recipes):
    """A signal at a random time: stopped, or finished when it came too late, or not yet begun when too early."""
    seen = {}
    for trial in range(count):
        recipe = recipes[trial % len(recipes)]
        number = rng.choice([signal.SIGINT, signal.SIGTERM])
        out = directory / f"signalled-{trial}"
        process = runs.start(recipe.path, out)
        time.sleep(rng.uniform(0, recipe.seconds))
        process.send_signal(number)
        code = wait_stopped(process, f"{recipe.path.name} after {number.name}")
        too_early = code in (-number, 128 + number) and not runs.journal_lines(out)
        if code not in (0, 75) and not too_early:
            runs.fail(f"{recipe.path.name} after {number.name}: exit {code}")
        seen[code] = seen.get(code, 0) + 1
        if runs.finish(recipe.path, out) != recipe.digest:
            runs.fail(f"{recipe.path.name}, stopped by {number.name} and continued in {out}: another digest")
    print(f"kills: {count} signals at random times, exit codes {seen}, every digest as undisturbed", flush=True)


def wait_stopped(process, what):
    try:
        process.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        runs.fail(f"{what} still runs after {GRACE_SECONDS} s")
    process.communicate()
    return process.returncode


def hanging_run(directory, name):
    """A run that waits for its grader."""
    grader = directory / f"{name}.py"
    grader.write_text(HANGING_GRADER)
    recipe = directory / f"{name}.yaml"
    recipe.write_text(HANGING_RECIPE.replace("GRADER", str(grader)))
    process = subprocess.Popen([runs.SIL, "run", str(recipe), "--out", str(directory / name)], text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    while not runs.graders_of(process) and process.poll() is None:
        time.sleep(0.02)
    return process


def one_signal(directory, number):
    process = hanging_run(directory, f"once-{number.name}")
    process.send_signal(number)
    code = wait_stopped(process, f"a run with a hanging grader after {number.name}")
    if code != 75:
        runs.fail(f"a run with a hanging grader after {number.name}: exit {code}, wanted 75")
    check_gone(process)


def two_signals(directory, number):
    for attempt in range(10):
        process = hanging_run(directory, f"twice-{number.name}-{attempt}")
        process.send_signal(number)
        for line in process.stderr:  # the first has arrived: two pending ones would be one
            if "stopping" in line:
                break
        process.send_signal(number)
        code = wait_stopped(process, f"a run after two {number.name}")
        check_gone(process)
        if code == 128 + number:
            return
        if code != 75:  # it was quicker than the second one
            break
    runs.fail(f"a run after two {number.name}: exit {code}, wanted {128 + number}")


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--kills", type=int, default=60)
    arguments.add_argument("--seed", type=int, default=20240229)
    options = arguments.parse_args()
    rng = random.Random(options.seed)
    with runs.temporary_directory() as name:
        directory = pathlib.Path(name)
        recipes = kill_runs(options.kills, rng, directory)
        signal_runs(max(4, options.kills // 2), rng, directory, recipes)
        for number in (signal.SIGINT, signal.SIGTERM):
            one_signal(directory, number)
            two_signals(directory, number)
        print("kills: SIGINT and SIGTERM once: exit 75; twice: 130 and 143; no process left over", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
