// What equality means, beyond what golden_test.cpp compares with math-verify.
#include "mathematics/equality.h"
#include "support/catch.h"

namespace sil::mathematics {
namespace {

using Catch::Matchers::Contains;
using Pairs = std::vector<std::pair<std::string, std::string>>;

bool equal(const std::string& reference, const std::string& answer) {
  return compare(Answer(reference), Answer(answer)).equal;
}

void check(const Pairs& pairs, bool expected) {
  for (const auto& [reference, answer] : pairs) {
    INFO(reference << " | " << answer);
    CHECK(equal(reference, answer) == expected);
  }
}

std::string repeated(const std::string& text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

TEST_CASE("numbers are equal in every form, and only to themselves") {
  check({{"1000", "1{,}000"}, {"1000", "1\\,000"}, {"1000", "1 000"}, {"1000", "1,000.0"}, {"1000", "1e3"}}, true);
  check({{"1/3", "0.\\overline{3}"}, {"1/6", "0.1\\overline{6}"}, {"7/2", "3 1/2"}, {"-7/2", "-3\\frac12"}}, true);
  check({{"1/3", "0.3333333333333333"}, {"1/2", "0.5001"}, {"1000", "1,00"}, {"6", "2 3"}, {"10", "1.0"}}, false);
}

TEST_CASE("no decimal, however long, is equal to an irrational number") {
  // 100 digits of the square root of 2, by bc
  const std::string root =
      "1.4142135623730950488016887242096980785696718753769480731766797379907324784621070388503875343276415727";
  check({{"\\sqrt{2}", root}, {"\\sqrt{2}", "1.41421356"}, {"\\pi", "22/7"}, {"e", "2.718281828459045"}}, false);
}

TEST_CASE("a percentage is the number divided by 100") {
  check({{"0.5", "50\\%"}, {"50%", "1/2"}, {"25\\%", "25 percent"}}, true);
  check({{"50", "50%"}, {"5%", "0.5"}}, false);
}

TEST_CASE("units matter only where the reference has one") {
  check({{"5", "5 cm"}, {"5", "5 m/s^2"}, {"5", "5\\text{ cm}^{2}"}, {"5", "\\$5"}, {"5 cm", "5"}}, true);
  check({{"5 cm", "5 m"}, {"5", "5x"}, {"5", "5i"}, {"5", "6 cm"}}, false);
}

TEST_CASE("degrees are an angle's only inside its functions") {
  check({{"90", "90^\\circ"}, {"90^\\circ", "90 degrees"}, {"\\sin 30^\\circ", "1/2"}, {"1", "\\tan 45°"}}, true);
  check({{"90", "\\frac{\\pi}{2}"}, {"\\sin 30", "1/2"}}, false);
}

TEST_CASE("formulas are equal when their values are, wherever both have one") {
  check({{"\\ln(xy)", "\\ln x+\\ln y"}, {"\\sqrt{xy}", "\\sqrt x\\sqrt y"}, {"|x|", "\\sqrt{x^2}"}}, true);
  check({{"\\binom{n}{2}", "n(n-1)/2"}, {"n!", "n\\cdot(n-1)!"}, {"e^{i\\pi}", "-1"}}, true);
  check({{"x", "|x|"}, {"x", "\\sqrt{x^2}"}, {"x", "y"}, {"x^2", "x^2+10^{-30}"}, {"x", "x^2"}}, false);
}

TEST_CASE("equations and inequalities are equal up to a constant that keeps the sense") {
  check({{"y=2x+1", "2y-4x=2"}, {"x<3", "3>x"}, {"-x>2", "x<-2"}, {"1<x<5", "5>x>1"}}, true);
  check({{"x<3", "-x<-3"}, {"x<3", "x\\le 3"}, {"x<3", "x>3"}, {"y=2x+1", "y=2x-1"}, {"x=5", "y=5"}}, false);
}

TEST_CASE("a value may have a name, and a calculation ends in its value") {
  check({{"5", "x=5"}, {"5", "5=x"}, {"x=5", "5"}, {"x^2+1", "f(x)=x^2+1"}, {"5", "2+3=5"}, {"1,2", "x=1, x=2"}}, true);
  check({{"5", "x=6"}, {"5", "2+3=6"}, {"5", "x>5"}}, false);
}

TEST_CASE("sets have no order, tuples have one, brackets of intervals matter") {
  check({{"\\{1,2\\}", "\\{2,1,2\\}"}, {"1,2", "2 \\text{ and } 1"}, {"\\pm 2", "-2, 2"}, {"\\emptyset", "\\{\\}"}},
        true);
  check({{"(1,2)", "(2,1)"}, {"[0,1]", "[0,1)"}, {"\\{1,2\\}", "\\{1\\}"}, {"2", "2 or 3"}, {"3:4", "4:3"}}, false);
}

TEST_CASE("sets of real numbers are compared as such") {
  check({{"[1,2]\\cup[2,3]", "[1,3]"}, {"(3,\\infty)", "x>3"}, {"x\\ge 2", "x\\in[2,\\infty)"}}, true);
  check({{"(-\\infty,1)\\cup(3,\\infty)", "x<1 \\text{ or } x>3"}, {"\\mathbb{R}\\setminus\\{0\\}", "x\\ne 0"}}, true);
  check({{"[1,2)\\cup(2,3]", "[1,3]"}, {"(3,\\infty)", "x\\ge 3"}, {"(0,1)\\cup(2,3)", "(0,3)"}}, false);
}

TEST_CASE("words are compared as words, letters as symbols") {
  check({{"\\text{Yes}", "yes"}, {"B", "\\text{(B)}"}, {"\\text{6 apples}", "6"}}, true);
  check({{"B", "b"}, {"even", "odd"}, {"even", "neve"}, {"\\text{Yes}", "No"}}, false);
}

TEST_CASE("what has no value equals nothing, not even itself") {
  check({{"0", "0/0"}, {"0/0", "0/0"}, {"1/0", "\\infty"}, {"\\infty-\\infty", "0"}, {"\\ln 0", "-\\infty"}}, false);
  CHECK_THAT(compare(Answer("5"), Answer("1/0")).why, Contains("divides by zero"));
}

TEST_CASE("numbers beyond the limits equal what is written alike, and are never computed") {
  check({{"9^{9^{9^9}}", "9^{9^{9^9}}"}, {repeated("9", 8000), repeated("9", 8000)}}, true);
  check({{"5", "9^{9^{9^9}}"}, {"5", repeated("9", 8000)}, {"5", "10^{10^{10}}!"}, {"1", "(1+i)^{10^{12}}"}}, false);
  check({{"5", repeated("1500!*", 1300) + "1"}, {"5", repeated("\\sin 1+", 1000) + "1"}}, false);
}

TEST_CASE("malformed text of any kind is refused with a reason") {
  const std::string nul("5\0", 2);
  for (const std::string& text :
       {std::string(), std::string("\\frac{5}{"), std::string("1+"), std::string("(1"), std::string("\xFF"), nul,
        std::string("__import__('os')"), repeated("(", 4000), repeated("\\sqrt{", 300) + "2" + repeated("}", 300),
        repeated("3!", 3000), repeated("-", 5000), repeated("|", 4000), repeated("2^", 2000) + "2",
        repeated("\\{", 2000), repeated("\\begin{pmatrix}", 500), repeated("x", 9000)}) {
    INFO(text.substr(0, 40));
    const Answer answer(text);
    CHECK_FALSE(answer.readable());
    CHECK_FALSE(answer.fault().empty());
    CHECK_FALSE(compare(Answer("5"), answer).equal);
  }
}

}  // namespace
}  // namespace sil::mathematics
