#include "app/program.h"
#include "support/catch.h"

using namespace sil::testing;
using Catch::Matchers::Contains;

namespace {

// Words of one or two letters, with a template and a special token.
constexpr const char* kTokenizer =
    R"({"version": "1.0", "added_tokens": [{"id": 3, "content": "<s>", "single_word": false,
  "lstrip": false, "rstrip": false, "normalized": false, "special": true}],
  "pre_tokenizer": {"type": "WhitespaceSplit"}, "post_processor": {"type": "TemplateProcessing",
  "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}], "pair": [],
  "special_tokens": {"<s>": {"id": "<s>", "ids": [3], "tokens": ["<s>"]}}},
  "model": {"type": "WordLevel", "unk_token": "?", "vocab": {"?": 0, "a": 1, "ab": 2}}})";

}  // namespace

TEST_CASE("tokenizer encode and decode answer each row in order") {
  const TestDirectory directory;
  const std::string path = directory.write("tokenizer.json", kTokenizer);
  const ProgramResult encoded = run_sil("tokenizer encode " + path,
                                        "{\"text\":\"a <s> ab\",\"add_special\":true,\"parse_special\":true}\n"
                                        "{\"text\":\"a <s>\"}\n");
  CHECK(encoded.code == 0);
  CHECK(encoded.out == "{\"ids\":[3,1,3,2]}\n{\"ids\":[1,0]}\n");
  // The folder that holds it stands for the file.
  const ProgramResult decoded =
      run_sil("tokenizer decode " + directory.at("."), "{\"ids\":[3,1,2]}\n{\"ids\":[3,1,2],\"skip_special\":true}\n");
  CHECK(decoded.code == 0);
  CHECK(decoded.out == "{\"text\":\"<s> a ab\"}\n{\"text\":\"a ab\"}\n");
}

TEST_CASE("tokenizer verify counts the vectors that agree, and differs with 8") {
  const TestDirectory directory;
  const std::string path = directory.write("tokenizer.json", kTokenizer);
  const std::string good = "{\"text\":\"ab a\",\"ids\":[2,1],\"decoded\":\"ab a\",\"decoded_skip_special\":\"ab a\"}\n";
  const ProgramResult agrees = run_sil("tokenizer verify " + path, good + good);
  CHECK(agrees.code == 0);
  CHECK(agrees.out == "2 of 2 vectors agree\n");
  const ProgramResult differs = run_sil("tokenizer verify " + path, good + "{\"text\":\"ab\",\"ids\":[1]}\n");
  CHECK(differs.code == 8);
  CHECK(differs.out == "1 of 2 vectors agree\n");
  CHECK_THAT(differs.err, Contains("stdin:2: ids differ at position 0: 2, not 1"));
  CHECK(run_sil("tokenizer verify " + path + " --json", "{\"text\":\"a\",\"ids\":[1],\"decoded\":\"b\"}\n").code == 8);
  CHECK(run_sil("tokenizer verify " + path, "").code == 3);
}

TEST_CASE("a bad row ends the tokenizer commands with its line, and a bad tokenizer with its file") {
  const TestDirectory directory;
  const std::string path = directory.write("tokenizer.json", kTokenizer);
  for (const char* bad : {"{\"text\":3}", "{}", "[1]", "{\"text\":\"a\",\"add_special\":1}"}) {
    const ProgramResult result = run_sil("tokenizer encode " + path, std::string("{\"text\":\"a\"}\n") + bad + "\n");
    INFO(bad);
    CHECK(result.code == 3);
    CHECK(result.out == "{\"ids\":[1]}\n");
    CHECK_THAT(result.err, Contains("stdin:2"));
  }
  CHECK_THAT(run_sil("tokenizer decode " + path, "{\"ids\":[4]}\n").err, Contains("ids 0 to 3"));
  const ProgramResult missing = run_sil("tokenizer encode " + directory.at("none.json"), "");
  CHECK(missing.code == 3);
  CHECK_THAT(missing.err, Contains("none.json"));
  CHECK(run_sil("tokenizer encode " + directory.write("bad.json", "{}"), "").code == 3);
}
