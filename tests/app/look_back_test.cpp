// Looking back at whole runs in memory: replay, rejudge, the ledger, the check on resume.
#include <algorithm>

#include "app/whole_run.h"
#include "loop/rejudge.h"
#include "loop/replay.h"
#include "record/run_directory.h"
#include "record/segment.h"
#include "support/catch.h"

namespace sil {
namespace {

using Catch::Matchers::Contains;
using testing::builtins;
using testing::kRun;

// Every way in which generate can stand to a pool: fresh, beside it, added to it, after each rollout, from a store.
constexpr const char* kRecipe = R"(
name: back
seed: 5
rounds: 2
models: {lm: {table: {context: 4}, tokenizer: chars}}
tasks: {sums: {addition: {digits: 1}}}
stores: {seen: {holds: groups}}
before:
  - demonstrate: {tasks: sums, problems: 60}
  - finetune: {from: base, loss: nll, steps: 8, learning_rate: 0.3}
round:
  - {generate: {tasks: sums, problems: 9, samples: 4, max_new_tokens: 3, top_k: 8}, as: tries, put: seen}
  - verify: exact
  - {generate: {samples: 2, max_new_tokens: 3, temperature: 0.7}, of: tries}
  - {verify: exact, as: again_checked}
  - {generate: {view: {text: "{{problem.prompt}}{{rollout.text}}"}, samples: 2, max_new_tokens: 2}, of: tries, per: rollout, where: failed, as: fixes}
  - {verify: exact, as: fixes_checked}
  - {filter: {keep: [{top_k: 3}], shape: pair}, of: tries, as: pairs}
  - {finetune: {from: live, loss: dpo, reference: start, epochs: 2, learning_rate: 0.05}, of: pairs, as: prefer}
  - {filter: {keep: [{dedupe: text}]}, of: tries, as: some}
  - {finetune: {from: live, loss: nll, epochs: 2, learning_rate: 0.05}, of: some, as: copy}
  - {generate: {samples: 1, max_new_tokens: 2}, of: {seen: {n: 4, draw: uniform}}, as: later}
)";

RunRequest request(const std::string& text = kRecipe) {
  return testing::request(text, 1, 8);
}

RunSummary run(Env& env, const RunRequest& r = request()) {
  return testing::run(env, r);
}

RecordedRun open_run(Env& env, const std::vector<std::string>& overrides = {}) {
  return RecordedRun(env, kRun, builtins().registries, builtins().steps, overrides, 2);
}

const RoundState& round_of(const RunState& state, const std::string& label) {
  return *state.find_round(label);
}

// Ids of a step's rollouts, from the lines of its frames alone. `pool`: the part that holds its groups.
std::vector<std::string> ids_of(Env& env, const std::string& round, const std::string& step, const std::string& pool) {
  const RunState state = load_run(env, kRun, builtins().registries, builtins().steps);
  std::vector<std::string> ids;
  for (const PoolPart& part : round_of(state, round).pools.at(pool).parts)
    for (size_t f = 0; f < part.spans.size(); ++f)
      for (const Group& group : read_groups(env, kRun, part, f))
        for (const Rollout& rollout : group.rollouts)
          if (rollout.step == step) ids.push_back(rollout_id(part.round, group, rollout));
  return ids;
}

std::string error_of(const std::function<void()>& work, Exit code) {
  try {
    work();
  } catch (const Error& error) {
    CHECK(error.code() == code);
    return error.what();
  }
  FAIL("nothing was thrown");
  return "";
}

// The journal again with its records changed, chained and summed anew: what only the ledger and the lines can refute.
void rewrite_journal(SimulatedEnv& env, const std::function<void(JournalRecord&)>& change) {
  std::vector<JournalRecord> records = read_run_journal(env, kRun).records;
  SimulatedEnv scratch;
  scratch.make_dir("j");
  Journal journal(scratch, "j/journal");
  for (JournalRecord& record : records) {
    change(record);
    journal.append(record.type, record.payload);
  }
  env.put_file(std::string(kRun) + "/journal", scratch.contents("j/journal"));
}

Json& member(Json& json, std::string_view key) {
  for (auto& [name, value] : json.as_object())
    if (name == key) return value;
  throw std::out_of_range(std::string(key));
}

// Puts another text in the place of a frame of the step's rollouts, with digests that fit: frame and run agree, only
// the model would not have written it.
void forge_rollouts(SimulatedEnv& env, const std::string& round, const std::string& step,
                    const std::function<void(std::string&)>& change) {
  const std::string segment =
      "rounds/" + std::string(4 - round.size(), '0') + round + "/" + step + ".rollouts.jsonl.zst";
  const RunState state = replay(read_run_journal(env, kRun).records);
  std::vector<FrameRef> frames = round_of(state, round).steps.at(step).files.at("rollouts");
  std::erase_if(frames, [](const FrameRef& frame) { return frame.length == 0; });
  std::string bytes;
  std::map<uint64_t, FrameRef> moved;
  for (const FrameRef& frame : frames) {
    std::string text = read_frame(env, kRun, frame);
    if (&frame == &frames.back()) change(text);
    const EncodedFrame encoded = encode_frame(text);
    moved[frame.offset] = {segment, bytes.size(), encoded.bytes.size(), encoded.raw_length, encoded.sha256};
    bytes += encoded.bytes;
  }
  env.put_file(std::string(kRun) + "/" + segment, bytes);
  rewrite_journal(env, [&](JournalRecord& record) {
    if (record.type != "frame" || record.payload.at("round").as_string() != round) return;
    for (Json& entry : member(record.payload, "steps").as_array()) {
      if (entry.at("step").as_string() != step) continue;
      Json& file = member(member(entry, "files"), "rollouts");
      const FrameRef frame = FrameRef::from_json(file.at("frame"));
      if (frame.length > 0) file.set("frame", moved.at(frame.offset).to_json());
    }
  });
}

// The last number of the last log-probability list, made another one.
void spoil_logprob(std::string& text) {
  const size_t list = text.rfind("\"logprobs\":[");
  const size_t end = text.find(']', list);
  text[end - 1] = text[end - 1] == '1' ? '2' : '1';
}

TEST_CASE("every rollout of a record is sampled again to the same bits, however its step reads its pool") {
  SimulatedEnv env;
  run(env);
  RecordedRun recorded = open_run(env);
  const ReplayCounts counts = replay_random(recorded, 1'000'000, 1);
  INFO(counts.first_id << ": " << counts.first_difference);
  CHECK(counts.drawn == counts.rollouts);
  CHECK(counts.differing == 0);
  CHECK(counts.not_sampled == 60);
  CHECK(counts.retired == 0);
  CHECK(counts.equal == counts.rollouts - 60);
  for (const auto& [step, pool] : std::map<std::string, std::string>{
           {"tries", "tries"}, {"generate", "tries"}, {"fixes", "fixes"}, {"later", "later"}}) {
    INFO(step);
    for (const char* round : {"1", "2"}) {
      const std::vector<std::string> ids = ids_of(env, round, step, pool);
      REQUIRE(!ids.empty());
      RecordedRun again = open_run(env);
      const ReplayedRollout replayed = replay_rollout(again, ids.back());
      CHECK(replayed.id == ids.back());
      CHECK(replayed.difference == "");
      CHECK(replayed.tokens.size() == replayed.stored.ids.size());
    }
  }
}

TEST_CASE("a draw over the record is of distinct rollouts and its seed decides which") {
  SimulatedEnv env;
  run(env);
  RecordedRun first = open_run(env), second = open_run(env);
  const ReplayCounts a = replay_random(first, 20, 1), b = replay_random(second, 20, 2);
  CHECK(a.drawn == 20);
  CHECK(a.equal + a.not_sampled == 20);
  CHECK(b.equal + b.not_sampled == 20);
}

TEST_CASE("a log-probability that the model did not give is named with its token") {
  SimulatedEnv env;
  run(env);
  forge_rollouts(env, "2", "tries", spoil_logprob);
  const std::string id = ids_of(env, "2", "tries", "tries").back();
  RecordedRun one = open_run(env);
  CHECK_THAT(replay_rollout(one, id).difference, Contains("token") && Contains("log-probability"));
  RecordedRun all = open_run(env);
  const ReplayCounts counts = replay_random(all, 1'000'000, 0);
  CHECK(counts.differing == 1);
  CHECK(counts.first_id == id);
}

TEST_CASE("what no step sampled, what is not there and what is no id is said to be so") {
  SimulatedEnv env;
  run(env);
  RecordedRun recorded = open_run(env);
  const std::string given = ids_of(env, "0", "demonstrate", "demonstrate").front();
  CHECK_THAT(error_of([&] { replay_rollout(recorded, given); }, Exit::usage), Contains("not sampled"));
  CHECK_THAT(error_of([&] { replay_rollout(recorded, "1/tries/0000000000000000/0"); }, Exit::usage),
             Contains("has no rollout"));
  for (const char* id : {"", "1/tries", "1/tries/xyz/0", "1/tries/0000000000000000/", "1/tries/0000000000000000/0/0",
                         "1/tries/0000000000000000.x/0", "1/tries/0000000000000000/0@"})
    CHECK_THAT(error_of([&] { replay_rollout(recorded, id); }, Exit::usage), Contains("no id of a rollout"));
}

TEST_CASE("weights that retain has freed are told as such, missing ones are damage") {
  SimulatedEnv env;
  run(env);
  const RunState state = load_run(env, kRun, builtins().registries, builtins().steps);
  const Digest weights = state.models.at("lm").accepted.at(0).weights;  // sampled the fresh rollouts of round 1
  const std::string id = ids_of(env, "1", "tries", "tries").front();
  env.remove(std::string(kRun) + "/" + ObjectStore(env, kRun).path(weights));
  RecordedRun damaged = open_run(env);
  error_of([&] { replay_rollout(damaged, id); }, Exit::corrupt);
  Journal(env, std::string(kRun) + "/journal")
      .append("retire", Json::Object{{"objects", Json(Json::Array{weights.hex()})}});
  RecordedRun retired = open_run(env);
  CHECK_THAT(error_of([&] { replay_rollout(retired, id); }, Exit::unreadable), Contains("retired by retain"));
  RecordedRun counted = open_run(env);
  CHECK(replay_random(counted, 1'000'000, 0).retired > 0);
}

TEST_CASE("ids are unique, also where several rollouts of a group are continued") {
  SimulatedEnv env;
  run(env);
  std::vector<std::string> ids = ids_of(env, "1", "fixes", "fixes");
  REQUIRE(ids.size() > 2);
  std::sort(ids.begin(), ids.end());
  CHECK(std::adjacent_find(ids.begin(), ids.end()) == ids.end());
}

TEST_CASE("a problem that comes again when its task is used up is sampled anew, under an id of its own") {
  SimulatedEnv env;
  // 90 problems or so are in the split: more than two passes, none of which the frames' borders follow.
  run(env, request("name: again\nseed: 1\nrounds: 1\nmodels: {lm: {table: {context: 2}, tokenizer: chars}}\n"
                   "tasks: {sums: {addition: {digits: 1}}}\n"
                   "round:\n  - {generate: {tasks: sums, problems: 250, samples: 2, max_new_tokens: 6}, as: tries}\n"));
  std::vector<std::string> ids = ids_of(env, "1", "tries", "tries");
  REQUIRE(ids.size() == 500);
  std::sort(ids.begin(), ids.end());
  CHECK(std::adjacent_find(ids.begin(), ids.end()) == ids.end());
  CHECK_NOTHROW(fsck_run(env, kRun));
  const RunState state = load_run(env, kRun, builtins().registries, builtins().steps);
  std::map<uint64_t, std::vector<std::vector<TokenId>>> samples;  // the first of each group, by problem
  const PoolPart& part = round_of(state, "1").pools.at("tries").parts.front();
  for (size_t f = 0; f < part.spans.size(); ++f)
    for (const Group& group : read_groups(env, kRun, part, f))
      samples[group.problem->uid].push_back(group.rollouts.front().ids);
  int64_t again = 0, same = 0;
  for (const auto& [uid, of_problem] : samples)
    for (size_t i = 1; i < of_problem.size(); ++i) ++again, same += of_problem[i] == of_problem[0];
  CHECK(again > 150);
  CHECK(same < again / 4);  // of six uniform characters, hardly any
}

// Several pools at once, refill, stores of groups and of examples, problems that differ in nothing but their pool.
constexpr const char* kMixed = R"(
name: mix
seed: 4
rounds: 3
models: {lm: {table: {context: 4}, tokenizer: chars}}
tasks: {sums: {addition: {digits: 1}}, held: {addition: {digits: 1}, split: dev}}
stores: {seen: {holds: groups}, ex: {holds: examples}}
before:
  - demonstrate: {tasks: sums, problems: 60}
  - finetune: {from: base, loss: nll, steps: 8, learning_rate: 0.3}
round:
  - {generate: {tasks: sums, problems: 20, samples: 4, max_new_tokens: 3}, as: a}
  - {verify: exact, as: va}
  - {filter: {keep: pass, refill: 2}, as: fa, put: seen}
  - {generate: {tasks: sums, problems: 30, samples: 3, max_new_tokens: 3, temperature: 0.5}, as: b}
  - {verify: {sum: [{exact: {}}, {contains: {}}]}, as: vb}
  - {generate: {samples: 2, max_new_tokens: 3}, of: [a, b], where: failed, as: more}
  - {verify: exact, as: vmore, of: more}
  - {generate: {samples: 1, max_new_tokens: 3}, of: [a, b]}
  - {verify: exact, of: [a, b], as: vab}
  - {filter: {keep: [{per_problem: 3}], shape: pair}, of: [a, b], as: pairs, put: ex}
  - {finetune: {from: live, loss: dpo, reference: start, epochs: 2}, of: pairs, as: prefer, when: "a.pass_rate or true"}
  - {filter: {keep: pass}, of: [a, more], as: good}
  - {finetune: {from: live, loss: nll, minibatches: 3, epochs: 2, learning_rate: 0.05}, of: good, as: copy}
  - {finetune: {from: live, loss: nll, steps: 2, learning_rate: 0.05}, of: {seen: {n: 9, draw: uniform}}, as: re}
  - {finetune: {from: live, loss: dpo, reference: start, steps: 2, learning_rate: 0.05}, of: {ex: {n: 5, draw: uniform}}, as: re2}
  - {generate: {samples: 2, max_new_tokens: 2}, of: {seen: {n: 7, draw: uniform}}, as: back}
  - {evaluate: {tasks: held, samples: 2, max_new_tokens: 3}}
  - gate: {metric: pass@1, at_least: incumbent}
)";

