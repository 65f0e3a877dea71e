// The readers of record lines: what lines.cpp writes, key for key, and nothing else.
#include <unordered_map>
#include <utility>

#include "record/line_scanner.h"
#include "record/lines.h"

namespace sil {
namespace {

// Finds groups by position. Lines come in the groups' own order, so the next group is tried before a table is made.
class GroupIndex {
 public:
  explicit GroupIndex(const std::vector<Group>& groups) : groups_(groups) {}

  size_t find(int64_t position, const LineScanner& line) {
    if (last_ < groups_.size() && groups_[last_].position == position) return last_;
    if (last_ + 1 < groups_.size() && groups_[last_ + 1].position == position) return ++last_;
    if (table_.empty()) {
      for (size_t i = 0; i < groups_.size(); ++i) table_.emplace(groups_[i].position, i);
    }
    const auto found = table_.find(position);
    if (found == table_.end()) line.fail("there is no group " + std::to_string(position) + " at hand");
    return last_ = found->second;
  }

 private:
  const std::vector<Group>& groups_;
  std::unordered_map<int64_t, size_t> table_;
  size_t last_ = 0;
};

struct Maker {
  std::string step;
  std::string role;
  Digest version;
  float temperature = 1;
  uint32_t member = 0;
};

ProblemRef read_problem(LineScanner& line) {
  auto problem = std::make_shared<Problem>();
  line.expect("{\"uid\":");
  problem->uid = line.hex64();
  line.expect(",\"prompt\":");
  problem->prompt = line.string();
  if (line.accept(",\"messages\":")) {
    line.list([&] {
      Message& message = problem->messages.emplace_back();
      line.expect("{\"role\":");
      message.role = line.string();
      line.expect(",\"content\":");
      message.content = line.string();
      line.expect("}");
    });
  }
  if (line.accept(",\"answer\":")) problem->answer = line.string();
  if (line.accept(",\"meta\":")) problem->meta = line.json();
  line.expect(",\"split\":");
  problem->split = line.named(Split::test);
  if (line.accept(",\"difficulty\":")) problem->difficulty = line.number<double>();
  line.expect(",\"task\":");
  problem->task = line.string();
  line.expect(",\"index\":");
  problem->index = line.number<int64_t>();
  if (line.accept(",\"given\":")) {
    line.list([&] {
      GivenAnswer& given = problem->given.emplace_back();
      line.expect("{\"text\":");
      given.text = line.string();
      line.expect(",\"passes\":");
      given.passes = line.boolean();
      line.expect(",\"origin\":");
      given.origin = line.string();
      line.expect("}");
    });
  }
  line.expect("}");
  return problem;
}

// Reads groups and additions to groups; a rollout belongs to the group line above it.
class RolloutsReader {
 public:
  RolloutsReader(LineScanner& line, std::vector<Group>& groups, bool whole)
      : line_(line), groups_(groups), index_(groups), whole_(whole) {}

  void read() {
    while (line_.next_line()) {
      if (line_.accept("{\"group\":")) {
        read_group();
      } else if (line_.accept("{\"sample\":")) {
        read_rollout();
      } else {
        line_.fail("neither a group nor a rollout begins here");
      }
      line_.end_line();
    }
  }

 private:
  void read_group() {
    const auto position = line_.number<int64_t>();
    if (whole_) {
      current_ = groups_.size();
      Group& group = groups_.emplace_back();
      group.position = position;
      line_.expect(",\"problem\":");
      group.problem = read_problem(line_);
      if (line_.accept(",\"occurrence\":")) group.occurrence = line_.number<uint32_t>();
      if (line_.accept(",\"parent\":")) group.parent = line_.hex64();
    } else {
      current_ = index_.find(position, line_);
    }
    read_prompts(groups_[current_]);
    read_makers();
    line_.expect("}");
    in_group_ = true;
  }

  void read_prompts(Group& group) {
    line_.expect(",\"prompts\":");
    line_.list([&] {
      Prompt& prompt = group.prompts.emplace_back();
      line_.expect("{\"ids\":");
      line_.numbers(prompt.ids);
      line_.expect(",\"text\":");
      prompt.text = line_.string();
      if (line_.accept(",\"learned\":")) read_learned(prompt);
      line_.expect("}");
    });
  }

