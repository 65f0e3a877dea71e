// Tiny models for the commands that take one.
#pragma once

#include <string>

#include "app/program.h"
#include "support/catch.h"

namespace sil::testing {

// A run of a model from scratch, which reads bytes, and one of an adapter on what that has accepted.
class Runs {
 public:
  Runs() {
    start("whole", "{llama: {layers: 1, width: 32, heads: 2, context: 128}, tokenizer: bytes}");
    start("adapter", "{path: " + directory_.at("whole/accepted") + ", lora: {r: 2, alpha: 4}}");
  }
  std::string at(const std::string& name) const { return directory_.at(name); }

 private:
  void start(const std::string& name, const std::string& model) const {
    const std::string recipe = directory_.write(name + ".yaml", "models: {lm: " + model + R"(}
tasks: {sums: {addition: {digits: 1}}}
round:
  - demonstrate: {tasks: sums, problems: 8}
  - finetune: {from: base, loss: nll, steps: 2, learning_rate: 0.01}
)");
    const ProgramResult result = run_sil("run " + recipe + " --threads 1 --quiet --out " + at(name));
    INFO(result.err);
    REQUIRE(result.code == 0);
  }
  TestDirectory directory_;
};

inline const Runs& runs() {
  static const Runs made;
  return made;
}

}  // namespace sil::testing
