// One example a kept rollout: its plain context, then its ids with its weight.
#include "shapes/shapes.h"
#include "sil/digest.h"

namespace sil {

uint64_t example_group(const FilterContext& context, const Group& group) {
  SIL_CHECK(!group.rollouts.empty());
  return sha256(group_id(context.round, group.rollouts.front().step, group)).head();
}

namespace {

class Target final : public Shape {
 public:
  explicit Target(NoOptions) {}
  void shape(const FilterView& view, std::vector<Example>& out, std::vector<std::string>& fates) const override {
    const Group& group = view.group;
    if (group.rollouts.empty()) return;
    const uint64_t hash = example_group(view.context, group);
    for (size_t i = 0; i < group.rollouts.size(); ++i) {
      if (!view.kept(i)) continue;
      const Rollout& rollout = group.rollouts[i];
      if (rollout.ids.empty()) {
        fates[i] = "no tokens";
        continue;
      }
      Example example;
      example.id = rollout_id(view.context.round, group, rollout);
      example.group = hash;
      example.sequences.push_back(example_sequence(view.context, group, rollout));
      out.push_back(std::move(example));
    }
  }
};

}  // namespace

void register_target(Registry<Shape>& registry) {
  registry.add<Target, NoOptions>("target", "every kept rollout is an example");
}

}  // namespace sil
