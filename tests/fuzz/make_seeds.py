#!/usr/bin/env python3
"""Writes the hand-made inputs that the fuzz targets start from: make_seeds.py DIRECTORY, one folder a target.

What the fuzzers found beside them lies in corpus/ too; scripts/fuzz.sh --minimise puts both together.
"""

import gzip
import hashlib
import json
import pathlib
import struct
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
HEX = "0123456789abcdef" * 4

YAML = [
    "", "# only a comment\n", "a: 1\n", "- 1\n- [2, {b: c}]\n", "a: 'it''s'\nb: \"x\\ty\\u00e9\"\n", "a: |\n  text\n  more\nb: >-\n  folded\n",
    "a: {b: [1, 2], c: {}}\n", "? a\n: b\n", "a: &x 1\nb: *x\n", "a: !!int 1\n", "<<: {a: 1}\n", "a: 1\na: 2\n", "a: 1\n---\nb: 2\n", "\tb: 1\n", "a:\tb\n",
    "a: ~\nb: null\nc: .nan\nd: -.inf\ne: 0x1F\nf: 0o17\ng: 1e3\nh: .5\n", "\ufeffa: 1\r\nb: 2\r\n", "a: 'unclosed\n", "a: \"unclosed\n", "[" * 70, "{a: " * 70,
    "- - - - 1\n", "a: b: c\n", "a: [1, 2\n", "key with spaces: caf\u00e9 # comment\n", "a: \"${b}\"\nb: ${env:SEED,3}\n", "%YAML 1.2\n---\na: 1\n...\n",
    "a: |2\n    deep\n", "? [a, b]\n: 1\n", "a: @b\n", "a: `b`\n",
]
YAML_BYTES = [b"\xff\xfea\0", b"a: \xff\n", b"a: \0\n", b"a: \x07\n", b"\xef\xbb\xbfa: 1\n", b"a: \xc3\xa9\xc0\x80\n"]

BASE = (ROOT / "configs/rft.yaml").read_text()
EVERY = """name: every
seed: ${env:SEED}
rounds: 3
retain: {weights: accepted + last 2, optimizer: last}
models:
  lm: {table: {context: 3}, tokenizer: {chars: "abc+=0123456789"}, members: 1}
  judge: {scripted: {replies: [yes, no]}, tokenizer: bytes}
roles:
  asked: {model: judge, view: {hint: answer}}
  hinted: {model: lm, weights: {round: -1}, view: {text: "{{problem.prompt}} {{problem.answer}}", system: "be brief"}}
tasks:
  sums: {addition: {digits: [1, 2]}, split: {fraction: 0.1, name: dev}}
  rows: {jsonl: {path: rows.jsonl, field: {prompt: question, answer: solution}}, answer: regex, pattern: "#### (.*)"}
  far: {countdown: {}, split: test, answers: observe}
stores:
  seen: {holds: groups, draw: {mix: {newest: 0.5}}, evict: {age: 3}, max: 100}
control:
  - {set: try.temperature, by: {schedule: {1: 0.5, 10: 1}}}
  - {set: tasks.sums.digits, by: {mastery: {metric: verify.pass_rate, at: 0.8, max: 3}}}
before:
  - demonstrate: {tasks: rows, problems: 8, role: hinted}
  - finetune: {model: lm, from: base, loss: nll, epochs: 2}
round:
  - generate: {tasks: [rows], role: lm, problems: 4, samples: 2, temperature: 0.7, top_p: 0.9, top_k: 5, min_p: 0.1, stop: ["\\n"]}
    as: try
  - {verify: {sum: [{exact: 1}, {contains: {text: "=", weight: 0.5}}, {regex: "^a+$", weight: 0}], pass_at: 0.6}, of: try}
  - {verify: {score: "1 - 2 * math.abs(pass_rate - 0.5)"}, of: try, per: group, as: level, when: "round > 1"}
  - {generate: {samples: 1, role: lm, view: {hint: answer}}, of: try, where: failed, as: again}
  - filter: {keep: [pass, {threshold: 0.5}, {top_k: 2}, {per_problem: 1}, varied, {band: {low: 0.1, high: 0.9}}, {dedupe: text}, {length: {max: 9}}, "tokens < 9"], weigh: group_zscore, statistics: kept}
    of: try
    put: seen
  - finetune: {model: lm, from: live, loss: [{grpo: {clip_high: 0.28}}, {match: {divergence: k3, coef: 0.001}}], reference: base, minibatches: 2, learning_rate: 1.0e-3}
  - {filter: {shape: {pair: {max: 2}}}, of: {seen: {n: 8, draw: uniform}}, as: pairs}
  - {finetune: {model: lm, from: start, loss: {dpo: {beta: 0.1}}, reference: best, steps: 2}, as: prefer}
  - evaluate: {tasks: sums, role: lm, samples: 4}
  - gate: {model: lm, metric: pass@1, at_least: incumbent}
after:
  - {evaluate: {tasks: sums, role: lm}, as: final}
  - {generate: {tasks: far, role: asked, problems: 2}, as: last}
  - {observe: label_accuracy, of: last}
"""
OVERRIDES = [
    "rounds=2", "generate.temperature=0.5\nround.0.generate.samples=2", "~gate", "++generate.top_k=3", "seed=${env:SEED}\nname=\"${env:LONG}\"",
    "finetune.learning_rate=1e999", "models.lm.table.context=4", "filter.keep=[pass,{per_problem: 1}]", "a=b\n=\n~\n++", "tasks.train.neighbour.letters=4",
    "generate.temprature=1", "retain.weights=all", "rounds=[1,2", "rounds={a: 1}", "${a}=1", "verify=numeric\nverify.tolerance=0.1", "gate.at_least=incumbent",
]
# Each breaks one rule, at the place named by its replacement in EVERY.
BROKEN = [
    ("split: {fraction: 0.1, name: dev}", "split: {fraction: 2}"), ("split: test", "split: tset"), ("split: test", "split: [a]"), ("{model: lm, weights: {round: -1}", "{model: lm, weights: nope"),
    ("set: try.temperature", "set: models.lm.members"), ("set: try.temperature", "set: try.temprature"), ("by: {schedule: {1: 0.5, 10: 1}}", "by: {schedule: {1: hot}}"),
    ("control:\n", "control: 7\nx:\n"), ("models:\n", "models: [lm]\nx:\n"), ("  hinted:", "  Hinted!:"), ("{model: lm, weights", "{weights"), ("of: try\n    put: seen", "of: []\n    put: seen"),
    ("per: group", "per: {set: 3}"), ("per: group", "per: {set: 0}"), ("per: group", "per: grup"), ("of: {seen: {n: 8, draw: uniform}}", "of: {seen: 8}"), ("of: {seen: {n: 8", "of: {sene: {n: 8"),
    ("as: pairs", "as: 'two words'"), ("as: pairs", "as: [x]"), ("  - {observe: label_accuracy", "  - {observe: label_accuracy, gate: always"), ("  - {observe:", "  - {obsreve:"), ("where: failed", "where: 'passed and unit.nope'"),
    ("{finetune: {model: lm, from: start", "{finetune: {of: try, model: lm, from: start"), (", learning_rate: 1.0e-3", "}, learning_rate: {"), ("round:\n", "round: 3\nx:\n"), ("addition: {digits: [1, 2]}", "addition: 2"),
    ("addition: {digits: [1, 2]}", "addition: {digits: [1, 2]}, countdown: {}"), ("countdown: {}", "cuontdown: {}"), ("{gate: {model", "{gaet: {model"), ("- gate: {model: lm", "- gate: {model: ml"),
    ("far: {countdown: {}, split: test", "far: {countdown: {split: dev}, split: test"), ("verify: {sum: [", "verify: {sum: [{exact: 1, regex: a}, "),
]
MORE_OVERRIDES = [
    "control.0.by.schedule=[1, 2]", "tasks.sums.digits=3\nround.filter.keep.dedupe=text", "verify.regex=^b", "verify.0.contains.weight=1", "gate.at_least=incumbent\ngate.margin=0.1", "filter.keep.5=pass",
    "filter.keep.top_k=2", "generate=nothing", "try.view.hint=answer", "models.lm.tabel.context=1", "finetune.loss.grpo.clip_high=0.1", "finetune.loss.0=nll", "++tasks.new.countdown.numbers=3", "~tasks.far\n~final",
]
REFERENCES = [
    "name: a\nseed: \"${rounds}\"\nrounds: \"${seed}\"\n", "name: x${env:NOPE}y\nrounds: \"${env:NOPE,4}\"\nseed: ${a.b.c}\nround: [\"${round}\"]\n", "name: $${x}\nrounds: ${\n",
]