TEST_CASE("the ledger balances and rollouts come again over several pools, refills and stores") {
  for (int64_t frame : {5, 64}) {
    SimulatedEnv env;
    RunRequest r = request(kMixed);
    r.frame_rollouts = frame;
    run(env, r);
    CHECK_NOTHROW(fsck_run(env, kRun));
    CHECK_NOTHROW(fsck_flow(env, kRun, builtins().registries, builtins().steps));
    RecordedRun recorded(env, kRun, builtins().registries, builtins().steps, {}, 2);
    const ReplayCounts counts = replay_random(recorded, 1'000'000, 1);
    INFO(counts.first_id << ": " << counts.first_difference);
    CHECK(counts.differing == 0);
    CHECK(counts.equal > 500);
    RecordedRun again(env, kRun, builtins().registries, builtins().steps, {}, 2);
    CHECK(rejudge_run(again, "", [](const Flip&) {}).flips == 0);
    const RunState state = load_run(env, kRun, builtins().registries, builtins().steps);
    CHECK(round_of(state, "1").steps.at("fa").tally.count_of("kept_groups") <= 20);
  }
}

TEST_CASE("steps with problems of their own work on those alone, wherever they stand among local steps") {
  SimulatedEnv env;
  run(env, request("name: own\nseed: 1\nrounds: 1\nmodels: {lm: {table: {context: 2}, tokenizer: chars}}\n"
                   "tasks: {sums: {addition: {digits: 1}}, held: {addition: {digits: 1}, split: dev}}\n"
                   "round:\n  - {generate: {tasks: sums, problems: 8, samples: 2, max_new_tokens: 2}, as: tries}\n"
                   "  - {evaluate: {tasks: held, samples: 3, max_new_tokens: 2}}\n"
                   "  - {verify: exact, of: tries}\n  - {demonstrate: {tasks: sums, problems: 5}}\n"));
  const RunState state = load_run(env, kRun, builtins().registries, builtins().steps);
  const RoundState& round = round_of(state, "1");
  CHECK(ids_of(env, "1", "tries", "tries").size() == 16);
  CHECK(ids_of(env, "1", "demonstrate", "demonstrate").size() == 5);
  CHECK(round.steps.at("verify").tally.count_of("units") == 16);
  const PoolPart& held = round.pools.at("evaluate").parts.front();
  int64_t rollouts = 0;
  for (size_t f = 0; f < held.spans.size(); ++f)
    for (const Group& group : read_groups(env, kRun, held, f)) {
      CHECK(group.problem->task == "held");
      rollouts += static_cast<int64_t>(group.rollouts.size());
    }
  CHECK(rollouts == round.steps.at("evaluate").tally.count_of("asked"));
  CHECK(rollouts == 3 * round.steps.at("evaluate").tally.count_of("groups"));
  CHECK_NOTHROW(fsck_run(env, kRun));
}

