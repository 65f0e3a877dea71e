// Credits that look at one rollout alone.
#include "credits/credits.h"

namespace sil {
namespace {

struct ConstantOptions {
  double value = 1;
  void visit(OptionVisitor& v) { v.option("value", value, {.help = "weight of every kept rollout"}); }
};

class Constant final : public Credit {
 public:
  explicit Constant(ConstantOptions options) : value_(options.value) {}
  void weigh(FilterView& view, std::span<const size_t>, const Survey*) const override {
    for (size_t i = 0; i < view.group.rollouts.size(); ++i)
      if (view.kept(i)) view.group.rollouts[i].weight = value_;
  }

 private:
  double value_;
};

class Reward final : public Credit {
 public:
  explicit Reward(NoOptions) {}
  void weigh(FilterView& view, std::span<const size_t> members, const Survey*) const override {
    give_weights(view, members, member_scores(view, members));
  }
};

struct LuaOptions {
  Expression expr;
  void visit(OptionVisitor& v) {
    v.option("expr", expr, {.help = "Lua over the rollout's fields that gives its weight; nil is 0", .required = true});
  }
};

class Lua final : public Credit {
 public:
  explicit Lua(LuaOptions options) : expr_(std::move(options.expr)) {}
  void weigh(FilterView& view, std::span<const size_t>, const Survey*) const override {
    SIL_CHECK(view.context.scope != nullptr);
    for (size_t i = 0; i < view.group.rollouts.size(); ++i) {
      if (!view.kept(i)) continue;
      Rollout& rollout = view.group.rollouts[i];
      const Value value = expr_.number(*view.context.scope(view.group, &rollout));  // finite, or nil
      const double* number = std::get_if<double>(&value);
      rollout.weight = number ? *number : 0;
    }
  }

 private:
  Expression expr_;
};

}  // namespace

void register_rollout_credits(Registry<Credit>& registry) {
  registry.add<Constant, ConstantOptions>("constant", "every kept rollout weighs the same", "value");
  registry.add<Reward, NoOptions>("reward", "a rollout weighs its score");
  registry.add<Lua, LuaOptions>("lua", "a rollout weighs what an expression gives", "expr");
}

}  // namespace sil