ROW = '{"prompt": "1+1=", "answer": "2"}\n'
JSONL = [
    ROW, ROW * 3, "\n\n" + ROW, '{"id": 1, "prompt": "a", "answer": 2, "difficulty": 1.5, "m": {"x": [null, true]}}\n', '{"question": "q", "answer": "48/2 = 24\\n#### 1,072"}\n',
    '{"problem": "p", "solution": "so $\\\\boxed{\\\\frac12}$."}\n', '{"prompt": [{"role": "user", "content": "u"}], "chosen": "c", "rejected": "r"}\n',
    '{"chosen": [{"role": "user", "content": "u"}, {"role": "assistant", "content": "c"}], "rejected": [{"role": "user", "content": "u"}, {"role": "assistant", "content": "r"}]}\n',
    '{"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}, {"role": "assistant", "content": "c"}]}\n', '{"text": "one"}\n{"text": "two"}\n',
    '{"conversations": [{"from": "human", "value": "u"}, {"from": "gpt", "value": "c"}]}\n', '{"prompt": "p", "completion": "c", "label": false}\n',
    '{"prompt": "p", "reward_model": {"ground_truth": "a"}}\n', '{"instruction": "i", "input": "x", "output": "o"}\n', '{"input": "x", "output": "o"}\n', "[1]\n", "7\n", "{}\n",
    '{"prompt": ""}\n', '{"prompt": 7}\n', '{"prompt": "p", "answer": null}\n', '{"prompt": "p", "prompt": "q"}\n', '{"prompt": "\\ud83d\\ude00 \\u00e9"}\n',
    '{"prompt": "p", "answer": ["a"]}\n', '{"prompt": "p", "answer": true}\n', '{"prompt": "p", "ground_truth": "a", "label": "b"}\n', "[" * 40 + "\n", ROW[:-9],
    '{"prompt": "p", "answer": 1e999}\n', '{"prompt": "p", "answer": 18446744073709551616}\n', '{"prompt": "p", "answer": -0}\n', "PAR1", "PK\x03\x04", "x" * 5000 + "\n", "{,}\n",
    '{"a": 1}\n', json.dumps({f"k{i}": i for i in range(30)}) + "\n", ROW.replace("\n", "\r\n"),
]
# An empty zstd frame, and one that holds a row uncompressed.
ZSTD = [bytes.fromhex("28b52ffd2000010000"), b"\x28\xb5\x2f\xfd\x20" + bytes([len(ROW)]) + struct.pack("<I", 1 | len(ROW) << 3)[:3] + ROW.encode()]
JSONL_BYTES = [
    b"\xef\xbb\xbf" + ROW.encode(), b"\xff\xfe{\0", b'{"prompt": "\xff"}\n', gzip.compress(ROW.encode(), mtime=0), gzip.compress(ROW.encode() * 9, mtime=0)[:-6],
    gzip.compress(gzip.compress(ROW.encode(), mtime=0), mtime=0), gzip.compress(ROW.encode(), mtime=0) + gzip.compress(ROW.encode(), mtime=0),
    gzip.compress(b"\n" * 300000, mtime=0), gzip.compress(ROW.encode(), mtime=0)[:9] + b"\xff\xff\xff", b'{"prompt": "a\0b"}\n', *ZSTD, ZSTD[1][:-4], ZSTD[0] + ZSTD[1], ZSTD[1][:5] + b"\xff\xff\xff\xff",
]

