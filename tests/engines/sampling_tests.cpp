// Drawing tokens: noise, two-level Gumbel-max, filters, stop strings, and the arithmetic under them.
#include "engines/sampling.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/math.h"
#include "engines/stop_text.h"
#include "engines/tiny_codec.h"
#include "engines/truncation.h"
#include "engines/vector_math.h"
#include "sil/error.h"
#include "sil/rng.h"
#include "support/catch.h"

namespace sil::test {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

bool same_bits(float a, float b) {
  return std::bit_cast<uint32_t>(a) == std::bit_cast<uint32_t>(b);
}

std::vector<float> random_row(size_t size, uint64_t item, float spread) {
  RandomStream random(11, item);
  std::vector<float> row(size);
  for (float& value : row) value = spread * (static_cast<float>(random.unit()) - 0.5F);
  return row;
}

TEST_CASE("vector exp has the bits of exact_exp") {
  std::vector<float> values = {0.0F,    -0.0F,     1,          -1,
                               88.73F,  88.8F,     -103,       -102.99F,
                               -103.1F, kInfinity, -kInfinity, std::numeric_limits<float>::quiet_NaN(),
                               1e-30F,  -1e-30F,   1e30F,      -1e30F};
  for (int i = 0; i < 200000; ++i) values.push_back(-110.0F + static_cast<float>(i) * 1e-3F);
  std::vector<float> wide = values;
  exp_each(wide);
  std::vector<float> narrow = values;
  scalar::exp_each(narrow);
  size_t different = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    const float exact = exact_exp(values[i]);
    if (std::isnan(exact)) {
      CHECK(std::isnan(wide[i]));
      continue;
    }
    different += same_bits(wide[i], exact) && same_bits(narrow[i], exact) ? 0 : 1;
  }
  CHECK(different == 0);
}

TEST_CASE("vector Gumbel noise has the bits of exact_log over every exponent of a uniform") {
  std::vector<float> uniforms;
  for (uint32_t word = 0; word < 1U << 23; word += 17) uniforms.push_back(uniform(word << 9));
  uniforms.push_back(uniform(0));
  uniforms.push_back(uniform(0xffffffff));
  uniforms.resize(padded(uniforms.size()), 0.5F);
  std::vector<float> wide = uniforms;
  gumbel_each(wide);
  size_t different = 0;
  for (size_t i = 0; i < uniforms.size(); ++i)
    different += same_bits(wide[i], -exact_log(-exact_log(uniforms[i]))) ? 0 : 1;
  CHECK(different == 0);
}

TEST_CASE("sums and maxima of a row are the same on both paths") {
  for (size_t size : {16, 32, 48, 1024}) {
    std::vector<float> row = random_row(size, size, 30);
    row[size - 1] = -kInfinity;
    const float max = *std::max_element(row.begin(), row.end());
    CHECK(largest(row) == max);
    CHECK(scalar::largest(row) == max);
    CHECK(same_bits(exp_sum(row, max), scalar::exp_sum(row, max)));
  }
}

TEST_CASE("log-softmax agrees with long double arithmetic, across chunks too") {
  for (size_t size : {1, 2, 20, 1000, 1024, 1025, 5000}) {
    const std::vector<float> logits = random_row(size, 3, 20);
    LogSoftmax softmax(size);
    const LogSum sum = softmax.scaled_sum(logits, 0.5F);
    long double total = 0;
    for (float logit : logits) total += std::exp(2 * static_cast<long double>(logit) - 20);
    const auto log_total = static_cast<double>(std::log(total) + 20);
    double mass = 0;
    for (float p : softmax.probabilities(sum)) mass += static_cast<double>(p);
    CHECK(mass == Approx(1).epsilon(1e-5));
    for (size_t i = 0; i < size; i += 7)
      CHECK(sum.log_prob(softmax.row()[i]) == Approx(2 * static_cast<double>(logits[i]) - log_total).margin(1e-5));
  }
}

TEST_CASE("noise is addressed by uid, sample, position and block") {
  const DrawAddress address{.key = 99, .uid = 0x0102030405060708, .sample = 3, .position = 5};
  std::vector<float> noise(32);
  gumbel_noise(address, 256, 27, noise);
  const auto words = philox4x32_10(draw_counter(0x0102030405060708, 3, 5, 256 + 6), 99);
  CHECK(noise[4 * 6 + 2] == -exact_log(-exact_log(uniform(words[2]))));
}

