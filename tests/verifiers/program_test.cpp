// Hostile and honest graders, written here in shell and Python, each giving the right outcome and leaving nothing
// behind.
#include <fstream>
#include <thread>

#include "support/catch.h"
#include "support/processes.h"
#include "verifiers/support.h"
#include "verifiers/verifiers.h"

namespace sil {
namespace {

using namespace sil::testing;

// A grader in Python. `on_request` is run for each request `m` with say(object) at hand; `before` at the start.
std::string python(const std::string& on_request, const std::string& before = "pass", int batch = 1) {
  const std::string marker = unique_seconds();
  return "exec " + python3() +
         " -S -c '\n"
         "import json, os, sys, time\n"
         "def raw(text):\n"
         "    sys.stdout.write(text); sys.stdout.flush()\n"
         "def say(value): raw(json.dumps(value) + \"\\n\")\n"
         "def score(value): say({\"id\": m[\"id\"], \"score\": value})\n" +
         before +
         "\n"
         "for line in sys.stdin:\n"
         "    m = json.loads(line)\n"
         "    if m.get(\"type\") == \"hello\":\n"
         "        say({\"protocol\": \"sil-verifier/1\", \"name\": \"g\", \"version\": \"2\", \"batch\": " +
         std::to_string(batch) +
         "})\n"
         "        continue\n"
         "    text = m[\"completion\"]\n"
         "    " +
         on_request + "\n' marker-" + marker;
}

std::string marker_of(const std::string& command) {
  return command.substr(command.rfind("marker-"));
}

struct Judged {
  std::vector<Verdict> verdicts;
  std::string error;   // of Error(Exit::verifier), or ""
  bool clean = false;  // no process was left behind
};

Judged run(const std::string& command, const std::vector<std::string>& texts, Json options = Json::object()) {
  Registry<Verifier> registry("verifier");
  register_program(registry);
  options.set("command", command);
  if (!options.find("timeout")) options.set("timeout", 5.0);
  Judged out;
  {
    const auto verifier = registry.make(spec_of("program", options));
    try {
      out.verdicts = judge(*verifier, group_of(texts, "4"));
    } catch (const Error& error) {
      REQUIRE(error.code() == Exit::verifier);
      out.error = error.what();
    }
  }
  const size_t marked = command.rfind("marker-");
  out.clean = marked == std::string::npos || becomes(command.substr(marked), 0);
  return out;
}

bool mentions(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_CASE("an honest grader's scores, labels, parts and reasons arrive") {
  const std::string command = python(
      "say({\"id\": m[\"id\"], \"score\": float(text), \"parts\": {\"p\": m[\"extra\"][\"level\"]}, \"reason\": "
      "m[\"prompt\"]})");
  const Judged judged = run(command, {"1", "0.5", "0.4"});
  CHECK(labels(judged.verdicts) == "pass pass fail");
  CHECK(judged.verdicts[2].score == 0.4);
  CHECK(judged.verdicts[0].parts == std::vector<std::pair<std::string, double>>{{"p", 3}});
  CHECK(judged.verdicts[0].reason == "2+2=");
  CHECK(judged.verdicts[0].outcome == Outcome::pass);
  CHECK(judged.clean);
}

TEST_CASE("a label of its own wins over the score, and it may abstain") {
  const std::string command = python("say({\"id\": m[\"id\"], \"score\": 0.1, \"label\": text})");
  CHECK(labels(run(command, {"pass", "fail", "abstain"}).verdicts) == "pass fail abstain");
}

TEST_CASE("the version is the program's own, learned before anything is judged") {
  Registry<Verifier> registry("verifier");
  register_program(registry);
  const auto verifier = registry.make(spec_of("program", options_of({{"command", python("score(1)")}})));
  CHECK(verifier->version() == "g@2");
  CHECK_FALSE(verifier->pure());
  CHECK(labels(judge(*verifier, group_of({"x"}, "4"))) == "pass");
  CHECK(labels(judge(*verifier, group_of({}, "4"))).empty());
}

TEST_CASE("replies in any order find their unit") {
  const std::string command = python(
      "held.append((m[\"id\"], float(text)))\n"
      "    if len(held) == 4:\n"
      "        for i, s in reversed(held): say({\"id\": i, \"score\": s})\n"
      "        held.clear()",
      "held = []", 4);
  const Judged judged = run(command, {"0.1", "0.2", "0.3", "0.4", "0.5", "0.6", "0.7", "0.8"});
  REQUIRE(judged.error.empty());
  for (size_t i = 0; i < 8; ++i) CHECK(judged.verdicts[i].score == Approx(0.1 * static_cast<double>(i + 1)));
}

TEST_CASE("several processes share the work") {
  const std::string command = python("say({\"id\": m[\"id\"], \"score\": float(text), \"reason\": str(os.getpid())})");
  std::vector<std::string> texts;
  for (int i = 0; i < 40; ++i) texts.push_back(std::to_string(i));
  const Judged judged = run(command, texts, options_of({{"workers", 3}}));
  REQUIRE(judged.error.empty());
  for (size_t i = 0; i < texts.size(); ++i) CHECK(judged.verdicts[i].score == static_cast<double>(i));
  CHECK(judged.clean);
}

TEST_CASE("frames that come byte by byte are put together") {
  const std::string command = python("[raw(c) for c in json.dumps({\"id\": m[\"id\"], \"score\": 1}) + \"\\n\"]");
  CHECK(labels(run(command, {"x", "y"}).verdicts) == "pass pass");
}

// One unit in the middle makes the grader misbehave; the others must not suffer.
struct Hostile {
  const char* what;
  const char* on_bad;  // Python, run for the completion "bad"
  Outcome outcome;
  const char* reason;
};

const Hostile kHostile[] = {
    {"silence", "time.sleep(3000)", Outcome::timeout, "no reply within its time"},
    {"death", "sys.exit(3)", Outcome::error, "exit code 3"},
    {"death in a line", "raw(\"{\\\"id\\\":\"); os._exit(0)", Outcome::error, "in the middle of a line"},
    {"a crash", "os.kill(os.getpid(), 11)", Outcome::error, "signal 11"},
    {"a closed stdout", "os.close(1); time.sleep(3000)", Outcome::error, "closed its stdout"},
    {"bad JSON", "raw(\"hello\\n\")", Outcome::error, "not a JSON object"},
    {"NaN", "raw(\"{\\\"id\\\":%d,\\\"score\\\":NaN}\\n\" % m[\"id\"])", Outcome::error, "not a JSON object"},
    {"a score that is a string", "score(\"1\")", Outcome::error, "must be a finite number"},
    {"an unknown label", "say({\"id\": m[\"id\"], \"score\": 1, \"label\": \"great\"})", Outcome::error,
     "`label` must be"},
    {"a huge line", "raw(\"x\" * (1 << 21)); time.sleep(3000)", Outcome::error, "more than 1048576 bytes"},
    {"an endless line", "\n        while True: raw(\"x\" * 65536)", Outcome::error, "more than 1048576 bytes"},
    {"one byte now and then", "\n        while True: raw(\"x\"); time.sleep(0.01)", Outcome::timeout,
     "no reply within"},
    {"a flood on stderr", "\n        while True: sys.stderr.write(\"x\" * 65536)", Outcome::timeout, "no reply within"},
    {"the reply of a forked child that stays", "\n        if os.fork() == 0: time.sleep(3000)\n        os._exit(0)",
     Outcome::error, "exit code 0"},
};

TEST_CASE("the unit that breaks the grader abstains, the others get their verdicts, nothing is left behind") {
  for (const Hostile& hostile : kHostile) {
    INFO(hostile.what);
    const std::string command =
        python(std::string("if text == \"bad\": ") + hostile.on_bad + "\n    else: score(float(text))");
    const Judged judged = run(command, {"1", "bad", "0", "1"}, options_of({{"timeout", 0.4}}));
    INFO(judged.error);
    REQUIRE(judged.error.empty());
    CHECK(labels(judged.verdicts) == "pass abstain fail pass");
    CHECK(name(judged.verdicts[1].outcome) == name(hostile.outcome));
    CHECK(mentions(judged.verdicts[1].reason, hostile.reason));
    CHECK(judged.clean);
  }
}

TEST_CASE("in a batch the culprit is found by judging the suspects alone") {
  const std::string command = python("if text == \"bad\": sys.exit(1)\n    score(float(text))", "pass", 4);
  const Judged judged = run(command, {"1", "1", "bad", "0", "1", "0"});
  REQUIRE(judged.error.empty());
  CHECK(labels(judged.verdicts) == "pass pass abstain fail pass fail");
}

TEST_CASE("ids that are not open are never matched with a unit") {
  for (const char* on_request :
       {"say({\"id\": m[\"id\"] + 1, \"score\": 1})", "score(1); score(1)", "say({\"id\": -1, \"score\": 1})"}) {
    INFO(on_request);
    const Judged judged = run(python(on_request), {"a", "b", "c", "d"}, options_of({{"restarts", 2}}));
    CHECK(mentions(judged.error, "broke sil-verifier/1"));
    CHECK(judged.clean);
  }
}

TEST_CASE("a second reply to one unit costs the next one nothing") {
  const std::string command = python("score(float(text))\n    if text == \"1\": time.sleep(0.02); score(0)");
  const Judged judged = run(command, {"0.2", "1", "0.3", "0.4"});
  REQUIRE(judged.error.empty());
  CHECK(labels(judged.verdicts) == "fail pass fail fail");
  CHECK(judged.verdicts[2].score == 0.3);
}

TEST_CASE("a reply before any request is not a verdict") {
  const std::string early = python("score(0)",
                                   "raw(json.dumps({\"protocol\": \"sil-verifier/1\", \"name\": \"g\", "
                                   "\"version\": \"2\"}) + \"\\n{\\\"id\\\":1,\\\"score\\\":1}\\n\")");
  const Judged judged = run(early, {"a"}, options_of({{"restarts", 1}}));
  CHECK(mentions(judged.error, "broke sil-verifier/1"));
}

TEST_CASE("beyond the budget of restarts the run stops with the last lines of stderr") {
  const std::string command = python("sys.exit(print(\"no space left\", file=sys.stderr) or 1)");
  CHECK(labels(run(command, {"a", "b"}, options_of({{"restarts", 2}})).verdicts) == "abstain abstain");
  const Judged judged = run(command, {"a", "b", "c"}, options_of({{"restarts", 2}}));
  CHECK(mentions(judged.error, "exit code 1"));
  CHECK(mentions(judged.error, "no space left"));
  CHECK(judged.clean);
}

TEST_CASE("a program that never starts is refused at once") {
  const std::pair<std::string, const char*> bad[] = {
      {"no-such-grader-anywhere", "exit code 127"},
      {"exec sleep 3000 marker-0", "no handshake"},
      {"echo hello; cat", "not a JSON object"},
      {"cat", "\"protocol\""},  // echoes our hello
      {"yes", "not a JSON object"},
      {"exec cat /dev/zero", "more than 1048576 bytes"},
  };
  for (const auto& [command, what] : bad) {
    INFO(command);
    const Judged judged = run(command, {"a"}, options_of({{"start_timeout", 1.0}}));
    CHECK(mentions(judged.error, what));
  }
}

TEST_CASE("a silent program is refused and killed although it ignores SIGTERM") {
  const std::string time = unique_seconds();
  const Judged judged =
      run("trap \"\" TERM; while :; do sleep " + time + "; done", {"a"}, options_of({{"start_timeout", 0.2}}));
  CHECK(mentions(judged.error, "no handshake"));
  CHECK(becomes(time, 0));
}

TEST_CASE("a child in a session of its own does not outlive the grader") {
  const std::string time = unique_seconds();
  const std::string command =
      python("score(1)", "import subprocess; subprocess.Popen([\"setsid\", \"sleep\", \"" + time + "\"])");
  CHECK(labels(run(command, {"a"}).verdicts) == "pass");
  CHECK(becomes(time, 0));
}

TEST_CASE("a grader that says another version after a restart stops the run") {
  const std::string file = "/tmp/sil-test-" + unique_seconds();
  const std::string command =
      "n=$(cat " + file + " 2>/dev/null || echo 1); echo 2 > " + file +
      "; read hello; echo '{\"protocol\":\"sil-verifier/1\",\"name\":\"g\",\"version\":\"'$n'\"}'; read request; exit "
      "1";
  const Judged judged = run(command, {"a", "b"});
  CHECK(mentions(judged.error, "g@1"));
  CHECK(mentions(judged.error, "g@2"));
  std::remove(file.c_str());
}

TEST_CASE("a stop request ends judging at once and leaves abstentions") {
  Registry<Verifier> registry("verifier");
  register_program(registry);
  const std::string command = python("time.sleep(3000)");
  auto verifier = registry.make(spec_of("program", options_of({{"command", command}, {"timeout", 100.0}})));
  std::stop_source stop;
  JudgeContext context;
  context.stop = stop.get_token();
  std::jthread later([&] {
    becomes(marker_of(command), 1);
    stop.request_stop();
  });
  CHECK(labels(judge(*verifier, group_of({"a", "b"}, "4"), context)) == "abstain abstain");
  verifier.reset();
  CHECK(becomes(marker_of(command), 0));
}

TEST_CASE("an empty command and a group as a unit are usage errors") {
  Registry<Verifier> registry("verifier");
  register_program(registry);
  CHECK_THROWS_AS(registry.make(spec_of("program", options_of({{"command", " "}}))), Error);
  const auto verifier = registry.make(spec_of("program", options_of({{"command", "true"}})));
  const Group group = group_of({"a"}, "4");
  const std::vector<JudgeItem> items{{&group, nullptr}};
  std::vector<Verdict> verdicts(1);
  CHECK_THROWS_AS(verifier->verify(items, {}, verdicts), Error);
}

}  // namespace
}  // namespace sil