TEST_CASE("verdicts of the same verifier do not flip and another one's flips are listed") {
  SimulatedEnv env;
  run(env);
  const std::string journal = env.contents(std::string(kRun) + "/journal");
  RecordedRun same = open_run(env);
  const RejudgeCounts none = rejudge_run(same, "", [](const Flip&) { FAIL("flipped"); });
  CHECK(none.flips == 0);
  CHECK(none.units > 0);
  RecordedRun other = open_run(env, {"verify={score: \"1\"}"});
  std::vector<Flip> flips;
  const RejudgeCounts counts = rejudge_run(other, "verify", [&](const Flip& flip) { flips.push_back(flip); });
  // Everything scores 1: what failed passes now, and nothing else changes.
  const RunState state = load_run(env, kRun, builtins().registries, builtins().steps);
  int64_t failed = 0;
  for (const char* round : {"1", "2"}) failed += round_of(state, round).steps.at("verify").tally.count_of("fail");
  CHECK(counts.flips == failed);
  CHECK(counts.changes == std::map<std::string, int64_t>{{"fail -> pass", failed}});
  REQUIRE(static_cast<int64_t>(flips.size()) == failed);
  CHECK(flips.front().step == "verify");
  CHECK(flips.front().id.rfind("1/tries/", 0) == 0);
  CHECK(env.contents(std::string(kRun) + "/journal") == journal);
}