  void read_learned(Prompt& prompt) {
    int32_t at = 0;
    line_.list([&] {
      IdRange& range = prompt.learned.emplace_back();
      line_.expect("[");
      range.begin = line_.number<int32_t>();
      line_.expect(",");
      range.end = line_.number<int32_t>();
      line_.expect("]");
      if (range.begin < at || range.end < range.begin || range.end > std::ssize(prompt.ids))
        line_.fail("the ranges of a prompt must ascend within its ids");
      at = range.end;
    });
  }

  void read_makers() {
    makers_.clear();
    line_.expect(",\"makers\":");
    line_.list([&] {
      Maker& maker = makers_.emplace_back();
      line_.expect("{\"step\":");
      maker.step = line_.string();
      line_.expect(",\"role\":");
      maker.role = line_.string();
      line_.expect(",\"version\":");
      maker.version = line_.digest();
      line_.expect(",\"temperature\":");
      maker.temperature = line_.number<float>();
      line_.expect(",\"member\":");
      maker.member = line_.number<uint32_t>();
      line_.expect("}");
    });
  }

  void read_rollout() {
    if (!in_group_) line_.fail("a rollout stands before its group");
    Group& group = groups_[current_];
    Rollout& rollout = group.rollouts.emplace_back();
    rollout.sample = line_.number<uint32_t>();
    const size_t maker = line_.accept(",\"maker\":") ? line_.number<size_t>() : 0;
    if (maker >= makers_.size()) line_.fail("the group's line names no such maker");
    take_maker(rollout, makers_[maker]);
    if (line_.accept(",\"prompt\":")) rollout.prompt = line_.number<uint32_t>();
    if (rollout.prompt != 0 && rollout.prompt >= group.prompts.size()) line_.fail("the group has no such prompt");
    line_.expect(",\"ids\":");
    line_.numbers(rollout.ids);
    if (line_.accept(",\"logprobs\":")) read_one_an_id(rollout.logprobs, rollout.ids.size());
    if (line_.accept(",\"kept_mass\":")) read_one_an_id(rollout.kept_mass, rollout.ids.size());
    line_.expect(",\"finish\":");
    rollout.finish = line_.named(Finish::cancelled);
    line_.expect(",\"text\":");
    rollout.text = line_.string();
    if (line_.accept(",\"parent\":")) rollout.parent = line_.string();
    if (line_.accept(",\"used\":")) line_.list([&] { rollout.used.push_back(line_.string()); });
    line_.expect("}");
  }

  static void take_maker(Rollout& rollout, const Maker& maker) {
    rollout.step = maker.step;
    rollout.role = maker.role;
    rollout.version = maker.version;
    rollout.temperature = maker.temperature;
    rollout.member = maker.member;
  }

  void read_one_an_id(std::vector<float>& values, size_t ids) {
    line_.numbers(values, ids);
    if (values.size() != ids) line_.fail("there must be one number an id");
  }

