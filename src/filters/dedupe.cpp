// Keeps the first of rollouts that say the same. Without `across` the groups are compared each for itself and exactly;
// pool-wide, a text is known by 64 bits of its SHA-256, so that a collision among millions stays out of reach.
#include <algorithm>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "filters/filters.h"
#include "filters/hash_set.h"
#include "sil/digest.h"

namespace sil {
namespace {

struct DedupeOptions {
  Expression by{"text", {}};
  std::string across = "samples";
  void visit(OptionVisitor& v) {
    v.option("by", by,
             {.help = "what must differ: text, answer (as the task extracts it), or Lua over the rollout's fields"});
    v.option(
        "across", across,
        {.help = "samples: within a problem; problems: within the whole pool", .choices = {"samples", "problems"}});
  }
};

// What two rollouts are compared by; nullopt (no answer, nil) equals nothing.
class DedupeKey {
 public:
  explicit DedupeKey(Expression by) : by_(std::move(by)) {
    if (by_.source() == "text") kind_ = Kind::text;
    if (by_.source() == "answer") kind_ = Kind::answer;
  }

  std::optional<std::string> of(const FilterView& view, const Rollout& rollout) const {
    if (kind_ == Kind::text) return rollout.text;
    return kind_ == Kind::answer ? answer(view, rollout) : value(view, rollout);
  }

 private:
  enum class Kind { text, answer, lua };

  std::optional<std::string> answer(const FilterView& view, const Rollout& rollout) const {
    const Problem& problem = *view.group.problem;
    const Task* task = view.context.task ? view.context.task(problem) : nullptr;
    if (!task)
      throw Error(Exit::failed,
                  "dedupe by answer: problem " + hex64(problem.uid) + " has no task that extracts answers",
                  "dedupe by text", by_.place());
    return task->extractor().extract(rollout.text);
  }

  std::optional<std::string> value(const FilterView& view, const Rollout& rollout) const {
    SIL_CHECK(view.context.scope != nullptr);
    const Value value = by_.evaluate(*view.context.scope(view.group, &rollout));
    if (std::holds_alternative<std::monostate>(value)) return std::nullopt;
    if (const bool* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
    if (const std::string* text = std::get_if<std::string>(&value)) return "\"" + *text;
    if (const double* number = std::get_if<double>(&value)) {
      std::string text;
      append_json_number(text, *number + 0.0);  // -0 is 0
      return text;
    }
    throw Error(Exit::failed, "dedupe by " + by_.source() + ": the key is something with fields",
                "give text, a number or a boolean", by_.place());
  }

  Expression by_;
  Kind kind_ = Kind::lua;
};

class PoolSurvey final : public Survey {
 public:
  explicit PoolSurvey(const DedupeKey& key) : key_(key) {}

  void add(const FilterView& view) override {
    SIL_CHECK(position(view) > last_);
    last_ = position(view);
    for (size_t i = 0; i < view.group.rollouts.size(); ++i) {
      if (!view.kept(i)) continue;
      const std::optional<std::string> key = key_.of(view, view.group.rollouts[i]);
      if (key && !seen_.insert(sha256(*key).head())) duplicates_.emplace_back(last_, i);
    }
  }
  void finish() override { seen_ = {}; }

  // Groups came in ascending order, so the list is sorted.
  bool duplicate(const FilterView& view, size_t i) const {
    return std::binary_search(duplicates_.begin(), duplicates_.end(), std::pair(position(view), i));
  }

 private:
  static int64_t position(const FilterView& view) { return view.context.offset + view.group.position; }

  const DedupeKey& key_;
  HashSet seen_;
  int64_t last_ = -1;
  std::vector<std::pair<int64_t, size_t>> duplicates_;
};

class Dedupe final : public KeepRule {
 public:
  explicit Dedupe(DedupeOptions options) : key_(std::move(options.by)), pool_(options.across == "problems") {}

  std::unique_ptr<Survey> survey() const override { return pool_ ? std::make_unique<PoolSurvey>(key_) : nullptr; }

  void apply(FilterView& view, const Survey* survey) const override {
    const auto* pool = dynamic_cast<const PoolSurvey*>(survey);
    SIL_CHECK(pool_ == (pool != nullptr));
    std::unordered_set<std::string> seen;
    for (size_t i = 0; i < view.group.rollouts.size(); ++i) {
      if (!view.kept(i)) continue;
      if (pool ? pool->duplicate(view, i) : !is_new(view, i, seen)) view.drop(i, "duplicate");
    }
  }

 private:
  bool is_new(const FilterView& view, size_t i, std::unordered_set<std::string>& seen) const {
    std::optional<std::string> key = key_.of(view, view.group.rollouts[i]);
    return !key || seen.insert(std::move(*key)).second;
  }

  DedupeKey key_;
  bool pool_;
};

}  // namespace

void register_dedupe(Registry<KeepRule>& registry) {
  registry.add<Dedupe, DedupeOptions>("dedupe", "keep the first of rollouts that say the same", "by");
}

}  // namespace sil
