#include "text/view.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "support/catch.h"

namespace sil {
namespace {

using Catch::Matchers::Contains;

Json map(Json::Object members) {
  return Json(std::move(members));
}

Problem problem() {
  Problem out;
  out.uid = 0xAB;
  out.prompt = "12+34=";
  out.answer = "46";
  out.difficulty = 2;
  out.task = "sums";
  out.meta =
      parse_json(R"({"topic": "sums", "level": 3, "easy": true, "deep": {"er": "x"}, "nothing": null, "list": [1]})");
  return out;
}

std::string render(const std::string& text, const ViewInput& input) {
  return View(map({{"text", text}}), ".", {"r.yaml", 4, 7}).render(input).text;
}
std::string render(const std::string& text) {
  const Problem p = problem();
  return render(text, {.problem = &p});
}

std::string refusal(const Json& spec, const std::string& folder = ".") {
  try {
    View(spec, folder, {"r.yaml", 4, 7});
  } catch (const Error& error) {
    CHECK(error.code() == Exit::usage);
    return error.what();
  }
  return "accepted";
}
std::string refused_text(const std::string& text) {
  return refusal(map({{"text", text}}));
}

}  // namespace

TEST_CASE("the plain view is the problem's own prompt or messages") {
  Problem p = problem();
  CHECK(View().plain());
  CHECK(View(Json(), ".", {}).plain());
  CHECK(View(map({{"plain", true}}), ".", {}).plain());
  CHECK(View().render({.problem = &p}).text == "12+34=");
  CHECK(View().render({.problem = &p}).messages.empty());
  p.messages = {{"user", "hi"}};
  CHECK(View().render({.problem = &p}).messages == p.messages);
  CHECK(View().render({.problem = &p}).text.empty());
  CHECK_THROWS_AS(View().render({}), Error);
}

TEST_CASE("templates print as Jinja does") {
  // jinja2 3.1.6
  CHECK(render("a{b}{{ problem.prompt }}\n") == "a{b}12+34=");
  CHECK(render("x\n\n") == "x\n");
  CHECK(render("x\r\ny\r\n") == "x\ny");
  CHECK(render("{{problem.prompt}}{{problem.answer}}") == "12+34=46");
  CHECK(render("{ {p} }}") == "{ {p} }}");
  CHECK(render("{{\n problem.answer\t}}") == "46");
  CHECK(render("}}{{problem.answer}}") == "}}46");
  CHECK(render("{{problem.meta.easy}} {{problem.meta.level}}") == "True 3");
  CHECK(render("{{problem.meta.topic}} {{problem.meta.deep.er}} {{problem.task}}") == "sums x sums");
  CHECK(render("") == "");
}

TEST_CASE("values are text, never templates") {
  Problem p = problem();
  p.prompt = "{{problem.answer}} {% x %}";
  CHECK(render("{{problem.prompt}}", {.problem = &p}) == p.prompt);
}

TEST_CASE("rollouts, verdicts and records can be read") {
  const Problem p = problem();
  Rollout r;
  r.text = "47";
  r.step = "tries";
  Verdict v;
  v.label = Label::fail;
  v.score = 0.25;
  v.reason = "found 47";
  const Json record = parse_json(R"({"text": "skill", "n": 2})");
  const ViewInput input{&p, &r, &v, &record};
  CHECK(render("{{rollout.text}}|{{rollout.step}}", input) == "47|tries");
  CHECK(render("{{verdict.label}} {{verdict.score}} {{verdict.reason}}", input) == "fail 0.25 found 47");
  CHECK(render("{{record.text}} {{record.n}}", input) == "skill 2");
}

TEST_CASE("a value that is not there is an error that names the variable and the problem") {
  Problem p = problem();
  p.answer.reset();
  CHECK_THROWS_WITH(render("{{problem.answer}}", {.problem = &p}),
                    Contains("r.yaml:4:7: view, line 1, column 11 of its text: 'problem.answer' is undefined") &&
                        Contains("00000000000000ab"));
  CHECK_THROWS_WITH(render("{{rollout.text}}"), Contains("'rollout' is undefined"));
  CHECK_THROWS_WITH(render("{{problem.meta.typo}}"), Contains("'problem.meta.typo' is undefined"));
  CHECK_THROWS_WITH(render("{{problem.meta.topic.x}}"), Contains("'problem.meta.topic.x' is undefined"));
  CHECK_THROWS_WITH(render("{{'a' ~ problem.meta.typo}}"), Contains("'problem.meta.typo' is undefined"));
  CHECK_THROWS_WITH(render("{{problem.meta.nothing}}"), Contains("'problem.meta.nothing' is null, not text"));
  CHECK_THROWS_WITH(render("{{problem.meta.list}}"), Contains("'problem.meta.list' is a list, not text"));
  CHECK_THROWS_WITH(render("{{problem.meta}}"), Contains("'problem.meta' is a map, not text"));
  Verdict abstained;
  CHECK_THROWS_WITH(render("{{verdict.score}}", {.verdict = &abstained}), Contains("'verdict.score' is undefined"));
  CHECK_THROWS_WITH(render("{{strftime_now('%Y')}}"), Contains("no clock"));
}

TEST_CASE("a template asks what there is, loops and filters") {
  Problem p = problem();
  const std::string source =
      "{% if problem.answer is defined %}\nA: {{ problem.answer }}\n{% endif %}\n"
      "{% for key, value in problem.meta.deep.items() %}\n{{ key|upper }}={{ value }}\n{% endfor %}\n"
      "{% if rollout %}{{ rollout.text }}{% else %}none{% endif %}{{ problem.meta.list|tojson }}";
  CHECK(render(source, {.problem = &p}) == "A: 46\nER=x\nnone[1]");
  p.answer.reset();
  CHECK(render(source, {.problem = &p}) == "ER=x\nnone[1]");
  const Json records = parse_json(R"({"items": [{"text": "one"}, {"text": "two"}]})");
  CHECK(render("{% for r in record['items'] %}- {{ r.text }}\n{% endfor %}", {.record = &records}) == "- one\n- two\n");
}

TEST_CASE("numbers print as they always did") {
  Problem p = problem();
  CHECK(render("{{problem.difficulty}}", {.problem = &p}) == "2");
  p.difficulty = 2.5;
  CHECK(render("{{problem.difficulty}}", {.problem = &p}) == "2.5");
}

TEST_CASE("what is no template is refused with line and column inside the text") {
  CHECK_THAT(refused_text("ab\n {% include 'x' %}"),
             Contains("r.yaml:4:7: view, line 2, column 5 of its text: the statement 'include' is not supported"));
  CHECK_THAT(refused_text("{{problem.prompt|uper}}"), Contains("column 18") && Contains("did you mean 'upper'?"));
  CHECK_THAT(refused_text("\xC3\xA9{# note"), Contains("column 2") && Contains("comment is not closed"));
  CHECK_THAT(refused_text("{{ }}"), Contains("expected an expression"));
  CHECK_THAT(refused_text("{{problem.prompt"), Contains("not closed"));
  CHECK_THAT(refused_text("{{problem..prompt}}"), Contains("unexpected '.'"));
}

TEST_CASE("unknown variables are refused with the nearest name, all at once") {
  const std::string message =
      refused_text("{{problem.promt}}\n{% if rolout.text %}{{problem.prompt.x}}{% endif %}{{ problem['anwser'] }}");
  CHECK_THAT(message, Contains("line 1, column 3") && Contains("did you mean {{problem.prompt}}?"));
  CHECK_THAT(message, Contains("line 2, column 7") && Contains("did you mean {{rollout.text}}?"));
  CHECK_THAT(message, Contains("line 2, column 23") && Contains("unknown variable {{problem.prompt.x}}"));
  CHECK_THAT(message, Contains("unknown variable {{problem.anwser}}"));
}

TEST_CASE("a hint puts the answer on a line of its own behind the prompt") {
  const Problem p = problem();
  const View view(map({{"hint", "answer"}}), ".", {});
  CHECK_FALSE(view.plain());
  CHECK(view.render({.problem = &p}).text == "12+34=\nHint: the answer is 46\n");
  CHECK_THAT(refusal(map({{"hint", "prompt"}})), Contains("allowed: answer"));
}

TEST_CASE("a system text makes messages and replaces the data's own") {
  Problem p = problem();
  const Json spec = map({{"system", "be brief"}});
  using Messages = std::vector<Message>;
  CHECK(View(spec, ".", {}).render({.problem = &p}).messages == Messages{{"system", "be brief"}, {"user", "12+34="}});
  const Json both = map({{"text", "Q: {{problem.prompt}}"}, {"system", "be brief"}});
  CHECK(View(both, ".", {}).render({.problem = &p}).messages ==
        Messages{{"system", "be brief"}, {"user", "Q: 12+34="}});
  p.messages = {{"system", "be long"}, {"user", "hi"}};
  CHECK(View(spec, ".", {}).render({.problem = &p}).messages == Messages{{"system", "be brief"}, {"user", "hi"}});
}

TEST_CASE("bad specs are usage errors at the recipe's place") {
  CHECK_THAT(refusal(Json(7)), Contains("r.yaml:4:7: view: expected"));
  CHECK_THAT(refusal(map({{"txt", "x"}})), Contains("did you mean 'text'?"));
  CHECK_THAT(refusal(map({{"text", "x"}, {"hint", "answer"}})), Contains("text and hint exclude each other"));
  CHECK_THAT(refusal(map({{"text", 7}})), Contains("text must be a string, found an integer"));
  CHECK_THAT(refusal(map({{"plain", false}})), Contains("plain must be true"));
  CHECK_THAT(refusal(map({{"system", Json()}})), Contains("system must be a string"));
}

TEST_CASE("view files are read beside the recipe and report their own places") {
  namespace fs = std::filesystem;
  std::string name = (fs::temp_directory_path() / "sil_view_XXXXXX").string();
  REQUIRE(mkdtemp(name.data()) != nullptr);
  std::ofstream(fs::path(name) / "good.j2") << "Q: {{problem.prompt}}\n";
  std::ofstream(fs::path(name) / "bad.j2") << "one\n{{problem.promt}}\n";
  std::ofstream(fs::path(name) / "latin.j2") << "\xE9";
  const Problem p = problem();
  CHECK(View(Json("good.j2"), name, {}).render({.problem = &p}).text == "Q: 12+34=");
  CHECK(View(map({{"file", name + "/good.j2"}}), "elsewhere", {}).render({.problem = &p}).text == "Q: 12+34=");
  CHECK_THAT(refusal("bad.j2", name), Contains("bad.j2:2:3: unknown variable"));
  CHECK_THAT(refusal("latin.j2", name), Contains("not UTF-8 at byte 1"));
  CHECK_THAT(refusal("none.j2", name), Contains("r.yaml:4:7: view file") && Contains("does not exist"));
  CHECK_THAT(refusal(".", name), Contains("not a regular file"));
  fs::remove_all(name);
}

}  // namespace sil
