#!/usr/bin/env python3
"""The benchmarks behind scripts/bench.sh, which builds first. Figures, not tests: what is too slow does not fail."""

import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
SIL = ROOT / "build/release/bin/sil"
RECIPE = ROOT / "tests/bench/spine.yaml"
SAMPLES = 8
GOAL = 150_000  # rollouts/s
NEW_TOKENS = 64
REPEATS = 3  # of the timed run; the best one counts, as a shared machine only ever slows down
SLOW_GRADER = """\
import sys, time
sys.path.insert(0, {python!r})
from sil_verifier import serve
def grade(completion, answer, **_):
    time.sleep(0.0002)
    return completion[:1] == answer
serve(grade)
"""
# A round as in the peers' TRL script: one optimizer step on all rollouts, each with a reward of its own.
GRPO_ROUND = """\
name: grpo_round
seed: 1
rounds: 4
models:
  lm:
    llama: {{layers: {layers}, width: {width}, heads: {heads}, context: {context}}}
    tokenizer: {{chars: "0123456789+=abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVW"}}
tasks: {{sums: {{addition: {{digits: 2}}}}}}
round:
  - generate: {{tasks: sums, problems: {prompts}, samples: 8, temperature: 1.0, max_new_tokens: {new}}}
  - verify: {{score: "tokens + 0.01 * #text"}}
  - filter: {{weigh: group_zscore}}
  - finetune: {{from: live, loss: grpo, minibatches: 1, learning_rate: 1.0e-4, optimizer: keep}}
"""
SHAPES = {
    "A": {"layers": 4, "width": 128, "heads": 4, "context": 64, "prompts": 128, "new": 32},
    "B": {"layers": 6, "width": 384, "heads": 6, "context": 256, "prompts": 16, "new": 64},
}
MANY_ROUNDS = """\
name: rounds
seed: 1
rounds: 200
models: {lm: {table: {context: 4}, tokenizer: chars}}
tasks: {sums: {addition: {digits: 1}}}
round:
  - generate: {tasks: sums, problems: 8, samples: 4, max_new_tokens: 3}
  - verify: exact
  - filter: {keep: pass}
  - finetune: {from: live, loss: nll, learning_rate: 0.1}
"""


def run_program(command, output):
    """Seconds by the clock and of the processors, and the peak memory in MiB."""
    begin = time.monotonic()
    process = subprocess.Popen(list(map(str, command)), cwd=ROOT, stdout=output)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"bench: {' '.join(map(str, command))} ended with {process.returncode}")
    return time.monotonic() - begin, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def run_sil(*arguments):
    return run_program([SIL, *arguments], subprocess.DEVNULL)


def step_records(run, label):
    with open(run / "journal", encoding="utf-8") as journal:
        records = [json.loads(line) for line in journal]
    return [r["payload"] for r in records if r["type"] == "step" and r["payload"]["round"] == label]


def run_spine(folder, name, problems, recipe=RECIPE):
    out = folder / name
    figures = run_sil("run", recipe, f"generate.problems={problems}", "--out", out, "--quiet")
    return out, *figures


def print_stages(out, rollouts, cpu):
    steps = step_records(out, "1")
    for step in steps:
        print(f"spine: {step['cpu_seconds'] / rollouts * 1e6:.2f} CPU us/rollout {step['step']}")
    rest = cpu - sum(step["cpu_seconds"] for step in steps)
    print(f"spine: {rest / rollouts * 1e6:.2f} CPU us/rollout all else (start-up round, writing the record)")
    print(f"spine: {cpu / rollouts * 1e6:.2f} CPU us/rollout in all")
    verify = next(s for s in steps if s["step"] == "verify")["metrics"]
    train = next(s for s in steps if s["step"] == "finetune")["metrics"]
    print(f"spine: {100 * verify['pass_rate']:.1f} % passed, {train['examples_taken']:.0f} examples trained on")


