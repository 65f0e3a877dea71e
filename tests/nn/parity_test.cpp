// Logits against transformers, and every way to compute them against each other.
#include <cmath>
#include <cstring>

#include "nn/golden_model.h"
#include "support/catch.h"

namespace sil::test {
namespace {

const std::vector<std::string> kModels = {"llama_tied",  "llama_gqa",   "qwen2", "qwen3",
                                          "rope_linear", "rope_llama3", "gpt2",  "gemma3"};

TEST_CASE("logits are those of transformers within 1e-4") {
  for (const std::string& name : kModels) {
    const GoldenModel golden(name);
    for (const Json& sequence : golden.about.at("sequences").as_array()) {
      const std::vector<float> logits = packed_logits(golden, {ids_of(sequence)});
      size_t at = 0;
      double largest = 0;
      for (const Json& row : sequence.at("logits").as_array())
        for (const Json& value : row.as_array())
          largest = std::max(largest, std::abs(static_cast<double>(logits.at(at++)) - value.as_double()));
      INFO(name);
      CHECK(at == logits.size());
      CHECK(largest < 1e-4);
    }
  }
}

TEST_CASE("a sequence has the same logits alone and in any pack") {
  for (const std::string& name : kModels) {
    const GoldenModel golden(name);
    const auto& sequences = golden.about.at("sequences").as_array();
    const std::vector<TokenId> a = ids_of(sequences.at(0));
    const std::vector<TokenId> b = ids_of(sequences.at(1));
    std::vector<float> expected = packed_logits(golden, {a});
    for (float value : packed_logits(golden, {b})) expected.push_back(value);
    CHECK(packed_logits(golden, {a, b}) == expected);
  }
}

// Logits of a sequence that is read in pieces: the first `prefix` tokens into a region of their own, the rest `step` at
// a time into another.
std::vector<float> cached_logits(const GoldenModel& golden, const std::vector<TokenId>& ids, int64_t prefix,
                                 int64_t step) {
  const nn::DecoderWeights weights = golden.weights();
  const auto size = static_cast<int64_t>(ids.size());
  nn::Cache cache(golden.model.shape().heads, golden.model.shape().layers, 4 * nn::Cache::whole(size));
  const nn::Cache::Region shared{0, nn::Cache::whole(size)};
  const nn::Cache::Region own{2 * nn::Cache::whole(size), 2 * nn::Cache::whole(size)};
  std::vector<float> out;
  nn::Arena arena;
  nn::Tape tape(golden.model.kernels(), arena, false);
  for (int64_t at = 0; at < size;) {
    const bool in_prefix = at < prefix;
    const int64_t rows = in_prefix ? std::min(step, prefix - at) : std::min(step, size - at);
    nn::Layout layout;
    layout.cache = &cache;
    layout.runs.push_back({.row = 0,
                           .rows = rows,
                           .start = in_prefix ? at : at - prefix,
                           .own = in_prefix ? shared : own,
                           .prefix = shared,
                           .prefix_length = in_prefix ? 0 : prefix});
    const std::vector<int32_t> wanted = all_rows(static_cast<size_t>(rows));
    const auto part = std::span(ids).subspan(static_cast<size_t>(at), static_cast<size_t>(rows));
    tape.clear();
    const nn::Var logits =
        nn::decoder(tape, golden.model.shape(), weights, golden.model.rotary(), part, layout, wanted);
    for (float value : copied(tape.value(logits))) out.push_back(value);
    at += rows;
  }
  return out;
}

TEST_CASE("the cached step equals the full sequence bit for bit, prefix shared or not, chunked or whole") {
  for (const std::string& name : kModels) {
    const GoldenModel golden(name);
    const std::vector<TokenId> ids = ids_of(golden.about.at("sequences").as_array().at(0));
    const std::vector<float> expected = packed_logits(golden, {ids});
    for (int64_t prefix : {0, 1, 15, 16, 17, 33}) {
      for (int64_t step : {1, 2, 7, 30, 48}) {
        INFO(name << ": prefix " << prefix << ", step " << step);
        const std::vector<float> seen = cached_logits(golden, ids, prefix, step);
        REQUIRE(seen.size() == expected.size());
        CHECK(std::memcmp(seen.data(), expected.data(), seen.size() * sizeof(float)) == 0);
      }
    }
  }
}

TEST_CASE("rows that share a prefix read it together with the same result") {
  for (const std::string& name : kModels) {
    const GoldenModel golden(name);
    const std::vector<TokenId> ids = ids_of(golden.about.at("sequences").as_array().at(0));
    const nn::DecoderShape& shape = golden.model.shape();
    const nn::DecoderWeights weights = golden.weights();
    constexpr int64_t kPrefix = 21;
    nn::Cache cache(shape.heads, shape.layers, 256);
    nn::Arena arena;
    nn::Tape tape(golden.model.kernels(), arena, false);
    const auto run = [&](std::span<const TokenId> part, nn::Layout layout) {
      layout.cache = &cache;
      const std::vector<int32_t> wanted = all_rows(part.size());
      tape.clear();
      return copied(tape.value(nn::decoder(tape, shape, weights, golden.model.rotary(), part, layout, wanted)));
    };
    const nn::Cache::Region shared{0, 32};
    run(std::span(ids).first(kPrefix),
        {.runs = {{.row = 0, .rows = kPrefix, .start = 0, .own = shared, .prefix = {}, .prefix_length = 0}}});
    nn::Layout together;
    std::vector<TokenId> last;
    std::vector<float> expected;
    for (int64_t i = 0; i < 5; ++i) {
      last.push_back(static_cast<TokenId>(3 * i));
      together.runs.push_back(
          {.row = i, .rows = 1, .start = 0, .own = {32 + 16 * i, 16}, .prefix = shared, .prefix_length = kPrefix});
      std::vector<TokenId> whole(ids.begin(), ids.begin() + kPrefix);
      whole.push_back(last.back());
      const std::vector<float> logits = packed_logits(golden, {whole});
      expected.insert(expected.end(), logits.end() - shape.vocabulary, logits.end());
    }
    INFO(name);
    CHECK(run(last, together) == expected);
  }
}

TEST_CASE("every instruction set computes the same logits") {
  const GoldenModel golden("qwen3");
  const std::vector<TokenId> ids = ids_of(golden.about.at("sequences").as_array().at(0));
  const std::vector<float> expected = packed_logits(golden, {ids});
  for (const nn::cpu::Primitives* set : nn::cpu::runnable()) {
    INFO(set->name);
    const nn::DecoderWeights weights = golden.weights();
    const auto kernels = nn::cpu_kernels(*set);
    nn::Arena arena;
    nn::Tape tape(*kernels, arena, false);
    const std::vector<int64_t> begin{0, static_cast<int64_t>(ids.size())};
    const nn::Layout layout = nn::packed_layout(begin);
    const std::vector<int32_t> wanted = all_rows(ids.size());
    CHECK(copied(tape.value(nn::decoder(tape, golden.model.shape(), weights, golden.model.rotary(), ids, layout,
                                        wanted))) == expected);
  }
}

TEST_CASE("a saved version is read back by its published names") {
  for (const std::string& name : kModels) {
    const GoldenModel golden(name);
    struct Bytes final : ByteSink {
      std::string text;
      void write(std::string_view bytes) override { text.append(bytes); }
    } bytes;
    golden.model.write_weights(golden.state, bytes);
    CHECK(bytes.text == read_file(GoldenModel::path(name, ".safetensors")));
  }
}

}  // namespace
}  // namespace sil::test