TEST_CASE("rejudging changes verify steps alone") {
  SimulatedEnv env;
  run(env);
  const RecordedRun recorded = open_run(env);
  CHECK_NOTHROW(check_verify_overrides(recorded.recipe(), {"verify=exact", "again_checked.pass_at=0.1"}));
  for (const char* text : {"tries.samples=9", "seed=4", "~round", "verify_2=exact"})
    CHECK_THAT(error_of([&] { check_verify_overrides(recorded.recipe(), {text}); }, Exit::usage),
               Contains(text) && Contains("verify"));
  RecordedRun again = open_run(env);
  error_of([&] { rejudge_run(again, "tries", [](const Flip&) {}); }, Exit::usage);
}

TEST_CASE("fsck recomputes every digest from the lines and balances the ledger, for any frames and threads") {
  for (int64_t frame : {1, 7, 64}) {
    SimulatedEnv env;
    RunRequest r = request();
    r.frame_rollouts = frame;
    const Digest digest = run(env, r).digest;
    for (int threads : {1, 3}) CHECK(fsck_run(env, kRun, threads).digest == digest);
    CHECK_NOTHROW(fsck_flow(env, kRun, builtins().registries, builtins().steps));
  }
}

TEST_CASE("lines that differ from their digest are named by round, step and frame though every hash fits") {
  SimulatedEnv env;
  run(env);
  forge_rollouts(env, "2", "tries", spoil_logprob);
  CHECK_THAT(error_of([&] { fsck_run(env, kRun); }, Exit::corrupt),
             Contains("round 2, step tries, frame") && Contains("digest"));
}