def bench_spine(folder):
    problems = int(os.environ.get("SIL_BENCH_PROBLEMS", "125000"))
    rollouts = SAMPLES * problems
    runs = [run_spine(folder, f"run{i}", problems) for i in range(REPEATS)]
    out, seconds, cpu, peak = min(runs, key=lambda run: run[1])
    rate = rollouts / seconds
    print(f"spine: {rate:.0f} rollouts/s ({100 * rate / GOAL:.0f} % of the goal of {GOAL})")
    all_seconds = ", ".join(f"{run[1]:.1f}" for run in runs)
    print(f"spine: {rollouts} rollouts in {all_seconds} s, best counts, on {os.cpu_count()} cores")
    print_stages(out, rollouts, min(run[2] for run in runs))
    print(f"spine: {peak:.0f} MiB peak memory (limit 512)", flush=True)

    seconds = run_sil("fsck", out)[0]
    print(f"spine: {seconds:.1f} s fsck, ok")
    seconds = run_sil("replay", out, "--random", 1000)[0]
    print(f"spine: {seconds:.1f} s replay of 1000 random rollouts, equal bit for bit", flush=True)

    _, _, _, more = run_spine(folder, "more", 4 * problems)
    print(f"spine: {more:.0f} MiB peak memory at {4 * rollouts} rollouts ({100 * (more / peak - 1):+.0f} %, limit 10)")
    grader = folder / "slow.py"
    grader.write_text(SLOW_GRADER.format(python=str(ROOT / "python")), encoding="utf-8")
    verify = f'  - verify: {{program: {{command: "python3 {grader}", workers: 2}}}}'
    slow = folder / "slow.yaml"
    slow.write_text(re.sub(r"(?m)^  - verify: exact$", verify, RECIPE.read_text(encoding="utf-8")), encoding="utf-8")
    _, seconds, _, waiting = run_spine(folder, "slow", problems // 12, slow)
    print(
        f"spine: {waiting:.0f} MiB peak memory behind a verifier of {rollouts / 12 / seconds:.0f} a second"
        f" ({100 * (waiting / peak - 1):+.0f} %, limit 10)"
    )


def best_ms(*arguments):
    return 1000 * min(run_sil(*arguments)[0] for _ in range(20))


def bench_start(folder):
    print(f"start: {best_ms('--help'):.0f} ms sil --help (limit 30)")
    print(f"start: {best_ms('check', 'configs/quickstart.yaml'):.0f} ms sil check configs/quickstart.yaml (limit 100)")
    recipe = folder / "rounds.yaml"
    recipe.write_text(MANY_ROUNDS, encoding="utf-8")
    run_sil("run", recipe, "--out", folder / "rounds", "--quiet")
    print(f"start: {best_ms('show', folder / 'rounds'):.0f} ms sil show of 200 rounds (limit 200)")


def tokens_per_second(lines, what):
    return next(float(m[1]) for m in (re.match(rf"engine: {re.escape(what)}: (\d+) tokens/s", line) for line in lines) if m)


def peer_rates(python, script, *arguments):
    """What a peer's script says of its rates, a JSON object a line."""
    folder = pathlib.Path(os.environ.get("SIL_SHARED", ROOT.parent / "shared")) / "bench/peers"
    done = subprocess.run([python, folder / script, *arguments], stdout=subprocess.PIPE, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def bench_engine(_):
    done = subprocess.run([ROOT / "build/release/bin/engine_bench"], stdout=subprocess.PIPE, text=True, check=True)
    lines = done.stdout.splitlines()
    print(done.stdout, end="", flush=True)
    python = os.environ.get("SIL_PEERS_PYTHON")
    if not python:
        print("engine: SIL_PEERS_PYTHON names no Python with torch and transformers: no peer is measured beside")
        return
    for shape, batches, sampling, training in (
        ("A", "32,1024", ("4 x 8 x 32", "128 x 8 x 32"), "64 x 64"),
        ("B", "128", ("16 x 8 x 64",), "16 x 256"),
    ):
        rows = "64" if shape == "A" else "16"
        micro = "64" if shape == "A" else "8"
        rates = peer_rates(python, "hf_tiny.py", "--shape", shape, "--batches", batches, "--train-rows", rows,
                           "--train-batches", micro)
        for batch, ours in zip(batches.split(","), sampling):
            peer = next(r for r in rates if r["bench"] == "hf_generate" and r["batch"] == int(batch))
            ratio(shape, f"sampling {ours}", lines, best_rate(peer), f"transformers at batch {batch}")
        peer = max(best_rate(r) for r in rates if r["bench"] == "hf_train_step")
        ratio(shape, f"training {training}", lines, peer, "transformers, its better AdamW")


def sil_json(*arguments):
    return json.loads(subprocess.run([SIL, *map(str, arguments)], cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout)


def first_token_ms(model):
    """From the start of the process to its answer of one token; the best of five."""
    best = float("inf")
    for _ in range(5):
        begin = time.monotonic()
        subprocess.run([SIL, "generate", model, "max_new_tokens=1"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL,
                       input=b'{"prompt": "12+34="}\n')
        best = min(best, time.monotonic() - begin)
    return 1000 * best


def trl_round(python, folder, name):
    """Tokens/s of a round, seconds from the start to the end of the first one, and the peak memory in MiB."""
    script = pathlib.Path(os.environ.get("SIL_SHARED", ROOT.parent / "shared")) / "bench/peers/trl_grpo_round.py"
    with open(folder / f"trl_{name}.jsonl", "w+b") as output:
        _, _, peak = run_program([python, script, "--shape", name, "--prompts", SHAPES[name]["prompts"],
                                  "--micro-batch", 8 * SHAPES[name]["prompts"]], output)
        output.seek(0)
        row = next(json.loads(line) for line in output if line.startswith(b"{"))
    tokens = row["prompts"] * row["samples"] * row["new_tokens"]
    spread = row["seconds"]["round"]
    seconds = spread["median"] if isinstance(spread, dict) else spread
    return tokens / seconds, row["first_step_begins_s"] + row["first_round_s"], peak


def bench_round(folder):
    """A whole GRPO round by rollout tokens, its memory beside the plan, and both beside TRL."""
    python = os.environ.get("SIL_PEERS_PYTHON")
    if not python:
        print("round: SIL_PEERS_PYTHON names no Python with trl: no peer is measured beside")
    for name, shape in SHAPES.items():
        recipe = folder / f"grpo_{name}.yaml"
        recipe.write_text(GRPO_ROUND.format(**shape), encoding="utf-8")
        one, _, _ = run_sil("run", recipe, "rounds=1", "--out", folder / f"one_{name}", "--quiet")
        four, _, peak = run_sil("run", recipe, "--out", folder / f"four_{name}", "--quiet")
        tokens = sum(r["metrics"]["tokens"]
                     for label in ("2", "3", "4") for r in step_records(folder / f"four_{name}", label)
                     if r["step"] == "generate")
        rate = tokens / (four - one)
        plan = sil_json("check", recipe, "--json")["plan"]["memory"]["total"] / 2**20
        what = f"{name} GRPO {shape['prompts']} x 8 x {shape['new']}"
        print(f"round: {what}: {rate:.0f} rollout tokens/s, {one:.2f} s from start to the end of the first round")
        print(f"round: {what}: peak {peak:.0f} MiB, planned {plan:.0f} MiB (peak at most 64 MiB more, plan at most 1.2 x peak)",
              flush=True)
        if name == "A":
            print(f"round: {first_token_ms(folder / 'four_A/accepted'):.0f} ms from start to the first token (limit 200)")
        if python:
            peer, first, memory = trl_round(python, folder, name)
            print(f"round: {what}: {rate / peer:.2f} x TRL ({peer:.0f} tokens/s); first round {first / one:.1f} x sooner "
                  f"({first:.1f} s); peak 1/{memory / peak:.1f} of its {memory:.0f} MiB", flush=True)


def bench_instructions(folder):
    """Instructions by callgrind: they do not depend on what else the machine does."""
    if shutil.which("valgrind") is None:
        print("instructions: no valgrind here: not counted")
        return
    for what, function, tokens in (("sampling", "sil::nn::sample_requests*", 64 * 4), ("training", "sil::nn::Trainer::learn(*", 8 * 64)):
        out = folder / f"callgrind.{what}"
        subprocess.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", f"--toggle-collect={function}",
                        ROOT / "build/release/bin/engine_bench", "1", f"count-{what}"], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        total = next(int(m[1]) for m in (re.match(r"(?:summary|totals): (\d+)", line) for line in open(out)) if m)
        print(f"instructions: A {what}: {total / tokens:.0f} a token", flush=True)


TOKENIZERS = """\
import sys, time, tokenizers
tokenizer = tokenizers.Tokenizer.from_file(sys.argv[1])
text = open(sys.argv[2], encoding="utf-8").read()
for what, parts in (("whole text", [text]), ("line by line", text.split("\\n"))):
    best = 0
    for _ in range(3):
        begin = time.process_time()
        for part in parts:
            tokenizer.encode(part, add_special_tokens=False)
        best = max(best, len(text.encode()) / 1e6 / (time.process_time() - begin))
    print(f"tokenizer: {what}: {best:.1f} MB/s tokenizers {tokenizers.__version__}")
"""


def bench_tokenizer(folder):
    """Byte-level BPE on the English of GSM8K, one core."""
    data = pathlib.Path(os.environ.get("SIL_SHARED", ROOT.parent / "shared")) / "data"
    rows = map(json.loads, (data / "gsm8k_train.jsonl").read_bytes().splitlines())
    text = folder / "english.txt"
    text.write_text("\n".join(f"{row['prompt']}\n{row['solution']}" for row in rows), encoding="utf-8")
    arguments = [data / "tokenizers/own-bytebpe-a.tokenizer.json", text]
    subprocess.run([ROOT / "build/release/bin/tokenizer_bench", *arguments], check=True)
    if python := os.environ.get("SIL_PEERS_PYTHON"):
        environment = os.environ | {"TOKENIZERS_PARALLELISM": "false", "RAYON_NUM_THREADS": "1"}
        subprocess.run([python, "-c", TOKENIZERS, *arguments], check=True, env=environment)


def bench_smollm2(folder):
    """A published model from its GGUF file: ready, then greedy decoding, prefill of 100 tokens a prompt included."""
    model = ROOT / ".deps/SmolLM2-135M-Instruct.Q4_1.gguf"
    if not model.exists():
        print("smollm2: scripts/get_smollm2.sh has not fetched the model: nothing is measured")
        return
    numbers = random.Random(1)
    options = ["temperature=0", f"max_new_tokens={NEW_TOKENS}", 'logit_bias={"2": -100}']  # 2 would end a text

    def seconds(prompts, samples):
        rows = [json.dumps({"token_ids": [numbers.randrange(17, 49152) for _ in range(100)]}) + "\n" for _ in range(prompts)]
        text = "".join(row * samples for row in rows)
        begin = time.monotonic()
        done = subprocess.run([SIL, "generate", model, *options], input=text, stdout=subprocess.PIPE, text=True, check=True)
        assert len(done.stdout.splitlines()) == prompts * samples
        return time.monotonic() - begin

    ready = min(seconds(0, 1) for _ in range(REPEATS))
    print(f"smollm2: ready from GGUF in {ready:.2f} s (limit 3)", flush=True)
    ours = {}
    for prompts, samples in ((1, 1), (8, 1), (32, 1), (4, 8)):
        rate = prompts * samples * NEW_TOKENS / (min(seconds(prompts, samples) for _ in range(REPEATS)) - ready)
        ours[prompts, samples] = rate
        print(f"smollm2: {prompts} prompts x {samples}: {rate:.1f} tokens/s", flush=True)
    python, imported = os.environ.get("SIL_PEERS_PYTHON"), ROOT / ".deps/SmolLM2-135M-Instruct"
    if not python or not imported.exists():
        print(f"smollm2: no peer is measured beside: that takes SIL_PEERS_PYTHON, and sil import to {imported.name}")
        return
    rates = peer_rates(python, "hf_smollm2.py", "--model", str(imported), "--what", "generate")
    peer = {row["batch"]: best_rate(row) for row in rates if row["bench"] == "hf_generate_smollm2"}
    for (prompts, samples), aim in (((1, 1), 2.2), ((8, 1), 3), ((32, 1), 2.5), ((4, 8), 5)):
        rate = peer[prompts * samples]
        print(f"smollm2: {prompts} prompts x {samples}: {ours[prompts, samples] / rate:.2f} x transformers "
              f"({rate:.1f} tokens/s; aim {aim})")


def bench_data(folder):
    """sil data check of a million rows of 600 bytes, without lengths and with, counted anew."""
    words = (ROOT / "README.md").read_text(encoding="utf-8").split()
    numbers = random.Random(1)
    rows = folder / "rows.jsonl"
    with open(rows, "w", encoding="utf-8") as out:
        for i in range(1_000_000):
            question = " ".join(numbers.choices(words, k=45)) + f" {i}?"
            row = json.dumps({"id": i, "question": question, "answer": ""}, ensure_ascii=False)
            answer = " ".join(numbers.choices(words, k=60))[: max(8, 596 - len(row.encode()))]
            out.write(json.dumps({"id": i, "question": question, "answer": answer}, ensure_ascii=False) + "\n")
    print(f"data: {rows.stat().st_size / 1e6:.0f} bytes a row")
    os.environ["SIL_CACHE_DIR"] = str(folder / "cache")
    model = ROOT / ".deps/SmolLM2-135M-Instruct.Q4_1.gguf"
    for what, flags, limit in (("check", [], 20), ("check --lengths", ["--lengths", model], 45)):
        if flags and not model.exists():
            print("data: scripts/get_smollm2.sh has not fetched the model: lengths are not measured")
            return
        seconds, cpu, peak = run_sil("data", "check", rows, *flags)
        print(f"data: {what} of a million rows in {seconds:.1f} s (limit {limit}; {cpu:.1f} s of processors), "
              f"{peak:.0f} MiB", flush=True)


def best_rate(row):
    rate = row["tokens_per_s"]
    return max(rate.values()) if isinstance(rate, dict) else rate


def ratio(shape, what, lines, peer, name):
    ours = tokens_per_second(lines, f"{shape} {what}")
    print(f"engine: {shape} {what}: {ours / peer:.2f} x {name} ({peer:.0f} tokens/s)", flush=True)


def main():
    benches = {"spine": bench_spine, "start": bench_start, "engine": bench_engine, "round": bench_round,
               "instructions": bench_instructions, "tokenizer": bench_tokenizer, "smollm2": bench_smollm2,
               "data": bench_data}
    with tempfile.TemporaryDirectory(prefix="sil-bench-") as folder:
        for what in sys.argv[1:] or benches:
            benches[what](pathlib.Path(folder))


main()
