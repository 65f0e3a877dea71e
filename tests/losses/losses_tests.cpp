// Every atom: its gradient against central differences, sums over shards, and the cases in which nothing is trained.
#include <cmath>

#include "losses/step_data.h"

namespace sil::test {
namespace {

// Two pairs of unlike lengths with context tokens between; ratios lie inside and outside of the usual clip, off its
// kinks.
StepData varied() {
  return StepData(
      {
          {{.logp = -1, .target = false}, {-1.25F, 0.5F, -1.5F, -1.0F}, {-0.5F, 0.5F, -0.5F, -0.75F}},
          {{-2.0F, -1.5F, -1.0F, -1.75F},
           {.logp = -3, .target = false},
           {-0.25F, -1.5F, -0.375F, -0.5F},
           {-1.0F, -1.5F, -1.0F, -2.0F}},
          {{-0.75F, 2.0F, -2.0F, -0.5F}},
          {{-1.5F, -1.0F, -1.625F, -1.5F}, {-2.5F, -1.0F, -4.0F, -2.0F}},
      },
      true);
}

// Loss and options of every atom in every mode with an analytic gradient.
std::vector<std::pair<std::string, Json::Object>> every_mode() {
  return {
      {"nll", {}},
      {"pg", {}},
      {"pg", {{"average", "tokens"}, {"clip_high", 0.28}}},
      {"pg", {{"average", "constant"}, {"length", 7}}},
      {"pg", {{"dual_clip", 3.0}}},
      {"pg", {{"ratio", "sequence"}, {"clip_low", 0.5}, {"clip_high", 0.5}}},
      {"pg", {{"ratio", "none"}}},
      {"reinforce", {}},
      {"ppo", {}},
      {"grpo", {}},
      {"dapo", {}},
      {"gspo", {}},
      {"dpo", {}},
      {"dpo", {{"beta", 2.0}}},
      {"ipo", {}},
      {"simpo", {}},
      {"match", {{"divergence", "k1"}}},
      {"match", {{"divergence", "k2"}}},
      {"match", {{"divergence", "k3"}}},
      {"match", {{"divergence", "k1"}, {"importance", true}}},
      {"match", {{"divergence", "k2"}, {"importance", true}}},
      {"match", {{"divergence", "k3"}, {"importance", true}, {"average", "sequences"}}},
  };
}

std::string title(const std::pair<std::string, Json::Object>& mode) {
  return mode.first + dump(Json(mode.second));
}

TEST_CASE("every loss has help, its shorthand is one of its options, and it makes a term") {
  CHECK(faulty_entries(losses()).empty());
  for (const std::string& name : losses().names()) CHECK(term(name).name == name);
}

TEST_CASE("coef is the term's, not the atom's") {
  for (const std::string& name : losses().names()) {
    INFO(name);
    const LossTerm half = term(name, {{"coef", 0.5}});
    CHECK(half.coef == 0.5);
    if (!half.atom) continue;
    CHECK(run(half, varied()).value == run(term(name), varied()).value);
  }
}

TEST_CASE("dlogp is the derivative of the value") {
  for (const auto& mode : every_mode()) {
    INFO(title(mode));
    check_gradient(*term(mode.first, mode.second).atom, varied());
  }
}

TEST_CASE("shards of a step add up to the step") {
  for (const auto& mode : every_mode()) {
    INFO(title(mode));
    const LossTerm made = term(mode.first, mode.second);
    const StepData whole = varied();
    const Result all = run(made, whole);
    Result parts;
    for (size_t first : {0, 2}) {
      StepData part = whole;
      const auto from = whole.begin[first];
      const auto to = whole.begin[first + 2];
      part.begin = {0, whole.begin[first + 1] - from, to - from};
      for (std::vector<float>* values : {&part.credit, &part.logp, &part.old, &part.reference})
        *values = std::vector<float>(values->begin() + from, values->begin() + to);
      part.target = std::vector<uint8_t>(part.target.begin() + from, part.target.begin() + to);
      const Result result = run(made, part);
      parts.value += result.value;
      parts.dlogp.insert(parts.dlogp.end(), result.dlogp.begin(), result.dlogp.end());
      for (const auto& [name, sum] : result.sums) parts.sums[name] += sum;
    }
    CHECK(parts.value == Approx(all.value).epsilon(1e-14).margin(1e-15));
    CHECK(parts.dlogp == all.dlogp);
    REQUIRE(parts.sums.size() == all.sums.size());
    for (const auto& [name, sum] : all.sums) CHECK(parts.sums[name] == Approx(sum).epsilon(1e-14).margin(1e-15));
  }
}

TEST_CASE("an atom accumulates into what it is given") {
  for (const auto& mode : every_mode()) {
    INFO(title(mode));
    const LossTerm made = term(mode.first, mode.second);
    const StepData data = varied();
    const Result once = run(made, data);
    std::vector<float> dlogp(data.target.size(), 8.0F);
    LossOutput output{.dlogp = dlogp, .value = 3, .sums = {}};
    made.atom->add(data.input(), output);
    CHECK(output.value == Approx(3 + once.value).epsilon(1e-14));
    for (size_t n = 0; n < dlogp.size(); ++n) CHECK(dlogp[n] == Approx(8 + once.dlogp[n]).epsilon(1e-6));
  }
}

TEST_CASE("no sequences give no loss and no NaN") {
  for (const auto& mode : every_mode()) {
    INFO(title(mode));
    StepData none;
    none.pairs = true;
    CHECK(run(term(mode.first, mode.second), none).value == 0);
  }
}

TEST_CASE("sequences without target tokens have no gradient") {
  StepData context = varied();
  std::fill(context.target.begin(), context.target.end(), uint8_t{0});
  context.totals = {.tokens = 0, .sequences = 0, .pairs = 2};
  for (const auto& mode : every_mode()) {
    INFO(title(mode));
    const Result result = run(term(mode.first, mode.second), context);
    CHECK(std::isfinite(result.value));
    CHECK(result.dlogp == std::vector<float>(context.target.size(), 0.0F));
  }
}

TEST_CASE("context tokens never get a gradient") {
  const StepData data = varied();
  for (const auto& mode : every_mode()) {
    INFO(title(mode));
    const Result result = run(term(mode.first, mode.second), data);
    for (size_t n = 0; n < result.dlogp.size(); ++n)
      if (!data.target[n]) CHECK(result.dlogp[n] == 0);
  }
}

TEST_CASE("atoms say which inputs they read") {
  CHECK_FALSE(term("nll").atom->needs_old());
  CHECK_FALSE(term("nll").atom->at_temperature());
  CHECK(term("grpo").atom->needs_old());
  CHECK(term("grpo").atom->at_temperature());
  CHECK_FALSE(term("reinforce").atom->needs_old());
  CHECK(term("dpo").atom->needs_reference());
  CHECK(term("dpo").atom->needs_pairs());
  CHECK_FALSE(term("dpo").atom->at_temperature());
  CHECK_FALSE(term("simpo").atom->needs_reference());
  CHECK(term("match").atom->needs_reference());
  CHECK_FALSE(term("match").atom->needs_old());
  CHECK(term("match", {{"importance", true}}).atom->needs_old());
  CHECK(term("match").atom->at_temperature());
}

TEST_CASE("match over the vocabulary is left to the engine") {
  const LossTerm forward = term("match", {{"divergence", "forward_kl"}});
  CHECK_FALSE(forward.atom);
  CHECK(forward.divergence == Divergence::forward_kl);
  CHECK(term("match", {{"divergence", "reverse_kl"}}).divergence == Divergence::reverse_kl);
  CHECK(make_plugin(losses(), "match", {{"to", "base"}})->reference() == Json("base"));
  CHECK(make_plugin(losses(), "nll")->reference().is_null());
}

TEST_CASE("options that contradict each other are refused with what to do") {
  const auto refused = [](std::string name, Json::Object options, const std::string& part) {
    INFO(name << " " << dump(Json(options)));
    try {
      term(std::move(name), std::move(options));
      FAIL("accepted");
    } catch (const Error& error) {
      CHECK(error.code() == Exit::usage);
      CHECK(error.findings().front().message.find(part) != std::string::npos);
      CHECK_FALSE(error.findings().front().hint.empty());
    }
  };
  refused("pg", {{"average", "constant"}}, "length: 0");
  refused("pg", {{"average", "tokens"}, {"length", 5}}, "length: 5");
  refused("pg", {{"kind", "cispo"}, {"ratio", "none"}}, "cispo needs a ratio");
  refused("pg", {{"dual_clip", 0.5}}, "dual_clip");
  refused("match", {{"divergence", "reverse_kl"}, {"importance", true}}, "importance");
  refused("match", {{"divergence", "forward_kl"}, {"average", "sequences"}}, "average");
}

}  // namespace
}  // namespace sil::test