VERSION = {"digest": HEX, "weights": HEX, "optimizer": HEX}
FRAME = {"frame": {"segment": "rounds/0001/a.rollouts.jsonl.zst", "offset": 0, "length": 9, "raw_length": 20, "sha256": HEX}, "lines": 2, "digest": HEX}
RECORDS = [
    ("recipe", {"digest": HEX, "name": "a", "source": HEX, "resolved": HEX, "tasks": {"t": HEX}}), ("model", {"model": "lm", "version": VERSION}), ("open", {"epoch": 1, "torn_bytes": 0}),
    ("round", {"round": "0", "values": []}), ("seal", {"round": "0", "digest": HEX}), ("round", {"round": "1", "values": [["a.b", 0.5]]}),
    ("frame", {"round": "1", "span": [0, 2], "steps": [{"step": "a", "files": {"rollouts": FRAME}, "tally": {"counts": {"units": 2}, "sums": {}}}]}),
    ("step", {"cursor": 2, "round": "1", "step": "a", "verb": "generate", "digest": HEX, "metrics": {"pass_rate": 0.5}, "seconds": 0.1}),
    ("checkpoint", {"round": "1", "step": "f", "steps_done": 1, "state": HEX}),
    ("trained", {"round": "1", "step": "f", "version": VERSION, "metrics": {"loss": 0.5}}),
    ("step", {"candidate": {"model": "lm", "version": VERSION}, "round": "1", "step": "f", "verb": "finetune", "digest": HEX, "metrics": {}, "seconds": 0.1}),
    ("step", {"figures": [{"step": "e", "options": HEX, "version": HEX, "metrics": {"pass@1": 0.5}, "problems": {"0123456789abcdef": 1}}], "round": "1", "step": "e", "verb": "evaluate", "digest": HEX, "metrics": {}, "seconds": 0}),
    ("step", {"model": "lm", "accepted": True, "best": 0.5, "round": "1", "step": "g", "verb": "gate", "digest": HEX, "metrics": {}, "seconds": 0, "skipped": False}),
    ("seal", {"round": "1", "digest": HEX, "averages": [{"model": "lm", "decay": 0.5, "version": VERSION}]}), ("retire", {"objects": [HEX]}), ("finish", {"status": "done", "digest": HEX}), ("round", {"round": "after", "values": []}),
]


def compact(value):
    return json.dumps(value, separators=(",", ":"))


def journal(records):
    """The records as the journal's format says: a chain of lines, each with the sum of the one before."""
    out, prev = "", "0" * 32
    for seq, (kind, payload) in enumerate(records):
        body = f'{{"seq":{seq},"prev":"{prev}","type":"{kind}","payload":{compact(payload)}'
        prev = hashlib.sha256((body + "}").encode()).hexdigest()[:32]
        out += body + f',"sum":"{prev}"}}\n'
    return out


WHOLE = journal(RECORDS)
JOURNAL = (["\n".join(f"{kind} {compact(payload)}" for kind, payload in RECORDS[:n]) for n in range(len(RECORDS) + 1)]
           + [WHOLE, WHOLE[:700], WHOLE.replace("units", "unitz"), WHOLE[:400] + "\0" * 40, WHOLE.replace('"seq":1', '"seq":2'), "what\n", "\n", "step {}\nx",
              "round {\"round\":\"1\",\"values\":[]}", "recipe []", "recipe {", "Bad {}", "recipe { }", "seal {\"round\":\"9\"}"])

