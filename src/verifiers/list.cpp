#include "verifiers/list.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace sil {
namespace {

struct Part {
  std::string name;  // unique in the list
  std::string plugin;
  double weight = 1;
  std::unique_ptr<Verifier> verifier;

  bool counts() const { return weight != 0; }
};

class VerifierList final : public Verifier {
 public:
  VerifierList(std::vector<Part> parts, std::string combine, double pass_at)
      : parts_(std::move(parts)), combine_(std::move(combine)), pass_at_(pass_at) {}

  std::string version() const override {
    std::string out;
    for (const Part& part : parts_) {
      if (!out.empty()) out += '+';
      out += part.plugin + "@" + part.verifier->version();
    }
    return out;
  }
  bool needs_group() const override {
    return std::any_of(parts_.begin(), parts_.end(), [](const Part& p) { return p.verifier->needs_group(); });
  }
  bool pure() const override {
    return std::all_of(parts_.begin(), parts_.end(), [](const Part& p) { return p.verifier->pure(); });
  }
  std::vector<std::string> unconfined() const override {
    std::vector<std::string> out;
    for (const Part& part : parts_)
      for (std::string& command : part.verifier->unconfined()) out.push_back(std::move(command));
    return out;
  }

  void verify(std::span<const JudgeItem> items, const JudgeContext& context,
              std::span<Verdict> verdicts) const override {
    SIL_CHECK(items.size() == verdicts.size());
    if (parts_.size() == 1 && parts_[0].weight == 1) {
      parts_[0].verifier->verify(items, context, verdicts);
      return;
    }
    std::vector<std::vector<Verdict>> given;  // [part][item]
    for (const Part& part : parts_) {
      given.emplace_back(items.size());
      part.verifier->verify(items, context, given.back());
    }
    std::vector<const Verdict*> row(parts_.size());
    for (size_t i = 0; i < items.size(); ++i) {
      for (size_t p = 0; p < parts_.size(); ++p) row[p] = &given[p][i];
      verdicts[i] = combined(row);
      describe(row, verdicts[i]);
    }
  }

 private:
  using Row = std::vector<const Verdict*>;  // one item's verdicts, one a part

  // Label, score, outcome; the reason of an abstention.
  Verdict combined(const Row& row) const {
    for (size_t p = 0; p < row.size(); ++p)
      if (parts_[p].counts() && row[p]->label == Label::abstain) return abstained(row[p]->outcome, {});
    if (combine_ == "guard") return guarded(row);
    const double score = combined_score(row);
    if (!std::isfinite(score))
      return abstained(Outcome::fail, "the " + combine_ + " of the scores is not a finite number");
    Verdict out = scored(score, pass_at_);
    if (counting() == 1) out.label = first_counting(row).label;
    out.outcome = out.label == Label::pass ? Outcome::pass : failed_outcome(row);
    return out;
  }

  double combined_score(const Row& row) const {
    double sum = 0, weights = 0, product = 1, least = std::numeric_limits<double>::infinity();
    for (size_t p = 0; p < row.size(); ++p) {
      if (!parts_[p].counts()) continue;
      sum += parts_[p].weight * row[p]->score;
      weights += parts_[p].weight;
      product *= std::pow(row[p]->score, parts_[p].weight);
      least = std::min(least, row[p]->score);
    }
    if (combine_ == "mean") return sum / weights;
    if (combine_ == "product") return product;
    if (combine_ == "min") return least;
    return sum;
  }

  Verdict guarded(const Row& row) const {
    const Verdict* last = nullptr;
    for (size_t p = 0; p < row.size(); ++p) {
      if (!parts_[p].counts()) continue;
      if (last && last->label != Label::pass) break;
      last = row[p];
    }
    Verdict out = *last;
    const bool is_last = last == &last_counting(row);
    if (!is_last) out.score = 0;
    out.parts.clear();
    out.reason.clear();
    return out;
  }

  // A class such as timeout of the part that failed says more than "fail".
  Outcome failed_outcome(const Row& row) const {
    for (size_t p = 0; p < row.size(); ++p)
      if (parts_[p].counts() && row[p]->label == Label::fail) return row[p]->outcome;
    return Outcome::fail;
  }

  // Parts, reasons and cost.
  void describe(const Row& row, Verdict& out) const {
    out.cost_us = 0;
    for (size_t p = 0; p < row.size(); ++p) {
      const Verdict& verdict = *row[p];
      const std::string& name = parts_[p].name;
      if (verdict.label != Label::abstain) out.parts.emplace_back(name, verdict.score);
      for (const auto& [part, value] : verdict.parts) out.parts.emplace_back(name + "." + part, value);
      if (!verdict.reason.empty()) out.reason += (out.reason.empty() ? "" : "; ") + name + ": " + verdict.reason;
      out.cost_us += verdict.cost_us;
    }
  }

  int64_t counting() const {
    return std::count_if(parts_.begin(), parts_.end(), [](const Part& p) { return p.counts(); });
  }
  const Verdict& first_counting(const Row& row) const {
    const auto part = std::find_if(parts_.begin(), parts_.end(), [](const Part& p) { return p.counts(); });
    return *row[static_cast<size_t>(part - parts_.begin())];
  }
  const Verdict& last_counting(const Row& row) const {
    const auto part = std::find_if(parts_.rbegin(), parts_.rend(), [](const Part& p) { return p.counts(); });
    return *row[row.size() - 1 - static_cast<size_t>(part - parts_.rbegin())];
  }

  std::vector<Part> parts_;
  std::string combine_;
  double pass_at_;
};

// The step's `pass_at` reaches a part that labels by its own score, unless the recipe says another one there.
PluginSpec with_pass_at(PluginSpec spec, double pass_at) {
  if (spec.options.find("pass_at") && !spec.node.find("pass_at")) spec.options.set("pass_at", pass_at);
  return spec;
}

std::string unique_name(const std::vector<Part>& parts, const std::string& name) {
  const auto same = std::count_if(parts.begin(), parts.end(), [&](const Part& part) { return part.plugin == name; });
  return same == 0 ? name : name + "_" + std::to_string(same + 1);
}

}  // namespace

void check_weights(const std::vector<PluginSpec>& specs, const std::string& combine) {
  const bool positive = combine == "mean" || combine == "product" || combine == "min";
  bool any = false;
  for (const PluginSpec& spec : specs) {
    any |= spec.weight != 0;
    if (!std::isfinite(spec.weight) || (positive && spec.weight < 0))
      throw Error(Exit::usage, "verifier `" + spec.name + "` has weight " + std::to_string(spec.weight),
                  positive ? combine + " takes weights of 0 or more" : "weights are finite numbers", spec.place);
  }
  if (!any)
    throw Error(Exit::usage, "no verifier of the list has a weight other than 0",
                "give one a weight, such as {exact: 1}", specs.empty() ? Place{} : specs[0].place);
}

std::unique_ptr<Verifier> make_verifier(const std::vector<PluginSpec>& specs, const std::string& combine,
                                        double pass_at, const Registry<Verifier>& registry) {
  if (std::find(std::begin(kCombinations), std::end(kCombinations), combine) == std::end(kCombinations))
    throw Error(Exit::usage, "verifiers cannot be combined by `" + combine + "`", "sum, mean, product, min or guard");
  check_weights(specs, combine);
  std::vector<Part> parts;
  for (const PluginSpec& spec : specs)
    parts.push_back(
        {unique_name(parts, spec.name), spec.name, spec.weight, registry.make(with_pass_at(spec, pass_at))});
  return std::make_unique<VerifierList>(std::move(parts), combine, pass_at);
}

}  // namespace sil
