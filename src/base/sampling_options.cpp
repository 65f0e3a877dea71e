#include <charconv>
#include <cmath>

#include "sil/engine.h"

namespace sil {
namespace {

constexpr int64_t kMostRanked = 100;
constexpr double kMostBias = 100;  // as in OpenAI's interface: -100 bans a token, 100 forces it

void check_option(bool allowed, const char* name, double value, const char* range) {
  if (allowed) return;
  throw Error(Exit::usage, std::string(name) + ": " + std::to_string(value) + " is out of range; " + range,
              "change the option where the sampling is asked for");
}

}  // namespace

void check_sampling(const SamplingOptions& options) {
  constexpr int64_t kPositions = int64_t{1} << 24;  // what a draw's address can hold
  check_option(std::isfinite(options.temperature) && (options.temperature == 0 || options.temperature >= 1e-3),
               "temperature", options.temperature, "0 or at least 0.001");
  check_option(options.top_k >= 0, "top_k", static_cast<double>(options.top_k), "at least 0");
  check_option(options.top_p > 0 && options.top_p <= 1, "top_p", options.top_p, "above 0, at most 1");
  check_option(options.min_p >= 0 && options.min_p <= 1, "min_p", options.min_p, "0 to 1");
  check_option(options.max_new_tokens >= 0 && options.max_new_tokens <= kPositions, "max_new_tokens",
               static_cast<double>(options.max_new_tokens), "0 to 16777216");
  check_option(options.top_logprobs >= 0 && options.top_logprobs <= kMostRanked, "top_logprobs",
               static_cast<double>(options.top_logprobs), "0 to 100");
  logit_biases(options);
  for (const std::string& stop : options.stop)
    if (stop.empty()) throw Error(Exit::usage, "stop: an empty text would stop every rollout", "leave it out");
}

std::vector<LogitBias> logit_biases(const SamplingOptions& options) {
  std::vector<LogitBias> out;
  if (options.logit_bias.is_null()) return out;
  const auto refuse = [](const std::string& what) {
    throw Error(Exit::usage, "logit_bias: " + what, "write token ids and numbers from -100 to 100, as {\"13\": -100}");
  };
  if (!options.logit_bias.is_object()) refuse(std::string("it is ") + options.logit_bias.kind() + ", not a map");
  for (const auto& [key, value] : options.logit_bias.as_object()) {
    LogitBias next;
    const auto [end, fault] = std::from_chars(key.data(), key.data() + key.size(), next.id);
    if (fault != std::errc() || end != key.data() + key.size() || next.id < 0) refuse("`" + key + "` is no token id");
    if (!value.is_number() || !(std::abs(value.as_double()) <= kMostBias))
      refuse("of " + key + ": " + dump(value).substr(0, 40));
    next.bias = static_cast<float>(value.as_double());
    out.push_back(next);
  }
  return out;
}

}  // namespace sil