TEST_CASE("a draw is the argmax of logits plus noise, by hand") {
  const std::vector<float> logits = random_row(20, 1, 4);
  TokenSampler sampler({.temperature = 0.8, .stop = {}}, 20);
  for (uint32_t sample = 0; sample < 100; ++sample) {
    const DrawAddress address{.key = 5, .uid = 6, .sample = sample, .position = 2};
    size_t best = 0;
    float highest = -kInfinity;
    for (size_t id = 0; id < 20; ++id) {
      const auto words = philox4x32_10(draw_counter(6, sample, 2, static_cast<uint32_t>(id / 4)), 5);
      const float value = logits[id] / 0.8F - exact_log(-exact_log(uniform(words[id % 4])));
      if (value > highest) {
        highest = value;
        best = id;
      }
    }
    CHECK(sampler.draw(logits, address).id == static_cast<TokenId>(best));
  }
}

TEST_CASE("two-level draws over several chunks have the softmax's frequencies") {
  constexpr size_t kSize = 3000;
  std::vector<float> logits(kSize, -9.0F);
  const std::vector<size_t> likely = {0, 1023, 1024, 2047, 2999};
  for (size_t i = 0; i < likely.size(); ++i) logits[likely[i]] = static_cast<float>(i) * 0.5F;
  TokenSampler sampler({}, kSize);
  constexpr uint32_t kDraws = 20000;
  std::vector<double> counts(kSize);
  for (uint32_t sample = 0; sample < kDraws; ++sample)
    ++counts[static_cast<size_t>(sampler.draw(logits, {.key = 1, .uid = 2, .sample = sample, .position = 0}).id)];
  double total = static_cast<double>(kSize - likely.size()) * std::exp(-9.0);
  for (size_t id : likely) total += std::exp(static_cast<double>(logits[id]));
  double statistic = 0;
  double rest = kDraws;
  for (size_t id : likely) {
    const double expected = std::exp(static_cast<double>(logits[id])) / total * kDraws;
    statistic += (counts[id] - expected) * (counts[id] - expected) / expected;
    rest -= counts[id];
  }
  const double expected_rest = static_cast<double>(kSize - likely.size()) * std::exp(-9.0) / total * kDraws;
  statistic += (rest - expected_rest) * (rest - expected_rest) / expected_rest;
  CHECK(statistic < 5 + 6 * std::sqrt(10.0));
}

TEST_CASE("equal logits at temperature 0 give the lower id") {
  std::vector<float> logits = {0, 3, 1, 3};
  TokenSampler sampler({.temperature = 0, .stop = {}}, 4);
  const Sampled token = sampler.draw(logits, {});
  CHECK(token.id == 1);
  CHECK(token.logprob == Approx(3 - std::log(1 + std::exp(1.0) + 2 * std::exp(3.0))));
}

// --- filters ---------------------------------------------------------------------------------------------------------

struct Cut {
  std::vector<TokenId> kept;
  double mass = 0;
};

Cut cut(std::vector<double> probabilities, const SamplingOptions& options) {
  std::vector<float> logits(probabilities.size());
  for (size_t i = 0; i < logits.size(); ++i) logits[i] = static_cast<float>(std::log(probabilities[i]));
  LogSoftmax softmax(logits.size());
  const LogSum sum = softmax.scaled_sum(logits, 1);
  std::vector<float> z(softmax.row().begin(), softmax.row().begin() + static_cast<std::ptrdiff_t>(logits.size()));
  std::vector<TokenId> order;
  Cut out;
  out.mass = static_cast<double>(truncate_row(z, sum, options, order));
  for (size_t id = 0; id < z.size(); ++id)
    if (z[id] != -kInfinity) out.kept.push_back(static_cast<TokenId>(id));
  return out;
}

TEST_CASE("filters keep what their definitions say, and report its mass") {
  const std::vector<double> p = {0.1, 0.4, 0.2, 0.25, 0.05};
  const auto check = [&](const SamplingOptions& options, const std::vector<TokenId>& kept, double mass) {
    const Cut result = cut(p, options);
    CHECK(result.kept == kept);
    CHECK(result.mass == Approx(mass).epsilon(1e-6));
  };
  check({.top_k = 2, .stop = {}}, {1, 3}, 0.65);
  check({.top_k = 9, .stop = {}}, {0, 1, 2, 3, 4}, 1);
  check({.top_p = 0.5, .stop = {}}, {1, 3}, 0.65);
  check({.top_p = 0.7, .stop = {}}, {1, 2, 3}, 0.85);
  check({.top_p = 0.01, .stop = {}}, {1}, 0.4);
  check({.min_p = 0.3, .stop = {}}, {1, 2, 3}, 0.85);
  check({.min_p = 1, .stop = {}}, {1}, 0.4);
  // top_p is a share of what top_k kept: of 0.65, 0.4 is 62 %.
  check({.top_k = 2, .top_p = 0.6, .stop = {}}, {1}, 0.4);
  check({.top_k = 2, .top_p = 0.7, .stop = {}}, {1, 3}, 0.65);
  check({.top_k = 4, .top_p = 0.95, .min_p = 0.55, .stop = {}}, {1, 3}, 0.65);
}

