"""Graders for `sil` in a few lines: the protocol sil-verifier/1 around a Python function.

    from sil_verifier import serve
    serve(lambda completion, answer, **_: float(answer in completion))

The function gets `prompt`, `completion`, `answer` (None without one), `extra` (a dict) and `deadline_ms` by name. It
returns a number (or a bool), a dict {"score", "label", "parts", "reason", "info"}, or None to abstain. What it raises
becomes an abstention with that reason. Whatever it or a library prints goes to stderr.

Reward functions written for TRL or verl run unchanged:

    python3 -m sil_verifier trl  my_rewards:accuracy_reward [--chat] [--answer solution] [--batch 16]
    python3 -m sil_verifier verl my_rewards.py:compute_score [--data-source gsm8k]

Python 3.9 or newer, no dependencies.
"""

import argparse
import asyncio
import hashlib
import importlib
import importlib.util
import inspect
import json
import math
import os
import select
import sys

__all__ = ["serve", "serve_many", "trl", "verl"]

PROTOCOL = "sil-verifier/1"
LABELS = ("pass", "fail", "abstain")


class _Wire:
    """Both ends of the conversation, out of reach of print() and of child processes."""

    def __init__(self):
        self._in = os.dup(0)
        self._out = os.dup(1)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        sys.stdout.flush()
        os.dup2(2, 1)
        self._buffer = bytearray()

    def _line(self):
        end = self._buffer.find(b"\n")
        if end < 0:
            return None
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        return line

    def _fill(self):
        data = os.read(self._in, 1 << 16)
        self._buffer += data
        return bool(data)

    def take(self, most):
        """One message at least, up to `most` that are already there; [] at the end of the input."""
        lines = []
        while len(lines) < most:
            line = self._line()
            if line is not None:
                lines.append(json.loads(line))
            elif lines and not select.select([self._in], [], [], 0)[0]:
                break
            elif not self._fill():
                break
        return lines

    def send(self, message):
        data = (json.dumps(message, allow_nan=False) + "\n").encode("ascii")
        while data:
            data = data[os.write(self._out, data) :]


def _abstain(reason):
    return {"label": "abstain", "reason": str(reason)[:1000]}


def _number(value):
    """float(value) for whatever calls itself a number (numpy, torch), else None."""
    if isinstance(value, (str, bytes)) or value is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _verdict(result):
    """The reply (without its id) that a function's result means."""
    if result is None:
        return _abstain("the function returned None")
    if not isinstance(result, dict):
        result = {"score": result}
    reply = {}
    label = result.get("label")
    if label is not None:
        if label not in LABELS:
            return _abstain("the function returned the label %.100r" % (label,))
        reply["label"] = label
    score = _number(result.get("score"))
    if score is None and label != "abstain":
        return _abstain("the function returned the score %.100r, not a finite number" % (result.get("score"),))
    if score is not None:
        reply["score"] = score
    parts = {str(key): _number(value) for key, value in (result.get("parts") or {}).items()}
    if parts:
        reply["parts"] = {key: value for key, value in parts.items() if value is not None}
    if result.get("reason") is not None:
        reply["reason"] = str(result["reason"])
    return reply


def _file_of(function):
    path = getattr(getattr(function, "__code__", None), "co_filename", "")
    return path if os.path.isfile(path) else None


def _identity(function, name, version):
    """Defaults: the function's name, and a digest of the file that defines it, so that an edited grader is another one."""
    path = _file_of(function)
    if name is None:
        name = getattr(function, "__name__", "")
        if not name.isidentifier():
            name = os.path.splitext(os.path.basename(path))[0] if path else "grader"
    if version is None:
        version = "1"
        if path:
            with open(path, "rb") as file:
                version = hashlib.sha256(file.read()).hexdigest()[:12]
    return str(name)[:100], str(version)[:100]


def _answers(grade_many, requests):
    """One reply a request; when grading them together fails, each is graded alone."""
    try:
        results = list(grade_many(requests))
        if len(results) != len(requests):
            raise ValueError("%d results for %d completions" % (len(results), len(requests)))
        return [_verdict(result) for result in results]
    except Exception as error:  # the grader's own fault: said, never silently a 0
        if len(requests) > 1:
            return [reply for request in requests for reply in _answers(grade_many, [request])]
        print("%s: %s" % (type(error).__name__, error), file=sys.stderr, flush=True)
        return [_abstain("%s: %s" % (type(error).__name__, error))]


