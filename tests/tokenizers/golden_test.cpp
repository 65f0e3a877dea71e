// Small tokenizers of every kind: tests/golden/tokenizers.jsonl.gz, made by make_golden.py.
#include "tokenizers/vectors.h"

namespace sil {
namespace {

TEST_CASE("small tokenizers of every kind give what the reference gives") {
  JsonLines clones(std::string(SIL_SOURCE_DIR) + "/tests/golden/tokenizers.jsonl.gz");
  int count = 0;
  while (clones.next()) {
    const Json& clone = clones.row();
    INFO(clone.at("name").as_string());
    const auto tokenizer = make_tokenizer(clone.at("tokenizer"), {"golden", 0, 0});
    for (const Json& row : clone.at("rows").as_array()) check_row(*tokenizer, row);
    ++count;
  }
  CHECK(count >= 36);
}

}  // namespace
}  // namespace sil
