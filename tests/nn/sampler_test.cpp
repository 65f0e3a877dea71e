// One digest of tokens and log-probs over requests at once, slots, threads, prefill and order; sampled = scored.
#include "nn/sampler.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <numeric>

#include "base/threads.h"
#include "engines/engine_data.h"
#include "engines/tiny_codec.h"
#include "nn/golden_model.h"
#include "nn/scorer.h"

namespace sil::test {
namespace {

const std::string kAlphabet = "abcdefghijklmnopqrstuvwxyz0123456789";  // and the end: 37 ids, as the golden models have

struct Settings {
  nn::SamplerOptions options;
  int threads = 1;
};

std::map<size_t, Written> sampled(const GoldenModel& golden, const GenerateBatch& batch, const Settings& settings,
                                  const TextSink* text = nullptr) {
  const TinyCodec codec(kAlphabet);
  std::map<size_t, Written> out;
  const CompletionSink sink = [&](size_t request, Completion&& c) {
    out[request] = {{c.ids.begin(), c.ids.end()},
                    {c.logprobs.begin(), c.logprobs.end()},
                    {c.kept_mass.begin(), c.kept_mass.end()},
                    c.finish,
                    std::move(c.text)};
  };
  std::mutex mutex;
  nn::RequestQueue queue(batch, (batch.prompt.size() + 2) / 3);
  const nn::SamplingWork work{.model = golden.model,
                              .kernels = golden.model.kernels(),
                              .weights = golden.state.weights.data(),
                              .codec = codec,
                              .batch = batch,
                              .queue = queue,
                              .sink = sink,
                              .text = text,
                              .sink_mutex = mutex};
  ThreadPool pool(settings.threads);
  pool.for_each(settings.threads, [&](int64_t) { nn::sample_requests(work, settings.options, {}); });
  return out;
}

GenerateBatch all_requests() {
  return requests(TinyCodec(kAlphabet), {"hello", "a", "thequickone", "0123456789abcdefghij", "zz"}, 13,
                  {.temperature = 0.9, .top_p = 0.95, .max_new_tokens = 20, .stop = {"ab"}});
}

const std::vector<std::string> kModels = {"llama_tied", "llama_gqa", "qwen3", "gpt2", "gemma3"};

TEST_CASE("slots, prefill and threads change no token and no log-probability") {
  const GenerateBatch batch = all_requests();
  for (const std::string& name : kModels) {
    const GoldenModel golden(name);
    const auto expected = sampled(golden, batch, {.options = {.slots = 1, .prefill_rows = 256}, .threads = 1});
    REQUIRE(expected.size() == batch.prompt.size());
    for (int64_t slots : {1, 8, 32}) {
      for (int64_t prefill : {1, 7, 256}) {
        for (int threads : {1, 2, 3}) {
          INFO(name << ": slots " << slots << ", prefill " << prefill << ", threads " << threads);
          CHECK(sampled(golden, batch, {.options = {.slots = slots, .prefill_rows = prefill}, .threads = threads}) ==
                expected);
        }
      }
    }
  }
}

TEST_CASE("threads that go through one pass together change no token and no log-probability", "[threads]") {
  const GenerateBatch batch = all_requests();
  ThreadPool pool(3);
  for (const std::string& name : kModels) {
    INFO(name);
    const GoldenModel alone(name);
    const GoldenModel together(name, nn::cpu_kernels(nn::cpu::quickest(), &pool));
    const auto expected = sampled(alone, batch, {});
    REQUIRE(expected.size() == batch.prompt.size());
    for (const int64_t prefill : {7, 256})
      CHECK(sampled(together, batch, {.options = {.slots = 32, .prefill_rows = prefill}}) == expected);
  }
}

TEST_CASE("the requests beside one, and their order, do not change it") {
  const GoldenModel golden("qwen3");
  GenerateBatch batch = requests(TinyCodec(kAlphabet), {"hello", "a", "zz"}, 22,
                                 {.temperature = 1.1, .min_p = 0.01, .max_new_tokens = 12, .stop = {}});
  const auto expected = sampled(golden, batch, {.options = {.slots = 8}, .threads = 2});
  for (size_t count : {1, 2, 7, 64}) {
    std::vector<size_t> chosen(batch.prompt.size());
    std::iota(chosen.begin(), chosen.end(), size_t{0});
    RandomStream random(5, count);
    for (size_t i = chosen.size(); i > 1; --i) std::swap(chosen[i - 1], chosen[random.below(i)]);  // prompts interleave
    chosen.resize(count);
    const auto seen = sampled(golden, pick(batch, chosen), {.options = {.slots = 8}, .threads = 2});
    REQUIRE(seen.size() == count);
    for (const auto& [request, written] : seen) CHECK(written == expected.at(chosen[request]));
  }
}

TEST_CASE("the pieces of text that are told while it is sampled, joined, are each completion's text") {
  const GoldenModel golden("llama_tied");
  const GenerateBatch batch = all_requests();
  std::map<size_t, std::string> told;
  size_t pieces = 0;
  const TextSink text = [&](size_t request, std::string_view piece) {
    CHECK_FALSE(piece.empty());
    told[request] += piece;
    ++pieces;
  };
  const auto completions = sampled(golden, batch, {.options = {}, .threads = 3}, &text);
  for (const auto& [request, completion] : completions) CHECK(told[request] == completion.text);
  CHECK(pieces > 2 * completions.size());
  CHECK(completions == sampled(golden, batch, {.options = {}, .threads = 1}));
}

TEST_CASE("greedy takes the likeliest token of the full sequence's logits") {
  const GoldenModel golden("llama_gqa");
  const GenerateBatch batch =
      requests(TinyCodec(kAlphabet), {"hello", "a"}, 1, {.temperature = 0, .max_new_tokens = 10, .stop = {}});
  for (const auto& [request, written] : sampled(golden, batch, {})) {
    const std::span<const TokenId> prompt = prompt_ids(batch, request);
    std::vector<TokenId> sequence(prompt.begin(), prompt.end());
    for (TokenId id : written.ids) {
      const std::vector<float> logits = packed_logits(golden, {sequence});
      const auto last = logits.end() - golden.model.shape().vocabulary;
      CHECK(id == std::max_element(last, logits.end()) - last);
      sequence.push_back(id);
    }
  }
}

TEST_CASE("a prompt that is empty or as long as the context is refused by its length") {
  const GoldenModel golden("llama_tied");
  const auto refusal = [&](size_t length) {
    GenerateBatch batch = requests(TinyCodec(kAlphabet), {"a"}, 1);
    batch.ids.assign(length, 1);
    batch.prompt_begin = {0, length};
    try {
      sampled(golden, batch, {});
      return std::string();
    } catch (const Error& error) {
      CHECK(error.code() == Exit::unreadable);
      return std::string(error.what());
    }
  };
  CHECK_THAT(refusal(0), Catch::Contains("a prompt has 0 tokens"));
  CHECK_THAT(refusal(48), Catch::Contains("a prompt has 48 tokens; 1 to 47 are allowed"));
  CHECK(refusal(47).empty());
}

std::atomic<int64_t> products_of_all_rows;
constexpr int64_t kTokens = 30;

void counted_product(const nn::cpu::Product& product) {
  if (product.rows == kTokens) ++products_of_all_rows;
  nn::cpu::quickest().product(product);
}

TEST_CASE("scoring runs one product a matrix and pack") {
  nn::cpu::Primitives counting = nn::cpu::quickest();
  counting.product = counted_product;
  const GoldenModel golden("llama_gqa");
  const nn::Model model(golden.model.shape(), nn::cpu_kernels(counting));
  ScoreBatch batch;
  for (int i = 0; i < 3; ++i) {
    batch.begin.push_back(batch.ids.size());
    batch.start.push_back(1);
    for (TokenId id = 0; id < 10; ++id) batch.ids.push_back(id + i);
  }
  batch.begin.push_back(batch.ids.size());
  products_of_all_rows = 0;
  const std::vector<float> logprobs = nn::score_sequences(model, golden.state.weights.data(), batch, 1, nullptr);
  CHECK(logprobs.size() == 27);
  CHECK(products_of_all_rows == 4 * model.shape().layers);  // the head sees the 27 rows that predict
}

}  // namespace
}  // namespace sil::test
