// Contract of generate and score.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <thread>

#include "engines/contract_versions.h"

namespace sil::test {

inline std::vector<SamplingOptions> sampling_modes() {
  std::vector<SamplingOptions> modes(9);
  for (SamplingOptions& mode : modes) mode.max_new_tokens = 12;
  modes[1].temperature = 0;
  modes[2].temperature = 0.6;
  modes[3].temperature = 1.7;
  modes[4].top_p = 0.7;
  modes[5].top_k = 3;
  modes[6].min_p = 0.3;
  modes[7] = {.temperature = 0.9, .top_k = 6, .top_p = 0.9, .min_p = 0.05, .max_new_tokens = 12, .stop = {}};
  modes[8].top_p = 0.8;
  modes[8].logit_bias = Json::Object{{"3", -100}, {"4", 1.5}};
  modes[8].top_logprobs = 3;
  return modes;
}

inline void check_answers(const EngineSubject& subject) {
  const auto engine = subject.make(2);
  const Version version = trained(*engine);
  for (int64_t most : {0, 1, 5}) {
    const GenerateBatch batch = requests(engine->codec(), subject.prompts, 70, {.max_new_tokens = most, .stop = {}});
    for (const Written& written : all_answers(*engine, version, batch)) {
      CHECK(static_cast<int64_t>(written.ids.size()) <= most);
      CHECK((written.finish == Finish::stop || static_cast<int64_t>(written.ids.size()) == most));
      const bool filtered = engine->caps().logprobs && !written.kept_mass.empty();
      CHECK_FALSE(filtered);
    }
  }
  CHECK(answers(*engine, version, GenerateBatch{}).empty());
}

inline void check_independence(const EngineSubject& subject) {
  const auto engine = subject.make(1);
  const auto threaded = subject.make(3);
  const Version version = trained(*engine);
  const Version same = trained(*threaded);
  for (const SamplingOptions& mode : sampling_modes()) {
    INFO("temperature " << mode.temperature << " top_k " << mode.top_k << " top_p " << mode.top_p);
    const GenerateBatch batch = requests(engine->codec(), subject.prompts, 50, mode);
    const std::vector<Written> expected = all_answers(*engine, version, batch);
    CHECK(all_answers(*threaded, same, batch) == expected);
    std::vector<size_t> backwards(expected.size());
    std::iota(backwards.rbegin(), backwards.rend(), size_t{0});
    std::vector<Written> reversed = all_answers(*engine, version, pick(batch, backwards));
    std::reverse(reversed.begin(), reversed.end());
    CHECK(reversed == expected);
    for (size_t r : {size_t{0}, size_t{17}, expected.size() - 1})
      CHECK(all_answers(*engine, version, pick(batch, {r})).front() == expected[r]);
  }
}

inline void check_likeliest(const EngineSubject& subject) {
  const auto engine = subject.make(2);
  if (denied(engine->caps().logprobs, "likeliest ids")) return;
  const Version version = trained(*engine);
  const GenerateBatch batch =
      requests(engine->codec(), subject.prompts, 20, {.temperature = 0, .stop = {}, .top_logprobs = 2});
  for (const Written& written : all_answers(*engine, version, batch)) {
    REQUIRE(written.top_ids.size() == 2 * written.ids.size());
    REQUIRE(written.top_logprobs.size() == written.top_ids.size());
    for (size_t n = 0; n < written.ids.size(); ++n) {
      CHECK(written.top_ids[2 * n] == written.ids[n]);
      CHECK(written.top_logprobs[2 * n] == written.logprobs[n]);
      CHECK(written.top_logprobs[2 * n + 1] <= written.logprobs[n]);
    }
  }
}

inline void check_concurrency(const EngineSubject& subject) {
  const auto engine = subject.make(2);
  if (denied(engine->caps().concurrent, "calls from several threads")) return;
  const Version version = trained(*engine);
  const GenerateBatch batch = requests(engine->codec(), subject.prompts, 100);
  const std::vector<Written> expected = all_answers(*engine, version, batch);
  std::vector<std::map<size_t, Written>> seen(4);
  std::vector<std::thread> threads;
  for (auto& mine : seen) {
    threads.emplace_back([&] {
      engine->generate(
          version, batch,
          [&](size_t request, Completion&& c) {
            mine[request] = {
                {c.ids.begin(), c.ids.end()}, {c.logprobs.begin(), c.logprobs.end()}, {}, c.finish, std::move(c.text)};
          },
          {});
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& mine : seen) {
    REQUIRE(mine.size() == expected.size());
    for (const auto& [request, written] : mine) CHECK(written == expected[request]);
  }
}

inline void check_more_samples(const EngineSubject& subject) {
  const auto engine = subject.make(1);
  const Version version = trained(*engine);
  const std::string& prompt = subject.prompts.front();
  const auto few = all_answers(*engine, version, requests(engine->codec(), {prompt}, 4));
  const auto many = all_answers(*engine, version, requests(engine->codec(), {prompt}, 16));
  CHECK(std::equal(few.begin(), few.end(), many.begin()));
}

// Takes a text that the engine writes anyway and makes its middle a stop string.
inline void check_stop_strings(const EngineSubject& subject) {
  const auto engine = subject.make(1);
  const Version version = trained(*engine);
  const GenerateBatch batch = requests(engine->codec(), subject.prompts, 200);
  size_t tried = 0;
  for (const Written& plain : all_answers(*engine, version, batch)) {
    if (plain.text.size() < 6 || ++tried > 1) continue;
    GenerateBatch stopping = batch;
    stopping.sampling.stop = {plain.text.substr(2, 2), "never written"};
    const std::vector<Written> cut = all_answers(*engine, version, stopping);
    bool met = false;
    for (const Written& written : cut) {
      CHECK(written.text.find(stopping.sampling.stop.front()) == std::string::npos);
      met = met || written.text == plain.text.substr(0, plain.text.find(stopping.sampling.stop.front()));
      // The tokens that completed it are kept.
      if (written.text != engine->codec().decode(written.ids)) CHECK(written.finish == Finish::stop);
    }
    CHECK(met);
  }
  CHECK(tried > 0);
}

// Takes an id that the engine writes anyway and makes it end rollouts: each is what it was before that id, and the id.
inline void check_stop_ids(const EngineSubject& subject) {
  const auto engine = subject.make(2);
  const Version version = trained(*engine);
  const GenerateBatch batch = requests(engine->codec(), subject.prompts, 100);
  const std::vector<Written> plain = all_answers(*engine, version, batch);
  const auto longest = std::max_element(plain.begin(), plain.end(),
                                        [](const auto& a, const auto& b) { return a.ids.size() < b.ids.size(); });
  REQUIRE(longest->ids.size() > 2);
  const TokenId chosen = longest->ids[longest->ids.size() / 2];
  GenerateBatch stopping = batch;
  stopping.sampling.stop_ids = {chosen, chosen};
  const std::vector<Written> cut = all_answers(*engine, version, stopping);
  size_t met = 0;
  for (size_t r = 0; r < plain.size(); ++r) {
    const auto at = std::find(plain[r].ids.begin(), plain[r].ids.end(), chosen);
    if (at == plain[r].ids.end()) {
      CHECK(cut[r] == plain[r]);
      continue;
    }
    ++met;
    const auto kept = static_cast<size_t>(at - plain[r].ids.begin());
    CHECK(cut[r].ids == std::vector<TokenId>(plain[r].ids.begin(), at + 1));
    CHECK(cut[r].finish == Finish::stop);
    CHECK(cut[r].text == engine->codec().decode({plain[r].ids.begin(), at}));
    if (engine->caps().logprobs)
      CHECK(std::equal(cut[r].logprobs.begin(), cut[r].logprobs.end(), plain[r].logprobs.begin(),
                       plain[r].logprobs.begin() + static_cast<std::ptrdiff_t>(kept) + 1));
  }
  CHECK(met > 0);
}

inline void check_cancelling(const EngineSubject& subject) {
  const auto engine = subject.make(2);
  const Version version = trained(*engine);
  const GenerateBatch batch = requests(engine->codec(), subject.prompts, 500);
  std::stop_source source;
  source.request_stop();
  CHECK(answers(*engine, version, batch, source.get_token()).size() < batch.prompt.size());
}

inline void check_sampling_range(const EngineSubject& subject) {
  const auto engine = subject.make(1);
  const Version version = engine->initial();
  std::vector<SamplingOptions> bad(12);
  bad[0].temperature = -1;
  bad[1].temperature = std::numeric_limits<double>::quiet_NaN();
  bad[2].top_p = 0;
  bad[3].top_p = 1.5;
  bad[4].top_k = -1;
  bad[5].min_p = 2;
  bad[6].max_new_tokens = -1;
  bad[7].stop = {""};
  bad[8].stop_ids = {0, engine->codec().vocabulary_size()};
  bad[9].stop_ids = {-1};
  bad[10].logit_bias = Json::Object{{std::to_string(engine->codec().vocabulary_size()), 1}};
  bad[11].top_logprobs = -1;
  for (const SamplingOptions& options : bad) {
    const GenerateBatch batch = requests(engine->codec(), subject.prompts, 1, options);
    check_error(Exit::usage, [&] { answers(*engine, version, batch); });
  }
  GenerateBatch batch = requests(engine->codec(), subject.prompts, 1);
  batch.ids.front() = engine->codec().vocabulary_size();
  check_error(Exit::unreadable, [&] { answers(*engine, version, batch); });
}

inline void check_score_equals_generate(const EngineSubject& subject) {
  const auto engine = subject.make(2);
  if (denied(engine->caps().score, "score equals generate")) return;
  const Version version = trained(*engine);
  for (const SamplingOptions& mode : sampling_modes()) {
    INFO("temperature " << mode.temperature << " top_k " << mode.top_k << " top_p " << mode.top_p);
    const GenerateBatch batch = requests(engine->codec(), subject.prompts, 60, mode);
    const std::vector<Written> written = all_answers(*engine, version, batch);
    std::vector<float> stored;
    for (const Written& answer : written) stored.insert(stored.end(), answer.logprobs.begin(), answer.logprobs.end());
    CHECK(engine->score(version, score_batch(batch, written), mode.temperature) == stored);
  }
  CHECK(engine->score(version, ScoreBatch{}, 1).empty());
  ScoreBatch early{.ids = {0, 1}, .begin = {0, 2}, .start = {0}};
  check_error(Exit::usage, [&] { engine->score(version, early, 1); });
}

// Log-probs of every token after a prompt.
inline std::vector<float> next_log_probs(Engine& engine, Version version, const std::string& prompt,
                                         double temperature) {
  ScoreBatch batch;
  batch.begin.push_back(0);
  const std::vector<TokenId> ids = engine.codec().encode({.text = prompt, .messages = {}}, true);
  for (TokenId id = 0; id < engine.codec().vocabulary_size(); ++id) {
    batch.ids.insert(batch.ids.end(), ids.begin(), ids.end());
    batch.ids.push_back(id);
    batch.begin.push_back(batch.ids.size());
    batch.start.push_back(ids.size());
  }
  return engine.score(version, batch, temperature);
}

inline void check_greedy(const EngineSubject& subject) {
  const auto engine = subject.make(1);
  if (denied(engine->caps().score, "temperature 0 takes the likeliest token")) return;
  const Version version = trained(*engine);
  for (const std::string& prompt : subject.prompts) {
    const GenerateBatch batch =
        requests(engine->codec(), {prompt}, 3, {.temperature = 0, .max_new_tokens = 1, .stop = {}});
    const std::vector<float> log_probs = next_log_probs(*engine, version, prompt, 1);
    const auto best = std::max_element(log_probs.begin(), log_probs.end());
    for (const Written& written : all_answers(*engine, version, batch)) {
      CHECK(written.ids.front() == static_cast<TokenId>(best - log_probs.begin()));
      CHECK(written.logprobs.front() == *best);
    }
  }
}

// Pearson's chi-square of first tokens against the softmax. The key is fixed, so this is one draw of that statistic;
// the bound is about six standard deviations above its mean.
inline void check_frequencies(const EngineSubject& subject) {
  const auto engine = subject.make(2);
  if (denied(engine->caps().score, "sampled frequencies")) return;
  const Version version = trained(*engine);
  constexpr uint32_t kSamples = 20000;
  for (double temperature : {1.0, 0.7}) {
    const std::string& prompt = subject.prompts.front();
    const GenerateBatch batch =
        requests(engine->codec(), {prompt}, kSamples, {.temperature = temperature, .max_new_tokens = 1, .stop = {}});
    const std::vector<float> log_probs = next_log_probs(*engine, version, prompt, temperature);
    std::vector<double> counts(log_probs.size());
    for (const Written& written : all_answers(*engine, version, batch)) ++counts[static_cast<size_t>(written.ids[0])];
    double total = 0;
    double statistic = 0;
    for (size_t id = 0; id < counts.size(); ++id) {
      const double probability = std::exp(static_cast<double>(log_probs[id]));
      total += probability;
      const double expected = probability * kSamples;
      statistic += (counts[id] - expected) * (counts[id] - expected) / expected;
    }
    CHECK(total == Approx(1).epsilon(1e-5));
    const auto freedom = static_cast<double>(counts.size() - 1);
    CHECK(statistic < freedom + 6 * std::sqrt(2 * freedom));
  }
}

}  // namespace sil::test
