// python/sil_verifier.py as users run it.
#include "support/catch.h"
#include "support/processes.h"
#include "verifiers/conformance.h"
#include "verifiers/support.h"
#include "verifiers/verifiers.h"

namespace sil {
namespace {

using namespace sil::testing;

std::vector<Verdict> run(const std::string& command, const std::vector<std::string>& texts,
                         std::string* version = nullptr) {
  Registry<Verifier> registry("verifier");
  register_program(registry);
  const auto verifier = registry.make(spec_of("program", options_of({{"command", command}})));
  if (version) *version = verifier->version();
  return judge(*verifier, group_of(texts, "4"));
}

TEST_CASE("a served function's numbers, dicts, None and exceptions become verdicts, and what it prints is no reply") {
  const ScratchFile file(
      "import os\n"
      "from sil_verifier import serve\n"
      "def grade(completion, answer, extra, **_):\n"
      "    print('noise'); os.system('echo more noise; cat')\n"
      "    if completion == 'none': return None\n"
      "    if completion == 'raise': raise ValueError('cannot tell')\n"
      "    if completion == 'nan': return float('nan')\n"
      "    if completion == 'dict': return {'score': 0.75, 'parts': {'level': extra['level']}, 'reason': 'why'}\n"
      "    return completion == answer\n"
      "serve(grade)\n");
  std::string version;
  const auto verdicts = run(with_library() + file.path(), {"4", "5", "none", "raise", "nan", "dict"}, &version);
  CHECK(labels(verdicts) == "pass fail abstain abstain abstain pass");
  CHECK(verdicts[3].reason == "ValueError: cannot tell");
  CHECK(verdicts[5].score == 0.75);
  CHECK(verdicts[5].reason == "why");
  CHECK(verdicts[5].parts == std::vector<std::pair<std::string, double>>{{"level", 3}});
  CHECK(version.starts_with("grade@"));
  CHECK(version.size() == sizeof("grade@") - 1 + 12);  // a digest of the file
}

const char* const kRewards =
    "def trl_reward(prompts, completions, solution, level, **kwargs):\n"
    "    assert len(prompts) == len(completions) == len(solution) == len(level)\n"
    "    print('noise')\n"
    "    texts = [c[0]['content'] for c in completions]\n"
    "    return [None if t == 'skip' else 1.0 if t == s else 0.0 for t, s in zip(texts, solution)]\n"
    "async def plain(prompts, completions, answer, **kwargs):\n"
    "    return [float(a in c) for c, a in zip(completions, answer)]\n"
    "def fragile(prompts, completions, **kwargs):\n"
    "    return [1 / len(c) for c in completions]\n"
    "def compute_score(data_source, solution_str, ground_truth, extra_info=None):\n"
    "    return {'score': solution_str == ground_truth, 'acc': 1, 'level': extra_info['level'], 'source': "
    "data_source}\n";

TEST_CASE("TRL reward functions run unchanged: chat or plain, in batches, None abstains") {
  const ScratchFile file(kRewards);
  const std::string trl = with_library() + "-m sil_verifier trl " + file.path();
  CHECK(labels(run(trl + ":trl_reward --chat --answer solution", {"4", "5", "skip", "4"})) == "pass fail abstain pass");
  CHECK(labels(run(trl + ":plain --batch 2", {"=4", "=5", "=4"})) == "pass fail pass");
}

TEST_CASE("one completion that a batched function cannot take does not spoil its batch") {
  const ScratchFile file(kRewards);
  const auto verdicts = run(with_library() + "-m sil_verifier trl " + file.path() + ":fragile", {"a", "", "b"});
  CHECK(labels(verdicts) == "pass abstain pass");
  CHECK(verdicts[1].reason == "ZeroDivisionError: division by zero");
}

TEST_CASE("a verl compute_score runs unchanged, its other numbers as parts") {
  const ScratchFile file(kRewards);
  const auto verdicts = run(with_library() + "-m sil_verifier verl " + file.path() + ":compute_score", {"4", "5"});
  CHECK(labels(verdicts) == "pass fail");
  CHECK(verdicts[1].parts == std::vector<std::pair<std::string, double>>{{"acc", 1}, {"level", 3}});
}

TEST_CASE("an adapter passes the conformance test") {
  const ScratchFile file(kRewards);
  const ConformanceReport report = test_verifier(with_library() + "-m sil_verifier trl " + file.path() + ":plain");
  INFO(report.text());
  CHECK(report.passed());
}

}  // namespace
}  // namespace sil
