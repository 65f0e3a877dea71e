#include "verifiers/protocol_help.h"

namespace sil {
namespace {

constexpr char kHelp[] = R"help(sil-verifier/1: how a program of yours judges completions

A grader is any program that reads JSON lines on stdin and writes JSON lines on stdout. `sil` starts it once, keeps it
running and asks it many times. In a recipe:

  - verify: {program: "python3 grader.py"}
  - verify: {program: {command: "python3 grader.py", timeout: 5, workers: 2}}

The conversation (one JSON object a line, UTF-8, each line ended by \n and flushed at once)

  1. sil      {"protocol":"sil-verifier/1","type":"hello"}
     grader   {"protocol":"sil-verifier/1","name":"my-grader","version":"1.0"}
              and, if it likes:  "batch": requests that may be open at once (default 1, at most 1024)
                                 "capabilities": a list of strings (none are defined yet)
  2. sil      {"id":1,"prompt":"2+2=","completion":"4","answer":"4","extra":{},"deadline_ms":10000}
     grader   {"id":1,"score":1.0}
     and so on, for as long as the run needs.
  3. sil      closes the grader's stdin. The grader ends.

A request
  id           integer; the reply repeats it
  prompt       text of the problem
  completion   what the model wrote: data, never code, and often hostile
  answer       the reference answer, or null
  extra        whatever else the problem's row says, an object
  deadline_ms  milliseconds from now until the reply must have arrived

A reply
  id           of the request
  score        a finite number, by convention 0 to 1
  label        optional: "pass", "fail", or "abstain" (then `score` may be left out). Without it a score of at least 0.5
               (option `pass_at`) passes
  parts        optional: named numbers, recorded beside the score
  reason       optional: a line for people
  info         optional: anything; other keys are ignored too
Replies may come in any order when several requests are open.

What breaks the protocol: anything else on stdout, a line that is not one JSON object or is longer than 1 MiB, an id that
is not open, a second reply, a score that is missing, not finite or not a number, an unknown label, no reply in time, the
end of the program. The program is then killed with all its children and started again, the unit abstains (a broken grader
is not a reward of 0), and after `restarts` breaches the run stops with exit code 9 and the last lines of stderr.
Write messages for people to stderr. Do not print to stdout: redirect libraries that do. The grader sees PATH, HOME, the
locale, TMPDIR, PYTHONPATH and little else of the environment.

`sil verifier test "python3 grader.py"` tries a grader on all of this.

A complete grader in Python:

```python
import json, sys
sys.stdin.reconfigure(encoding="utf-8")
def grade(prompt, completion, answer):
    return 1.0 if answer is not None and completion.strip() == answer.strip() else 0.0
for line in sys.stdin:
    message = json.loads(line)
    if message.get("type") == "hello":
        reply = {"protocol": "sil-verifier/1", "name": "equal", "version": "1"}
    else:
        score = grade(message["prompt"], message["completion"], message["answer"])
        reply = {"id": message["id"], "score": score}
    print(json.dumps(reply), flush=True)
```

The same in a shell with jq:

```sh
#!/bin/sh
exec jq --unbuffered -c '
  if .type == "hello" then {protocol: "sil-verifier/1", name: "equal-jq", version: "1"}
  else {id, score: (if .answer != null and .completion == .answer then 1 else 0 end)} end'
```

With python/sil_verifier.py (on PYTHONPATH) it is two lines, batches and exceptions included:

```python
from sil_verifier import serve
serve(lambda completion, answer, **_: float(completion.strip() == answer), name="equal", version="1")
```

Reward functions written for TRL or verl run unchanged:

  - verify: {program: "python3 -m sil_verifier trl my_rewards:accuracy_reward"}
  - verify: {program: "python3 -m sil_verifier verl my_rewards:compute_score"}
)help";

}  // namespace

std::string verifier_protocol_help() {
  return kHelp;
}

}  // namespace sil