LUA = [
    "score > 0.5", "pass and tokens < 10", "1 - 2 * math.abs(pass_rate - 0.5)", "evaluate.pass_at_1 or 0", "parts.exact == 1", "problem.meta.level", "problem.difficulty * 2 // 3 % 4",
    "#text > 3", "string.sub(text, 1, 2) == '3'", "text:find('3', 1, true)", "return 1", "local x = 0 for i = 1, 10 do x = x + i end return x", "if pass then return 1 else return 0 end",
    "scoer > 0", "while true do end", "string.rep('x', 1000000)", "(", "'a' .. 1 .. \"b\\n\\x41\\u{e9}\"", "[[long]] .. [==[more]==]", "0x1F + 1e3 + .5 + 0x.8p1", "nil", "not fail", "-- comment\n1", "--[[ c ]] 2",
    "function(x) return x end", "return (function(...) return select('#', ...) end)(1, 2)", "table.concat({1, 2, 3}, ',')", "math.max(1, math.huge, -1) // 0", "math.floor(2^53 + 0.5) | 1", "~5 & 3 << 2 >> 1 ~ 7",
    "goto done ::done::", "error('x')", "tostring(score) .. type(text)", "math.sqrt(-1) ~= math.sqrt(-1)", "round", "label == 'pass'", "reason", "answer == text", "math.tointeger(3.0)", "tonumber('0x10') + tonumber('z', 36)",
    "local t = {} t[1] = 2 t.x = t return #t", "local t = setmetatable({}, {}) return t", "string.format('%d %s %5.2f %q', 1, 'a', 0.5, 'x')", "text:gsub('%d', '')", "text:upper():lower():reverse():len()", "string.byte(text) + string.char(65):byte()",
    "local s = 0 for i, v in ipairs({1, 2}) do s = s + v end return s", "for k, v in pairs({a = 1}) do return k end", "repeat local x = 1 until x", "table.unpack({1, 2})", "math.exp(1) + math.log(2, 10) + math.sin(1) + math.pi", "utf8", "os.exit()", "_G", "load('x')",
    "local a <const> = 1 return a", "table.sort({3, 1, 2}, function(a, b) return a < b end)", "table.insert({}, 1)", "'\\z  a' '\\065'", "a.b.c.d", "1 == 1.0", "\"unclosed", "'\\400'", "9223372036854775808", "string.find(text, '(a*)*b')",
]

PROTOCOL = [
    '{"protocol":"sil-verifier/1","type":"hello","name":"x","version":"1"}\n', '{"protocol":"sil-verifier/1","name":"x","version":"1","batch":8,"capabilities":["a"]}\n', '{"id":1,"score":1}\n',
    '{"id":1,"score":0.5,"label":"pass","parts":{"a":1,"b":0.5},"reason":"why","info":{"x":1}}\r\n', '{"id":2,"label":"abstain"}\n', '{"id":-1,"score":1e999}\n', '{"id":"1","score":1}\n', '{"id":1}\n', "[]\n", "\n", "x\n" * 3,
    '{"id":1,"score":1,"label":"maybe"}\n', '{"id":1,"score":1,"parts":[1]}\n', '{"id":1,"score":1,"parts":{"a":"b"}}\n', '{"id":1,"score":1,"reason":7}\n', '{"id":1,"score":null}\n', '{"protocol":"sil-verifier/2"}\n',
    '{"protocol":"sil-verifier/1","name":"","version":"1"}\n', '{"protocol":"sil-verifier/1","name":"x","version":"1","batch":0}\n', '{"protocol":"sil-verifier/1","name":"x","version":"1","capabilities":7}\n', '{"id":1,"score":1}\n{"id":2,"sc',
    '{"protocol":"sil-verifier/1","name":"x","version":"1","capabilities":[7]}\n', "y" * 1500, '{"id":1,"score":1,"reason":"\\u001b[31m\\u0000"}\n', "[" * 40 + "\n", json.dumps({"id": 1, "score": 1, "parts": {f"p{i}": 1 for i in range(101)}}) + "\n",
]


def tensors(header, data=b""):
    text = header if isinstance(header, str) else compact(header)
    return text.encode() + b"\0" + data


T = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
SAFETENSORS = [
    tensors({}), tensors({"a": T}, struct.pack("<2f", 1, 2)), tensors({"a": T}, struct.pack("<2f", 1, float("nan"))), tensors({"__metadata__": {"k": "v"}, "a": T}, bytes(8)), tensors({"a": T}, bytes(7)), tensors({"a": T}, bytes(9)),
    tensors({"a": T, "b": {"dtype": "F16", "shape": [2, 2], "data_offsets": [8, 16]}, "c": {"dtype": "I64", "shape": [], "data_offsets": [16, 24]}}, bytes(24)), tensors({"a": {"dtype": "BF16", "shape": [1, 0], "data_offsets": [0, 0]}}),
    tensors({"a": {"dtype": "X", "shape": [2], "data_offsets": [0, 8]}}, bytes(8)), tensors({"a": {"dtype": "F32", "shape": [4294967296, 4294967296], "data_offsets": [0, 8]}}, bytes(8)), tensors({"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 8]}}, bytes(8)),
    tensors({"a": {"dtype": "F32", "shape": [2], "data_offsets": [8, 0]}}, bytes(8)), tensors({"a": T, "b": T}, bytes(8)), tensors({"a": {**T, "data_offsets": [4, 12]}}, bytes(12)), tensors("[]"), tensors("{"), tensors('{"a":7}'), tensors("{}   "),
    tensors('{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}', bytes(8)), tensors({"__metadata__": {"k": 1}}), tensors({"__metadata__": 1}), tensors({"a": {**T, "x": 1}}, bytes(8)), tensors({"a": {"dtype": "F32"}}, bytes(8)),
    *[tensors({"a": {"dtype": d, "shape": [8 // n], "data_offsets": [0, 8]}}, b"\0\x7c\0\x7f\x80\x7f\xf0\x7f") for d, n in [("BOOL", 1), ("U8", 1), ("F16", 2), ("BF16", 2), ("I32", 4), ("F64", 8), ("I64", 8)]],
    b"", b"\x02\0\0\0\0\0\0", b"\xff" * 16, struct.pack("<Q", 2) + b"{}", struct.pack("<Q", 1 << 63) + b"{}", struct.pack("<Q", 100) + b"{}", (ROOT / "tests/golden/reference.safetensors").read_bytes(),
]


def gguf_text(text):
    data = text if isinstance(text, bytes) else text.encode()
    return struct.pack("<Q", len(data)) + data


def gguf_value(value):
    """The number of its type and its bytes."""
    if isinstance(value, bool):
        return 7, struct.pack("<B", value)
    if isinstance(value, int):
        return 4, struct.pack("<I", value)
    if isinstance(value, float):
        return 6, struct.pack("<f", value)
    if isinstance(value, list):
        items = [gguf_value(item) for item in value]
        return 9, struct.pack("<IQ", items[0][0] if items else 8, len(items)) + b"".join(item[1] for item in items)
    return 8, gguf_text(value)


def gguf_file(values, tensors=(), version=3):
    """`tensors`: (name, shape in the file's order, type, bytes)."""
    out = b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(values))
    for key, value in values.items():
        kind, data = value if isinstance(value, tuple) else gguf_value(value)
        out += gguf_text(key) + struct.pack("<I", kind) + data
    data = b""
    for name, shape, kind, raw in tensors:
        out += gguf_text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, len(data))
        data += raw + bytes(-len(raw) % 32)
    return out + bytes(-len(out) % 32) + data if tensors else out


def gguf_model(architecture="llama", more=None, extra=(), without=()):
    """Width 4, two heads of 2, one layer, three tokens."""
    values = {"general.architecture": architecture, "block_count": 1, "context_length": 8, "embedding_length": 4, "feed_forward_length": 4,
              "attention.head_count": 2, "attention.layer_norm_rms_epsilon": 1e-5, "rope.freq_base": 500.0, "tokenizer.ggml.eos_token_id": 1,
              "tokenizer.chat_template": "{{ messages }}", **(more or {})}
    values = {key if key.startswith(("general.", "tokenizer.")) else f"{architecture}.{key}": value for key, value in values.items()}
    shapes = {"token_embd": [4, 3], "output_norm": [4], **{f"blk.0.{name}": [4, 4] for name in ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")},
              "blk.0.attn_norm": [4], "blk.0.ffn_norm": [4]}
    if architecture == "qwen3":
        shapes |= {"blk.0.attn_q_norm": [2], "blk.0.attn_k_norm": [2]}
    tensors = [(name + ".weight", shape, 0, bytes(4 * shape[0] * (shape[1] if len(shape) > 1 else 1))) for name, shape in shapes.items()]
    if architecture == "qwen2":
        tensors += [(f"blk.0.attn_{part}.bias", [4], 0, bytes(16)) for part in "qkv"]
    return gguf_file(values, [tensor for tensor in tensors if tensor[0] not in without] + list(extra))


FREQUENCIES = ("rope_freqs.weight", [1], 0, struct.pack("<f", 8.0))
GGUF_SIZES = {0: 4, 1: 2, 2: 18, 3: 20, 6: 22, 7: 24, 8: 34, 10: 84, 11: 110, 12: 144, 13: 176, 14: 210, 16: 66, 30: 2}
GGUF = [
    b"", b"GGUF", gguf_file({}), gguf_file({}, version=2), gguf_file({}, version=1), b"GGUF\0\0\0\3" + bytes(16), gguf_file({"a": 1, "b": -1.5, "c": True, "d": "x", "e": ["a", "b"], "f": [], "g": [1, 2]}),
    gguf_file({f"t{kind}": (kind, bytes(8)[: [1, 1, 2, 2, 4, 4, 4, 1, 8, 0, 8, 8, 8][kind]]) for kind in range(13) if kind != 9}), gguf_file({"a": (9, struct.pack("<IQ", 9, 1) + bytes(12))}), gguf_file({"a": (13, bytes(8))}),
    gguf_file({"a": (10, b"\xff" * 8)}), gguf_file({"a": (8, b"\xff" * 8)}), gguf_file({"a": (9, struct.pack("<IQ", 0, 1 << 62))}), gguf_file({"general.alignment": 64}), gguf_file({"general.alignment": 3}), gguf_file({b"\xff": 1}),
    *[gguf_file({}, [("w", [256], kind, bytes(size * (256 if size < 5 else 8 if size < 40 else 1)))]) for kind, size in GGUF_SIZES.items()], gguf_file({}, [("w", [2, 3], 0, bytes(24)), ("v", [], 0, bytes(4))]),
    gguf_model(), gguf_model("qwen2"), gguf_model("qwen3"), gguf_model("gemma"), gguf_model(extra=[FREQUENCIES]), gguf_model(more={"rope.scaling.original_context_length": 4}, extra=[FREQUENCIES]), gguf_model(more={"rope.scaling.type": "linear", "rope.scaling.factor": 2.0}), gguf_model(more={"rope.scaling.type": "yarn"}),
    gguf_model(more={"expert_count": 2}), gguf_model(more={"attention.sliding_window": 8, "vocab_size": 3, "rope.dimension_count": 2, "attention.head_count_kv": 2}), gguf_model(more={"unknown": 1}), gguf_model(without=["token_embd.weight"]),
    gguf_model(more={"general.sampling.temp": 0.5, "tokenizer.ggml.eot_token_id": 2}), gguf_model(extra=[("output.weight", [4, 3], 0, bytes(48))]), (ROOT / "tests/golden/gguf/reference.gguf").read_bytes(),
]

SHARD_INDEX = [
    '{"weight_map":{"a":"model-00001-of-00002.safetensors","b":"model-00002-of-00002.safetensors"},"metadata":{"total_size":8}}', '{"weight_map":{}}', '{"weight_map":[]}', "{}", "[]", "", "{", '{"weight_map":{"a":1}}',
    *['{"weight_map":{"a":"%s"}}' % name for name in ("../a.safetensors", "a/b.safetensors", ".safetensors", "a.bin", "\\u0000.safetensors", "x.safetensors")], '{"weight_map":{"a":"x.safetensors"},"metadata":{"total_size":-1}}',
    '{"weight_map":{"a":"x.safetensors"},"metadata":{"total_size":1e300}}', '{"weight_map":{"a":"x.safetensors"},"metadata":7}', '{"weight_map":{"a":"x.safetensors","a":"y.safetensors"}}', "[" * 70,
]

CONFIG = {"model_type": "llama", "hidden_size": 16, "intermediate_size": 20, "num_hidden_layers": 2, "num_attention_heads": 4, "vocab_size": 37, "max_position_embeddings": 48, "rms_norm_eps": 1e-5}
LLAMA3 = {"factor": 8.0, "high_freq_factor": 4.0, "low_freq_factor": 1.0, "original_max_position_embeddings": 8192, "rope_type": "llama3"}
HF_CONFIG = [
    compact(CONFIG), *[compact({**CONFIG, "model_type": family, "head_dim": 4}) for family in ("mistral", "qwen2", "qwen3", "sil-llama-nope", "gemma", 7)], "", "[]", "{", "{}",
    *[compact({**CONFIG, **more}) for more in (
        {"rope_scaling": LLAMA3}, {"rope_parameters": {**LLAMA3, "rope_theta": 500000.0}}, {"rope_scaling": {"type": "linear", "factor": 2.0}}, {"rope_scaling": {"type": "yarn", "factor": 2.0}},
        {"rope_scaling": {"type": "linear", "factor": 2}, "rope_parameters": LLAMA3}, {"rope_theta": 1.0, "rope_parameters": {"rope_theta": 2.0}}, {"rope_parameters": 7}, {"rope_scaling": {"rope_type": "default", "factor": None}},
        {"sliding_window": 48}, {"sliding_window": 4}, {"attention_bias": True, "mlp_bias": 1}, {"hidden_act": "gelu"}, {"quantization_config": {}}, {"layer_types": ["full_attention", "x"]}, {"partial_rotary_factor": 0.5},
        {"num_key_value_heads": 3}, {"head_dim": 3}, {"vocab_size": -1}, {"vocab_size": 1e3}, {"rms_norm_eps": "x"}, {"tie_word_embeddings": 1}, {"eos_token_id": [1, 2], "made_by": {"x": [None, "\u00e9"]}}, {"num_attention_heads": 2 ** 63 - 1},
    )],
]

PROBLEM = '{"uid":"0123456789abcdef","prompt":"2+2=\\n\\"q\\" \\u0001 \u00e9","messages":[{"role":"user","content":"x"}],"answer":"4","meta":{"l":[1,2.5,{"a":"}]"}]},"split":"dev","difficulty":2.5,"task":"t","index":-7,"given":[{"text":"4","passes":true,"origin":"reference"}]}'
PLAIN = '{"uid":"0123456789abcdef","prompt":"p","split":"train","task":"t","index":0}'
MAKERS = f'"makers":[{{"step":"generate","role":"lm","version":"{HEX}","temperature":1,"member":0}},{{"step":"g","role":"r","version":"{HEX}","temperature":0.7,"member":4}}]'
PROMPTS = '"prompts":[{"ids":[1,2],"text":"2+2="},{"ids":[],"text":""}]'
SAMPLE = '{"sample":0,"ids":[5,-1,2147483647],"logprobs":[-0.5,-1.1920929e-07,0],"finish":"stop","text":"4"}\n{"sample":1,"maker":1,"prompt":1,"ids":[3],"logprobs":[-1],"kept_mass":[0.5],"finish":"length","text":"","parent":"a","used":["b","c\\"d"]}\n'
LINES = [
    f'{{"group":0,"problem":{PROBLEM},"occurrence":1,"parent":"feedfacecafebeef",{PROMPTS},{MAKERS}}}\n' + SAMPLE, f'{{"group":1,"problem":{PLAIN},{PROMPTS},{MAKERS}}}\n', f'{{"group":0,{PROMPTS},{MAKERS}}}\n' + SAMPLE, f'{{"group":7,{PROMPTS},{MAKERS}}}\n', SAMPLE,
    '{"group":0,"rollout":1,"verifier":"exact@1","label":"pass","score":1,"class":"pass","parts":{"a":1,"b":-0.5},"reason":"r","cost_us":3}\n{"group":1,"verifier":"v","label":"abstain","score":0,"class":"infra","cost_us":0}\n',
    '{"group":0,"unit":"turn","verifier":"v","label":"fail","score":0,"class":"timeout","cost_us":0}\n', '{"group":0,"rollout":9,"verifier":"v","label":"fail","score":0,"class":"timeout","cost_us":0}\n',
    '{"group":0,"rollout":0,"fate":"kept","weight":1}\n{"group":0,"rollout":1,"fate":"dropped","reason":"failed"}\n{"group":1,"rollout":1,"fate":"surplus","reason":""}\n', '{"group":0,"rollout":0,"fate":"","reason":"x"}\n',
    '{"id":"a","group":"0123456789abcdef","sequences":[{"ids":[1,2],"segments":[[0,1,0,""],[1,2,1.5,"1/g/x/0"]],"logprobs":[0,-1],"temperature":0.5},{"ids":[],"segments":[]}]}\n', '{"id":"a","group":"0123456789abcdef","sequences":[{"ids":[1],"segments":[[0,2,0,""]]}]}\n',
    "", "\n", "x", '{"group":0', f'{{"group":0,"problem":{PLAIN},"prompts":[],"makers":[]}}\n', f'{{"group":0,"problem":{PLAIN.replace("train", "dve")},{PROMPTS},{MAKERS}}}\n', f'{{"group":0,"problem":{PLAIN.replace("index", "indx")},{PROMPTS},{MAKERS}}}\n',
    f'{{"group":0,"problem":{PROBLEM.replace("u0001", "ud83d")},{PROMPTS},{MAKERS}}}\n', f'{{"group":0,"problem":{PROBLEM.replace("u0001", "ud83d" + chr(92) + "ude00")},{PROMPTS},{MAKERS}}}\n', f'{{"group":007,"problem":{PLAIN},{PROMPTS},{MAKERS}}}\n', f'{{"group":0,"problem":{PLAIN},{PROMPTS},{MAKERS}}}x\n',
    f'{{"group":0,"problem":{PROBLEM.replace("u0001", "x")},{PROMPTS},{MAKERS}}}\n', f'{{"group":0,"problem":{PROBLEM.replace("2.5,", "1e999,")},{PROMPTS},{MAKERS}}}\n', f'{{"group":0,"problem":{PLAIN},{PROMPTS},{MAKERS.replace("0123", "xyz!")}}}\n',
    f'{{"group":0,"problem":{PLAIN},{PROMPTS},{MAKERS}}}\n' + SAMPLE.replace("[5,-1", "[-1"), f'{{"group":0,"problem":{PLAIN},{PROMPTS},{MAKERS}}}\n' + SAMPLE.replace('"maker":1', '"maker":2'), f'{{"group":0,"problem":{PLAIN},{PROMPTS},{MAKERS}}}\n' + SAMPLE.replace('"prompt":1', '"prompt":2'),
]

MATHEMATICS = [
    "1/2\n\\boxed{0.5}", "5\n\\boxed{3} or \\boxed{5}", "5\n#### 5\n#### 6", "5\nThe answer is **5**, because", "5\nAnswer:\n$x = 5$ apples", "7\nit is 7", "\\sqrt{8}\n2\\sqrt2", "3 1/2\n3\\frac12", "50\\%\n1/2",
    "\\{1,2\\}\n\\{2, 1\\}", "[0,1)\\cup(1,2]\n[0,2]\\setminus\\{1\\}", "1<x\\le 5\n(1,5]", "x^2-1\n(x-1)(x+1)", "y=2x+1\n2y-4x=2", "e^{i\\pi}\n-1", "\\sin 30^\\circ\n0.5", "\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}\n\\begin{bmatrix}1&2\\\\3&4\\end{bmatrix}",
    "\\pm 2\n2, -2", "x<1 \\text{ or } x>3\n(-\\infty,1)\\cup(3,\\infty)", "0.1\\overline{6}\n1/6", "9^{9^{9^9}}\n9^9^9^9", "0/0\n0/0", "\\log_2 8\n\\binom{3}{1}", "17 \\bmod 5\n|{-2}|", "\\lfloor 2.5\\rfloor\n5!/60", "6.02e23\n6.02\\times10^{23}", "3:4\n3:4", "{x | x>3}\n\\{x : x>3\\}",
    "\\text{(B)}\nB", "5\\text{ cm}^2\n5 cm²", "\\sqrt[3]{-8}\n-2", "]0,1[\n(0,1)", "f(x)=x'\nx_{n+1}", "\\arctan(\\tanh 1)\n\\sec^{-1} x", "(" * 90, "\\sqrt{" * 90 + "\n" + "|" * 90, "\\frac{5}{\n\\frac{5}{",
]


BPE = {"type": "BPE", "unk_token": "?", "fuse_unk": True, "byte_fallback": True, "vocab": {t: i for i, t in enumerate(["?", "<0x41>", "a", "b", "ab", "\u2581", "\u2581ab"])},
       "merges": ["a b", ["\u2581", "ab"]]}
AFFIXES = {"type": "BPE", "ignore_merges": True, "continuing_subword_prefix": "##", "end_of_word_suffix": "</w>", "vocab": {"a": 0, "##b</w>": 1, "ab</w>": 2}, "merges": ["a ##b</w>"]}
UNIGRAM = {"type": "Unigram", "unk_id": 0, "byte_fallback": True, "vocab": [["?", 0.0], ["a", -1.5], ["ab", -1.25], ["<0x62>", -9.0], ["\u2581a", -2.0]]}
PIECES = {"type": "WordPiece", "unk_token": "?", "continuing_subword_prefix": "##", "max_input_chars_per_word": 9, "vocab": {"?": 0, "a": 1, "##b": 2, "ab": 3}}
WHOLE = {"type": "WordLevel", "unk_token": "?", "vocab": {"?": 0, "a": 1, "b": 2}}
SPLIT = lambda pattern, behavior="Isolated", invert=False: {"type": "Split", "pattern": pattern, "behavior": behavior, "invert": invert}
EACH = lambda key, parts: {"type": "Sequence", key: parts}
CHARSMAP = "EAAAAAAAAAAAAAAAAAAAAAAAAABhAA=="


def tokenizer(model, normalizer=None, pre=None, post=None, decoder=None, added=(), text="ab \u00e9 <s> A1,2\n"):
    size = len(model["vocab"])
    tokens = [{"id": size + i, "content": c, "single_word": i == 1, "lstrip": i == 0, "rstrip": i == 2, "normalized": i % 2 == 1, "special": i == 0} for i, c in enumerate(added)]
    whole = {"version": "1.0", "added_tokens": tokens, "normalizer": normalizer, "pre_tokenizer": pre, "post_processor": post, "decoder": decoder, "model": model}
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":")) + "\0" + text


def tokenizers():
    plain = [{"type": t} for t in ("NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents", "Nmt", "ByteLevel")]
    replace = {"type": "Replace", "pattern": {"Regex": " +"}, "content": "\u2581"}
    yield tokenizer(BPE, EACH("normalizers", [{"type": "Prepend", "prepend": "\u2581"}, replace]), None, None,
                    EACH("decoders", [{"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 1}]), ["<s>", "q", " c"])
    yield tokenizer(AFFIXES, {"type": "Strip", "strip_left": True, "strip_right": False}, {"type": "WhitespaceSplit"}, None, {"type": "BPEDecoder", "suffix": "</w>"})
    yield tokenizer(UNIGRAM, EACH("normalizers", [{"type": "Precompiled", "precompiled_charsmap": CHARSMAP}] + plain), {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "first", "split": True},
                    {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "?", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}], "pair": [], "special_tokens": {"?": {"id": "?", "ids": [0], "tokens": ["?"]}}},
                    {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always", "split": True}, ["<s>"])
    yield tokenizer(PIECES, {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": True}, {"type": "BertPreTokenizer"},
                    {"type": "BertProcessing", "cls": ["a", 1], "sep": ["?", 0]}, {"type": "WordPiece", "prefix": "##", "cleanup": True})
    yield tokenizer(WHOLE, None, EACH("pretokenizers", [{"type": "Whitespace"}, {"type": "Punctuation", "behavior": "Contiguous"}, {"type": "Digits", "individual_digits": True}, {"type": "CharDelimiterSplit", "delimiter": "b"}]),
                    EACH("processors", [{"type": "ByteLevel", "trim_offsets": True, "add_prefix_space": False}, {"type": "RobertaProcessing", "cls": ["a", 1], "sep": ["b", 2], "trim_offsets": True, "add_prefix_space": False}]))
    yield tokenizer(WHOLE, None, {"type": "ByteLevel", "add_prefix_space": True, "use_regex": True, "trim_offsets": True}, None, {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True})
    for pattern in (r"(?i:'s|'t)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|\s+(?!\S)|\s+", r" ?[^(\s|[.,!?])]+", r"[\p{L}&&[^\p{Lu}a]]+|\b\w{,2}|\h|[[:digit:]]+|(?<n>.)\k<n>", r"(?:a+)+$", r"\u0061\x{62}|[^\P{Han}\S-]"):
        yield tokenizer(WHOLE, None, SPLIT({"Regex": pattern}, "MergedWithNext", True))
    yield tokenizer(WHOLE, None, SPLIT({"String": "a"}, "MergedWithPrevious"))
    yield tokenizer(WHOLE, None, SPLIT({"String": "b"}, "Removed"))
    piece = lambda text, kind, score: b"\n" + bytes([len(text) + 9]) + b"\n" + bytes([len(text)]) + text + b"\x15" + struct.pack("<f", score) + b"\x18" + bytes([kind])
    pieces = piece(b"<unk>", 2, 0) + piece(b"a", 1, -1) + piece(b"b", 1, -2) + piece(b"ab", 1, -3) + piece(b"<0x41>", 6, 0) + piece(b"<s>", 3, 0)
    for kind in (1, 2, 3):
        yield pieces + b"\x12\x05\x18" + bytes([kind]) + b"\x98\x02\x01" + b"\x1a\x02\x18\x01"


def jinja_seeds():
    """Of the golden templates every ninth: all constructs are among them."""
    rows = [json.loads(line) for line in (ROOT / "tests/jinja/golden.jsonl").read_text().split("\n")[1:-1]]
    statements = [row["template"] for row in rows if "{%" in row["template"]]
    return statements[::4] + [row["template"] for row in rows if "{%" not in row["template"]][::9]


def seeds():
    configs = [path.read_text() for path in sorted((ROOT / "configs").glob("*.yaml"))]
    return {
        "yaml": YAML + YAML_BYTES + [EVERY],
        "recipe": configs + [EVERY] + [BASE + "\n%%\n" + text for text in OVERRIDES] + [EVERY.replace(*change) for change in BROKEN]
            + [EVERY + "\n%%\n" + text for text in OVERRIDES + MORE_OVERRIDES] + REFERENCES + ["just words", "- 1\n", "round: []\n", "models: {lm: {table: 2}}\nround: [verify]\n"],
        "jsonl": JSONL + JSONL_BYTES,
        "journal": JOURNAL,
        "lua": LUA,
        "protocol": PROTOCOL,
        "safetensors": SAFETENSORS,
        "gguf": GGUF,
        "shard_index": SHARD_INDEX,
        "hf_config": HF_CONFIG,
        "mathematics": MATHEMATICS,
        "lines": LINES,
        "tokenizer": list(tokenizers()),
        "jinja": jinja_seeds(),
    }


def main():
    out = pathlib.Path(sys.argv[1])
    for target, inputs in seeds().items():
        folder = out / target
        folder.mkdir(parents=True, exist_ok=True)
        for text in inputs:
            data = text if isinstance(text, bytes) else text.encode()
            (folder / hashlib.sha1(data).hexdigest()).write_bytes(data)
        print(f"{target}: {len(inputs)} inputs", file=sys.stderr)


main()