TEST_CASE("digests of steps and sections that do not follow are named") {
  for (const char* type : {"step", "seal"}) {
    SimulatedEnv env;
    run(env);
    rewrite_journal(env, [&](JournalRecord& record) {
      if (record.type == type && record.payload.at("round").as_string() == "1" &&
          (record.type == "seal" || record.payload.at("step").as_string() == "verify"))
        record.payload.set("digest", sha256("another").hex());
    });
    CHECK_THAT(error_of([&] { fsck_run(env, kRun); }, Exit::corrupt), Contains("round 1") && Contains("follow"));
  }
}

TEST_CASE("a tally that the lines do not bear out is named") {
  const std::vector<std::pair<std::string, std::string>> counts = {
      {"tries", "asked"},    {"tries", "rollouts"}, {"tries", "tokens"},   {"tries", "cut"},     {"verify", "units"},
      {"verify", "pass"},    {"verify", "fail"},    {"pairs", "in"},       {"pairs", "kept"},    {"pairs", "used"},
      {"pairs", "examples"}, {"copy", "examples"},  {"later", "rollouts"}, {"generate", "asked"}};
  SimulatedEnv env;
  run(env);
  const std::string journal = env.contents(std::string(kRun) + "/journal");
  for (const auto& [step, count] : counts) {
    env.put_file(std::string(kRun) + "/journal", journal);
    rewrite_journal(env, [&, done = false](JournalRecord& record) mutable {
      if (done || record.type != "frame") return;
      for (Json& entry : member(record.payload, "steps").as_array()) {
        if (done || entry.at("step").as_string() != step) continue;
        Json& tally = member(member(entry, "tally"), "counts");
        const Json* n = tally.find(count);
        tally.set(count, (n ? n->as_int() : 0) + 1);
        done = true;
      }
    });
    INFO(step << "." << count);
    CHECK_THAT(error_of([&] { fsck_run(env, kRun); }, Exit::corrupt), Contains("step " + step));
  }
}

