// What the recipe language promises, on whole runs in memory.
#include <cmath>
#include <cstring>
#include <set>

#include "app/whole_run.h"
#include "formats/safetensors.h"
#include "record/objects.h"
#include "sil/filter.h"
#include "support/catch.h"

namespace sil {
namespace {

using testing::builtins;
using testing::kRun;

RunSummary run(Env& env, const std::string& text, int threads = 1, int64_t frame = 64) {
  return testing::run(env, testing::request(text, threads, frame));
}

RunState load(Env& env) {
  return load_run(env, kRun, builtins().registries, builtins().steps);
}

std::vector<Group> groups_of(Env& env, const Pool& pool) {
  std::vector<Group> all;
  for (const PoolPart& part : pool.parts)
    for (size_t f = 0; f < part.spans.size(); ++f)
      for (Group& group : read_groups(env, kRun, part, f)) all.push_back(std::move(group));
  return all;
}

std::vector<Finding> findings_of(const std::string& text) {
  RecipeInput input;
  input.file = "tiny.yaml";
  input.text = text;
  try {
    return recipe_findings(read_recipe(input, builtins().shelves()), builtins().registries, builtins().steps);
  } catch (const Error& error) {
    return error.findings();
  }
}

constexpr const char* kHead = R"(
name: tiny
seed: 3
models: {lm: {table: {context: 4}, tokenizer: chars}}
tasks:
  sums: {addition: {digits: 1}}
)";

std::string with_refill(int passes, int samples = 4) {
  return std::string(kHead) + R"(
round:
  - generate: {tasks: sums, problems: 20, max_new_tokens: 2, samples: )" +
         std::to_string(samples) + R"(}
  - verify: {regex: "^[0-4]"}
  - filter: {keep: varied, refill: )" +
         std::to_string(passes) + R"(}
  - finetune: {from: live, loss: nll}
)";
}

TEST_CASE("refill draws new problems until as many groups are kept as were asked for, and the rest is surplus") {
  SimulatedEnv env;
  run(env, with_refill(9));
  const RunState state = load(env);
  const RoundState& round = state.rounds.front();
  const Tally& filter = round.steps.at("filter").tally;
  const int64_t drawn = round.steps.at("generate").tally.count_of("groups");
  CHECK(filter.count_of("kept_groups") == 20);
  CHECK(drawn > 20);
  CHECK(drawn % 20 == 0);
  CHECK(filter.count_of("surplus") > 0);
  int64_t dropped = filter.count_of("kept") + filter.count_of("surplus");
  for (const auto& [name, n] : filter.counts()) dropped += name.rfind("dropped.", 0) == 0 ? n : 0;
  CHECK(filter.count_of("in") == dropped);
  CHECK(state.cursors.at("generate") >= drawn);
}

TEST_CASE("refill stops after its passes with what it has") {
  SimulatedEnv env;
  run(env, with_refill(2, 1));  // a group of one is never varied
  const RunState state = load(env);
  const RoundState& round = state.rounds.front();
  CHECK(round.steps.at("generate").tally.count_of("groups") == 60);
  CHECK(round.steps.at("filter").tally.count_of("kept_groups") == 0);
}

TEST_CASE("refill gives one digest for any number of threads, any frame size and any kill") {
  SimulatedEnv undisturbed;
  testing::expect_one_digest(with_refill(9), undisturbed, 16, 3);
}

TEST_CASE("refill without a generate of fresh problems above is refused before anything starts") {
  const std::vector<Finding> findings = findings_of(std::string(kHead) + R"(
round:
  - demonstrate: {tasks: sums, problems: 4}
  - filter: {keep: pass, refill: 2}
  - finetune: {from: live, loss: nll}
)");
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].message.find("refill has nothing to repeat") != std::string::npos);
  CHECK(findings[0].place.line == 10);
}

// A table version's rows by context (engines/table_format.h).
using Rows = std::map<std::vector<int32_t>, std::vector<float>>;