def serve_many(grade_many, name=None, version=None, batch=16, about=None):
    """Serves until stdin closes. `grade_many` gets a list of at most `batch` requests (dicts) and returns their results.

    `about` is the function whose name and file tell who this grader is, when that is not `grade_many`.
    """
    name, version = _identity(about or grade_many, name, version)
    wire = _Wire()
    while True:
        messages = wire.take(batch)
        if not messages:
            return
        requests = []
        for message in messages:
            if message.get("type") == "hello":
                wire.send({"protocol": PROTOCOL, "name": name, "version": version, "batch": batch})
            else:
                requests.append(message)
        for request, reply in zip(requests, _answers(grade_many, requests) if requests else []):
            wire.send({"id": request["id"], **reply})


def serve(grade, name=None, version=None):
    """Serves until stdin closes, one completion at a time."""

    def grade_many(requests):
        return [grade(**{key: value for key, value in request.items() if key != "id"}) for request in requests]

    serve_many(grade_many, name=name, version=version, batch=1, about=grade)


def _finished(result):
    return asyncio.run(result) if inspect.iscoroutine(result) else result


def trl(function, chat=False, answer="answer", batch=16):
    """Serves a TRL reward function: lists of prompts and completions, every column of the row by name; None abstains.

    `chat` gives completions (and prompts) as message lists; `answer` is the column that holds the reference answer.
    """

    def text(role, value):
        return [{"role": role, "content": value}] if chat else value

    def grade_many(requests):
        names = {key for request in requests for key in request["extra"]} - {"prompts", "completions"}
        columns = {key: [request["extra"].get(key) for request in requests] for key in names}
        columns[answer] = [request["answer"] for request in requests]
        return _finished(
            function(
                prompts=[text("user", request["prompt"]) for request in requests],
                completions=[text("assistant", request["completion"]) for request in requests],
                **columns,
            )
        )

    serve_many(grade_many, batch=batch, about=function)


def verl(function, data_source=None):
    """Serves a verl compute_score(data_source, solution_str, ground_truth, extra_info); extra numbers become parts."""

    def grade(request):
        extra = request["extra"]
        result = _finished(
            function(
                data_source=extra.get("data_source", "") if data_source is None else data_source,
                solution_str=request["completion"],
                ground_truth=request["answer"],
                extra_info=extra,
            )
        )
        if isinstance(result, dict):
            result = {"score": result.get("score"), "parts": {k: v for k, v in result.items() if k != "score"}}
        return result

    serve_many(lambda requests: [grade(request) for request in requests], batch=1, about=function)


def _load(spec):
    """`module:function` or `path/file.py:function`."""
    where, _, name = spec.rpartition(":")
    if not where:
        raise SystemExit("say module:function or file.py:function, not %r" % spec)
    if where.endswith(".py"):
        module_spec = importlib.util.spec_from_file_location(os.path.splitext(os.path.basename(where))[0], where)
        module = importlib.util.module_from_spec(module_spec)
        sys.modules[module_spec.name] = module
        module_spec.loader.exec_module(module)
    else:
        sys.path.insert(0, os.getcwd())
        module = importlib.import_module(where)
    for part in name.split("."):
        module = getattr(module, part)
    return module


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="sil_verifier", description="reward functions of other systems as sil graders")
    kinds = parser.add_subparsers(dest="kind", required=True)
    for_trl = kinds.add_parser("trl", help="a TRL reward function")
    for_trl.add_argument("function", help="module:function or file.py:function")
    for_trl.add_argument("--chat", action="store_true", help="completions and prompts as lists of messages")
    for_trl.add_argument("--answer", default="answer", help="column that holds the reference answer")
    for_trl.add_argument("--batch", type=int, default=16, help="completions a call")
    for_verl = kinds.add_parser("verl", help="a verl compute_score")
    for_verl.add_argument("function", help="module:function or file.py:function")
    for_verl.add_argument("--data-source", default=None, help="instead of the row's data_source")
    options = parser.parse_args(arguments)
    out = os.dup(1)  # what a module prints while it is imported is no reply either
    os.dup2(2, 1)
    function = _load(options.function)
    sys.stdout.flush()
    os.dup2(out, 1)
    os.close(out)
    if options.kind == "trl":
        trl(function, chat=options.chat, answer=options.answer, batch=options.batch)
    else:
        verl(function, data_source=options.data_source)


if __name__ == "__main__":
    main()
