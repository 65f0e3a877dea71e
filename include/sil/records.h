// The values that flow through a round: problems, rollouts, verdicts, groups, examples (design: "Words").
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sil/digest.h"
#include "sil/json.h"

namespace sil {

using TokenId = int32_t;
using Metrics = std::map<std::string, double>;  // of one step; intervals are NAME.low and NAME.high

enum class Split : uint8_t { train, dev, test };
std::string_view name(Split split);

struct Message {
  std::string role;  // system, user, assistant, tool
  std::string content;
  friend bool operator==(const Message&, const Message&) = default;
};

// What a view makes and a codec encodes: chat messages, or one text (`messages` empty), which is one message of the
// user to a model with a chat template, unless it is `plain`.
struct Conversation {
  std::string text;
  std::vector<Message> messages;
  bool plain = false;
};

// An answer that came with the data: a reference solution, a chosen or a rejected one.
struct GivenAnswer {
  std::string text;
  bool passes = true;
  std::string origin;  // reference | chosen | rejected
};

// One thing to solve. Immutable once made; shared by the groups that try it.
struct Problem {
  uint64_t uid = 0;               // first 64 bits of SHA-256 over (prompt, answer)
  std::string prompt;             // of messages: their contents joined by newlines
  std::vector<Message> messages;  // empty when the prompt is plain text
  std::optional<std::string> answer;
  std::vector<GivenAnswer> given;  // what `demonstrate` turns into rollouts
  Json meta = Json::object();      // whatever else the row or the generator says
  Split split = Split::train;
  double difficulty = 0;  // in the task's own unit (digits, numbers ...)
  std::string task;       // name in the recipe
  int64_t index = 0;      // within task and split
};
// Shared ownership: a problem outlives its group in stores and pools.
using ProblemRef = std::shared_ptr<const Problem>;
uint64_t problem_uid(std::string_view prompt, const std::optional<std::string>& answer);

enum class Label : uint8_t { fail, pass, abstain };
std::string_view name(Label label);

// How judging ended. error, timeout and infra of the judge abstain; of the candidate they fail.
enum class Outcome : uint8_t { pass, fail, error, timeout, memory, output_limit, violation, infra };
std::string_view name(Outcome outcome);

// What one verifying step says about one unit.
struct Verdict {
  std::string step;              // the step that gave it
  std::string unit = "rollout";  // rollout | group | turn | pair | pool
  std::string verifier;          // name@version of the whole list
  Label label = Label::abstain;
  double score = 0;                                   // in [0, 1] by convention; meaningless when abstaining
  std::vector<std::pair<std::string, double>> parts;  // named parts of a weighted list
  std::string reason;
  Outcome outcome = Outcome::infra;
  int64_t cost_us = 0;  // measured; in no digest
};

enum class Finish : uint8_t { stop, length, cancelled };
std::string_view name(Finish finish);

// One attempt at a problem by a role.
struct Rollout {
  std::string step;  // the step that made it
  std::string role;
  Digest version;       // of the weights that sampled it; zero for given rollouts
  uint32_t prompt = 0;  // index into Group::prompts
  uint32_t sample = 0;
  uint32_t member = 0;
  std::vector<TokenId> ids;     // completion, the token that ended it included
  std::vector<float> logprobs;  // one an id; empty for given rollouts
  // One an id where filters or biases changed the distribution, else empty: the model's probability of the token over
  // the one that it was drawn with; of a filter alone, the mass that it kept.
  std::vector<float> kept_mass;
  float temperature = 1;  // of `logprobs` (1 where sampling was greedy)
  Finish finish = Finish::stop;
  std::string text;               // decoded, without the stop string and special tokens
  std::string parent;             // id of the rollout it came from, or ""
  std::vector<std::string> used;  // ids of store records its view showed
  std::vector<Verdict> verdicts;  // oldest first
  double weight = 1;              // credit; set by filter's weigh
  bool kept = true;               // false once a filter of this pool dropped it
};

// [begin, end) of a sequence of ids.
struct IdRange {
  int32_t begin = 0;
  int32_t end = 0;
  friend bool operator==(const IdRange&, const IdRange&) = default;
};

// A prompt as a model saw it.
struct Prompt {
  std::vector<TokenId> ids;
  std::string text;                   // rendered conversation, for people
  std::vector<IdRange> learned = {};  // ascending: what the assistant says in it and training shall learn too
};

// All rollouts of one problem in one pool.
struct Group {
  ProblemRef problem;
  uint32_t occurrence = 0;  // k-th time this uid was drawn by this step
  int64_t position = 0;     // canonical order within the pool
  uint64_t parent = 0;      // hash of the parent unit's id, 0 without; part of the random key
  std::vector<Prompt> prompts;
  std::vector<Rollout> rollouts;
  std::vector<Verdict> verdicts;  // about the group
};

// "ROUND/STEP/UID[.OCCURRENCE]/SAMPLE[@MEMBER]"; round is "0" before round 1 and "after" at the end.
std::string rollout_id(std::string_view round, const Group& group, const Rollout& rollout);
// "ROUND/STEP/UID[.OCCURRENCE]" of the step that made the group.
std::string group_id(std::string_view round, std::string_view step, const Group& group);

// A part of an example's sequence: [begin, end) of its ids. weight 0 = context.
struct Segment {
  int32_t begin = 0;
  int32_t end = 0;
  double weight = 0;
  std::string rollout;  // id of the rollout it is a slice of; "" for given text
};

// One sequence that training reads. Log-probs are kept only where the slice stands in the context it was sampled in.
struct ExampleSequence {
  std::vector<TokenId> ids;
  std::vector<Segment> segments;
  std::vector<float> logprobs;  // one an id, 0 on context; empty when unknown
  float temperature = 1;
};

// What training reads: one sequence, or two for a pair (chosen, then rejected).
struct Example {
  std::string id;
  uint64_t group = 0;  // hash of the group's id: examples of one group stay in one minibatch
  std::vector<ExampleSequence> sequences;
};

}  // namespace sil
