#include "verifiers/conformance.h"

#include <algorithm>

#include "support/catch.h"
#include "support/processes.h"
#include "verifiers/protocol_help.h"

namespace sil {
namespace {

using namespace sil::testing;

// The code blocks of the help text, in order.
std::vector<std::string> examples() {
  std::vector<std::string> out;
  const std::string help = verifier_protocol_help();
  for (size_t begin = 0; (begin = help.find("```", begin)) != std::string::npos;) {
    begin = help.find('\n', begin) + 1;
    const size_t end = help.find("```", begin);
    out.push_back(help.substr(begin, end - begin));
    begin = end + 3;
  }
  return out;
}

const ConformanceCheck& check_of(const ConformanceReport& report, const std::string& name) {
  for (const ConformanceCheck& check : report.checks)
    if (check.name == name) return check;
  throw std::out_of_range(name);
}

// The names of the checks that failed, joined by commas.
std::string failures(const ConformanceReport& report) {
  std::string out;
  for (const ConformanceCheck& check : report.checks)
    if (!check.passed) out += (out.empty() ? "" : ", ") + check.name;
  return out;
}

ConformanceReport of_python(const std::string& code, double timeout = 2) {
  const ScratchFile file(code);
  return test_verifier("exec " + python3() + " -S " + file.path(), timeout);
}

// A correct grader with `extra` lines run before it replies.
std::string grader(const std::string& on_request, const std::string& at_end = "pass") {
  return "import json, os, signal, subprocess, sys, time\n"
         "for line in sys.stdin:\n"
         "    m = json.loads(line)\n"
         "    r = {'protocol': 'sil-verifier/1', 'name': 'g', 'version': '1', 'batch': 4}\n"
         "    if 'type' not in m:\n"
         "        r = {'id': m['id'], 'score': 1}\n"
         "        " +
         on_request +
         "\n"
         "    print(json.dumps(r), flush=True)\n" +
         at_end + "\n";
}

TEST_CASE("the help's graders, complete as they stand, pass every check") {
  const std::vector<std::string> code = examples();
  REQUIRE(code.size() == 3);
  CHECK(std::count(code[0].begin(), code[0].end(), '\n') == 12);
  const std::string commands[] = {with_library(), "exec sh ", with_library()};
  for (size_t i = 0; i < code.size(); ++i) {
    const ScratchFile file(code[i]);
    const ConformanceReport report = test_verifier(commands[i] + file.path());
    INFO(report.text());
    CHECK(report.passed());
  }
}

TEST_CASE("a command that is silent fails in bounded time and is killed") {
  const std::string time = unique_seconds();
  const ConformanceReport report = test_verifier("exec sleep " + time, 0.3);
  CHECK_FALSE(report.passed());
  CHECK(report.checks.size() == 12);
  CHECK(check_of(report, "handshake").seen.find("no handshake") != std::string::npos);
  CHECK(check_of(report, "SIGTERM").seen.starts_with("not run"));
  CHECK(becomes(time, 0));
}

TEST_CASE("a grader that answers the handshake only is seen as silent") {
  const ConformanceReport report = of_python(grader("time.sleep(3000)"), 2);
  CHECK(check_of(report, "handshake").passed);
  CHECK(check_of(report, "one request").seen == "no reply within its time");
  CHECK(check_of(report, "batch").seen.starts_with("not run"));
}

TEST_CASE("each fault fails its own check") {
  CHECK(failures(of_python(grader("pass"))).empty());
  // Ids counted by itself instead of repeated.
  CHECK(failures(of_python(grader("r['id'] = min(r['id'], 100)"))).find("any ids") == 0);
  // Answers an empty completion by crashing.
  CHECK(failures(of_python(grader("1 / len(m['completion'])"))) == "missing values");
  CHECK(failures(of_python(grader("m['completion'].encode('ascii')"))) == "unicode");
  CHECK(failures(of_python(grader("len(m['prompt']) > 1e6 and sys.exit(1)"))) == "large prompt");
  CHECK(failures(of_python("import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + grader("pass"))) ==
        "SIGTERM");
}

TEST_CASE("a grader that stays after the end of its input is told") {
  CHECK(failures(of_python(grader("pass", "time.sleep(3000)"))) == "end of input, no children");
}

TEST_CASE("children left behind are found, in a session of their own too, and killed") {
  const std::string time = unique_seconds();
  const std::string leave = "subprocess.Popen(['setsid', 'sleep', '" + time + "'], stdout=subprocess.DEVNULL)";
  CHECK(failures(of_python(grader("pass", leave))) == "no children");
  CHECK(becomes(time, 0));
}

TEST_CASE("a flood of lines is a breach, shown with its beginning") {
  const ConformanceReport report = test_verifier("yes", 1);
  CHECK(check_of(report, "handshake").seen.find("y") != std::string::npos);
  CHECK_FALSE(report.passed());
}

TEST_CASE("the report shows every check and the last words of a failing grader") {
  const std::string text = of_python("import sys\nsys.exit('cannot find my model')").text();
  CHECK(text.find("FAIL  handshake") != std::string::npos);
  CHECK(text.find("cannot find my model") != std::string::npos);
}

}  // namespace
}  // namespace sil