  LineScanner& line_;
  std::vector<Group>& groups_;
  GroupIndex index_;
  bool whole_;
  bool in_group_ = false;
  size_t current_ = 0;
  std::vector<Maker> makers_;
};

// `"rollout":2` of a verdict or a fate.
size_t read_rollout_index(LineScanner& line, const Group& group) {
  const auto index = line.number<size_t>();
  if (index >= group.rollouts.size()) line.fail("the group has no rollout " + std::to_string(index));
  return index;
}

void read_parts(LineScanner& line, Verdict& verdict) {
  do {
    std::string part = line.string();
    line.expect(":");
    verdict.parts.emplace_back(std::move(part), line.number<double>());
  } while (line.accept(","));
  line.expect("}");
}

void read_verdict(LineScanner& line, Verdict& verdict) {
  if (line.accept(",\"unit\":")) verdict.unit = line.string();
  line.expect(",\"verifier\":");
  verdict.verifier = line.string();
  line.expect(",\"label\":");
  verdict.label = line.named(Label::abstain);
  line.expect(",\"score\":");
  verdict.score = line.number<double>();
  line.expect(",\"class\":");
  verdict.outcome = line.named(Outcome::infra);
  if (line.accept(",\"parts\":{")) read_parts(line, verdict);
  if (line.accept(",\"reason\":")) verdict.reason = line.string();
  line.expect(",\"cost_us\":");
  verdict.cost_us = line.number<int64_t>();
  line.expect("}");
}

ExampleSequence read_sequence(LineScanner& line) {
  ExampleSequence sequence;
  line.expect("{\"ids\":");
  line.numbers(sequence.ids);
  line.expect(",\"segments\":");
  line.list([&] {
    Segment& segment = sequence.segments.emplace_back();
    line.expect("[");
    segment.begin = line.number<int32_t>();
    line.expect(",");
    segment.end = line.number<int32_t>();
    const bool inside = 0 <= segment.begin && segment.begin <= segment.end;
    if (!inside || static_cast<size_t>(segment.end) > sequence.ids.size()) line.fail("a segment lies outside its ids");
    line.expect(",");
    segment.weight = line.number<double>();
    line.expect(",");
    segment.rollout = line.string();
    line.expect("]");
  });
  if (line.accept(",\"logprobs\":")) {
    line.numbers(sequence.logprobs, sequence.ids.size());
    if (sequence.logprobs.size() != sequence.ids.size()) line.fail("there must be one number an id");
  }
  if (line.accept(",\"temperature\":")) sequence.temperature = line.number<float>();
  line.expect("}");
  return sequence;
}

}  // namespace

void read_rollouts(std::string_view text, std::vector<Group>& groups, bool whole) {
  LineScanner line("rollouts", text);
  RolloutsReader(line, groups, whole).read();
}

void read_verdicts(std::string_view text, std::string_view step, std::vector<Group>& groups) {
  LineScanner line("verdicts", text);
  GroupIndex index(groups);
  while (line.next_line()) {
    line.expect("{\"group\":");
    Group& group = groups[index.find(line.number<int64_t>(), line)];
    const bool of_rollout = line.accept(",\"rollout\":");
    auto& verdicts = of_rollout ? group.rollouts[read_rollout_index(line, group)].verdicts : group.verdicts;
    Verdict verdict;
    verdict.step = step;
    verdict.unit = of_rollout ? "rollout" : "group";
    read_verdict(line, verdict);
    line.end_line();
    verdicts.push_back(std::move(verdict));
  }
}

void read_fates(std::string_view text, std::vector<Group>& groups, std::vector<std::vector<Fate>>* fates) {
  LineScanner line("fates", text);
  GroupIndex index(groups);
  std::vector<bool> seen(groups.size());
  if (fates != nullptr) {
    fates->resize(groups.size());
    for (size_t i = 0; i < groups.size(); ++i) (*fates)[i].resize(groups[i].rollouts.size(), Fate{"", "", 1});
  }
  while (line.next_line()) {
    line.expect("{\"group\":");
    const size_t at = index.find(line.number<int64_t>(), line);
    Group& group = groups[at];
    if (!seen[at]) {
      for (Rollout& rollout : group.rollouts) rollout.kept = false;
      seen[at] = true;
    }
    line.expect(",\"rollout\":");
    const size_t which = read_rollout_index(line, group);
    line.expect(",\"fate\":");
    Fate fate{line.string(), "", 1};
    if (fate.fate == "kept") {
      line.expect(",\"weight\":");
      fate.weight = line.number<double>();
      group.rollouts[which].kept = true;
      group.rollouts[which].weight = fate.weight;
      if (line.accept(",\"reason\":")) fate.reason = line.string();
    } else {
      if (fate.fate.empty()) line.fail("a fate has no name");
      line.expect(",\"reason\":");
      fate.reason = line.string();
    }
    line.expect("}");
    line.end_line();
    if (fates != nullptr) (*fates)[at][which] = std::move(fate);
  }
}

void read_examples(std::string_view text, std::vector<Example>& examples) {
  LineScanner line("examples", text);
  while (line.next_line()) {
    Example& example = examples.emplace_back();
    line.expect("{\"id\":");
    example.id = line.string();
    line.expect(",\"group\":");
    example.group = line.hex64();
    line.expect(",\"sequences\":");
    line.list([&] { example.sequences.push_back(read_sequence(line)); });
    line.expect("}");
    line.end_line();
  }
}

}  // namespace sil
