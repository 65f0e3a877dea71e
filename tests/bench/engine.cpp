// Speed of the transformer on this machine's cores, one figure a line: engine_bench [THREADS [sampling|training]];
// count-sampling and count-training do one small piece of work for callgrind. See
// scripts/bench.sh.
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include "engines/engine_data.h"
#include "nn/engines.h"
#include "support/plugin.h"

namespace sil::test {
namespace {

// A vocabulary without an id that ends a rollout, so that every side does equal work.
class EndlessCodec final : public Codec {
 public:
  explicit EndlessCodec(TokenId size) : size_(size) {}
  std::vector<TokenId> encode(const Conversation&, bool) const override { return {}; }
  std::vector<TokenId> encode_text(std::string_view) const override { return {}; }
  std::string decode(const std::vector<TokenId>&) const override { return {}; }
  std::string token(TokenId id) const override { return std::to_string(id); }
  std::unique_ptr<StreamDecoder> stream() const override { return std::make_unique<Stream>(); }
  const std::vector<TokenId>& stop_ids() const override { return none_; }
  TokenId vocabulary_size() const override { return size_; }
  Digest digest() const override { return {}; }

 private:
  struct Stream final : StreamDecoder {
    std::string push(TokenId) override { return {}; }
    std::string finish() override { return {}; }
  };
  TokenId size_;
  std::vector<TokenId> none_;
};

struct Shape {
  const char* name;
  int64_t layers, width, heads, hidden, vocabulary, context;
  // Multiply-adds of the matrices, twice.
  double flops() const {
    const auto block = static_cast<double>(4 * width * width + 3 * width * hidden);
    return 2 * (static_cast<double>(layers) * block + static_cast<double>(vocabulary * width));
  }
};
constexpr Shape kA = {"A", 4, 128, 4, 512, 64, 64};
constexpr Shape kB = {"B", 6, 384, 6, 1536, 64, 256};

std::unique_ptr<Engine> make(const Shape& shape, int threads) {
  Registry<EngineFactory> registry{"engine"};
  nn::register_llama(registry);
  const Json::Object options = {{"layers", shape.layers},
                                {"width", shape.width},
                                {"heads", shape.heads},
                                {"hidden", shape.hidden},
                                {"context", shape.context}};
  return make_plugin(registry, "llama", options)
      ->make({.key = 1,
              .codec = std::make_shared<EndlessCodec>(static_cast<TokenId>(shape.vocabulary)),
              .threads = threads});
}

#if defined(__x86_64__)
// Twelve independent chains of fused multiply-adds in registers: what the arithmetic of one core can do at most.
constexpr int kChains = 12;

[[gnu::target("avx512f")]] void fma_chains_512(int64_t steps, float* out) {
  __m512 sums[kChains];  // of twelve equal chains the compiler would run one
  for (int chain = 0; chain < kChains; ++chain) sums[chain] = _mm512_set1_ps(static_cast<float>(chain));
  const __m512 a = _mm512_set1_ps(1.1F);
  const __m512 b = _mm512_set1_ps(1e-9F);
  for (int64_t i = 0; i < steps; ++i)
#pragma GCC unroll 12
    for (__m512& sum : sums) sum = _mm512_fmadd_ps(a, b, sum);
  for (const __m512& sum : sums) *out += _mm512_cvtss_f32(sum);
}

[[gnu::target("avx2,fma")]] void fma_chains_256(int64_t steps, float* out) {
  __m256 sums[kChains];
  for (int chain = 0; chain < kChains; ++chain) sums[chain] = _mm256_set1_ps(static_cast<float>(chain));
  const __m256 a = _mm256_set1_ps(1.1F);
  const __m256 b = _mm256_set1_ps(1e-9F);
  for (int64_t i = 0; i < steps; ++i)
#pragma GCC unroll 12
    for (__m256& sum : sums) sum = _mm256_fmadd_ps(a, b, sum);
  for (const __m256& sum : sums) *out += _mm256_cvtss_f32(sum);
}

double fma_flops(int64_t steps) {
  const bool wide = __builtin_cpu_supports("avx512f") != 0;
  float out = 0;
  (wide ? fma_chains_512 : fma_chains_256)(steps, &out);
  volatile float kept = out;
  (void)kept;
  return static_cast<double>(steps) * kChains * (wide ? 16 : 8) * 2;
}
#else
double fma_flops(int64_t) {
  return 0;
}
#endif

// Best of a few: a shared machine only ever slows down.
template <class Work>
double best_seconds(int repeats, const Work& work) {
  double best = 1e9;
  for (int i = 0; i < repeats; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    work();
    best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  }
  return best;
}

double fma_limit = 0;  // GFLOP/s of all threads

void measure_limit(int threads) {
  double flops = 0;
  const double seconds = best_seconds(5, [&] {
    std::vector<double> done(static_cast<size_t>(threads));
    std::vector<std::thread> all;
    for (double& one : done) all.emplace_back([&one] { one = fma_flops(20'000'000); });
    for (std::thread& thread : all) thread.join();
    flops = std::accumulate(done.begin(), done.end(), 0.0);
  });
  fma_limit = flops / seconds / 1e9;
  std::printf("engine: %.0f GFLOP/s is the FMA limit of %d threads here\n", fma_limit, threads);
}

void report(const Shape& shape, const std::string& what, double tokens, double seconds, double flops) {
  const double rate = tokens * flops / seconds / 1e9;
  std::printf("engine: %s %s: %.0f tokens/s, %.1f GFLOP/s, %.0f %% of the limit\n", shape.name, what.c_str(),
              tokens / seconds, rate, 100 * rate / fma_limit);
  std::fflush(stdout);
}

GenerateBatch requests_of(const Shape& shape, uint32_t prompts, uint32_t samples, int64_t new_tokens) {
  GenerateBatch batch;
  batch.sampling = {.max_new_tokens = new_tokens, .stop = {}};
  batch.prompt_begin.push_back(0);
  for (uint32_t p = 0; p < prompts; ++p) {
    for (uint32_t i = 0; i < 8; ++i)
      batch.ids.push_back(static_cast<TokenId>((p * 7 + i * 13) % static_cast<uint32_t>(shape.vocabulary)));
    batch.prompt_begin.push_back(batch.ids.size());
    for (uint32_t sample = 0; sample < samples; ++sample) {
      batch.prompt.push_back(p);
      batch.key.push_back(5);
      batch.uid.push_back(p);
      batch.sample.push_back(sample);
    }
  }
  return batch;
}

void sampling(const Shape& shape, int threads, uint32_t prompts, uint32_t samples, int64_t new_tokens) {
  const auto engine = make(shape, threads);
  const GenerateBatch batch = requests_of(shape, prompts, samples, new_tokens);
  const Version version = engine->initial();
  const double seconds = best_seconds(3, [&] { engine->generate(version, batch, [](size_t, Completion&&) {}, {}); });
  report(shape,
         "sampling " + std::to_string(prompts) + " x " + std::to_string(samples) + " x " + std::to_string(new_tokens),
         static_cast<double>(prompts * samples) * static_cast<double>(new_tokens), seconds, shape.flops());
}

struct FixedSteps final : TrainBatches {
  int64_t rows, length, count;
  TokenId vocabulary;
  FixedSteps(int64_t r, int64_t l, int64_t v, int64_t n = 3)
      : rows(r), length(l), count(n), vocabulary(static_cast<TokenId>(v)) {}
  int64_t steps() const override { return count; }
  TrainBatch step(int64_t) override {
    TrainBatch batch;
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t i = 0; i < length; ++i) {
        batch.ids.push_back(static_cast<TokenId>((r * 31 + i * 17) % vocabulary));
        batch.target.push_back(i > 0 ? 1 : 0);
        batch.credit.push_back(1);
      }
      batch.begin.push_back(static_cast<int32_t>(batch.ids.size()));
      batch.temperature.push_back(1);
    }
    return batch;
  }
};

