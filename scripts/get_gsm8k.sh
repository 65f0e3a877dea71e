#!/usr/bin/env bash
# Makes .deps/gsm8k_train.jsonl and .deps/gsm8k_test.jsonl, rows {id, prompt, answer, solution, split}, of a copy of GSM8K
# (Cobbe et al. 2021, MIT; github.com/openai/grade-school-math, grade_school_math/data).
#
#   get_gsm8k.sh DIR   a folder with the upstream train.jsonl and test.jsonl, or with rows made before: gsm8k_*.jsonl
set -euo pipefail
cd "$(dirname "$0")/.."
from=${1:-${SIL_SHARED:-../shared}/data}
mkdir -p .deps
exec python3 - "$from" <<'PYTHON'
import json
import pathlib
import sys

folder = pathlib.Path(sys.argv[1])
for split in ("train", "test"):
    made, upstream, out = folder / f"gsm8k_{split}.jsonl", folder / f"{split}.jsonl", pathlib.Path(f".deps/gsm8k_{split}.jsonl")
    if made.exists():
        rows = [json.loads(line) for line in made.open(encoding="utf-8")]
    elif upstream.exists():
        rows = []
        for number, line in enumerate(upstream.open(encoding="utf-8")):
            row = json.loads(line)
            answer = row["answer"].rsplit("####", 1)[1].strip().replace(",", "")
            rows.append({"id": f"gsm8k/{split}/{number}", "prompt": row["question"], "answer": answer,
                         "solution": row["answer"], "split": split})
    else:
        sys.exit(f"get_gsm8k: {folder} holds neither {made.name} nor {upstream.name}; name a folder with a copy of GSM8K")
    out.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    print(f"get_gsm8k: {out}, {len(rows)} rows", file=sys.stderr)
PYTHON
