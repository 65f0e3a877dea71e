// Rows that come with their answers, trained on by whole recipes: the losses of TRL's SFTTrainer and DPOTrainer on the
// same rows and weights (tests/golden/make_trl.py).
#include <cmath>

#include "app/json_rows.h"
#include "app/program.h"
#include "app/whole_run.h"
#include "sil/json.h"

using namespace sil;
using namespace sil::testing;

namespace {

const std::string kFolder = SIL_SOURCE_DIR "/tests/golden/trl";

const Json& golden() {
  static const Json all = parse_json(system_env().read_all(kFolder + "/golden.json"));
  return all;
}

std::string lines(const Json& rows) {
  std::string out;
  for (const Json& row : rows.as_array()) out += dump(row) + "\n";
  return out;
}

// The losses and gradient norms of the steps that TRL took on the case's rows.
void check_steps(const std::string& name, const std::string& demonstrate, const std::string& rest) {
  const Json& wanted = golden().at(name);
  const TestDirectory directory;
  const std::string rows = directory.write("rows.jsonl", lines(wanted.at("rows")));
  const auto count = std::to_string(wanted.at("rows").as_array().size());
  const std::string recipe = directory.write(
      "recipe.yaml", "rounds: 1\nmodels:\n  lm: {path: " + kFolder +
                         "}\nroles:\n  plain: {model: lm, view: {plain: true}}\n" + "tasks:\n  train: {jsonl: " + rows +
                         "}\nround:\n  - demonstrate: {tasks: train, problems: " + count + ", " + demonstrate + "}\n" +
                         rest);
  for (size_t step = 0; step < wanted.at("loss").as_array().size(); ++step) {
    const ProgramResult result = run_sil("run " + recipe + " --json --quiet --out " + directory.at("run") +
                                         std::to_string(step) + " finetune.steps=" + std::to_string(step + 1));
    INFO(result.err);
    REQUIRE(result.code == 0);
    const Json metrics = parse_json(result.out).at("metrics").at("finetune");
    INFO(name << ", step " << step + 1);
    for (const char* figure : {"loss", "grad_norm"}) {
      const double there = wanted.at(figure).as_array()[step].as_double();
      CHECK(metrics.at(figure).as_double() == Approx(there).epsilon(2e-4));
    }
  }
}

const std::string kNll = "  - finetune: {from: live, loss: nll, learning_rate: 0.01}\n";

}  // namespace

TEST_CASE("prompt and completion: the loss is the completion's, as TRL's completion_only_loss") {
  check_steps("completion", "role: lm", kNll);
  check_steps("plain", "role: plain", kNll);
}

TEST_CASE("messages: the loss is all the assistant's turns', as TRL's assistant_only_loss") {
  check_steps("assistant", "role: lm, assistant_only_loss: true", kNll);
}

TEST_CASE("text: all of it but the first token is learned, the end too") {
  check_steps("text", "role: lm", kNll);
}

TEST_CASE("chosen and rejected: DPO on given pairs, the prompt apart or inside both, as TRL's") {
  const std::string dpo =
      "  - filter: {shape: pair}\n"
      "  - finetune: {from: live, loss: {dpo: {beta: 0.5}}, reference: base, learning_rate: 0.01}\n";
  check_steps("dpo", "role: lm", dpo);
  check_steps("dpo_implicit", "role: lm, assistant_only_loss: true", dpo);
}
