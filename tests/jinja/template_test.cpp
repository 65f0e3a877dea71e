// Places of errors, kinds of failure, generation ranges and limits.
#include "jinja/template.h"

#include "jinja/support.h"

namespace sil::jinja {
namespace {

using Catch::Matchers::Contains;

const Json kNone = Json::object();

std::string failure(const std::string& source, const Settings& settings = clock_settings()) {
  const Outcome seen = outcome(source, kNone, settings);
  CHECK(seen.kind == "failure");
  return seen.text;
}

std::string repeated(const std::string& text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

}  // namespace

TEST_CASE("what is not supported is refused at its line and column, with its name") {
  CHECK_THAT(failure("a\n  {% include 'x' %}"), Contains("t.jinja:2:6: the statement 'include' is not supported"));
  CHECK_THAT(failure("{{ x|uper }}"), Contains("t.jinja:1:6: the filter 'uper'") && Contains("did you mean 'upper'"));
  CHECK_THAT(failure("{{ x is strin }}"), Contains("t.jinja:1:9: the test 'strin'") && Contains("'string'"));
  CHECK_THAT(failure("{% fro x in y %}"), Contains("did you mean 'for'?"));
  CHECK_THAT(failure("é{{ 1 + }}"), Contains("t.jinja:1:9: unexpected }}"));
  CHECK_THAT(failure("{% if x %}\n"), Contains("expected {% endif %}"));
  CHECK_THAT(failure("{{ 9223372036854775808 }}"), Contains("does not fit in 64 bits"));
}

TEST_CASE("a failure names the place of the expression that failed") {
  CHECK_THAT(failure("a\nb {{ x.y.z }}"), Contains("t.jinja:2:") && Contains("'x' is undefined"));
  CHECK_THAT(failure("{% set x = {} %}{{ x.y.z }}"), Contains("'x.y' is undefined"));
  CHECK_THAT(failure("{{ 'a' + 1 }}"), Contains("t.jinja:1:8: unsupported operand types for +: 'str' and 'int'"));
  CHECK_THAT(failure("{% set x = [] %}{{ x.append(1) }}"), Contains("would change a list"));
}

TEST_CASE("a template's own refusal is told from a failure") {
  const Template refusing = Template::parse("\n{{ raise_exception('roles must ' ~ 'alternate') }}", {"t.jinja", 0, 0});
  try {
    refusing.render(kNone, clock_settings());
    FAIL("it rendered");
  } catch (const Refusal& refusal) {
    CHECK(refusal.message == "roles must alternate");
    CHECK(refusal.code() == Exit::unreadable);
    CHECK(std::string(refusal.what()).starts_with("t.jinja:2:"));
  }
  CHECK(outcome("{{ x.y }}", kNone).kind == "failure");
}

TEST_CASE("generation blocks give the ranges of what they print") {
  const std::string source =
      "{% for m in ['é', 'bc'] %}u:{% generation %}{{ m }}!{% endgeneration %};{% endfor %}"
      "{% set x %}{% generation %}hidden{% endgeneration %}{% endset %}{{ x }}";
  const Rendered rendered = Template::parse(source, {}).render(kNone, clock_settings());
  CHECK(rendered.text == "u:é!;u:bc!;hidden");
  REQUIRE(rendered.generation.size() == 2);
  CHECK(rendered.text.substr(rendered.generation[0].begin, rendered.generation[0].end - rendered.generation[0].begin) ==
        "é!");
  CHECK(rendered.generation[1].begin == 8);
  CHECK(rendered.generation[1].end == 11);
}

TEST_CASE("the clock is the caller's") {
  Settings settings;
  settings.now = std::chrono::sys_days(std::chrono::year{1999} / 12 / 31);
  CHECK(outcome("{{ strftime_now('%d %b %Y') }}", kNone, settings).text == "31 Dec 1999");
}

TEST_CASE("strict rendering prints scalars only") {
  Settings settings = clock_settings();
  settings.strict = true;
  CHECK(outcome("{{ 1 }}{{ true }}{{ 'x' }}", kNone, settings).text == "1Truex");
  CHECK_THAT(failure("{{ x }}", settings), Contains("'x' is undefined"));
  CHECK_THAT(failure("{{ 'a' ~ x }}", settings), Contains("'x' is undefined"));
  CHECK_THAT(failure("{{ none }}", settings), Contains("null"));
  CHECK_THAT(failure("{{ [1] }}", settings), Contains("list"));
}

TEST_CASE("references are what the caller must give, with their constant fields") {
  const Template read = Template::parse(
      "{{ a.b['c'].d }}{% for x in xs %}{{ x.y }}{{ a[x] }}{{ e.f.upper() }}{% endfor %}{{ range(1) }}"
      "{% set s = 1 %}{{ s }}{% if t is defined %}{{ t }}{% endif %}",
      {});
  std::vector<std::string> seen;
  for (const Reference& reference : read.references()) {
    std::string path;
    for (const std::string& name : reference.path) path += "." + name;
    seen.push_back(path);
  }
  CHECK(seen == std::vector<std::string>{".a.b.c.d", ".xs", ".a", ".e.f", ".t", ".t"});
  CHECK(read.references()[0].line == 1);
  CHECK(read.references()[0].column == 4);
}

TEST_CASE("no template runs without an end") {
  Settings short_of_steps = clock_settings();
  short_of_steps.steps = 1000;
  CHECK_THAT(failure("{% for a in range(99) %}{% for b in range(99) %}{% endfor %}{% endfor %}", short_of_steps),
             Contains("more than the allowed 1000 steps"));
  CHECK_THAT(failure("{{ range(10 ** 9) }}"), Contains("longer than the allowed 100000"));
  CHECK_THAT(failure("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}"), Contains("nests deeper"));
  CHECK_THAT(failure("{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}"), Contains("nests deeper"));
  CHECK_THAT(failure("{% set n = namespace(x='aaaaaaaa' * 100000) %}{% for i in range(99999) %}{% if n.x.find('b' * "
                     "1000) %}{% endif %}{% endfor %}"),
             Contains("steps"));
}

TEST_CASE("no template exhausts the memory") {
  CHECK_THAT(failure("{{ 'a' * 10 ** 12 }}"), Contains("bytes"));
  CHECK_THAT(failure("{{ [1] * 10 ** 12 }}"), Contains("bytes"));
  CHECK_THAT(failure("{{ 'a' * 9223372036854775807 }}"), Contains("bytes"));
  CHECK_THAT(failure("{% set n = namespace(x='a') %}{% for i in range(99) %}{% set n.x = n.x ~ n.x %}{% endfor %}"),
             Contains("bytes"));
  CHECK_THAT(failure("{% set n = namespace(x=[]) %}{% for i in range(999) %}{% set n.x = [n.x] %}{% endfor %}"),
             Contains("nests deeper"));
  CHECK_THAT(failure("{{ 'a'|center(10 ** 12) }}"), Contains("bytes"));
  CHECK_THAT(failure("{{ 'a'.ljust(10 ** 12) }}"), Contains("bytes"));
  CHECK_THAT(failure("{{ 'a'|indent(10 ** 12) }}"), Contains("bytes"));
  CHECK_THAT(failure("{{ [[1]]|tojson(indent=10 ** 12) }}"), Contains("bytes"));
  CHECK_THAT(failure("{{ '%1000000000d' % 1 }}"), Contains("wider"));
  CHECK_THAT(failure("{{ '{:1000000000}'.format(1) }}"), Contains("beyond"));
  CHECK_THAT(failure("{{ [1]|batch(10 ** 12, 0)|list }}"), Contains("longer"));
  CHECK_THAT(failure("{{ [1]|slice(10 ** 12)|list }}"), Contains("more than"));
  CHECK_THAT(failure("{{ ('a' * 1000000).replace('', 'b' * 1000000) }}"), Contains("bytes"));
  CHECK_THAT(failure("{{ ('a' * 100000000)|list }}"), Contains("bytes") || Contains("steps"));
}

TEST_CASE("deep templates and values are refused, not followed") {
  CHECK_THAT(failure("{{ " + repeated("(", 100000) + repeated(")", 100000) + " }}"), Contains("nested deeper"));
  CHECK_THAT(failure("{{ " + repeated("-", 100000) + "1 }}"), Contains("nested deeper"));
  CHECK_THAT(failure("{{ " + repeated("not ", 100000) + "1 }}"), Contains("nested deeper"));
  CHECK_THAT(failure("{{ 1" + repeated("+1", 100000) + " }}"), Contains("nested deeper"));
  CHECK_THAT(failure("{{ x" + repeated(".a", 100000) + " }}"), Contains("nested deeper"));
  CHECK_THAT(failure("{{ x" + repeated("|e", 100000) + " }}"), Contains("nested deeper"));
  CHECK_THAT(failure("{{ 1" + repeated(" if 1 else 1", 50000) + " }}"), Contains("nested deeper"));
  CHECK_THAT(failure(repeated("{% if 1 %}", 100000)), Contains("nested deeper"));
  CHECK_THAT(failure("{% set " + repeated("(", 100000) + repeated(")", 100000) + " = 1 %}"), Contains("nested deeper"));
  CHECK(outcome(repeated("{% if 1 %}", 150) + "x" + repeated("{% endif %}", 150), kNone).text == "x");
  CHECK(outcome("{% set n = namespace() %}{% set n.n = n %}{{ n.n.n.n is defined }}", kNone).text == "True");
}

}  // namespace sil::jinja
