#include "record/lines.h"

#include "fuzz/must.h"
#include "fuzz/targets.h"

namespace sil::fuzz {
namespace {

std::vector<Group> groups_of(std::string_view text) {
  std::vector<Group> groups;
  read_rollouts(text, groups, true);
  return groups;
}

std::string written(const std::vector<Group>& groups) {
  FrameText out;
  for (const Group& group : groups) append_rollouts(out, group, true);
  return out.text;
}

// The text that the writer makes of what was read reads back to itself.
void check_rollouts(std::string_view text) {
  refused_well(Exit::corrupt, [&] {
    const std::string once = written(groups_of(text));
    must(written(groups_of(once)) == once, "rollouts do not survive their writer");
  });
}

void check_examples(std::string_view text) {
  refused_well(Exit::corrupt, [&] {
    const auto round_trip = [](std::string_view from) {
      std::vector<Example> examples;
      read_examples(from, examples);
      FrameText out;
      for (const Example& example : examples) append_example(out, example);
      return out.text;
    };
    const std::string once = round_trip(text);
    must(round_trip(once) == once, "examples do not survive their writer");
  });
}

std::vector<Group> two_groups() {
  std::vector<Group> groups(2);
  groups[1].position = 1;
  for (Group& group : groups) {
    group.problem = std::make_shared<Problem>();
    group.rollouts.resize(2);
  }
  return groups;
}

void check_verdicts(std::string_view text) {
  std::vector<Group> groups = two_groups();
  refused_well(Exit::corrupt, [&] {
    read_verdicts(text, "verify", groups);
    FrameText out;
    for (const Group& group : groups) append_verdicts(out, group, "verify");
    std::vector<Group> again = two_groups();
    read_verdicts(out.text, "verify", again);
    FrameText twice;
    for (const Group& group : again) append_verdicts(twice, group, "verify");
    must(twice.text == out.text, "verdicts do not survive their writer");
  });
}

void check_fates(std::string_view text) {
  std::vector<Group> groups = two_groups();
  std::vector<std::vector<Fate>> fates;
  refused_well(Exit::corrupt, [&] {
    read_fates(text, groups, &fates);
    must(fates.size() == 2 && fates[0].size() == 2 && fates[1].size() == 2, "a fate for no rollout");
  });
}

}  // namespace

void lines(std::string_view input) {
  check_rollouts(input);
  check_examples(input);
  check_verdicts(input);
  check_fates(input);
  std::vector<Group> groups = two_groups();
  refused_well(Exit::corrupt, [&] { read_rollouts(input, groups, false); });
}

}  // namespace sil::fuzz
