// exact, numeric, contains, regex.
#include "support/catch.h"
#include "verifiers/numbers.h"
#include "verifiers/support.h"
#include "verifiers/verifiers.h"

namespace sil {
namespace {

using namespace sil::testing;

Registry<Verifier> shelf() {
  Registry<Verifier> registry("verifier");
  register_exact(registry);
  register_numeric(registry);
  register_contains(registry);
  register_regex(registry);
  register_task_rule(registry);
  return registry;
}

// The verdicts on `texts` against `answer`, each text being the whole answer.
std::vector<Verdict> on(const PluginSpec& spec, const std::vector<std::string>& texts,
                        std::optional<std::string> answer, const JudgeContext& context = {}) {
  return judge(*shelf().make(spec), group_of(texts, std::move(answer)), context);
}

std::string numeric(const std::string& text, const std::string& answer, double tolerance = 1e-6, double relative = 0) {
  return labels(on(spec_of("numeric", options_of({{"tolerance", tolerance}, {"relative", relative}})), {text}, answer));
}

TEST_CASE("exact compares character by character after strip") {
  CHECK(labels(on(spec_of("exact"), {"42", " 42\n", "42.0", "", "4 2"}, "42 ")) == "pass pass fail fail fail");
  CHECK(labels(on(spec_of("exact", options_of({{"strip", false}})), {"42", " 42"}, "42")) == "pass fail");
  CHECK(labels(on(spec_of("exact"), {"paris"}, "Paris")) == "fail");
  CHECK(labels(on(spec_of("exact", options_of({{"ignore_case", true}})), {"paris"}, "PARIS")) == "pass");
}

TEST_CASE("exact takes the answer out with the task's extractor and says why there is none") {
  const auto verdicts = on(spec_of("exact"), {"2+2=4", "four", "x=4=5"}, "4", with_task());
  CHECK(labels(verdicts) == "pass fail fail");
  CHECK(verdicts[0].score == 1);
  CHECK(verdicts[0].outcome == Outcome::pass);
  CHECK(verdicts[1].score == 0);
  CHECK(verdicts[1].reason == "no equals sign");
  CHECK(verdicts[2].reason == "`5` is not `4`");
}

TEST_CASE("task asks the problem's own task, reason and all; without one there is no verdict") {
  const auto verdicts = on(spec_of("task"), {"2+2=4", "2+2=5"}, "4", with_task());
  CHECK(labels(verdicts) == "pass fail");
  CHECK(verdicts[1].reason == "the sum is wrong");
  CHECK(labels(on(spec_of("task"), {"4"}, "4")) == "abstain");
}

TEST_CASE("without a reference answer there is no verdict, not a 0") {
  for (const char* name : {"exact", "numeric", "contains"}) {
    const auto verdicts = on(spec_of(name), {"4"}, std::nullopt);
    CHECK(labels(verdicts) == "abstain");
    CHECK(verdicts[0].outcome == Outcome::infra);
  }
}

TEST_CASE("an empty pool gives no verdicts") {
  CHECK(on(spec_of("exact"), {}, "4").empty());
  CHECK(on(spec_of("regex", options_of({{"pattern", "x"}})), {}, "4").empty());
}

TEST_CASE("numbers are read as people write them") {
  const std::pair<const char*, double> good[] = {{"42", 42},
                                                 {" 42 ", 42},
                                                 {"-3.50", -3.5},
                                                 {"+7", 7},
                                                 {".5", 0.5},
                                                 {"7.", 7},
                                                 {"1,234,567", 1234567},
                                                 {"1,000.5", 1000.5},
                                                 {"3/4", 0.75},
                                                 {"-1,000/8", -125},
                                                 {"12.5%", 0.125},
                                                 {"6.02e23", 6.02e23},
                                                 {"-0", 0},
                                                 {"007", 7},
                                                 {"\xE2\x88\x92"
                                                  "5",
                                                  -5},
                                                 {"1 / 2", 0.5},
                                                 {"50 %", 0.5},
                                                 {"1e-3", 0.001}};
  for (const auto& [text, value] : good) {
    INFO(text);
    const auto number = read_number(text);
    REQUIRE(number);
    CHECK(number->value == Approx(value).epsilon(1e-15));
  }
}

TEST_CASE("what is not one number is not read as one") {
  for (const char* text : {"",
                           " ",
                           "four",
                           "4 5",
                           "nan",
                           "NaN",
                           "inf",
                           "-inf",
                           "infinity",
                           "0x10",
                           "1_000",
                           "1/0",
                           "0/0",
                           "1/2/3",
                           "1e999",
                           "--4",
                           "4%%",
                           "%",
                           ".",
                           "-",
                           "+-4",
                           "1,23",
                           "1234,567",
                           ",5",
                           "1,,000",
                           "1,0000",
                           "4e",
                           "e5",
                           "\xD9\xA4\xD9\xA2",
                           "nan(1)",
                           "9**9",
                           "4;",
                           "1e5e5"}) {
    INFO(text);
    CHECK_FALSE(read_number(text));
  }
  CHECK_FALSE(read_number(std::string(10'000'000, '9')));
  CHECK(read_number(std::string(kMaxNumberBytes, '9')));
  CHECK_FALSE(read_number(std::string(kMaxNumberBytes + 1, '9')));
}

TEST_CASE("numeric passes within absolute plus relative tolerance") {
  CHECK(numeric("0.5", "1/2") == "pass");
  CHECK(numeric("50%", "0.5") == "pass");
  CHECK(numeric("1,000", "1000.0") == "pass");
  CHECK(numeric("3.14", "3.14159") == "fail");
  CHECK(numeric("3.14", "3.14159", 0.01) == "pass");
  CHECK(numeric("102", "100", 0, 0.02) == "pass");
  CHECK(numeric("102.1", "100", 0, 0.02) == "fail");
  CHECK(numeric("98", "100", 1, 0.01) == "pass");  // 1 + 0.01 * 100 = 2
  CHECK(numeric("97.9", "100", 1, 0.01) == "fail");
}

TEST_CASE("NaN and infinity equal nothing, themselves included") {
  CHECK(numeric("nan", "4") == "fail");
  CHECK(numeric("inf", "4", 1e300) == "fail");
  CHECK(numeric("4", "nan") == "abstain");
  CHECK(numeric("nan", "nan") == "abstain");
}

TEST_CASE("integers beyond 2^53 are told apart digit by digit") {
  CHECK(numeric("9007199254740993", "9007199254740992") == "fail");
  CHECK(numeric("9,007,199,254,740,993", "9007199254740993") == "pass");
  CHECK(numeric("-0", "0") == "pass");
  CHECK(numeric("5", "6", 1) == "pass");
}

TEST_CASE("contains looks for the reference answer or a given text") {
  CHECK(labels(on(spec_of("contains"), {"it is 42!", "41", ""}, "42")) == "pass fail fail");
  CHECK(labels(on(spec_of("contains", options_of({{"text", "<answer>"}})), {"<answer>4", "<ANSWER>4"}, std::nullopt)) ==
        "pass fail");
  CHECK(labels(on(spec_of("contains", options_of({{"text", "ok"}, {"ignore_case", true}})), {"OK"}, std::nullopt)) ==
        "pass");
}

TEST_CASE("an empty reference answer, which every text contains, pays for nothing") {
  CHECK(labels(on(spec_of("contains"), {"anything"}, " ")) == "abstain");
}

TEST_CASE("regex finds a part or matches the whole") {
  const Json part = options_of({{"pattern", "a+b"}});
  const Json whole = options_of({{"pattern", "a+b"}, {"fullmatch", true}});
  CHECK(labels(on(spec_of("regex", part), {"xaabx", "aab", "b"}, "")) == "pass pass fail");
  CHECK(labels(on(spec_of("regex", whole), {"xaabx", "aab", "b"}, "")) == "fail pass fail");
}

TEST_CASE("a pattern that makes backtracking engines explode is linear here") {
  const Json options = options_of({{"pattern", "(a*)*(a|aa)+$"}});
  CHECK(labels(on(spec_of("regex", options), {std::string(200'000, 'a') + "b"}, "")) == "fail");
}

TEST_CASE("a bad pattern is a usage error before anything starts") {
  for (const char* pattern : {"(", "a{100000}", "(?=x)", "\\1"}) {
    INFO(pattern);
    try {
      shelf().make(spec_of("regex", options_of({{"pattern", pattern}})));
      FAIL("no error");
    } catch (const Error& error) {
      CHECK(error.code() == Exit::usage);
    }
  }
}

}  // namespace
}  // namespace sil
