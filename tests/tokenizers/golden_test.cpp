// Small tokenizers of every kind: tests/golden/tokenizers.jsonl.gz, made by make_golden.py.
#include "tokenizers/base64.h"
#include "tokenizers/vectors.h"
#include "tokenizers/vocabulary_json.h"

namespace sil {
namespace {

const Place kWhere{"golden", 0, 0};

Json tokenizer_of(const Json& clone) {
  if (const Json* json = clone.find("tokenizer")) return *json;
  const auto model = tokenizers::decode_base64(clone.at("sentencepiece").as_string());
  return tokenizer_json_of_sentencepiece(model.value(), kWhere);
}

TEST_CASE("small tokenizers of every kind give what the reference gives") {
  JsonLines clones(std::string(SIL_SOURCE_DIR) + "/tests/golden/tokenizers.jsonl.gz");
  int count = 0;
  while (clones.next()) {
    const Json& clone = clones.row();
    INFO(clone.at("name").as_string());
    const auto tokenizer = make_tokenizer(tokenizer_of(clone), kWhere);
    for (const Json& row : clone.at("rows").as_array()) check_row(*tokenizer, row);
    ++count;
  }
  CHECK(count >= 39);
}

}  // namespace
}  // namespace sil
