#!/usr/bin/env python3
"""A grader for `sil`: the share of characters that stand where the reference answer has them; only 1 passes."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "python"))

from sil_verifier import serve_many  # noqa: E402


def digits(request):
    completion, answer = request["completion"], request["answer"]
    if completion == answer:
        return {"score": 1.0, "label": "pass"}
    right = sum(ours == theirs for ours, theirs in zip(completion, answer))
    score = right / max(len(completion), len(answer), 1)
    return {"score": score, "label": "fail", "reason": "%d of %d characters are right" % (right, len(answer))}


if __name__ == "__main__":
    # Many at a time saves waiting; serve(lambda completion, answer, **_: ...) is the shorter way, one at a time.
    serve_many(lambda requests: [digits(request) for request in requests], batch=64, about=digits)