void training(const Shape& shape, int threads, int64_t rows, int64_t length) {
  const auto engine = make(shape, threads);
  const Version version = engine->initial();
  FixedSteps steps(rows, length, shape.vocabulary);
  UpdateCall call;
  call.optimizer.schedule = "constant";
  const double seconds = best_seconds(3, [&] {
    Recorder recorder;
    engine->drop(call.run(*engine, version, steps, recorder).version);
  });
  report(shape, "training " + std::to_string(rows) + " x " + std::to_string(length),
         static_cast<double>(3 * rows * length), seconds, 3 * shape.flops());
}

// Four decode steps of 64 rollouts.
void count_sampling(const Shape& shape) {
  const auto engine = make(shape, 1);
  engine->generate(engine->initial(), requests_of(shape, 8, 8, 4), [](size_t, Completion&&) {}, {});
}

// One optimizer step on 8 sequences of 64 tokens.
void count_training(const Shape& shape) {
  const auto engine = make(shape, 1);
  FixedSteps steps(8, 64, shape.vocabulary, 1);
  Recorder recorder;
  UpdateCall().run(*engine, engine->initial(), steps, recorder);
}

}  // namespace
}  // namespace sil::test

int main(int argc, char** argv) {
  using namespace sil::test;
  const int threads = argc > 1 ? std::atoi(argv[1]) : static_cast<int>(std::thread::hardware_concurrency());
  const std::string only = argc > 2 ? argv[2] : "";
  if (only == "count-sampling") return count_sampling(kA), 0;
  if (only == "count-training") return count_training(kA), 0;
  measure_limit(threads);
  if (only != "training") {
    for (uint32_t prompts : {4U, 128U}) sampling(kA, threads, prompts, 8, 32);
    sampling(kB, threads, 16, 8, 64);
  }
  if (only != "sampling") {
    training(kA, threads, 64, 64);
    training(kA, threads, 1024, 38);
    training(kB, threads, 16, 256);
  }
  return 0;
}
