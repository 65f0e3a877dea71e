// `sil doctor`: what this machine offers, how fast it is at what matters, and whether sampling and scoring agree on it.
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <map>
#include <numeric>
#include <thread>
#include <vector>

#include "app/builtins.h"
#include "app/commands.h"
#include "app/output.h"
#include "base/math_paths.h"
#include "nn/cpu/primitives.h"
#include "nn/torch_module.h"
#include "sil/error.h"
#include "sil_version.h"

namespace sil {
namespace {

using Clock = std::chrono::steady_clock;

std::string gibibytes(double bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f GiB", bytes / (1 << 30));
  return text;
}

// Best of a few short runs of `work`, in seconds.
template <class Work>
double best_seconds(const Work& work) {
  double best = 1e9;
  for (int i = 0; i < 5; ++i) {
    const auto begin = Clock::now();
    work();
    best = std::min(best, std::chrono::duration<double>(Clock::now() - begin).count());
  }
  return best;
}

std::string products() {
  constexpr int64_t kRows = 256, kSize = 512;
  const std::vector<float> a(kRows * kSize, 0.5F), b(kSize * kSize, 0.25F);
  std::vector<float> c(kRows * kSize);
  const nn::cpu::Primitives& set = nn::cpu::quickest();
  const double seconds = best_seconds([&] {
    set.product({.rows = kRows,
                 .columns = kSize,
                 .depth = kSize,
                 .a = a.data(),
                 .a_row = kSize,
                 .b = b.data(),
                 .b_panel = kSize * nn::cpu::kPanel,
                 .b_depth = nn::cpu::kPanel,
                 .c = c.data(),
                 .c_row = kSize,
                 .c_panel = nn::cpu::kPanel});
  });
  char text[80];
  std::snprintf(text, sizeof text, "%.0f GFLOP/s in fp32 on one thread (%s)", 2e-9 * kRows * kSize * kSize / seconds,
                std::string(set.name).c_str());
  return text;
}

std::string libtorch() {
  try {
    return nn::torch_version() + " on the CPU";
  } catch (const Error&) {
    return "none (scripts/setup.sh --torch, then build)";
  }
}

std::string copies() {
  constexpr size_t kBytes = size_t{64} << 20;
  const std::vector<char> from(kBytes, 1);
  std::vector<char> to(kBytes, 2);
  const double seconds = best_seconds([&] { std::memcpy(to.data(), from.data(), kBytes); });
  char text[64];
  std::snprintf(text, sizeof text, "%.1f GB/s read and written by one thread", 2e-9 * kBytes / seconds);
  return text;
}

// A small model's rollouts on all threads: by number, prompt and completion with what the sampler said of it.
struct Rollouts {
  std::map<size_t, std::vector<TokenId>> ids;
  std::map<size_t, std::vector<float>> logprobs;
};

Rollouts sample(Engine& engine, Version version, const GenerateBatch& batch) {
  Rollouts out;
  engine.generate(version, batch,
                  [&](size_t request, Completion&& completion) {
                    out.ids[request].assign(completion.ids.begin(), completion.ids.end());
                    out.logprobs[request].assign(completion.logprobs.begin(), completion.logprobs.end());
                  },
                  {});
  return out;
}

GenerateBatch questions(const Engine& engine) {
  GenerateBatch batch;
  batch.sampling = {.temperature = 0.9, .max_new_tokens = 40, .stop = {}};
  batch.prompt_begin.push_back(0);
  for (uint32_t prompt = 0; prompt < 7; ++prompt) {
    for (TokenId id : engine.codec().encode_text(std::string(3 * prompt + 1, static_cast<char>('a' + prompt))))
      batch.ids.push_back(id);
    batch.prompt_begin.push_back(batch.ids.size());
    for (uint32_t sample = 0; sample < 20; ++sample) {
      batch.prompt.push_back(prompt);
      batch.key.push_back(1);
      batch.uid.push_back(prompt);
      batch.sample.push_back(sample);
    }
  }
  return batch;
}

std::unique_ptr<Engine> small_model(const Registries& registries, int threads) {
  PluginSpec spec;
  spec.name = "llama";
  spec.options = Json::Object{{"layers", 2}, {"width", 64}, {"heads", 4}, {"kv_heads", 2}, {"context", 128}};
  spec.node = Node::from_json(spec.options, {"self-test", 0, 0}, Origin::file);
  PluginSpec bytes;
  bytes.name = "bytes";
  EngineSetup setup;
  setup.key = 1;
  setup.codec = registries.tokenizers.make(bytes)->make("");
  setup.threads = threads;
  return registries.engines.make(spec)->make(setup);
}

// How many log-probabilities agree bit for bit between one thread's sampling, all threads' sampling, and scoring.
std::string self_test(const Registries& registries, int threads) {
  const auto alone = small_model(registries, 1);
  const auto together = small_model(registries, threads);
  const GenerateBatch batch = questions(*alone);
  const Version version = alone->initial();
  const Rollouts one = sample(*alone, version, batch);
  const Rollouts all = sample(*together, together->initial(), batch);
  if (one.ids != all.ids || one.logprobs != all.logprobs)
    throw Error(Exit::differs, "one thread and " + std::to_string(threads) + " sample different tokens",
                "do not trust a run of this machine; report it with the lines above");
  ScoreBatch score;
  std::vector<float> said;
  for (const auto& [request, ids] : one.ids) {
    score.begin.push_back(score.ids.size());
    const uint64_t first = batch.prompt_begin[batch.prompt[request]];
    const uint64_t last = batch.prompt_begin[batch.prompt[request] + size_t{1}];
    score.ids.insert(score.ids.end(), batch.ids.begin() + static_cast<std::ptrdiff_t>(first),
                     batch.ids.begin() + static_cast<std::ptrdiff_t>(last));
    score.ids.insert(score.ids.end(), ids.begin(), ids.end());
    score.start.push_back(last - first);
    said.insert(said.end(), one.logprobs.at(request).begin(), one.logprobs.at(request).end());
  }
  score.begin.push_back(score.ids.size());
  const std::vector<float> scored = together->score(together->initial(), score, batch.sampling.temperature);
  const auto different = std::inner_product(said.begin(), said.end(), scored.begin(), size_t{0}, std::plus<>(),
                                            [](float a, float b) { return size_t{a != b}; });
  if (different > 0)
    throw Error(Exit::differs,
                std::to_string(different) + " of " + std::to_string(said.size()) +
                    " log-probabilities differ between sampling and scoring",
                "do not trust a run of this machine; report it with the lines above");
  return std::to_string(said.size()) + " log-probabilities: sampled on 1 and " + std::to_string(threads) +
         " threads = scored, bit for bit";
}

}  // namespace

int doctor_command() {
  const auto pages = [](int what) {
    return static_cast<double>(::sysconf(what)) * static_cast<double>(::sysconf(_SC_PAGESIZE));
  };
  const int threads = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  print("sil       " SIL_VERSION " (" SIL_BUILD_TYPE ", " SIL_COMPILER ")\n");
  print("threads   " + std::to_string(threads) + "\n");
  print("memory    " + gibibytes(pages(_SC_PHYS_PAGES)) + ", " + gibibytes(pages(_SC_AVPHYS_PAGES)) + " free\n");
  struct statvfs disk = {};
  if (::statvfs(".", &disk) == 0)
    print("disk      " + gibibytes(static_cast<double>(disk.f_bavail) * static_cast<double>(disk.f_frsize)) +
          " free here\n");
  print(std::string("fma       ") + (fused_math() != nullptr ? "in hardware" : "in software: slower, the same bits") +
        "\n");
  print("products  " + products() + "\n");
  print("libtorch  " + libtorch() + "\n");
  print("copies    " + copies() + "\n");
  print(std::string("here      ") +
        (::access(".", W_OK) == 0 ? "writable" : "not writable: runs need --out DIR elsewhere") + "\n");
  const Builtins builtins;
  print("exact     " + self_test(builtins.registries, std::max(2, threads)) + "\n");
  return 0;
}

}  // namespace sil
