// Values and gradients against TRL's own code: tests/golden/make_losses.py called it.
#include <fstream>
#include <iterator>

#include "losses/step_data.h"

namespace sil::test {
namespace {

std::vector<double> numbers(const Json& list) {
  std::vector<double> out;
  for (const Json& value : list.as_array()) out.push_back(value.as_double());
  return out;
}

StepData data_of(const Json& recorded) {
  std::vector<std::vector<Token>> sequences;
  const std::vector<double> credit = numbers(recorded.at("credit"));
  for (size_t s = 0; s < credit.size(); ++s) {
    const auto row = [&](const char* name) { return numbers(recorded.at(name).as_array()[s]); };
    const std::vector<double> now = row("now"), old = row("old"), reference = row("reference");
    std::vector<Token> tokens;
    for (size_t t = 0; t < now.size(); ++t)
      tokens.push_back({static_cast<float>(now[t]), static_cast<float>(credit[s]), static_cast<float>(old[t]),
                        static_cast<float>(reference[t])});
    sequences.push_back(std::move(tokens));
  }
  return StepData(sequences, recorded.at("pairs").as_bool());
}

// One loss by name with options, or a list of [name, options].
std::vector<LossTerm> terms_of(const Json& recorded) {
  const Json& loss = recorded.at("loss");
  if (loss.is_string()) return {term(loss.as_string(), recorded.at("options").as_object())};
  std::vector<LossTerm> terms;
  for (const Json& entry : loss.as_array())
    terms.push_back(term(entry.as_array()[0].as_string(), entry.as_array()[1].as_object()));
  return terms;
}

TEST_CASE("losses and their gradients are TRL's") {
  std::ifstream in(SIL_SOURCE_DIR "/tests/golden/losses.json", std::ios::binary);
  const Json golden = parse_json(std::string{std::istreambuf_iterator<char>(in), {}});
  REQUIRE(golden.as_array().size() == 17);
  for (const Json& recorded : golden.as_array()) {
    INFO(dump(recorded.at("loss")) << " " << dump(recorded.at("options")));
    const StepData data = data_of(recorded);
    double value = 0;
    std::vector<double> gradient(data.logp.size());
    for (const LossTerm& part : terms_of(recorded)) {
      const Result result = run(part, data);
      value += part.coef * result.value;
      for (size_t n = 0; n < gradient.size(); ++n) gradient[n] += part.coef * static_cast<double>(result.dlogp[n]);
    }
    CHECK(value == Approx(recorded.at("value").as_double()).epsilon(1e-9).margin(1e-12));
    size_t n = 0;
    for (const Json& row : recorded.at("gradient").as_array())
      for (const double expected : numbers(row)) CHECK(gradient[n++] == Approx(expected).epsilon(1e-6).margin(1e-8));
    CHECK(n == gradient.size());
  }
}

}  // namespace
}  // namespace sil::test
