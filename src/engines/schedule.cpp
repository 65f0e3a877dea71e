#include "engines/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>

#include "sil/error.h"

namespace sil {
namespace {

// (1 + cos(pi x)) / 2 = cos(pi x / 2)^2 for x in [0, 1]: the Taylor series of cos up to t^20, t <= pi/2, is off by less
// than 1e-17.
double cosine_decay(double x) {
  const double t = std::numbers::pi / 2 * x;
  double sum = 1;
  for (int k = 20; k >= 2; k -= 2) sum = 1 - sum * t * t / (k * (k - 1));
  return sum * sum;
}

[[noreturn]] void refuse(const char* name, const std::string& seen, const char* allowed) {
  throw Error(Exit::usage, std::string(name) + ": " + seen + "; " + allowed, "change the option of finetune");
}

void check_number(bool allowed, const char* name, double value, const char* range) {
  if (!allowed) refuse(name, std::to_string(value) + " is out of range", range);
}

}  // namespace

void check_optimizer(const OptimizerOptions& o) {
  if (o.kind != "adamw" && o.kind != "sgd") refuse("optimizer", "'" + o.kind + "' does not exist", "adamw or sgd");
  if (o.schedule != "constant" && o.schedule != "linear" && o.schedule != "cosine" && o.schedule != "wsd")
    refuse("schedule", "'" + o.schedule + "' does not exist", "constant, linear, cosine or wsd");
  check_number(std::isfinite(o.learning_rate) && o.learning_rate >= 0, "learning_rate", o.learning_rate, "at least 0");
  check_number(o.beta1 >= 0 && o.beta1 < 1, "beta1", o.beta1, "0 to below 1");
  check_number(o.beta2 >= 0 && o.beta2 < 1, "beta2", o.beta2, "0 to below 1");
  check_number(std::isfinite(o.epsilon) && o.epsilon > 0, "epsilon", o.epsilon, "above 0");
  check_number(std::isfinite(o.weight_decay) && o.weight_decay >= 0, "weight_decay", o.weight_decay, "at least 0");
  check_number(o.max_grad_norm >= 0, "max_grad_norm", o.max_grad_norm, "0 (off) or more");
  check_number(o.warmup_steps >= 0, "warmup_steps", static_cast<double>(o.warmup_steps), "at least 0");
}

double schedule_factor(const OptimizerOptions& options, int64_t step, int64_t steps) {
  const int64_t warmup = options.warmup_steps;
  if (step < warmup) return static_cast<double>(step + 1) / static_cast<double>(warmup);
  const int64_t rest = steps - warmup;
  const double behind = static_cast<double>(step - warmup) / static_cast<double>(std::max<int64_t>(rest, 1));
  if (options.schedule == "linear") return 1 - behind;
  if (options.schedule == "cosine") return cosine_decay(behind);
  if (options.schedule == "wsd") {
    const int64_t decay = std::max<int64_t>(rest / 5, 1);
    const int64_t begin = steps - decay;
    return step < begin ? 1 : 1 - std::sqrt(static_cast<double>(step - begin) / static_cast<double>(decay));
  }
  return 1;
}

double exact_power(double x, int64_t n) {
  double result = 1;
  for (; n > 0; n /= 2, x *= x)
    if (n % 2 != 0) result *= x;
  return result;
}

}  // namespace sil
