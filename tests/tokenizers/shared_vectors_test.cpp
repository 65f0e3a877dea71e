// The golden vectors that lie beside the repository, in $SIL_SHARED/data/tokenizers (default: ../shared).
#include <cstdlib>
#include <filesystem>

#include "tokenizers/vectors.h"

namespace sil {
namespace {

namespace fs = std::filesystem;

// "" where it is not there, which is a failure where CI is set.
std::string shared_folder() {
  const char* given = std::getenv("SIL_SHARED");
  const fs::path folder =
      (given != nullptr ? fs::path(given) : fs::path(SIL_SOURCE_DIR) / "../shared") / "data/tokenizers";
  if (fs::is_directory(folder)) return folder.string() + "/";
  if (std::getenv("CI") != nullptr) FAIL("missing: " << folder.string());
  WARN("skipped: there is no " << folder.string() << "; set SIL_SHARED");
  return {};
}

TEST_CASE("every vector of a tokenizer.json is met to the id and to the byte") {
  const std::string folder = shared_folder();
  if (folder.empty()) return;
  int files = 0;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    const std::string path = entry.path().string(), suffix = ".tokenizer.json";
    if (!path.ends_with(suffix)) continue;
    INFO(path);
    const auto tokenizer = read_tokenizer_json(system_env().read_all(path), {path, 0, 0});
    CHECK(check_vectors(*tokenizer, path.substr(0, path.size() - suffix.size()) + ".vectors.jsonl") > 0);
    ++files;
  }
  CHECK(files > 0);
}

}  // namespace
}  // namespace sil
