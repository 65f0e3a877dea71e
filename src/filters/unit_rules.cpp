// Rules that look at one rollout alone.
#include <string>

#include "filters/filters.h"

namespace sil {
namespace {

class All final : public KeepRule {
 public:
  explicit All(NoOptions) {}
  void apply(FilterView&, const Survey*) const override {}
};

class Pass final : public KeepRule {
 public:
  explicit Pass(NoOptions) {}
  void apply(FilterView& view, const Survey*) const override {
    for (size_t i = 0; i < view.group.rollouts.size(); ++i) {
      if (!view.kept(i)) continue;
      const Label label = label_of(view.group, view.group.rollouts[i], view.context.by);
      if (label == Label::pass) continue;
      view.drop(i, label == Label::fail ? "failed" : "abstained");
    }
  }
};

struct ThresholdOptions {
  double at = 0.5;
  void visit(OptionVisitor& v) { v.option("at", at, {.help = "smallest score that is kept"}); }
};

class Threshold final : public KeepRule {
 public:
  explicit Threshold(ThresholdOptions options) : options_(options) {}
  void apply(FilterView& view, const Survey*) const override {
    for (size_t i = 0; i < view.group.rollouts.size(); ++i) {
      if (!view.kept(i)) continue;
      const std::optional<double> score = score_of(view.group, view.group.rollouts[i], view.context.by);
      if (!score) {
        view.drop(i, "abstained");
      } else if (*score < options_.at) {
        view.drop(i, "below threshold");
      }
    }
  }

 private:
  ThresholdOptions options_;
};

struct LuaOptions {
  Expression expr;
  void visit(OptionVisitor& v) {
    v.option("expr", expr, {.help = "Lua over the rollout's fields; true is kept, nil is not", .required = true});
  }
};

// "not (EXPR)", cut so that it stays a line of a table.
std::string lua_reason(const std::string& source) {
  constexpr size_t kLongest = 60;
  std::string line;
  for (char c : source) line.push_back(static_cast<unsigned char>(c) < 0x20 ? ' ' : c);
  if (line.size() > kLongest) {
    size_t end = kLongest;
    while (end > 0 && (static_cast<unsigned char>(line[end]) & 0xC0) == 0x80) --end;  // never inside a character
    line = line.substr(0, end) + "...";
  }
  return "not (" + line + ")";
}

class Lua final : public KeepRule {
 public:
  explicit Lua(LuaOptions options) : options_(std::move(options)), reason_(lua_reason(options_.expr.source())) {}
  void apply(FilterView& view, const Survey*) const override {
    SIL_CHECK(view.context.scope != nullptr);
    for (size_t i = 0; i < view.group.rollouts.size(); ++i) {
      if (!view.kept(i)) continue;
      const auto scope = view.context.scope(view.group, &view.group.rollouts[i]);
      if (!options_.expr.truth(*scope)) view.drop(i, reason_);
    }
  }

 private:
  LuaOptions options_;
  std::string reason_;
};

}  // namespace

void register_unit_rules(Registry<KeepRule>& registry) {
  registry.add<All, NoOptions>("all", "keep every rollout");
  registry.add<Pass, NoOptions>("pass", "keep rollouts that passed");
  registry.add<Threshold, ThresholdOptions>("threshold", "keep rollouts whose score is high enough", "at");
  registry.add<Lua, LuaOptions>("lua", "keep rollouts for which an expression is true", "expr");
}

}  // namespace sil