TEST_CASE("among equals the lower id stays") {
  CHECK(cut({0.25, 0.25, 0.25, 0.25}, {.top_k = 2, .stop = {}}).kept == std::vector<TokenId>{0, 1});
  CHECK(cut({0.2, 0.4, 0.4}, {.top_p = 0.3, .stop = {}}).kept == std::vector<TokenId>{1});
}

TEST_CASE("a filtered draw takes kept tokens only, with the noise and log-prob of an unfiltered one") {
  const std::vector<float> logits = random_row(2500, 2, 12);
  TokenSampler free({}, logits.size());
  TokenSampler filtered({.top_k = 40, .stop = {}}, logits.size());
  std::vector<TokenId> ids(logits.size());
  std::iota(ids.begin(), ids.end(), 0);
  std::sort(ids.begin(), ids.end(), [&](TokenId a, TokenId b) { return logits[size_t(a)] > logits[size_t(b)]; });
  ids.resize(40);
  LogSoftmax softmax(logits.size());
  const LogSum sum = softmax.scaled_sum(logits, 1);
  for (uint32_t sample = 0; sample < 300; ++sample) {
    const Sampled token = filtered.draw(logits, {.key = 1, .uid = 1, .sample = sample, .position = 0});
    CHECK(std::count(ids.begin(), ids.end(), token.id) == 1);
    CHECK(token.logprob == sum.log_prob(softmax.row()[static_cast<size_t>(token.id)]));
    CHECK((token.kept_mass > 0 && token.kept_mass < 1));
  }
  CHECK_FALSE(free.filtered());
  CHECK(filtered.filtered());
}

// --- biases ----------------------------------------------------------------------------------------------------------

SamplingOptions biased(double temperature, int64_t top_k = 0) {
  return {.temperature = temperature,
          .top_k = top_k,
          .stop = {},
          .logit_bias = Json::Object{{"7", -100}, {"1500", 2.5}, {"2400", 4}}};
}

TEST_CASE("biases draw as from the logits with them added, and say how likely the draw was to the model") {
  const std::vector<float> logits = random_row(2500, 2, 12);
  std::vector<float> moved = logits;
  moved[7] -= 100;
  moved[1500] += 2.5F;
  moved[2400] += 4;
  LogSoftmax softmax(logits.size());
  const LogSum total = softmax.scaled_sum(logits, 0.5F);
  LogSoftmax moved_softmax(logits.size());
  const LogSum moved_total = moved_softmax.scaled_sum(moved, 0.5F);
  for (const int64_t top_k : {0, 40}) {
    TokenSampler sampler(biased(0.5, top_k), logits.size());
    TokenSampler plain({.temperature = 0.5, .top_k = top_k, .stop = {}}, logits.size());
    CHECK(sampler.filtered());
    int lifted = 0;
    for (uint32_t sample = 0; sample < 300; ++sample) {
      const DrawAddress address{.key = 1, .uid = 1, .sample = sample, .position = 0};
      const Sampled token = sampler.draw(logits, address);
      const Sampled wanted = plain.draw(moved, address);
      const auto id = static_cast<size_t>(token.id);
      lifted += id == 2400 ? 1 : 0;
      REQUIRE(token.id == wanted.id);
      CHECK(token.logprob == total.log_prob(softmax.row()[id]));
      const double drawn = std::exp(static_cast<double>(moved_total.log_prob(moved_softmax.row()[id]))) /
                           static_cast<double>(top_k == 0 ? 1 : wanted.kept_mass);
      CHECK(static_cast<double>(token.kept_mass) ==
            Approx(std::exp(static_cast<double>(token.logprob)) / drawn).epsilon(1e-4));
    }
    CHECK(lifted > 0);
  }
}

TEST_CASE("at temperature 0 a bias moves the choice and not the log-prob") {
  const std::vector<float> logits = {0, 3, 1, 2};
  TokenSampler sampler({.temperature = 0, .stop = {}, .logit_bias = Json::Object{{"1", -100}}}, 4);
  const Sampled token = sampler.draw(logits, {});
  CHECK(token.id == 3);
  CHECK(token.logprob == Approx(2 - std::log(1 + std::exp(3.0) + std::exp(1.0) + std::exp(2.0))));
}

TEST_CASE("a bias that is none is refused with what is allowed") {
  const auto refused = [](Json bias) {
    SamplingOptions options;
    options.logit_bias = std::move(bias);
    CHECK_THROWS_WITH(check_sampling(options), Catch::Contains("logit_bias") && Catch::Contains("-100 to 100"));
  };
  refused(Json::Array{1});
  refused(Json::Object{{"x", 1}});
  refused(Json::Object{{"-1", 1}});
  refused(Json::Object{{"99999999999", 1}});
  refused(Json::Object{{"5", 100.5}});
  refused(Json::Object{{"5", "1"}});
}