template <typename T>
std::vector<std::vector<T>> rows_in(const TensorView& tensor) {
  std::vector<std::vector<T>> rows(static_cast<size_t>(tensor.shape[0]),
                                   std::vector<T>(static_cast<size_t>(tensor.shape[1])));
  const char* from = tensor.bytes.data();
  for (std::vector<T>& row : rows) {
    std::memcpy(row.data(), from, row.size() * sizeof(T));
    from += row.size() * sizeof(T);
  }
  return rows;
}

Rows rows_of(Env& env, const VersionRef& version) {
  const std::string bytes = ObjectStore(env, kRun).read(version.weights);
  const Safetensors file = read_safetensors(bytes);
  const auto contexts = rows_in<int32_t>(*file.find("contexts"));
  const auto logits = rows_in<float>(*file.find("logits"));
  Rows out;
  for (size_t r = 0; r < contexts.size(); ++r) out[contexts[r]] = logits[r];
  return out;
}

float at(const Rows& rows, const std::vector<int32_t>& context, size_t id) {
  auto row = rows.find(context);
  return row == rows.end() ? 0 : row->second[id];
}

TEST_CASE("an {ema: a} version is the exponential average over the accepted versions, from base on") {
  SimulatedEnv env;
  run(env, std::string(kHead) + R"(
rounds: 3
roles: {slow: {weights: {ema: 0.75}}}
round:
  - demonstrate: {tasks: sums, problems: 8}
  - finetune: {from: live, loss: nll, learning_rate: 0.5, algorithm: sgd}
  - generate: {tasks: sums, problems: 2, role: slow, max_new_tokens: 1}
)");
  const RunState state = load(env);
  const ModelState& model = state.models.at("lm");
  REQUIRE(model.averages.size() == 1);
  // `base` is all zero, so after three rounds it is 0.25 (0.75^2 v1 + 0.75 v2 + v3).
  const Rows average = rows_of(env, model.averages.at(0.75));
  const Rows v1 = rows_of(env, model.accepted.at(1)), v2 = rows_of(env, model.accepted.at(2)),
             v3 = rows_of(env, model.accepted.at(3));
  CHECK(average.size() == v3.size());
  float largest = 0;
  for (const auto& [context, logits] : average)
    for (size_t id = 0; id < logits.size(); ++id) {
      const float expected =
          0.25F * (0.5625F * at(v1, context, id) + 0.75F * at(v2, context, id) + at(v3, context, id));
      CHECK(logits[id] == Approx(expected).margin(1e-7));
      largest = std::max(largest, std::fabs(expected));
    }
  CHECK(largest > 0.01F);
  // The role that names it sampled with what it was at the end of the round before.
  const Group sampled = groups_of(env, state.rounds[1].pools.at("generate")).front();
  CHECK(sampled.rollouts.front().version != model.accepted.at(1).digest);
  CHECK(sampled.rollouts.front().version != model.base.digest);
}

constexpr const char* kJoin = R"(
rounds: 1
round:
  - {generate: {tasks: sums, problems: 12, samples: 2, max_new_tokens: 2}, as: plans}
  - {generate: {samples: 3, max_new_tokens: 2}, of: plans, per: rollout, as: answers}
  - {verify: {regex: "^[0-4]"}, of: answers}
  - {verify: {score: "answers.pass_rate"}, of: plans, as: worth}
  - {verify: {score: "answers.size"}, of: plans, per: group, as: many}
  - {verify: {score: "answers.max_score - answers.min_score"}, of: plans, as: spread}
)";

