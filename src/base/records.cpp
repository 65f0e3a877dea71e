#include "sil/records.h"

namespace sil {

std::string_view name(Split split) {
  switch (split) {
    case Split::train:
      return "train";
    case Split::dev:
      return "dev";
    case Split::test:
      return "test";
  }
  SIL_CHECK(!"a split");
}

std::string_view name(Label label) {
  switch (label) {
    case Label::fail:
      return "fail";
    case Label::pass:
      return "pass";
    case Label::abstain:
      return "abstain";
  }
  SIL_CHECK(!"a label");
}

std::string_view name(Outcome outcome) {
  switch (outcome) {
    case Outcome::pass:
      return "pass";
    case Outcome::fail:
      return "fail";
    case Outcome::error:
      return "error";
    case Outcome::timeout:
      return "timeout";
    case Outcome::memory:
      return "memory";
    case Outcome::output_limit:
      return "output_limit";
    case Outcome::violation:
      return "violation";
    case Outcome::infra:
      return "infra";
  }
  SIL_CHECK(!"an outcome");
}

std::string_view name(Finish finish) {
  switch (finish) {
    case Finish::stop:
      return "stop";
    case Finish::length:
      return "length";
    case Finish::cancelled:
      return "cancelled";
  }
  SIL_CHECK(!"a finish");
}

// An empty answer is not the same as none, hence the count of answers.
uint64_t problem_uid(std::string_view prompt, const std::optional<std::string>& answer) {
  Sha256 hash;
  hash.field(prompt).number(answer ? 1 : 0);
  if (answer) hash.field(*answer);
  return hash.finish().head();
}

std::string group_id(std::string_view round, std::string_view step, const Group& group) {
  SIL_CHECK(group.problem != nullptr);
  std::string id;
  id.append(round).append("/").append(step).append("/").append(hex64(group.problem->uid));
  if (group.occurrence != 0) id.append(".").append(std::to_string(group.occurrence));
  return id;
}

std::string rollout_id(std::string_view round, const Group& group, const Rollout& rollout) {
  std::string id = group_id(round, rollout.step, group);
  id.append("/").append(std::to_string(rollout.sample));
  if (rollout.member != 0) id.append("@").append(std::to_string(rollout.member));
  return id;
}

}  // namespace sil
