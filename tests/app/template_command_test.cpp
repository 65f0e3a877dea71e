#include <sstream>
#include <vector>

#include "app/json_rows.h"
#include "app/program.h"
#include "sil/json.h"
#include "support/catch.h"

using namespace sil;
using namespace sil::testing;
using Catch::Matchers::Contains;

namespace {

const std::string kHi =
    R"({"messages":[{"role":"user","content":"hi"}],"eos_token":"</s>","now":"2024-07-26T09:05:03"})"
    "\n";

}  // namespace

TEST_CASE("template render answers each row with its text, the template's refusal or the failure") {
  const TestDirectory directory;
  const std::string file = directory.write("t.jinja",
                                           "{% for m in messages %}[{{ m.role + m.content }}]{% endfor %}\n"
                                           "{% if not messages %}{{ raise_exception('nothing said') }}{% endif %}\n"
                                           "{{ eos_token }}{{ strftime_now('%d %b') }}{{ mood }}");
  const ProgramResult result =
      run_sil("template render " + file, kHi +
                                             R"({"messages":[]})"
                                             "\n" +
                                             R"({"messages":[{"role":"user","content":null}],"extra":{"mood":"!"}})");
  CHECK(result.code == 0);
  const std::vector<Json> rows = rows_of(result.out);
  REQUIRE(rows.size() == 3);
  CHECK(rows[0].at("rendered") == Json("[userhi]</s>26 Jul"));
  CHECK(rows[1].at("error").at("kind") == Json("raise_exception"));
  CHECK(rows[1].at("error").at("message") == Json("nothing said"));
  CHECK(rows[2].at("error").at("kind") == Json("runtime"));
  CHECK_THAT(rows[2].at("error").at("message").as_string(), Contains("t.jinja:1:"));
}

TEST_CASE("template render finds the template of a model's folder and its special tokens") {
  const TestDirectory directory;
  directory.write("tokenizer_config.json", R"({"eos_token": {"content": "<e>"}, "chat_template": [
      {"name": "default", "template": "D{{ eos_token }}"}, {"name": "tool_use", "template": "T{{ tools|length }}"}]})");
  const std::string rows = "{\"messages\":[]}\n{\"messages\":[],\"tools\":[1]}\n";
  const auto rendered = [&] {
    std::string out;
    for (const Json& row : rows_of(run_sil("template render " + directory.at("."), rows).out))
      out += row.at("rendered").as_string() + ";";
    return out;
  };
  CHECK(rendered() == "D<e>;T1;");
  directory.write("chat_template.jinja", "J{{ eos_token }}");
  CHECK(rendered() == "J<e>;J<e>;");
}

TEST_CASE("template render refuses what it cannot read with exit 3 and the place") {
  const TestDirectory directory;
  const std::string bad = directory.write("bad.jinja", "{% if %}");
  CHECK(run_sil("template render " + bad).code == 3);
  CHECK_THAT(run_sil("template render " + bad).err, Contains("bad.jinja:1:7"));
  CHECK_THAT(run_sil("template render " + directory.at(".")).err, Contains("has no chat template"));
  const std::string good = directory.write("good.jinja", "x");
  for (const char* row :
       {"{}", "{\"messages\":7}", "{\"messages\":[],\"now\":\"soon\"}", "{\"messages\":[],\"extra\":7}"}) {
    INFO(row);
    const ProgramResult result = run_sil("template render " + good, kHi + row + "\n");
    CHECK(result.code == 3);
    CHECK(rows_of(result.out).size() == 1);
    CHECK_THAT(result.err, Contains("stdin:2"));
  }
}