TEST_CASE("in a score a pool's name means the part of it that descends from the unit") {
  SimulatedEnv env;
  run(env, std::string(kHead) + kJoin);
  const RunState state = load(env);
  const RoundState& round = state.rounds.front();
  std::map<std::string, std::pair<double, double>> by_parent;  // id -> (passed, of)
  for (const Group& group : groups_of(env, round.pools.at("answers")))
    for (const Rollout& rollout : group.rollouts) {
      auto& [passed, of] = by_parent[rollout.parent];
      passed += label_of(group, rollout, "") == Label::pass;
      of += 1;
    }
  int64_t compared = 0;
  std::set<double> seen;
  for (const Group& group : groups_of(env, round.pools.at("plans"))) {
    REQUIRE(group.verdicts.size() == 1);
    CHECK(group.verdicts.front().score == 6);
    for (const Rollout& rollout : group.rollouts) {
      const auto [passed, of] = by_parent.at(rollout_id("1", group, rollout));
      CHECK(of == 3);
      for (const Verdict& verdict : rollout.verdicts) {
        if (verdict.step == "worth") CHECK(verdict.score == passed / of);
        if (verdict.step == "spread") CHECK(verdict.score == (passed > 0 && passed < of));
      }
      seen.insert(passed / of);
      ++compared;
    }
  }
  CHECK(compared == 24);
  CHECK(seen.size() > 1);
}

TEST_CASE("a unit without descendants gets nil, which abstains, and `or` replaces it") {
  SimulatedEnv env;
  run(env, std::string(kHead) + R"(
rounds: 1
round:
  - {generate: {tasks: sums, problems: 12, max_new_tokens: 2}, as: plans}
  - {verify: {regex: "^[0-4]"}, of: plans}
  - {generate: {max_new_tokens: 2}, of: plans, per: rollout, where: passed, as: answers}
  - {verify: {regex: "^[0-4]"}, of: answers, as: checked}
  - {verify: {score: "answers.pass_rate"}, of: plans, as: bare}
  - {verify: {score: "answers.pass_rate or 0.25"}, of: plans, as: replaced}
)");
  const RunState state = load(env);
  int64_t childless = 0;
  for (const Group& group : groups_of(env, state.rounds[0].pools.at("plans")))
    for (const Rollout& rollout : group.rollouts) {
      if (verdict_of(group, rollout, "verify")->label == Label::pass) continue;
      ++childless;
      CHECK(verdict_of(group, rollout, "bare")->label == Label::abstain);
      CHECK(verdict_of(group, rollout, "replaced")->score == 0.25);
    }
  CHECK(childless > 0);
}

TEST_CASE("a misspelt field of a joined pool is an error with its place before anything starts") {
  const std::vector<Finding> findings = findings_of(std::string(kHead) + R"(
round:
  - {generate: {tasks: sums, problems: 2}, as: plans}
  - {generate: {}, of: plans, per: rollout, as: answers}
  - {verify: exact, of: answers}
  - {verify: {score: "answers.pas_rate"}, of: plans, as: worth}
)");
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].place.line == 12);
  CHECK(findings[0].hint.find("pass_rate") != std::string::npos);
}

TEST_CASE("joins give one digest for any number of threads and any frame size") {
  SimulatedEnv undisturbed;
  const Digest digest = run(undisturbed, std::string(kHead) + kJoin).digest;
  for (int threads : {1, 3})
    for (int64_t frame : {1, 7}) {
      SimulatedEnv env;
      CHECK(run(env, std::string(kHead) + kJoin, threads, frame).digest == digest);
    }
}

TEST_CASE("answers that are only observed are in no record, and observe still knows the truth") {
  SimulatedEnv env;
  run(env, R"(
name: tiny
seed: 3
rounds: 1
models: {lm: {table: {context: 4}, tokenizer: chars}}
tasks:
  sums: {addition: {digits: 1}}
  exam: {addition: {digits: 1}, answers: observe}
round:
  - {demonstrate: {tasks: sums, problems: 64}}
  - {finetune: {from: live, loss: nll, epochs: 40, learning_rate: 0.5}}
  - {generate: {tasks: exam, problems: 8, samples: 8, max_new_tokens: 3}, as: tries}
  - {observe: label_accuracy, as: unjudged}
  - {verify: {majority: {quorum: 2}}}
  - {observe: accuracy}
)");
  const RunState state = load(env);
  const RoundState& round = state.rounds.front();
  for (const Group& group : groups_of(env, round.pools.at("tries"))) {
    CHECK_FALSE(group.problem->answer);
    CHECK(group.problem->given.empty());
    CHECK(group.problem->meta.as_object().empty());
  }
  // Where no verdict stands there is no label to be right.
  CHECK_FALSE(round.steps.at("unjudged").metrics.contains("label_accuracy"));
  // Of 64 rollouts of a model that learnt its single digits some are right, and not all.
  CHECK(round.steps.at("observe").metrics.at("accuracy") > 0);
  CHECK(round.steps.at("observe").metrics.at("accuracy") < 1);
}

