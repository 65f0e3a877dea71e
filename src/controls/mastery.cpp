// Raises an option each time a metric says that its present value is mastered: the difficulty rule of RLVE-like
// curricula. The option keeps its value in a round that has no such metric.
#include <cmath>
#include <string>

#include "controls/controls.h"

namespace sil {
namespace {

struct MasteryOptions {
  std::string metric;
  double at = 0.9;
  double step = 1;
  Json max;
  void visit(OptionVisitor& v) {
    v.option("metric", metric, {.help = "STEP.METRIC of the round before", .required = true});
    v.option("at", at, {.help = "smallest figure that counts as mastered"});
    v.option("step", step, {.help = "added each time; negative lowers the option"});
    v.option("max", max, {.help = "where to stop (for a negative step, the smallest value); nothing = no bound"});
  }
};

class Mastery final : public Control {
 public:
  explicit Mastery(MasteryOptions options) : options_(std::move(options)) {
    const size_t dot = options_.metric.find('.');
    if (dot == std::string::npos || dot == 0 || dot + 1 == options_.metric.size())
      throw Error(Exit::usage, "mastery: metric is '" + options_.metric + "'; allowed: STEP.METRIC",
                  "write the step's name before the metric, as evaluate.pass@1");
    step_name_ = options_.metric.substr(0, dot);
    metric_name_ = options_.metric.substr(dot + 1);
    if (!options_.max.is_null() && !options_.max.is_number())
      throw Error(Exit::usage, "mastery: max is " + dump(options_.max) + "; allowed: a number",
                  "leave max out for no bound");
  }

  std::optional<Json> value(const ControlInput& input) const override {
    const Json& set = input.previous ? *input.previous : input.current;
    // A range of one number is written like that number.
    const Json& now = set.is_array() && set.as_array().size() == 1 ? set.as_array().front() : set;
    if (!now.is_number())
      throw Error(Exit::usage, "mastery: the option is " + dump(now) + "; only a number can be raised",
                  "set an option that holds a number");
    return mastered(input) ? raised(now) : now;
  }

 private:
  bool mastered(const ControlInput& input) const {
    if (!input.history || input.history->empty()) return false;
    const RoundMetrics& last = input.history->back();
    const auto step = last.find(step_name_);
    if (step == last.end()) return false;
    const auto metric = step->second.find(metric_name_);
    return metric != step->second.end() && metric->second >= options_.at;
  }

  // A whole number stays one where the step is whole, since the option may take nothing else. A value beyond `max`
  // already is left alone.
  Json raised(const Json& now) const {
    double next = now.as_double() + options_.step;
    if (!options_.max.is_null()) {
      const double bound = options_.max.as_double();
      next = options_.step > 0 ? std::fmax(now.as_double(), std::fmin(next, bound))
                               : std::fmin(now.as_double(), std::fmax(next, bound));
    }
    constexpr double kExact = 0x1p53;
    if (now.is_int() && next == std::trunc(next) && std::fabs(next) < kExact) return static_cast<int64_t>(next);
    return next;
  }

  MasteryOptions options_;
  std::string step_name_;
  std::string metric_name_;
};

}  // namespace

void register_mastery(Registry<Control>& registry) {
  registry.add<Mastery, MasteryOptions>("mastery", "raise an option each time a metric is high enough", "metric");
}

}  // namespace sil
