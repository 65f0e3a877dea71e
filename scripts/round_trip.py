"""What scripts/round_trip.sh does, given the folder of a model. Greedy answers to 24 prompts are compared token by token.

Must be equal: ids of prompts in llama.cpp and in sil; what sil answers from the folder and from the F32 file; an adapter
in sil and in peft, merged in sil and in transformers. Counted: how far llama.cpp's answers agree with sil's on the same
file (its products are rounded otherwise, and Q8_0 rounds activations too), and each file's with those of the folder.
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[1]
SIL = ROOT / "build/release/bin/sil"
TYPES = ["F32", "F16", "BF16", "Q8_0"]
NEW_TOKENS = 24
MORE_PROMPTS = ["Name the planets of the solar system.", "Was ist 7 mal 8?", "Count from 1 to 10.", "日本の首都はどこですか?"]
# Two steps on worked products: enough that the adapter answers otherwise than its base.
RECIPE = """name: round_trip
models: {lm: {path: %s, lora: {r: 8, alpha: 16}}}
tasks: {products: {multiplication: {operands: [2, 20]}}}
round:
  - demonstrate: {tasks: products, problems: 24}
  - finetune: {from: base, loss: nll, steps: 3, learning_rate: 3.0e-3}
"""


class Failures:
    def __init__(self):
        self.count = 0

    def check(self, what, good):
        print(f"{'equal' if good else 'DIFFERS':8} {what}", flush=True)
        self.count += not good


def run_sil(*words, rows=None):
    lines = "".join(json.dumps(row) + "\n" for row in rows or [])
    return subprocess.run([SIL, *map(str, words)], input=lines, text=True, check=True, stdout=subprocess.PIPE).stdout


def answers(model, rows):
    out = run_sil("generate", model, "temperature=0", f"max_new_tokens={NEW_TOKENS}", rows=rows)
    return [json.loads(line) for line in out.splitlines()]


def ids_of(rows):
    return [row["token_ids"] for row in rows]


def agreement(left, right):
    """Rows that are equal, and tokens before the first difference of all."""
    same = sum(a == b for a, b in zip(left, right))
    prefix = sum(next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b))) for a, b in zip(left, right))
    return f"{same} of {len(left)} answers, {prefix} of {sum(map(len, left))} tokens before the first difference"


class LlamaCpp:
    def __init__(self, path):
        import xllamacpp
        params = xllamacpp.CommonParams()
        params.model.path = str(path)
        params.n_ctx, params.n_parallel, params.warmup, params.cache_prompt = 1024, 1, False, False
        params.cache_type_k = params.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_F32  # its default is F16
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1  # threads that wait for each other spin
        params.verbosity = 0
        self.server = xllamacpp.Server(params)

    def post(self, path, **body):
        request = urllib.request.Request(self.server.listening_address + path, json.dumps(body).encode(),
                                         {"Content-Type": "application/json"})
        return json.load(urllib.request.urlopen(request))

    def prompt_ids(self, text):
        prompt = self.post("/apply-template", messages=[{"role": "user", "content": text}])["prompt"]
        return self.post("/tokenize", content=prompt, add_special=True, parse_special=True)["tokens"]

    def answer(self, ids):
        return self.post("/completion", prompt=ids, n_predict=NEW_TOKENS, temperature=0, cache_prompt=False,
                         return_tokens=True)["tokens"]


def without_end(ids, end):
    """llama.cpp leaves the end of a turn out of what it returns."""
    return ids[:-1] if ids and ids[-1] == end else ids


def check_gguf(folder, work, rows, failures):
    import gguf
    whole = answers(folder, rows)
    for kind in TYPES:
        path = work / f"{kind}.gguf"
        run_sil("export", folder, path, "--gguf", kind)
        reader = gguf.GGUFReader(path)
        matrices = {tensor.tensor_type.name for tensor in reader.tensors if len(tensor.shape) > 1}
        failures.check(f"{kind}: gguf reads {len(reader.tensors)} tensors, matrices {', '.join(matrices)}", matrices == {kind})
        again = answers(path, rows)
        failures.check(f"{kind}: ids of prompts in sil from the file and from the folder",
                       [row["prompt_ids"] for row in again] == [row["prompt_ids"] for row in whole])
        if kind == "F32":
            failures.check("F32: sil's answers and log-probs from the file and from the folder",
                           [{**row, "id": 0} for row in again] == [{**row, "id": 0} for row in whole])
        peer = LlamaCpp(path)
        failures.check(f"{kind}: ids of prompts in llama.cpp, by its own rendering of the template",
                       [peer.prompt_ids(row["prompt"]) for row in rows] == [row["prompt_ids"] for row in again])
        theirs = [without_end(peer.answer(row["prompt_ids"]), 2) for row in again]
        ours = [without_end(ids, 2) for ids in ids_of(again)]
        print(f"         {kind}: llama.cpp and sil on the file: {agreement(ours, theirs)}")
        print(f"         {kind}: sil on the file and on the folder: {agreement(ids_of(whole), ids_of(again))}", flush=True)
        del peer
        path.unlink()


def greedy(model, prompts):
    import torch
    out = []
    for ids in prompts:
        with torch.no_grad():
            whole = model.generate(torch.tensor([ids]), max_new_tokens=NEW_TOKENS, do_sample=False, eos_token_id=2,
                                   pad_token_id=2)
        out.append(whole[0, len(ids):].tolist())
    return out


def check_adapter(folder, work, rows, failures):
    import peft
    import torch
    import transformers
    recipe = work / "recipe.yaml"
    recipe.write_text(RECIPE % json.dumps(str(folder)))
    run_sil("run", recipe, "--quiet", "--out", work / "run")
    run_sil("export", work / "run", work / "adapter")
    run_sil("export", work / "run", work / "merged", "--merge")
    wanted = answers(work / "adapter", rows)
    prompts = [row["prompt_ids"] for row in wanted]
    print(f"         the adapter and its base: {agreement(ids_of(answers(folder, rows)), ids_of(wanted))}")
    failures.check("sil's answers from the adapter and from the merged folder",
                   ids_of(answers(work / "merged", rows)) == ids_of(wanted))
    load = transformers.AutoModelForCausalLM.from_pretrained
    adapted = peft.PeftModel.from_pretrained(load(folder, dtype=torch.float32), work / "adapter").eval()
    failures.check(f"{len(rows)} answers of peft to those of sil from the adapter", greedy(adapted, prompts) == ids_of(wanted))
    merged = load(work / "merged", dtype=torch.float32).eval()
    failures.check(f"{len(rows)} answers of transformers to those of sil from the merged folder",
                   greedy(merged, prompts) == ids_of(wanted))


def main():
    folder = pathlib.Path(sys.argv[1]).resolve()
    golden = json.loads((ROOT / "tests/golden/smollm2.json").read_text())
    rows = [{"prompt": prompt} for prompt in [row["prompt"] for row in golden["rows"]] + MORE_PROMPTS]
    failures = Failures()
    with tempfile.TemporaryDirectory() as work:
        check_gguf(folder, pathlib.Path(work), rows, failures)
        check_adapter(folder, pathlib.Path(work), rows, failures)
    sys.exit(1 if failures.count else 0)


if __name__ == "__main__":
    main()
