// The laws of the loop, each on whole recipes: what a round is, what may train, what an abstention counts.
#include <set>

#include "app/whole_run.h"
#include "sil/filter.h"
#include "support/catch.h"

namespace sil::testing {
namespace {

using Catch::Matchers::Contains;

std::string with(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

// Steps are put in under `before`, `round` and `after`.
std::string recipe(const std::string& steps, const std::string& more = "") {
  return R"(name: law
seed: 5
rounds: 2
models: {lm: {table: {context: 4}, tokenizer: chars}}
tasks:
  sums: {addition: {digits: 1}}
  held: {addition: {digits: 1}, split: dev}
  last: {addition: {digits: 1}, split: test}
)" + more +
         steps;
}

const std::string kMeasured = R"(
  - {evaluate: {tasks: held, max_new_tokens: 3}, as: measured}
after:
  - {evaluate: {tasks: last, max_new_tokens: 3}, as: at_last}
)";

const std::string kLoop = recipe(R"(
before:
  - demonstrate: {tasks: sums, problems: 30}
  - finetune: {from: base, loss: nll, steps: 2, learning_rate: 0.3}
round:
  - {generate: {tasks: sums, problems: 12, samples: 6, max_new_tokens: 3}, as: tries}
  - verify: exact
  - {filter: {keep: [{dedupe: text}], weigh: group_zscore}, put: seen, as: credited}
  - {finetune: {from: live, optimizer: keep, loss: grpo, learning_rate: 0.1}, as: learn}
  - {finetune: {from: live, loss: nll, learning_rate: 0.05}, of: {seen: {n: 6, draw: uniform}}, as: replay}
  - {evaluate: {tasks: held, samples: 2, max_new_tokens: 3}}
  - gate: {metric: pass@1, at_least: incumbent}
after:
  - {evaluate: {tasks: last, max_new_tokens: 3}, as: at_last}
)",
                                 "stores: {seen: {holds: groups}}\n");

Digest round_digest(WholeRun& run, const std::string& round) {
  return run.state().find_round(round)->digest;
}

std::string file(WholeRun& run, const std::string& round, const std::string& step, const std::string& kind) {
  return run.env.contents(std::string(testing::kRun) + "/rounds/" + round + "/" + step + "." + kind + ".jsonl.zst");
}

// --- 1. replay -----------------------------------------------------------------------------------------------------

TEST_CASE("law 1, replay: a round is a pure function of versions, recipe and seed, and stores replay byte-equal") {
  WholeRun first, second, longer;
  first.run(kLoop);
  second.run(kLoop, {}, 3);
  longer.run(kLoop, {"rounds=4"});
  for (const char* round : {"0", "1", "2"}) {
    CHECK(round_digest(first, round) == round_digest(second, round));
    CHECK(round_digest(first, round) == round_digest(longer, round));
  }
  // What `put` refers to is what the steps wrote: the bytes, not only their digests.
  for (const char* round : {"0001", "0002"}) {
    CHECK(file(first, round, "tries", "rollouts") == file(second, round, "tries", "rollouts"));
    CHECK(file(first, round, "credited", "fates") == file(second, round, "credited", "fates"));
    CHECK(file(first, round, "replay", "examples") == file(second, round, "replay", "examples"));
  }
  WholeRun other;
  other.run(kLoop, {"seed=6"});
  CHECK(round_digest(other, "1") != round_digest(first, "1"));
}

// --- 2. split hygiene ----------------------------------------------------------------------------------------------

