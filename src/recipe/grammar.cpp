#include "recipe/grammar.h"

#include <map>

namespace sil {

const Node::Member* verb_of(const Node& step) {
  for (const Node::Member& member : step.members)
    if (!is_one_of(member.key, kCommonKeys)) return &member;
  return nullptr;
}

std::vector<StepPosition> step_positions(const Node& tree) {
  std::vector<StepPosition> out;
  std::map<std::string, int, std::less<>> unnamed;
  for (std::string_view section : kStepSections) {
    const Node* steps = tree.find(section);
    if (!steps) continue;
    for (size_t i = 0; i < steps->items.size(); ++i) {
      const Node::Member* verb = verb_of(steps->items[i]);
      if (!verb) continue;
      StepPosition position{std::string(section), i, verb->key, {}};
      const Node* as = steps->items[i].find("as");
      if (as && as->kind == Node::Kind::scalar) {
        position.name = as->scalar;
      } else {
        const int count = ++unnamed[verb->key];
        position.name = count == 1 ? verb->key : verb->key + "_" + std::to_string(count);
      }
      out.push_back(std::move(position));
    }
  }
  return out;
}

}  // namespace sil