TEST_CASE("the likeliest ids of a position come with their log-probs, the lower of equals first") {
  const std::vector<float> logits = {0, 3, 1, 3, 2};
  TokenSampler sampler({.stop = {}, .top_logprobs = 4}, logits.size());
  CHECK(sampler.ranked());
  sampler.draw(logits, {});
  std::vector<TokenId> ids;
  std::vector<float> logprobs;
  sampler.append_top(ids, logprobs);
  CHECK(ids == std::vector<TokenId>{1, 3, 4, 2});
  const double total = std::log(1 + std::exp(1.0) + std::exp(2.0) + 2 * std::exp(3.0));
  for (size_t i = 0; i < ids.size(); ++i)
    CHECK(static_cast<double>(logprobs[i]) == Approx(static_cast<double>(logits[static_cast<size_t>(ids[i])]) - total));
}

// --- stop strings ----------------------------------------------------------------------------------------------------

// Text so far, and whether it stopped.
std::pair<std::string, bool> read(const std::vector<std::string>& stops, const std::string& text) {
  const TinyCodec codec;
  SamplingOptions sampling;
  sampling.stop = stops;
  StopText stop(sampling, codec.stop_ids(), codec.stream());
  for (TokenId id : codec.encode_text(text))
    if (stop.push(id)) return {stop.finish(), true};
  return {stop.finish(), false};
}

TEST_CASE("a stop string is found across tokens and cut") {
  CHECK(read({"cd"}, "abcdef") == std::pair<std::string, bool>{"ab", true});
  CHECK(read({"abab"}, "aabababb") == std::pair<std::string, bool>{"a", true});
  CHECK(read({"x", "fff"}, "abcff") == std::pair<std::string, bool>{"abcff", false});
  CHECK(read({}, "abc") == std::pair<std::string, bool>{"abc", false});
  CHECK(read({"a"}, "abc") == std::pair<std::string, bool>{"", true});
}

TEST_CASE("of stop strings completed by one token, the text is cut at the first") {
  CHECK(read({"d", "bcd"}, "abcdef") == std::pair<std::string, bool>{"a", true});
}

// Gives its pieces by token, as a tokenizer with longer tokens does.
class Pieces final : public StreamDecoder {
 public:
  explicit Pieces(std::vector<std::string> pieces) : pieces_(std::move(pieces)) {}
  std::string push(TokenId id) override { return pieces_[static_cast<size_t>(id)]; }
  std::string finish() override { return "?"; }

 private:
  std::vector<std::string> pieces_;
};

TEST_CASE("a stop string inside of a longer token is found, and nothing after it is kept") {
  const SamplingOptions sampling{.stop = {"\n\n"}};
  const std::vector<TokenId> no_ids;
  StopText text(sampling, no_ids, std::make_unique<Pieces>(std::vector<std::string>{"answer", ".\n", "\nNext"}));
  CHECK_FALSE(text.push(0));
  CHECK_FALSE(text.push(1));
  CHECK(text.push(2));
  CHECK(text.finish() == "answer.");
}

TEST_CASE("what may be the beginning of a stop string is not settled until it is known") {
  const SamplingOptions sampling{.stop = {"abc", "bd"}};
  const std::vector<TokenId> no_ids;
  StopText text(sampling, no_ids, std::make_unique<Pieces>(std::vector<std::string>{"xa", "b", "x", "ab", "d!"}));
  const std::vector<std::string> settled = {"x", "x", "xabx", "xabx"};
  for (TokenId id = 0; id < 4; ++id) {
    CHECK_FALSE(text.push(id));
    CHECK(text.settled() == settled[static_cast<size_t>(id)]);
  }
  CHECK(text.push(4));
  CHECK(text.settled() == "xabxa");
  CHECK(text.finish() == "xabxa");
}

TEST_CASE("an id that stops adds no text, whether the model or the request names it") {
  const SamplingOptions sampling{.stop = {}, .stop_ids = {2}};
  const std::vector<TokenId> of_model{1};
  const std::vector<std::string> pieces{"a", "b", "c"};
  for (const TokenId stopping : {1, 2}) {
    StopText text(sampling, of_model, std::make_unique<Pieces>(pieces));
    CHECK_FALSE(text.push(0));
    CHECK(text.push(stopping));
    CHECK(text.finish() == "a?");
  }
}

TEST_CASE("what the decoder holds back at the end is added") {
  const SamplingOptions sampling;
  const std::vector<TokenId> no_ids;
  StopText text(sampling, no_ids, std::make_unique<Pieces>(std::vector<std::string>{"a"}));
  text.push(0);
  CHECK(text.finish() == "a?");
}

}  // namespace
}  // namespace sil::test
