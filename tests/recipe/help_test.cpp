#include "recipe/help.h"

#include "recipe/shelves.h"
#include "support/catch.h"

using namespace sil;
using namespace sil::test;
using Catch::Contains;

namespace {

std::string line_with(const std::string& text, const std::string& word) {
  const size_t at = text.find(word);
  if (at == std::string::npos) return "no line with " + word;
  const size_t begin = text.rfind('\n', at) + 1;
  return text.substr(begin, text.find('\n', at) - begin);
}

const std::string kForeign = with(kQuickstart, "verify: exact", "verify: {weather: {days: 5}}");

}  // namespace

TEST_CASE("a foreign plug-in's options appear in its help") {
  const std::string help = help_plugin(shelves().verifiers, "weather");
  CHECK_THAT(help, Contains("verifier weather: what weather does"));
  CHECK_THAT(line_with(help, "days  "),
             Contains("3") && Contains("from 1 to 14") && Contains("days") && Contains("how far to look"));
  CHECK_THAT(line_with(help, "place"), Contains("one of: here, there"));
  CHECK_THAT(line_with(help, "rain"), Contains("false") && Contains("true or false") && Contains("whether it rains"));
}

TEST_CASE("a foreign plug-in's options appear in the dump with their origins") {
  const std::string text = resolved_dump(read(kForeign, {"verify.weather.rain=true"}));
  CHECK_THAT(line_with(text, "days:"), Contains("days: 5") && Contains("# recipe.yaml:12"));
  CHECK_THAT(line_with(text, "place: here"), Contains("# default"));
  CHECK_THAT(line_with(text, " rain:"), Contains("rain: true") && Contains("# override"));
}

TEST_CASE("a foreign plug-in's options change the digest and name errors") {
  CHECK(read(kForeign).digest != read(kForeign, {"verify.weather.place=there"}).digest);
  CHECK_THAT(errors(with(kForeign, "days: 5", "dayz: 5")),
             Contains("unknown option 'dayz' of weather") && Contains("'days'"));
}

TEST_CASE("the dump is the recipe again") {
  for (const Recipe& recipe : {read(kQuickstart), read(kForeign)}) {
    const Recipe again = read(resolved_dump(recipe));
    CHECK(again.digest == recipe.digest);
    CHECK(again.name == recipe.name);
    CHECK(again.rounds == recipe.rounds);
  }
}

TEST_CASE("help names the shorthand, required options and unknown plug-ins") {
  CHECK_THAT(help_plugin(shelves().filters, "per_problem"),
             Contains("{per_problem: VALUE} stands for {per_problem: {n: VALUE}}"));
  CHECK_THAT(line_with(help_plugin(shelves().steps, "finetune"), "from"), Contains("required"));
  CHECK_THAT(line_with(help_plugin(shelves().steps, "verify"), "verifiers"), Contains("in place of the options"));
  CHECK_THAT(help_plugin(shelves().filters, "pass"), Contains("no options"));
  try {
    help_plugin(shelves().filters, "pas");
    FAIL("known");
  } catch (const Error& error) {
    CHECK(error.code() == Exit::usage);
    CHECK_THAT(error.what(), Contains("'pass'"));
  }
}

TEST_CASE("columns of a table begin in the same place") {
  const std::string help = help_plugin(shelves().verifiers, "weather");
  const size_t meaning = line_with(help, "meaning").find("meaning");
  CHECK(line_with(help, "place").find("where") == meaning);
  CHECK(line_with(help, "how far").find("how far") == meaning);
}

TEST_CASE("lists name every plug-in with its line") {
  CHECK(list_plugins(shelves().gates) == "always    what always does\nat_least  what at_least does\n");
}

TEST_CASE("the grammar's help names every section, common key and verb, and ends with a recipe") {
  const std::string help = help_recipe(shelves().all());
  for (const char* word : {"models", "roles", "tasks", "stores", "control", "before, round, after", "retain", "evict",
                           "where", "put", "generate", "finetune"})
    CHECK_THAT(help, Contains(word));
  CHECK_THAT(help, Contains(std::string(example_recipe())));
  CHECK(errors(std::string(example_recipe())).empty());
}