TEST_CASE("a frame that is not where the journal says is noticed") {
  SimulatedEnv env;
  run(env);
  rewrite_journal(env, [&, done = false](JournalRecord& record) mutable {
    if (done || record.type != "frame" || record.payload.at("round").as_string() != "1") return;
    done = true;
    record.payload.set("span", Json(Json::Array{int64_t{100}, int64_t{102}}));
  });
  CHECK_THAT(error_of([&] { fsck_run(env, kRun); }, Exit::corrupt), Contains("outside its frame"));
}

TEST_CASE("examples that were taken another number of times than the recipe says are noticed") {
  SimulatedEnv env;
  run(env);
  rewrite_journal(env, [&](JournalRecord& record) {
    if (record.type == "step" && record.payload.at("step").as_string() == "copy")
      member(record.payload, "metrics").set("examples_taken", 1.0);
  });
  CHECK_NOTHROW(fsck_run(env, kRun));
  CHECK_THAT(error_of([&] { fsck_flow(env, kRun, builtins().registries, builtins().steps); }, Exit::corrupt),
             Contains("copy") && Contains("took 1"));
}

TEST_CASE("a run goes on only when its last sampled frame comes out again") {
  SimulatedEnv whole;
  const Digest digest = run(whole).digest;
  SimulatedEnv env;
  RunRequest first = request();
  first.last_round = 1;
  run(env, first);
  SECTION("it does") {
    CHECK(run(env).digest == digest);
  }
  SECTION("it does not") {
    forge_rollouts(env, "1", "later", spoil_logprob);
    CHECK_THAT(error_of([&] { run(env); }, Exit::differs),
               Contains("later") && Contains("1/later/") && Contains("token"));
  }
}

}  // namespace
}  // namespace sil
