// scripts/bench.sh tokenizer: tokenizer_bench TOKENIZER TEXT encodes a file on one core, whole and line by line.
#include <algorithm>
#include <cstdio>
#include <string_view>

#include "sil/env.h"
#include "tokenizers/tokenizer.h"

namespace {

constexpr int kRepeats = 3;  // the best one counts; processor time, as the machine may be shared

template <class Encode>
void measure(const char* what, std::string_view text, Encode encode) {
  double best = 0;
  size_t ids = 0;
  for (int i = 0; i < kRepeats; ++i) {
    const double begin = sil::system_env().cpu_seconds(sil::CpuTime::thread);
    ids = encode();
    best = std::max(
        best, static_cast<double>(text.size()) / 1e6 / (sil::system_env().cpu_seconds(sil::CpuTime::thread) - begin));
  }
  std::printf("tokenizer: %s: %.1f MB/s (%zu ids; goal 10)\n", what, best, ids);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const auto tokenizer = sil::open_tokenizer(argv[1]);
  const std::string file = sil::system_env().read_all(argv[2]);
  const std::string_view text = file;
  measure("whole text", text, [&] { return tokenizer->encode(text, false, true).size(); });
  measure("line by line", text, [&] {
    size_t ids = 0;
    for (size_t begin = 0; begin < text.size();) {
      const size_t end = std::min(text.find('\n', begin), text.size());
      ids += tokenizer->encode(text.substr(begin, end - begin), false, true).size();
      begin = end + 1;
    }
    return ids;
  });
  return 0;
}