TEST_CASE("law 2, split hygiene: nothing of a dev or test split trains, by whatever way it comes") {
  CHECK(findings(kLoop).empty());
  CHECK_THAT(findings(recipe(R"(
before:
  - demonstrate: {tasks: held, problems: 4}
  - finetune: {from: base, loss: nll}
round:
  - generate: {tasks: sums, problems: 4}
)" + kMeasured)),
             Contains("12:5: finetune: problems of 'held' would train, and its split is held out"));
  // Through two filters and a list of tasks.
  CHECK_THAT(findings(recipe(R"(
round:
  - {generate: {tasks: [sums, held], problems: 4}, as: tries}
  - verify: exact
  - {filter: {keep: pass}, of: tries, as: right}
  - {filter: {shape: target}, of: right, as: shaped}
  - {finetune: {from: live, loss: nll}, of: shaped}
)" + kMeasured)),
             Contains("15:5: finetune: problems of 'held' would train"));
  // By way of a store that is filled below its reader, in another round, and of new attempts at a held-out pool.
  const std::string by_store = R"(
round:
  - {generate: {tasks: sums, problems: 4}, as: tries}
  - {finetune: {from: live, loss: nll}, of: {seen: {n: 4}}}
  - {generate: {tasks: held, problems: 4}, as: probe}
  - {generate: {samples: 2}, of: probe, as: again, put: seen}
)" + kMeasured;
  CHECK_THAT(findings(recipe(by_store, "stores: {seen: {holds: groups}}\n")),
             Contains("13:5: finetune: problems of 'held' would train"));
  CHECK_THAT(findings(recipe(R"(
round:
  - generate: {tasks: sums, problems: 4}
after:
  - {generate: {tasks: last, problems: 4}, as: tries}
  - {finetune: {from: live, loss: nll}, of: tries}
  - {evaluate: {tasks: held, max_new_tokens: 3}}
)")),
             Contains("14:5: finetune: problems of 'last' would train"));
}

TEST_CASE("law 2, split hygiene: a held-out task whose answers are only observed may train") {
  const std::string text = recipe(R"(
round:
  - generate: {tasks: held, problems: 4, samples: 4}
  - verify: majority
  - finetune: {from: live, loss: nll}
after:
  - {evaluate: {tasks: last, max_new_tokens: 3}, as: at_last}
  - {evaluate: {tasks: sums, max_new_tokens: 3}, as: at_sums}
)");
  CHECK_THAT(findings(text), Contains("problems of 'held' would train"));
  CHECK(findings(with(text, "split: dev", "split: dev, answers: observe")).empty());
}

TEST_CASE("law 2, split hygiene: a gate decides on problems that can have trained nobody") {
  const std::string text = recipe(R"(
round:
  - generate: {tasks: sums, problems: 4}
  - finetune: {from: live, loss: nll}
  - {evaluate: {tasks: sums, max_new_tokens: 3}, as: probe}
  - gate: {metric: pass@1, at_least: incumbent}
)" + kMeasured);
  CHECK_THAT(findings(text), Contains("14:5: gate: probe measures on 'sums', which may train"));
  CHECK(findings(with(text, "tasks: sums, max_new_tokens: 3}, as: probe", "tasks: held, max_new_tokens: 3}, as: probe"))
            .empty());
}

TEST_CASE("law 2, split hygiene: only `after` reads a test split") {
  CHECK_THAT(findings(recipe(R"(
round:
  - generate: {tasks: sums, problems: 4}
  - evaluate: {tasks: last}
after:
  - {evaluate: {tasks: held, max_new_tokens: 3}}
)")),
             Contains("12:23: only `after:` may read the split test"));
}

TEST_CASE("law 2, split hygiene: the splits of a procedural task have no problem in common") {
  WholeRun run;
  run.run(recipe(R"(
round:
  - {generate: {tasks: sums, problems: 200, max_new_tokens: 1}, as: training}
  - {generate: {tasks: held, problems: 40, max_new_tokens: 1}, as: probing}
after:
  - {generate: {tasks: last, problems: 40, max_new_tokens: 1}, as: testing}
)"),
          {"rounds=1"});
  std::map<std::string, std::set<uint64_t>> uids;
  for (const auto& [round, pool] :
       std::vector<std::pair<std::string, std::string>>{{"1", "training"}, {"1", "probing"}, {"after", "testing"}})
    for (const Group& group : run.groups(round, pool)) {
      uids[pool].insert(group.problem->uid);
      CHECK(group.problem->split == (pool == "training" ? Split::train : pool == "probing" ? Split::dev : Split::test));
    }
  CHECK(uids.size() == 3);
  std::set<uint64_t> all;
  size_t together = 0;
  for (const auto& [pool, set] : uids) {
    all.insert(set.begin(), set.end());
    together += set.size();
  }
  CHECK(all.size() == together);
}

// --- 3. version stamping -------------------------------------------------------------------------------------------

TEST_CASE("law 3, version stamping: every attempt carries role, version and the log-probs of its sampling") {
  WholeRun run;
  run.run(kLoop);
  const RunState state = run.state();
  const Digest before = state.find_round("0")->versions.at("lm").digest;
  size_t seen = 0;
  for (const Group& group : run.groups("1", "tries"))
    for (const Rollout& rollout : group.rollouts) {
      CHECK(rollout.role == "lm");
      CHECK(rollout.version == before);  // the first round samples from what `before:` accepted
      CHECK(rollout.logprobs.size() == rollout.ids.size());
      CHECK_FALSE(rollout.ids.empty());
      ++seen;
    }
  CHECK(seen == 72);
  const Digest first = state.find_round("1")->versions.at("lm").digest;
  for (const Group& group : run.groups("2", "tries"))
    for (const Rollout& rollout : group.rollouts) CHECK(rollout.version == first);
}

TEST_CASE("law 3, version stamping: a policy gradient refuses attempts that nobody sampled, before anything starts") {
  const std::string text = recipe(R"(
round:
  - demonstrate: {tasks: sums, problems: 4}
  - finetune: {from: live, loss: [nll, grpo]}
)" + kMeasured);
  CHECK_THAT(findings(text), Contains("12:40: finetune: grpo needs log-probabilities as sampled, and rollouts of "
                                      "'demonstrate' were given"));
  CHECK(findings(with(text, "[nll, grpo]", "[nll, reinforce]")).empty());  // without a ratio
}

TEST_CASE("law 3, version stamping: a policy gradient refuses an attempt under another context than it was made in") {
  WholeRun run;
  try {
    run.run(recipe(R"(
round:
  - generate: {tasks: sums, problems: 4, samples: 2, max_new_tokens: 3, view: {text: "{{problem.answer}}="}}
  - verify: exact
  - finetune: {from: live, loss: grpo}
)" + kMeasured));
    FAIL("was not refused");
  } catch (const Error& error) {
    CHECK(error.code() == Exit::usage);
    CHECK_THAT(error.what(), Contains("has no log-probabilities of its sampling"));
  }
}

// --- 4. abstain is not fail ----------------------------------------------------------------------------------------

const std::string kAbstaining = recipe(R"(
before:
  - demonstrate: {tasks: sums, problems: 60}
  - finetune: {from: base, loss: nll, steps: 6, learning_rate: 0.3}
round:
  - {generate: {tasks: sums, problems: 16, samples: 8, max_new_tokens: 3}, as: tries}
  - verify: {score: "tokens <= 2 and (text == problem.answer and 1 or 0) or nil"}
  - {filter: {weigh: group_centered}, as: credited}
)" + kMeasured);

TEST_CASE("law 4, abstain is not fail: abstentions leave rates and group statistics and are counted") {
  WholeRun run;
  run.run(kAbstaining, {"rounds=1"});
  double pass = 0, fail = 0, abstain = 0, misweighed = 0;
  for (const Group& group : run.groups("1", "credited")) {
    double counted = 0, passed = 0;
    for (const Rollout& rollout : group.rollouts) {
      const bool judged = rollout.ids.size() <= 2;
      const Label label = label_of(group, rollout, "");
      CHECK((label == Label::abstain) == !judged);
      counted += judged, passed += label == Label::pass;
      abstain += !judged, pass += label == Label::pass, fail += label == Label::fail;
    }
    // Credit by hand: score minus the mean over those that were judged; 0 for those that were not.
    for (const Rollout& rollout : group.rollouts) {
      const bool judged = rollout.ids.size() <= 2;
      const double score = label_of(group, rollout, "") == Label::pass ? 1 : 0;
      const double expected = judged && counted > 1 ? score - passed / counted : 0;
      misweighed += std::abs(rollout.weight - expected) > 1e-12;
    }
  }
  REQUIRE((pass > 0 && fail > 0 && abstain > 0));
  CHECK(misweighed == 0);
  const Metrics metrics = run.metrics("1", "verify");
  CHECK(metrics.at("abstained") == abstain);
  CHECK(metrics.at("units") == pass + fail + abstain);
  CHECK(metrics.at("pass_rate") == Approx(pass / (pass + fail)));
  CHECK(metrics.at("mean_score") == Approx(pass / (pass + fail)));
}

TEST_CASE("law 4, abstain is not fail: a grader that dies is no reward of 0 and stops the run when it does so often") {
  const std::string text =
      with(kAbstaining, R"(verify: {score: "tokens <= 2 and (text == problem.answer and 1 or 0) or nil"})",
           "verify: {program: {command: 'exit 3', restarts: 1, start_timeout: 5}}");
  WholeRun run;
  try {
    run.run(text, {"rounds=1"});
    FAIL("was not stopped");
  } catch (const Error& error) {
    CHECK(error.code() == Exit::verifier);
  }
  CHECK(run.state().find_round("1")->steps.count("credited") == 0);
}

// --- 5. group before drop ------------------------------------------------------------------------------------------

TEST_CASE("law 5, group before drop: statistics use all members unless the filter says `kept`") {
  const std::string text = recipe(R"(
before:
  - demonstrate: {tasks: sums, problems: 60}
  - finetune: {from: base, loss: nll, steps: 6, learning_rate: 0.3}
round:
  - {generate: {tasks: sums, problems: 16, samples: 8, max_new_tokens: 3}, as: tries}
  - verify: exact
  - {filter: {keep: pass, weigh: group_centered}, as: all, of: tries}
  - {filter: {keep: pass, weigh: group_centered, statistics: kept}, as: only_kept, of: tries}
)" + kMeasured);
  WholeRun run;
  run.run(text, {"rounds=1"});
  const std::vector<Group> before = run.groups("1", "all"), after = run.groups("1", "only_kept");
  size_t kept = 0;
  for (size_t g = 0; g < before.size(); ++g) {
    double passed = 0;
    for (const Rollout& rollout : before[g].rollouts) passed += label_of(before[g], rollout, "verify") == Label::pass;
    for (size_t r = 0; r < before[g].rollouts.size(); ++r) {
      if (!before[g].rollouts[r].kept) continue;
      ++kept;
      CHECK(before[g].rollouts[r].weight == Approx(1 - passed / 8));
      CHECK(after[g].rollouts[r].weight == 0);  // among passes alone there is no difference
    }
  }
  CHECK(kept > 10);
}

// --- 6. stated origin ----------------------------------------------------------------------------------------------

TEST_CASE("law 6, stated origin: a finetune says what it starts from") {
  CHECK_THAT(findings(with(kLoop, "from: base, ", "")), Contains("13:") && Contains("'from'"));
}

TEST_CASE("law 6, stated origin: base and live differ as soon as there are two rounds") {
  const std::string text = recipe(R"(
round:
  - {generate: {tasks: sums, problems: 40, samples: 40, max_new_tokens: 2}, as: tries}
  - verify: exact
  - filter: {keep: pass}
  - finetune: {from: live, loss: nll, steps: 2, learning_rate: 0.3}
)" + kMeasured);
  WholeRun live, base;
  live.run(text);
  base.run(text, {"finetune.from=base"});
  auto version = [](WholeRun& run, const char* round) {
    return run.state().find_round(round)->versions.at("lm").digest;
  };
  CHECK(version(live, "1") == version(base, "1"));
  CHECK(version(live, "2") != version(base, "2"));
}

// --- 7. temporary means temporary ----------------------------------------------------------------------------------

TEST_CASE("law 7, temporary means temporary: a rejected candidate leaves weights and optimizer state as they were") {
  const std::string text =
      with(with(kLoop, "gate: {metric: pass@1, at_least: incumbent}", "gate: {metric: pass@1, at_least: 2}"),
           "rounds: 2", "rounds: 3");
  WholeRun run;
  run.run(text);
  const RunState state = run.state();
  const VersionRef before = state.find_round("0")->versions.at("lm");
  CHECK(before.optimizer.has_value());
  for (const char* round : {"1", "2", "3"}) {
    const RoundState& section = *state.find_round(round);
    CHECK(section.accepted.at("lm") == false);
    CHECK(section.versions.at("lm") == before);  // digest, weights object, optimizer object
    CHECK(section.steps.at("learn").digest != before.digest);
    for (const Group& group : run.groups(round, "tries"))
      for (const Rollout& rollout : group.rollouts) CHECK(rollout.version == before.digest);  // and live is that again
  }
}

TEST_CASE(
    "law 7, temporary means temporary: a rejected candidate of the same weights leaves no optimizer state behind") {
  // At its own reference k3 has no gradient: the candidate differs from the incumbent in its fresh AdamW state alone.
  const std::string idle = R"(
  - {finetune: {from: live, loss: {match: {divergence: k3}}, reference: live}, as: idle}
  - {evaluate: {tasks: held, max_new_tokens: 3}, as: probe}
  - gate: {metric: pass@1, above: incumbent}
)";
  const std::string learn = R"(
  - {finetune: {from: live, optimizer: keep, loss: nll, steps: 3, learning_rate: 0.1}, of: again, as: learn}
)";
  const std::string begin = R"(
before:
  - {demonstrate: {tasks: sums, problems: 90}, as: shown}
  - finetune: {from: base, loss: nll, steps: 4, learning_rate: 0.3}
round:
  - {demonstrate: {tasks: sums, problems: 90}, as: again}
)";
  WholeRun tried, plain;
  tried.run(recipe(begin + idle + learn + kMeasured), {"rounds=1"});
  plain.run(recipe(begin + learn + kMeasured), {"rounds=1"});
  const RunState state = tried.state();
  const StepProgress& step = state.find_round("1")->steps.at("idle");
  const Digest before = state.find_round("0")->versions.at("lm").digest;
  CHECK(VersionRef::from_json(step.payload.at("candidate").at("version")).digest == before);
  CHECK(state.find_round("1")->accepted.at("lm") == true);  // of `learn`; the gate had turned `idle` down
  CHECK(state.find_round("1")->steps.at("gate").metrics.at("accepted") == 0);
  CHECK(state.find_round("1")->versions.at("lm") == plain.state().find_round("1")->versions.at("lm"));
}

// --- 8. equal cost -------------------------------------------------------------------------------------------------

TEST_CASE("law 8, equal cost: every step's record says what it spent, and it adds up to what is stored") {
  WholeRun run;
  run.run(kLoop, {"rounds=1"});
  const RunState state = run.state();
  const RoundState& round = *state.find_round("1");
  double tokens = 0, rollouts = 0;
  for (const Group& group : run.groups("1", "tries"))
    for (const Rollout& rollout : group.rollouts) {
      tokens += static_cast<double>(rollout.ids.size());
      rollouts += 1;
      REQUIRE(rollout.verdicts.size() == 1);
      CHECK(rollout.verdicts[0].cost_us >= 0);
    }
  CHECK(round.steps.at("tries").metrics.at("tokens") == tokens);
  CHECK(round.steps.at("tries").metrics.at("rollouts") == rollouts);
  CHECK(round.steps.at("verify").metrics.at("units") == rollouts);
  CHECK(round.steps.at("learn").metrics.at("examples_taken") > 0);
  for (const auto& [name, step] : round.steps) {
    INFO(name);
    CHECK(step.payload.at("seconds").as_double() >= 0);
  }
  // A comparison is under equal options: both figures of a gate come from one evaluate's digest of options.
  std::set<Digest> options;
  for (const auto& [key, figures] : state.figures)
    if (key.step == "evaluate") options.insert(key.options);
  CHECK(options.size() == 1);
}

// --- 9. label audit ------------------------------------------------------------------------------------------------

const std::string kAudited = recipe(R"(
before:
  - demonstrate: {tasks: sums, problems: 60}
  - finetune: {from: base, loss: nll, steps: 6, learning_rate: 0.3}
round:
  - {generate: {tasks: sums, problems: 24, samples: 9, max_new_tokens: 3}, as: tries}
  - verify: majority
  - {observe: label_accuracy, of: tries, as: truth_before}
  - {filter: {keep: pass}, as: agreed}
  - {observe: label_accuracy, of: agreed, as: truth_after}
  - {finetune: {from: live, loss: nll, steps: 2, learning_rate: 0.1}, of: agreed}
)" + kMeasured);

TEST_CASE("law 9, label audit: label accuracy is observed before and after the filter, by the task's own rule") {
  WholeRun run;
  run.run(kAudited);
  for (const auto& [pool, step] :
       std::map<std::string, std::string>{{"tries", "truth_before"}, {"agreed", "truth_after"}}) {
    double agree = 0, labelled = 0, right = 0, rollouts = 0;
    for (const Group& group : run.groups("1", pool))
      for (const Rollout& rollout : group.rollouts) {
        if (pool == "agreed" && !rollout.kept) continue;
        const bool correct = rollout.text == *group.problem->answer;
        const Label label = label_of(group, rollout, "verify");
        right += correct, rollouts += 1;
        if (label == Label::abstain) continue;
        labelled += 1, agree += (label == Label::pass) == correct;
      }
    INFO(step);
    REQUIRE(labelled > 20);
    CHECK(run.metrics("1", step).at("label_accuracy") == Approx(agree / labelled));
    CHECK(run.metrics("1", step).at("accuracy") == Approx(right / rollouts));
  }
  CHECK(run.metrics("1", "truth_after").at("accuracy") > run.metrics("1", "truth_before").at("accuracy"));
}

TEST_CASE("law 9, label audit: what is observed is never used") {
  WholeRun with_audit, without;
  with_audit.run(kAudited);
  std::string text = with(kAudited, "  - {observe: label_accuracy, of: tries, as: truth_before}\n", "");
  text = with(text, "  - {observe: label_accuracy, of: agreed, as: truth_after}\n", "");
  without.run(text);
  for (const char* round : {"1", "2"})
    CHECK(with_audit.state().find_round(round)->versions.at("lm") ==
          without.state().find_round(round)->versions.at("lm"));
}

TEST_CASE("law 9, label audit: no expression and no control may read what was observed") {
  CHECK(findings(kAudited).empty());
  CHECK_THAT(findings(with(kAudited, "keep: pass", "keep: {lua: \"truth_before.label_accuracy > 0.5\"}")),
             Contains("17:") && Contains("agreed.") && Contains("reads what 'truth_before' observed"));
  CHECK_THAT(findings(with(kAudited, "of: agreed}\n\n", "of: agreed, when: \"truth_after.accuracy > 0.5\"}\n\n")),
             Contains("finetune_2.when reads what 'truth_after' observed"));
  CHECK_THAT(findings(kAudited + R"(
control:
  - {set: tries.temperature, by: {mastery: {metric: truth_after.accuracy, at: 0.9, step: 0.1}}}
)"),
             Contains("the control of tries.temperature reads what 'truth_after' observed"));
}

// --- 10. judge pinning ---------------------------------------------------------------------------------------------

TEST_CASE("law 10, judge pinning: a role pinned to the round's start stays there while the live version moves") {
  WholeRun run;
  run.run(recipe(R"(
round:
  - {generate: {tasks: sums, problems: 40, samples: 40, max_new_tokens: 2}, as: tries}
  - verify: exact
  - {filter: {keep: pass}, as: right}
  - finetune: {from: live, loss: nll, steps: 2, learning_rate: 0.3}
  - {generate: {role: pinned, samples: 1, max_new_tokens: 2}, of: tries, as: by_pinned}
  - {generate: {role: moving, samples: 1, max_new_tokens: 2}, of: tries, as: by_moving}
)" + kMeasured,
                 "roles: {pinned: {weights: start}, moving: {weights: live}}\n"),
          {"tries.role=lm"});
  const RunState state = run.state();
  auto sampled_by = [&](const char* round, const char* pool) {
    std::set<Digest> versions;
    for (const Group& group : run.groups(round, pool))
      for (const Rollout& rollout : group.rollouts) versions.insert(rollout.version);
    REQUIRE(versions.size() == 1);
    return *versions.begin();
  };
  const Digest first = state.find_round("1")->versions.at("lm").digest;
  const Digest second = state.find_round("2")->versions.at("lm").digest;
  CHECK(sampled_by("2", "by_pinned") == first);
  CHECK(sampled_by("2", "by_moving") == second);
  CHECK(first != second);
}

