// `sil data check` and `sil data inspect` as a shell sees them.
#include "app/hostile.h"
#include "app/json_rows.h"
#include "sil/env.h"

using namespace sil;
using namespace sil::testing;
using Catch::Matchers::Contains;

namespace {

const std::string kModel = SIL_SOURCE_DIR "/tests/golden/trl";
const std::string kGood = "{\"prompt\": \"one\", \"answer\": \"two\"}\n";

Json golden(const std::string& name) {
  return parse_json(system_env().read_all(kModel + "/golden.json")).at(name);
}

// With a cache of its own.
ProgramResult run_data(const TestDirectory& directory, const std::string& words) {
  return run_sil("data " + words, {}, "SIL_CACHE_DIR=" + directory.at("cache"));
}

}  // namespace

TEST_CASE("data check: a good file is 0, a bad row 3 with file, line and column") {
  const TestDirectory directory;
  const std::string good = directory.write("good.jsonl", kGood + kGood);
  const ProgramResult fine = run_data(directory, "check " + good);
  CHECK(fine.code == 0);
  CHECK_THAT(fine.out, Contains("2 rows, 0 bad, 1 repeated") && Contains("line 2 says what line 1 says"));
  const std::string bad = directory.write("bad.jsonl", kGood + "{\"prompt\": \"x\"}\n{]\n");
  const ProgramResult wrong = run_data(directory, "check " + bad);
  CHECK(wrong.code == 3);
  CHECK_THAT(wrong.out,
             Contains(bad + ":2:1: the column 'answer' is missing") && Contains(bad + ":3:2: not valid JSON"));
  const Json document = parse_json(run_data(directory, "check --json " + bad).out);
  CHECK(document.at("ok") == Json(false));
  CHECK(document.at("bad") == Json(2));
  CHECK(document.at("findings").as_array().at(1).at("line") == Json(3));
}

TEST_CASE("data check: contamination, names of columns, files that are none") {
  const TestDirectory directory;
  const std::string train =
      directory.write("train.jsonl", "{\"q\": \"One \", \"a\": \"1\"}\n{\"q\": \"two\", \"a\": \"2\"}\n");
  const std::string test = directory.write("test.jsonl", "{\"q\": \"one\", \"a\": \"1\"}\n");
  const std::string field = " 'field={prompt: q, answer: a}'";
  const ProgramResult seen = run_data(directory, "check " + train + field + " --against " + test);
  CHECK(seen.code == 3);
  CHECK_THAT(seen.out, Contains(train + ":1:1: its prompt is held out at " + test + ":1") && Contains("1 held out"));
  const std::string other = directory.write("other.jsonl", "{\"q\": \"TWO\", \"a\": \"1\"}\n");
  const ProgramResult both =
      run_data(directory, "check " + train + " --against " + test + " --against " + other + field);
  CHECK_THAT(both.out, Contains(train + ":2:1: its prompt is held out at " + other + ":1") && Contains("2 held out"));
  CHECK(run_data(directory, "check " + train + field).code == 0);
  CHECK(run_data(directory, "check " + train).code == 3);
  CHECK(run_data(directory, "check " + train + " fields=q").code == 2);
  CHECK(run_data(directory, "check " + directory.at("nowhere")).code == 3);
  CHECK(run_data(directory, "check " + directory.at("")).code == 3);
  CHECK(run_data(directory, "check").code == 2);
}

TEST_CASE("data check: lengths by a model's tokens, counted once") {
  const TestDirectory directory;
  const Json rows = golden("completion").at("prepared");
  std::string text;
  int64_t longest = 0, sum = 0;
  for (const Json& row : rows.as_array()) {
    text += dump(Json::Object{{"prompt", row.at("prompt")}, {"completion", row.at("completion")}}) + "\n";
    const auto tokens = static_cast<int64_t>(row.at("input_ids").as_array().size());
    longest = std::max(longest, tokens);
    sum += tokens;
  }
  const std::string file = directory.write("rows.jsonl", text);
  const std::string words = "check " + file + " --json --lengths " + kModel;
  const ProgramResult first = run_data(directory, words);
  REQUIRE(first.code == 0);
  const Json both = parse_json(first.out).at("lengths").at("both");
  CHECK(both.at("longest") == Json(longest));
  CHECK(both.at("sum") == Json(sum));
  const std::string cached = directory.at("cache") + "/lengths";
  const std::vector<std::string> entries = system_env().list(cached);
  REQUIRE(entries.size() == 1);
  CHECK(run_data(directory, words).out == first.out);
  directory.write("cache/lengths/" + entries[0], "damaged");
  CHECK(run_data(directory, words).out == first.out);
}

