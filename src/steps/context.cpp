#include "steps/context.h"

#include <algorithm>
#include <filesystem>

#include "sil/filter.h"
#include "sil/rng.h"
#include "steps/scopes.h"

namespace sil {
namespace {

class PoolSource final : public FrameSource {
 public:
  PoolSource(Env& env, std::string run_dir, Pool pool, size_t done)
      : env_(env), run_dir_(std::move(run_dir)), pool_(std::move(pool)) {
    while (done-- > 0) advance();
  }

  bool next(Frame& frame) override {
    if (!at_frame()) return false;
    const PoolPart& part = pool_.parts[part_];
    frame.span = {offset_ + part.spans[frame_].begin, offset_ + part.spans[frame_].end};
    frame.offset = offset_;
    frame.round = part.round;
    frame.groups = read_groups(env_, run_dir_, part, frame_);
    ++frame_;
    return true;
  }
  int64_t groups() const override { return pool_.groups(); }

 private:
  void advance() {
    SIL_CHECK(at_frame());
    ++frame_;
  }
  // Goes to the next part that has a frame left.
  bool at_frame() {
    while (part_ < pool_.parts.size() && frame_ == pool_.parts[part_].spans.size()) {
      offset_ += pool_.parts[part_].end();
      ++part_;
      frame_ = 0;
    }
    return part_ < pool_.parts.size();
  }

  Env& env_;
  std::string run_dir_;
  Pool pool_;
  size_t part_ = 0, frame_ = 0;
  int64_t offset_ = 0;  // groups of the parts before
};

// A group's rollouts mostly share their context.
struct LastContext {
  ProblemRef problem;
  std::string role;
  std::vector<TokenId> ids;
};

}  // namespace

const Task* RoundContext::task_of(const Problem& problem) const {
  auto it = tasks.find(problem.task);
  return it == tasks.end() ? nullptr : it->second.get();
}

const RoleSpec& role_of(const Recipe& recipe, const std::string& name) {
  if (!name.empty()) return *recipe.role(name);
  if (recipe.roles.size() != 1 && recipe.models.size() != 1)
    throw Error(Exit::usage, "the recipe has several models", "say `role: NAME` or `model: NAME`");
  return recipe.roles.front();
}

View RoundContext::view_of(const Json& spec, const Place& place) const {
  return View(spec, std::filesystem::path(recipe.source).parent_path().string(), place);
}

Pool RoundContext::input_pool(const StepSpec& spec) const {
  const std::vector<std::string>& names = inputs.at(&spec);
  Pool pool;
  for (const std::string& name : names) {
    auto it = round().pools.find(name);
    if (it == round().pools.end()) continue;  // its step was skipped
    pool.shaped = pool.shaped || it->second.shaped;
    for (const PoolPart& part : it->second.parts) pool.parts.push_back(part);
    for (const ExamplePart& part : it->second.examples) pool.examples.push_back(part);
  }
  return pool;
}

std::unique_ptr<FrameSource> RoundContext::pool_source(const StepSpec& spec, const std::string& first_step) const {
  auto it = round().steps.find(first_step);
  size_t done = it == round().steps.end() ? 0 : it->second.spans.size();
  return std::make_unique<PoolSource>(env, run_dir, input_pool(spec), done);
}

uint64_t step_key(const RoundContext& context, std::string_view purpose, const StepSpec& spec, bool with_round) {
  RandomPath path;
  path.seed = context.recipe.seed;
  path.purpose = purpose;
  path.steps = {spec.name};
  if (with_round) path.rounds = {context.number()};
  return path.key();
}

Where::Where(const RoundContext& context, const StepSpec& spec, std::string by)
    : context_(context), spec_(spec), by_(std::move(by)) {}

bool Where::lets(const std::string&, const Group& group, const Rollout* rollout) const {
  if (!spec_.where_label.empty()) {
    Label label = rollout ? label_of(group, *rollout, by_) : group_label(group, by_);
    return spec_.where_label == (label == Label::pass ? "passed" : label == Label::fail ? "failed" : "abstained");
  }
  if (spec_.where.empty()) return true;
  return spec_.where.truth(*unit_scope(group, rollout, by_, round_scope(context_.round())));
}

FilterContext filter_context(RoundContext& context) {
  FilterContext filter;
  filter.task = [&context](const Problem& problem) { return context.task_of(problem); };
  auto outer = round_scope(context.round());
  filter.scope = [outer](const Group& group, const Rollout* rollout) { return unit_scope(group, rollout, "", outer); };
  auto views = std::make_shared<std::map<std::string, View, std::less<>>>();
  for (const RoleSpec& role : context.recipe.roles) (*views)[role.name] = context.view_of(role.view, role.place);
  filter.context_ids = [&context, views, last = LastContext()](const Group& group, const Rollout& rollout) mutable {
    if (last.problem == group.problem && last.role == rollout.role) return last.ids;
    const Codec& codec = context.models.engine(context.role(rollout.role).model).codec();
    last = {group.problem, rollout.role,
            codec.encode(views->at(rollout.role).render({group.problem.get(), nullptr, nullptr, nullptr}), true)};
    return last.ids;
  };
  return filter;
}

Label group_label(const Group& group, std::string_view by) {
  bool fails = false;
  for (const Rollout& rollout : group.rollouts) {
    Label label = label_of(group, rollout, by);
    if (label == Label::pass) return Label::pass;
    fails = fails || label == Label::fail;
  }
  return fails ? Label::fail : Label::abstain;
}

}  // namespace sil
