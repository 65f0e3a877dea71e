// The golden vectors that lie beside the repository, in $SIL_SHARED/data/tokenizers (default: ../shared).
#include <cstdlib>
#include <filesystem>

#include "formats/gguf.h"
#include "tokenizers/vectors.h"
#include "tokenizers/vocabulary_json.h"

namespace sil {
namespace {

namespace fs = std::filesystem;

// "" where it is not there, which is a failure where CI is set.
std::string shared_folder() {
  const char* given = std::getenv("SIL_SHARED");
  const fs::path folder =
      (given != nullptr ? fs::path(given) : fs::path(SIL_SOURCE_DIR) / "../shared") / "data/tokenizers";
  if (fs::is_directory(folder)) return folder.string() + "/";
  WARN("skipped: there is no " << folder.string() << "; set SIL_SHARED");
  return {};
}

// NAME of each file PREFIX NAME SUFFIX in the folder.
std::vector<std::string> names(const std::string& folder, const std::string& prefix, const std::string& suffix) {
  std::vector<std::string> out;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(prefix) && name.ends_with(suffix))
      out.push_back(name.substr(prefix.size(), name.size() - prefix.size() - suffix.size()));
  }
  CHECK(!out.empty());
  return out;
}

TEST_CASE("every vector of a tokenizer.json is met to the id and to the byte") {
  const std::string folder = shared_folder();
  if (folder.empty()) return;
  for (const std::string& name : names(folder, "", ".tokenizer.json")) {
    INFO(name);
    const std::string path = folder + name + ".tokenizer.json";
    const auto tokenizer = read_tokenizer_json(system_env().read_all(path), {path, 0, 0});
    CHECK(check_vectors(*tokenizer, folder + name + ".vectors.jsonl") > 0);
  }
}

TEST_CASE("every vector of a GGUF vocabulary is met to the id and to the byte") {
  const std::string folder = shared_folder();
  if (folder.empty()) return;
  for (const std::string& name : names(folder, "ggml-vocab-", ".gguf")) {
    INFO(name);
    const Place where{folder + "ggml-vocab-" + name + ".gguf", 0, 0};
    const std::string bytes = system_env().read_all(where.file);
    const auto tokenizer = make_tokenizer(tokenizer_json_of_gguf(read_gguf(bytes, where).metadata, where), where);
    CHECK(check_vectors(*tokenizer, folder + name + ".vectors.jsonl") > 0);
  }
}

}  // namespace
}  // namespace sil