TEST_CASE("data check: hostile files end at once, within 256 MiB") {
  const TestDirectory directory;
  const std::string hole = directory.write("hole.jsonl", kGood + "{\"prompt\": \"");
  std::filesystem::resize_file(hole, uintmax_t{4} << 30);  // sparse
  const std::string deep = directory.write("deep.jsonl", kGood + "{\"prompt\": " + std::string(1000000, '[') + "\n");
  const std::string wide = directory.write("wide.jsonl", "\xFF\xFE{\n");
  std::string zeros = "{\"prompt\": \"x\", \"m\": [0";
  for (int i = 0; i < 7'000'000; ++i) zeros += ",0";
  const std::string many = directory.write("many.jsonl", zeros + "]}\n");
  for (const std::string& file : {hole, deep, wide, many}) {
    const ProgramResult result = run_bounded("data check " + file + " --threads 2");
    INFO(file << ": " << result.out << result.err);
    CHECK(result.code == 3);
    CHECK_THAT(result.out + result.err, Contains(file + ":"));
  }
}

TEST_CASE("data inspect: the tokens and what is learned are those that TRL trains on") {
  const TestDirectory directory;
  for (const auto& [name, flags] :
       {std::pair{"completion", ""}, {"assistant", " --assistant-only-loss"}, {"text", ""}}) {
    const Json cases = golden(name);
    std::string text;
    for (const Json& row : cases.at("rows").as_array()) text += dump(row) + "\n";
    const std::string file = directory.write("rows.jsonl", text);
    const ProgramResult result = run_data(directory, "inspect " + file + " --json --model " + kModel + flags);
    INFO(result.err);
    REQUIRE(result.code == 0);
    const std::vector<Json> seen = rows_of(result.out);
    const Json::Array& wanted = cases.at("prepared").as_array();
    REQUIRE(seen.size() == wanted.size());
    for (size_t i = 0; i < seen.size(); ++i) {
      CHECK(seen[i].at("ids") == wanted[i].at("input_ids"));
      Json learned = Json::array();
      for (const Json& label : wanted[i].at("labels").as_array())
        learned.push(!learned.as_array().empty() && label != Json(-100));  // the first token is predicted from nothing
      if (learned.as_array().empty()) continue;
      CHECK(seen[i].at("learned") == learned);
    }
  }
}

TEST_CASE("data inspect: brackets or colour, datasets or recipes") {
  const TestDirectory directory;
  const std::string file =
      directory.write("rows.jsonl", "{\"prompt\": \"one\", \"chosen\": \"two\", \"rejected\": \"three\"}\n");
  const ProgramResult plain = run_data(directory, "inspect " + file + " --model " + kModel);
  CHECK(plain.code == 0);
  CHECK_THAT(plain.out, Contains(file + ":1:1  chosen, passes: ") && Contains("rejected, fails: "));
  CHECK_THAT(plain.out, Contains("<|user|>") && Contains("\xE2\x9F\xA6") && Contains("<|end|>\xE2\x9F\xA7"));
  const ProgramResult coloured = run_sil("data inspect " + file + " --model " + kModel, {}, "FORCE_COLOR=1");
  CHECK_THAT(coloured.out, Contains("\x1b[32m") && !Contains("\xE2\x9F\xA6"));
  CHECK_THAT(run_sil("data inspect --no-color " + file + " --model " + kModel, {}, "FORCE_COLOR=1").out,
             !Contains("\x1b["));
  const std::string recipe = directory.write(
      "recipe.yaml",
      "rounds: 1\nmodels:\n  lm: {table: {context: 2}, tokenizer: bytes}\ntasks:\n  train: {jsonl: " + file +
          "}\nround:\n  - demonstrate: {tasks: train, problems: 1}\n"
          "  - finetune: {from: live, loss: nll}\n");
  const ProgramResult by_recipe = run_data(directory, "inspect " + recipe);
  INFO(by_recipe.err);
  CHECK(by_recipe.code == 0);
  CHECK_THAT(by_recipe.out,
             Contains("chosen, passes: 7 tokens, 4 learned") && Contains("o n e \xE2\x9F\xA6t w o <eos>"));
  CHECK(run_data(directory, "inspect " + file).code == 2);
}
