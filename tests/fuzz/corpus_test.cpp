// Every input of the committed corpora, fed to its parser in an ordinary build.
#include <filesystem>
#include <fstream>
#include <iterator>

#include "fuzz/targets.h"
#include "support/catch.h"

namespace fs = std::filesystem;

TEST_CASE("no input of the corpora makes its parser break its contract") {
  for (const sil::fuzz::Target& target : sil::fuzz::kTargets) {
    const fs::path folder = fs::path(SIL_SOURCE_DIR) / "tests/fuzz/corpus" / target.name;
    int inputs = 0;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
      INFO(entry.path().string());
      std::ifstream file(entry.path(), std::ios::binary);
      const std::string input{std::istreambuf_iterator<char>(file), {}};
      CHECK_NOTHROW(target.feed(input));
      ++inputs;
    }
    INFO(target.name);
    CHECK(inputs > 0);
  }
}
