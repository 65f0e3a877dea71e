#include "text/extract.h"

#include "support/catch.h"

namespace sil {
namespace {

using Catch::Matchers::Contains;

TaskOptions by(const std::string& answer, const std::string& pattern = {}) {
  TaskOptions out;
  out.answer = answer;
  out.pattern = pattern;
  return out;
}

// The answer, or "none: WHY".
std::string found(const TaskOptions& options, std::string_view completion) {
  std::string why;
  const auto answer = make_extractor(options)->extract(completion, &why);
  CHECK(make_extractor(options)->extract(completion) == answer);
  return answer ? *answer : "none: " + why;
}

}  // namespace

TEST_CASE("whole takes the text without blanks around it") {
  CHECK(found(by("whole"), " 4 2\n") == "4 2");
  CHECK_THAT(found(by("whole"), " \n\t"), Contains("none: the completion is empty"));
}

TEST_CASE("last_number takes the last integer or decimal") {
  const auto last = [](std::string_view text) { return found(by("last_number"), text); };
  CHECK(last("First 3, then 42.") == "42");
  CHECK(last("It costs $1,234,567.50.") == "1234567.50");
  CHECK(last("between 1,23 and so") == "23");
  CHECK(last("1234,567") == "567");
  CHECK(last("1,2345") == "2345");
  CHECK(last("x = -5") == "-5");
  CHECK(last("x = \xE2\x88\x92"
             "5") == "-5");
  CHECK(last("10-5") == "5");
  CHECK(last("(3)-5") == "5");
  CHECK(last("-.5") == "-.5");
  CHECK(last("about 6.02e23!") == "6.02e23");
  CHECK(last("2e") == "2");
  CHECK(last("50%") == "50");
  CHECK(last("version 1.2.3") == "3");
  CHECK(last("7 apples. ") == "7");
  CHECK_THAT(last("no digits. -,"), Contains("none: there is no number"));
}

TEST_CASE("hashes takes what follows the one ####") {
  const auto hashes = [](std::string_view text) { return found(by("hashes"), text); };
  CHECK(hashes("48/2 = 24\n#### 72") == "72");
  CHECK(hashes("#### 1,234\nmore") == "1234");
  CHECK(hashes("#### -1,234.5 ") == "-1234.5");
  CHECK(hashes("#### x, y") == "x, y");
  CHECK_THAT(hashes("72"), Contains("none: there is no ####"));
  CHECK_THAT(hashes("#### 1\n#### 2"), Contains("none: there is more than one ####"));
  CHECK_THAT(hashes("#### \n3"), Contains("none: nothing follows ####"));
}

TEST_CASE("boxed takes the last balanced box") {
  const auto boxed = [](std::string_view text) { return found(by("boxed"), text); };
  CHECK(boxed("so $\\boxed{42}$.") == "42");
  CHECK(boxed("\\boxed{\\frac{1}{2}}") == "\\frac{1}{2}");
  CHECK(boxed("\\boxed{\\{1, 2\\}}") == "\\{1, 2\\}");
  CHECK(boxed("\\boxed{ 7 } and again \\boxed{7}") == "7");
  CHECK(boxed("\\boxed{\\boxed{3}}") == "\\boxed{3}");
  CHECK(boxed("\\boxed{3} then \\boxed{4") == "3");
  CHECK(boxed("{ open, \\boxed{5}") == "5");
  CHECK_THAT(boxed("\\boxed{3} or \\boxed{4}"), Contains("none: there are two different boxed answers: 3 and 4"));
  CHECK_THAT(boxed("\\boxed{3"), Contains("none: \\boxed{ is not closed"));
  CHECK_THAT(boxed("42"), Contains("none: there is no \\boxed"));
  CHECK_THAT(boxed("\\boxed{}"), Contains("none: \\boxed{} is empty"));
}

TEST_CASE("boxed reads hostile text once") {
  std::string text;
  for (int i = 0; i < 200'000; ++i) text += "\\boxed{";
  CHECK_THAT(found(by("boxed"), text), Contains("not closed"));
  CHECK(found(by("boxed"), text + "1}") == "1");
  CHECK(found(by("boxed"), "\\boxed{" + std::string(200'000, '}')).starts_with("none"));
}

TEST_CASE("regex takes the first group of the last match") {
  CHECK(found(by("regex", "answer is (\\w+)"), "The answer is 3. No, the answer is 42.") == "42");
  CHECK(found(by("regex", "(.*)"), "hello") == "hello");
  CHECK(found(by("regex", "a(x)?b"), "axb ab") == "x");
  CHECK(found(by("regex", "^(\\d)"), "123") == "1");
  CHECK_THAT(found(by("regex", "answer is (\\w+)"), "42"), Contains("none: the pattern matches nothing"));
}

TEST_CASE("bad extractor options are usage errors") {
  const auto refusal = [](const TaskOptions& options) -> std::string {
    try {
      make_extractor(options);
    } catch (const Error& error) {
      CHECK(error.code() == Exit::usage);
      return error.what();
    }
    return "accepted";
  };
  CHECK_THAT(refusal(by("regex")), Contains("has no pattern"));
  CHECK_THAT(refusal(by("regex", "(")), Contains("not a regular expression"));
  CHECK_THAT(refusal(by("regex", "abc")), Contains("has no group"));
  CHECK_THAT(refusal(by("whole", "(a)")), Contains("answer: regex"));
  CHECK_THAT(refusal(by("wohle")), Contains("allowed: whole, last_number"));
}

TEST_CASE("the reference answer is found inside a worked solution") {
  CHECK(reference_answer("Natalia sold 24.\n#### 1,072") == "1072");
  CHECK(reference_answer("Thus $\\boxed{\\frac{3}{4}}$.") == "\\frac{3}{4}");
  CHECK(reference_answer(" 72\n") == "72");
  CHECK(reference_answer("\\boxed{1} or \\boxed{2}") == "\\boxed{1} or \\boxed{2}");
}

}  // namespace sil