TEST_CASE("evaluate and demonstrate refuse a task whose answers are only observed") {
  for (const char* step : {"evaluate: {tasks: exam}", "demonstrate: {tasks: exam, problems: 4}"}) {
    const std::vector<Finding> findings = findings_of(std::string(kHead) +
                                                      "  exam: {addition: {digits: 1}, split: dev, answers: observe}\n"
                                                      "round:\n"
                                                      "  - {generate: {tasks: sums, problems: 2}}\n  - " +
                                                      step + "\n");
    INFO(step);
    REQUIRE_FALSE(findings.empty());
    CHECK(findings[0].message.find("answers of task `exam`") != std::string::npos);
  }
}

TEST_CASE("pool-wide rules and new pools see several inputs as one") {
  SimulatedEnv env;
  run(env, std::string(kHead) + R"(
rounds: 1
round:
  - {generate: {tasks: sums, problems: 7, samples: 3, max_new_tokens: 1}, as: a}
  - {generate: {tasks: sums, problems: 5, samples: 3, max_new_tokens: 1}, as: b}
  - {filter: {keep: {dedupe: {by: text, across: problems}}}, of: [a, b], as: unlike}
  - {generate: {max_new_tokens: 1}, of: [a, b], as: again}
)",
      1, 4);
  const RunState state = load(env);
  const RoundState& round = state.rounds.front();
  std::set<std::string> texts, all;
  int64_t kept = 0;
  for (const Group& group : groups_of(env, round.pools.at("unlike")))
    for (const Rollout& rollout : group.rollouts) {
      all.insert(rollout.text);
      if (!rollout.kept) continue;
      ++kept;
      texts.insert(rollout.text);
    }
  CHECK(kept == static_cast<int64_t>(texts.size()));
  CHECK(texts == all);
  std::vector<int64_t> positions;
  for (const Group& group : groups_of(env, round.pools.at("again"))) positions.push_back(group.position);
  REQUIRE(positions.size() == 12);
  for (size_t i = 0; i < positions.size(); ++i) CHECK(positions[i] == static_cast<int64_t>(i));
}

TEST_CASE("evaluate records its rollouts and what the task's own rule says of them") {
  SimulatedEnv env;
  run(env, R"(
name: tiny
seed: 3
rounds: 1
models: {lm: {table: {context: 4}, tokenizer: chars}}
tasks:
  sums: {addition: {digits: 1}}
  held: {addition: {digits: 1}, split: dev}
round:
  - {demonstrate: {tasks: sums, problems: 64}}
  - {finetune: {from: live, loss: nll, epochs: 40, learning_rate: 0.5}}
  - {evaluate: {tasks: held, problems: 6, samples: 4, max_new_tokens: 3}}
)",
      2, 4);
  const RunState state = load(env);
  const RoundState& round = state.rounds.front();
  double passes = 0, rollouts = 0;
  for (const Group& group : groups_of(env, round.pools.at("evaluate")))
    for (const Rollout& rollout : group.rollouts) {
      ++rollouts;
      passes += label_of(group, rollout, "") == Label::pass;
    }
  CHECK(rollouts == 4 * round.steps.at("evaluate").metrics.at("problems"));
  CHECK(rollouts > 4);
  CHECK(passes / rollouts == Approx(round.steps.at("evaluate").metrics.at("pass@1")));
}

}  // namespace
}  // namespace sil
