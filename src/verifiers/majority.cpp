// Self-consistency (Wang et al. 2022) as a label: the answer that most attempts agree on passes (TTRL, LMSI, R-Zero).
#include <algorithm>
#include <cmath>
#include <map>

#include "cage/printable.h"
#include "verifiers/answers.h"
#include "verifiers/verifiers.h"

namespace sil {
namespace {

struct MajorityOptions {
  double quorum = 0;
  std::string across = "rollouts";
  void visit(OptionVisitor& v) {
    v.option("quorum", quorum,
             {.help = "votes the winner needs: a count from 1 on, below 1 a share of all voters; 0 = any plurality",
              .low = 0});
    v.option("across", across,
             {.help = "who votes: every rollout, or every member with the answer most of its rollouts give",
              .choices = {"rollouts", "members"}});
  }
};

using Votes = std::map<std::string, int64_t>;  // answer -> votes

struct Count {
  int64_t voters = 0;  // those without an answer too: silence is no agreement
  int64_t first = 0;   // votes of the most common answer
  int64_t second = 0;  // of the next one
  std::string winner;  // smallest of the most common
};

Count count(const Votes& votes, int64_t voters) {
  Count out{voters, 0, 0, {}};
  for (const auto& [answer, n] : votes) {
    if (n > out.first) {
      out.second = std::exchange(out.first, n);
      out.winner = answer;
    } else {
      out.second = std::max(out.second, n);
    }
  }
  return out;
}

class Majority final : public Verifier {
 public:
  explicit Majority(MajorityOptions options) : options_(std::move(options)) {
    if (options_.quorum > 1 && options_.quorum != std::floor(options_.quorum))
      throw Error(Exit::usage,
                  "majority: quorum " + std::to_string(options_.quorum) + " is neither a share nor a count",
                  "a number below 1, or an integer");
  }
  std::string version() const override { return "1"; }
  bool needs_group() const override { return true; }

  void verify(std::span<const JudgeItem> items, const JudgeContext& context,
              std::span<Verdict> verdicts) const override {
    SIL_CHECK(items.size() == verdicts.size());
    for (size_t begin = 0, end = 0; begin < items.size(); begin = end) {
      while (end < items.size() && items[end].group == items[begin].group) ++end;
      judge_group(items.subspan(begin, end - begin), context, verdicts.subspan(begin, end - begin));
    }
  }

 private:
  struct Answers {
    std::vector<std::optional<std::string>> answer;  // one an item
    std::vector<std::string> why;
  };

  void judge_group(std::span<const JudgeItem> items, const JudgeContext& context, std::span<Verdict> verdicts) const {
    const Task* task = context.task ? context.task(*items[0].group->problem) : nullptr;
    Answers answers{std::vector<std::optional<std::string>>(items.size()), std::vector<std::string>(items.size())};
    for (size_t i = 0; i < items.size(); ++i) {
      if (!items[i].rollout)
        throw Error(Exit::usage, "verifier `majority` labels rollouts by their group's vote, not the group itself",
                    "leave out `per`, or say per: rollout");
      std::optional<std::string> answer = answer_of(task, items[i].rollout->text, answers.why[i]);
      if (answer) answers.answer[i] = std::string(strip(*answer));
      if (answer && answers.answer[i]->empty()) {
        answers.answer[i].reset();
        answers.why[i] = "the answer is empty";
      }
    }
    const Count result = options_.across == "members" ? count_members(items, answers) : count_rollouts(answers);
    give(answers, result, verdicts);
  }

  static Count count_rollouts(const Answers& answers) {
    Votes votes;
    for (const auto& answer : answers.answer)
      if (answer) ++votes[*answer];
    return count(votes, std::ssize(answers.answer));
  }

  // A member that is torn between answers has no vote.
  static Count count_members(std::span<const JudgeItem> items, const Answers& answers) {
    std::map<uint32_t, Votes> members;
    for (size_t i = 0; i < items.size(); ++i) {
      Votes& own = members[items[i].rollout->member];
      if (answers.answer[i]) ++own[*answers.answer[i]];
    }
    Votes votes;
    for (const auto& [member, own] : members) {
      const Count opinion = count(own, 0);
      if (opinion.first > opinion.second) ++votes[opinion.winner];
    }
    return count(votes, std::ssize(members));
  }

  // "" when there is a majority.
  std::string undecided(const Count& result) const {
    const std::string votes = std::to_string(result.first) + " of " + std::to_string(result.voters) + " votes";
    if (result.first == 0) return "nobody voted";
    if (result.first == result.second) return "a tie: two answers have " + votes;
    const double needed = options_.quorum >= 1 ? options_.quorum : options_.quorum * static_cast<double>(result.voters);
    // Shares such as 0.6 of 5 are not exact in binary.
    if (static_cast<double>(result.first) < needed - 1e-9) return "no quorum: the most common answer has " + votes;
    return {};
  }

  void give(const Answers& answers, const Count& result, std::span<Verdict> verdicts) const {
    const std::string why_not = undecided(result);
    const auto voters = static_cast<double>(result.voters);
    const double margin = static_cast<double>(result.first - result.second) / voters;
    for (size_t i = 0; i < verdicts.size(); ++i) {
      if (!why_not.empty()) {
        verdicts[i] = abstained(Outcome::fail, why_not);
      } else if (answers.answer[i] == result.winner) {
        verdicts[i] = passed();
      } else {
        verdicts[i] =
            failed(answers.answer[i] ? quoted(*answers.answer[i]) + " is not the majority's " + quoted(result.winner)
                                     : answers.why[i]);
      }
      verdicts[i].parts = {{"margin", margin}, {"share", static_cast<double>(result.first) / voters}};
    }
  }

  MajorityOptions options_;
};

}  // namespace

void register_majority(Registry<Verifier>& registry) {
  registry.add<Majority, MajorityOptions>(
      "majority", "the answer most of the group's rollouts agree on passes; needs no reference answers", "quorum");
}

}  // namespace sil