// --- 11. no statistics in place ------------------------------------------------------------------------------------

TEST_CASE("law 11, no statistics in place: reading a store changes nothing that a later reader draws") {
  const std::string reader = "  - {observe: accuracy, of: {seen: {n: 3, draw: recency}}, as: look}\n";
  const std::string text = with(kLoop, "  - {finetune: {from: live, loss: nll, learning_rate: 0.05}",
                                reader + "  - {finetune: {from: live, loss: nll, learning_rate: 0.05}");
  WholeRun quiet, looked;
  quiet.run(kLoop);
  looked.run(text);
  for (const char* round : {"1", "2"}) {
    CHECK(quiet.state().find_round(round)->steps.at("replay").digest ==
          looked.state().find_round(round)->steps.at("replay").digest);
    CHECK(quiet.state().find_round(round)->versions.at("lm") == looked.state().find_round(round)->versions.at("lm"));
  }
}

TEST_CASE("law 11, no statistics in place: what a store holds is told by the record alone") {
  WholeRun run;
  run.run(kLoop);
  const RunState told = run.state(), again = run.state();
  REQUIRE(told.stores.at("seen").size() == 2);
  for (size_t i = 0; i < 2; ++i) {
    CHECK(told.stores.at("seen")[i].records == again.stores.at("seen")[i].records);
    CHECK(told.stores.at("seen")[i].records == 12);
    CHECK(told.stores.at("seen")[i].round == static_cast<int64_t>(i) + 1);
  }
}

}  // namespace
}  // namespace sil::testing
