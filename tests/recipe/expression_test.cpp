#include "sil/expression.h"

#include <cmath>
#include <map>
#include <thread>

#include "support/catch.h"

namespace sil {
namespace {

using Catch::Matchers::Contains;
using Catch::Matchers::Equals;

// Fields from a table; with `open_` any other field is nil. A field named "broken" throws.
class TestScope final : public Scope {
 public:
  explicit TestScope(std::map<std::string, Value, std::less<>> values, bool open = false)
      : values_(std::move(values)), open_(open) {}

  Value get(std::string_view field) const override {
    if (field == "broken") throw Error(Exit::verifier, "the field is broken");
    const auto found = values_.find(field);
    return found == values_.end() ? Value{} : found->second;
  }
  std::vector<std::string> fields() const override {
    std::vector<std::string> names;
    for (const auto& [name, value] : values_) names.push_back(name);
    return names;
  }
  bool open() const override { return open_; }

 private:
  std::map<std::string, Value, std::less<>> values_;
  bool open_;
};

// A scope whose field `inner` evaluates an expression on another scope, as a join does.
class NestedScope final : public Scope {
 public:
  NestedScope(std::string source, std::shared_ptr<const Scope> other)
      : expression_(std::move(source), {}), other_(std::move(other)) {}
  Value get(std::string_view field) const override {
    if (field == "inner") return expression_.evaluate(other_ ? *other_ : static_cast<const Scope&>(*this));
    return field == "depth" ? Value{1.0} : Value{};
  }
  std::vector<std::string> fields() const override { return {"inner", "depth"}; }

 private:
  Expression expression_;
  std::shared_ptr<const Scope> other_;
};

std::shared_ptr<const Scope> fields(std::map<std::string, Value, std::less<>> values, bool open = false) {
  return std::make_shared<TestScope>(std::move(values), open);
}

const Scope& world() {
  static const TestScope scope({
      {"round", 3.0},
      {"rate", 0.25},
      {"absent", Value{}},
      {"flag", true},
      {"no", false},
      {"skipped", Value{}},
      {"unit", fields({{"score", 0.5},
                       {"text", std::string("Hello")},
                       {"goal", Value{}},
                       {"meta", fields({{"level", 2.0}}, true)}})},
      {"evaluate", fields({{"pass@1", 0.75}, {"mean", 0.5}})},
      {"broken", Value{}},
  });
  return scope;
}

Expression expression(std::string source) {
  return {std::move(source), {"r.yaml", 10, 5}};
}
Value value(const std::string& source) {
  return expression(source).evaluate(world());
}
double number(const std::string& source) {
  const Value result = expression(source).number(world());
  INFO(source);
  REQUIRE(std::holds_alternative<double>(result));
  return std::get<double>(result);
}
bool is_nil(const Value& value) {
  return std::holds_alternative<std::monostate>(value);
}
bool abstains(const std::string& source) {
  return is_nil(expression(source).number(world()));
}
bool truth(const std::string& source) {
  return expression(source).truth(world());
}
std::string text(const std::string& source) {
  const Value result = value(source);
  INFO(source);
  REQUIRE(std::holds_alternative<std::string>(result));
  return std::get<std::string>(result);
}

std::string failure(const std::string& source) {
  try {
    expression(source).number(world());
  } catch (const Error& error) {
    CHECK(error.code() == Exit::failed);
    return error.what();
  }
  return "no failure";
}

std::string findings(const std::string& source) {
  std::string out;
  for (const Finding& finding : expression(source).check(world())) out += finding.text() + "\n";
  return out;
}

TEST_CASE("an expression is compiled as what is returned, a chunk with return as it is") {
  CHECK(number("1 + 2*3") == 7);
  CHECK(number("local a = 2\nreturn a * 4") == 8);
  CHECK(number("if flag then return 1 end\nreturn 2") == 1);
  CHECK(number("(function() return 5 end)()") == 5);
  CHECK(number("3 -- return 4") == 3);
  CHECK(number("#'return'") == 6);
  CHECK(is_nil(Expression().evaluate(world())));
}

TEST_CASE("fields of scopes are read through dots and keys") {
  CHECK(number("unit.score + evaluate.mean") == 1);
  CHECK(number("evaluate.pass_at_1") == 0.75);
  CHECK(number("evaluate['pass@1']") == 0.75);
  CHECK(number("unit.meta.level") == 2);
  CHECK(truth("unit.meta.anything == nil"));
  CHECK(truth("unit == unit and unit ~= evaluate"));
  CHECK(text("unit.text:upper() .. unit.text:sub(-2)") == "HELLOlo");
  CHECK(text("'round ' .. round") == "round 3");
  const Value unit = value("unit");
  REQUIRE(std::holds_alternative<std::shared_ptr<const Scope>>(unit));
  CHECK(std::get<double>(std::get<std::shared_ptr<const Scope>>(unit)->get("score")) == 0.5);
}

TEST_CASE("truth is false for nil, false and 0 only") {
  CHECK(truth("flag"));
  CHECK(truth("rate"));
  CHECK(truth("unit"));
  CHECK(truth("''"));
  CHECK_FALSE(truth("no"));
  CHECK_FALSE(truth("absent"));
  CHECK_FALSE(truth("0"));
  CHECK_FALSE(truth("round - 3"));
  CHECK(truth("round % 3 == 0"));
  CHECK_FALSE(truth("unit.goal > 0"));
}

TEST_CASE("a number counts booleans, keeps nil and refuses the rest") {
  CHECK(number("flag") == 1);
  CHECK(number("no") == 0);
  CHECK(abstains("absent"));
  CHECK_THAT(failure("unit.text"), Contains("gave text"));
  CHECK_THAT(failure("unit"), Contains("gave something with fields"));
  CHECK_THAT(failure("{}"), Contains("gave a table"));
  CHECK_THAT(failure("0/0"), Contains("not a number"));
  CHECK_THAT(failure("1/0"), Contains("infinite"));
}

TEST_CASE("an expression that needs a number and meets nil abstains, or replaces it") {
  for (const char* source :
       {"1 - absent", "-absent", "absent * 2", "absent < 1", "1 < absent", "absent <= absent", "skipped.score + 1",
        "unit.goal.x", "math.abs(absent)", "math.max(1, unit.goal)", "'x' .. absent", "#absent", "absent & 1",
        "local t = {} return t.x + 1", "table.concat({string.format('%d', absent)})"}) {
    INFO(source);
    CHECK(abstains(source));
    CHECK_FALSE(expression(source).truth(world()));
    CHECK_THROWS_AS(value(source), Error);
    CHECK(findings(source).empty());
  }
  CHECK(number("1 - (absent or 0.25)") == 0.75);
  CHECK(number("(skipped or unit).score") == 0.5);
}

TEST_CASE("other errors stop, with the expression's place") {
  CHECK_THAT(failure("absent()"), Contains("r.yaml:10:5: ") && Contains("call a nil value"));
  CHECK_THAT(failure("unit.text + 1"), Contains("arithmetic on a string"));
  CHECK_THAT(failure("unit < 1"), Contains("compare"));
  CHECK_THAT(failure("local a = 1\n\nreturn a.b.c()"), Contains("r.yaml:12: "));
  CHECK_THAT(failure("unit.scoer"), Contains("`scoer` is not declared") && Contains("did you mean `score`"));
  CHECK_THAT(failure("rated"), Contains("`rated` is not declared") && Contains("did you mean `rate`"));
  CHECK_THAT(failure("error('mine')"), Contains("mine"));
  CHECK_THAT(failure("error('attempt to perform arithmetic on a nil value')"), Contains("attempt"));
  CHECK_THAT(failure("error({code = 1})"), Contains("no text but a table"));
  CHECK_THAT(failure("error()"), Contains("no text but a nil"));
  CHECK_THAT(failure("assert(no, 'expected')"), Contains("expected"));
  CHECK_THAT(failure("assert(absent)"), Contains("assertion failed"));
  CHECK_THAT(failure("x ="), Contains("r.yaml:10"));
}

TEST_CASE("what a scope throws comes out as it was") {
  try {
    value("1 + (broken or 2)");
    FAIL("nothing was thrown");
  } catch (const Error& error) {
    CHECK(error.code() == Exit::verifier);
    CHECK_THAT(error.what(), Contains("the field is broken"));
  }
  CHECK(number("1") == 1);
}

TEST_CASE("an expression may be evaluated while another one runs") {
  const NestedScope nested("rate * 2", std::shared_ptr<const Scope>(&world(), [](const Scope*) {}));
  CHECK(std::get<double>(expression("inner + inner").evaluate(nested)) == 1);
  const NestedScope failing("rate.x.y", std::shared_ptr<const Scope>(&world(), [](const Scope*) {}));
  CHECK_THROWS_AS(expression("inner").evaluate(failing), Error);
  const NestedScope endless("inner + 1", nullptr);
  CHECK_THROWS_AS(expression("inner").evaluate(endless), Error);
  const NestedScope busy("1", std::shared_ptr<const Scope>(&world(), [](const Scope*) {}));
  CHECK_THROWS_AS(expression("while true do local x = inner end return 1").evaluate(busy), Error);
  CHECK(number("1") == 1);
}

TEST_CASE("the sandbox has no way out") {
  for (const char* name : {"io",     "os",       "package",        "debug",  "load",         "loadstring",   "require",
                           "dofile", "loadfile", "collectgarbage", "print",  "setmetatable", "getmetatable", "rawset",
                           "rawget", "rawequal", "pcall",          "xpcall", "coroutine",    "utf8",         "_G"}) {
    INFO(name);
    CHECK_THAT(failure(name), Contains("is not declared"));
    CHECK_THAT(findings(name), Contains("is not declared"));
  }
  for (const char* source : {"math.random", "math.randomseed", "string.dump", "string.match", "string.gmatch",
                             "string.gsub", "string.pack", "table.move", "('x').gsub"}) {
    INFO(source);
    CHECK(abstains(source));
  }
  CHECK_THAT(findings("math.random()"), Contains("`math` has no `random` here"));
}

TEST_CASE("an evaluation leaves nothing behind for the next") {
  CHECK_THAT(failure("leak = 1 return 1"), Contains("write `local leak`"));
  CHECK_THAT(failure("math.pi = 3 return 1"), Contains("r.yaml"));
  CHECK_THAT(failure("string.len = nil return 1"), Contains("r.yaml"));
  CHECK_THAT(failure("unit.score = 1 return 1"), Contains("read, not set"));
  CHECK_THAT(failure("table.insert(math, 1) return 1"), Contains("table expected"));
  CHECK_THAT(failure("('x').y = 1 return 1"), Contains("r.yaml"));
  CHECK_THAT(failure("_ENV.y = 1 return 1"), Contains("local y"));
  CHECK(number("math.floor(math.pi)") == 3);
  CHECK(number("string.len('abc')") == 3);
}

TEST_CASE("scripts that would not end are stopped, and the thread goes on") {
  for (const char* source :
       {"while true do end return 1", "repeat local x = unit.score until false return 1",
        "goto a ::a:: goto a return 1", "for i = 1, 1e300 do end return 1",
        "local t = {} for i = 1, 1000 do t[i] = i end "
        "table.sort(t, function(a, b) while true do end end) return 1",
        "local t = {} for i = 1, 3000 do t[i] = i end for i = 1, 3000 do for k in pairs(t) do end end return 1",
        "local t = {} for i = 1, 3000 do t[i] = i end local k = nil repeat k = next(t, k) until k == nil return 1",
        "local s = string.rep('a', 1000000) while true do local n = string.find(s, 'b') end return 1"}) {
    INFO(source);
    CHECK_THAT(failure(source), Contains("r.yaml:10:5") && Contains("2000000 instructions"));
    CHECK(number("rate * 4") == 1);
  }
}

TEST_CASE("scripts that would take all memory are stopped, and the thread goes on") {
  for (const char* source :
       {"local s = 'x' while true do s = s .. s end return 1", "local t = {} while true do t[#t + 1] = {} end return 1",
        "local function f(n) return 1 + f(n + 1) end return f(1)",
        "local t = {} local i = 0 "
        "while true do i = i + 1 t[i] = string.rep('x', 900000 + i) end return 1",
        "local s = string.rep('x', 900000) while true do local t = s .. 'y' end return 1",
        "return #table.concat({string.rep('x', 900000), string.rep('y', 900000)})"}) {
    INFO(source);
    CHECK_THAT(failure(source), Contains("r.yaml:10:5") && Contains("memory"));
    CHECK(number("rate * 4") == 1);
  }
  CHECK_THAT(failure("string.rep('x', 1e9)"), Contains("longer than 1 MiB"));
  CHECK_THAT(failure("string.rep('', 1e18, 'xx')"), Contains("longer than 1 MiB"));
  CHECK(number("#string.rep('', 1e18)") == 0);
  CHECK_THAT(failure("#string.format('%9999d', 1)"), Contains("string.format"));
  CHECK_THAT(failure("select('#', table.unpack({}, 1, 1e7))"), Contains("too many"));
  CHECK_THAT(failure("select('#', table.unpack({}, -9223372036854775807, 9223372036854775807))"), Contains("too many"));
  CHECK_THAT(failure(std::string(300, '(') + "1" + std::string(300, ')')), Contains("r.yaml"));
  CHECK_THAT(failure("local t = {} t[1] = t table.sort(t, t)"), Contains("r.yaml"));
}

TEST_CASE("a comparison function that contradicts itself still sorts") {
  CHECK(number("local t = {5, 1, 4, 2, 3} table.sort(t, function() return true end) return #t") == 5);
  CHECK(number("local t = {} for i = 1, 500 do t[i] = i * 7 % 501 end "
               "table.sort(t, function(a, b) return a % 3 < b % 5 end) "
               "local sum = 0 for _, x in ipairs(t) do sum = sum + x end return sum") == 500 * 501 / 2);
  CHECK(number("local t = {3, 2, 1} table.sort(t, function(a, b) t[1] = nil return a < b end) return 1") == 1);
}

TEST_CASE("sorting is stable and reaches numbers, text and custom orders") {
  CHECK(text("local t = {3, 1, 2} table.sort(t) return table.concat(t, ',')") == "1,2,3");
  CHECK(text("local t = {'b', 'a', 'C'} table.sort(t) return table.concat(t)") == "Cab");
  CHECK(text("local t = {'b1', 'a1', 'b2', 'a2', 'b3'} "
             "table.sort(t, function(x, y) return x:sub(1, 1) < y:sub(1, 1) end) return table.concat(t, ' ')") ==
        "a1 a2 b1 b2 b3");
  CHECK_THAT(failure("local t = {1, 'a'} table.sort(t) return 1"), Contains("compare"));
}

TEST_CASE("pairs and next go through keys in one order") {
  const std::string table = "local t = {10, 20, zeta = 1, alpha = 2, [true] = 3, [-1.5] = 4} ";
  CHECK(text(table + "local s = '' for k in pairs(t) do s = s .. tostring(k) .. ' ' end return s") ==
        "-1.5 1 2 alpha zeta true ");
  CHECK(
      text(table + "local s, k = '', nil repeat k = next(t, k) s = s .. tostring(k) .. ' ' until k == nil return s") ==
      "-1.5 1 2 alpha zeta true nil ");
  CHECK(text("local s = '' for k, v in pairs(evaluate) do s = s .. k .. '=' .. v .. ' ' end return s") ==
        "mean=0.5 pass_at_1=0.75 ");
  CHECK(text("local s = '' for i, v in ipairs({'a', 'b', nil, 'c'}) do s = s .. i .. v end return s") == "1a2b");
  CHECK_THAT(failure("local t = {[{}] = 1} for k in pairs(t) do end return 1"), Contains("has no order"));
  CHECK(text("tostring({}) .. tostring(math.abs) .. type(unit)") == "tablefunctionuserdata");
}

// Expected values from the Lua 5.4 reference manual's definitions, by hand.
TEST_CASE("the small library does what Lua's does") {
  CHECK(number("math.floor(-2.5) * 100 + math.ceil(2.1)") == -297);
  CHECK(number("math.max(1, 7, 3) - math.min(4, 2)") == 5);
  CHECK(number("math.sqrt(2)") == std::sqrt(2.0));
  CHECK(number("math.exp(1)") == Approx(2.718281828459045).epsilon(1e-14));
  CHECK(number("math.log(8, 2)") == Approx(3).epsilon(1e-14));
  CHECK(number("math.pow(2, 10)") == 1024);
  CHECK(number("math.pow(2, -2)") == 0.25);
  CHECK(number("math.pow(2, 0.5)") == Approx(1.4142135623730951).epsilon(1e-14));
  CHECK(number("math.fmod(-7, 3)") == -1);
  CHECK(number("math.tointeger(3.0)") == 3);
  CHECK(abstains("math.tointeger(3.5)"));
  CHECK(truth("math.huge > 1e308"));
  CHECK(number("select('#', 1, nil, 3) + select(-1, 5, 6)") == 9);
  CHECK(number("tonumber('0x10') + tonumber(' 2 ')") == 18);
  CHECK(abstains("tonumber('nan')"));
  CHECK(abstains("tonumber('12x')"));
  CHECK(text("('aXb'):lower() .. ('aXb'):upper()") == "axbAXB");
  CHECK(number("('abc'):byte(-1) + ('abc'):len()") == 102);
  CHECK(text("string.char(104, 105) .. ('ab'):rep(2, '-')") == "hiab-ab");
  CHECK(text("('hello'):sub(2, 3) .. ('hello'):sub(-3) .. ('hello'):sub(4, 2) .. ('x'):sub(-5, 9)") == "elllox");
  CHECK(number("string.find('a.b', '.', 1, true)") == 2);
  CHECK(number("string.find('aaa', 'a', 2)") == 2);
  CHECK(abstains("string.find('abc', 'x')"));
  CHECK(abstains("string.find('abc', '', 9)"));
  CHECK(text("string.format('%5.2f|%-4s|%03d|%x|%%|%.1s|%c|%s', 3.14159, 'ab', 7, 255, 'xyz', 65, nil)") ==
        " 3.14|ab  |007|ff|%|x|A|nil");
  CHECK(text("string.format('%5s|%g', 'ab', 0.1)") == "   ab|0.1");
  CHECK_THAT(failure("string.format('%p', 1)"), Contains("string.format"));
  CHECK_THAT(failure("string.format('%d')"), Contains("no value"));
  CHECK(text("local t = {1, 2, 3} table.insert(t, 4) table.insert(t, 1, 0) local x = table.remove(t, 2) "
             "return table.concat(t, ' ') .. ':' .. x") == "0 2 3 4:1");
  CHECK(number("select(2, table.unpack({7, 8, 9}))") == 8);
}

TEST_CASE("check places syntax errors in the recipe") {
  CHECK_THAT(findings("unit.score >"), Contains("r.yaml:10:17: "));
  CHECK_THAT(findings("1 + + 2"), Contains("r.yaml:10:9: ") && Contains("unexpected symbol"));
  CHECK_THAT(findings("local a = 1\nreturn a +* 2"), Contains("r.yaml:11:11: "));
  CHECK_THAT(findings("'open"), Contains("r.yaml:10:5: ") && Contains("unfinished string"));
}

TEST_CASE("check names every unknown name with its own column and the nearest declared one") {
  CHECK(findings("unit.score + evaluate.pass_at_1 > rate and math.abs(round) > 1").empty());
  CHECK_THAT(findings("unit.scoer > 0"), Equals("r.yaml:10:10: `unit` has no field `scoer`; did you mean `score`?\n"));
  CHECK_THAT(findings("rounds + unti.score"), Equals("r.yaml:10:5: `rounds` is not declared; did you mean `round`?\n"
                                                     "r.yaml:10:14: `unti` is not declared; did you mean `unit`?\n"));
  CHECK_THAT(findings("local a = 1\nreturn a + evaluate.pass_at_2"),
             Equals("r.yaml:11:21: `evaluate` has no field `pass_at_2`; did you mean `pass_at_1`?\n"));
  CHECK_THAT(findings("rate.low"), Contains("`rate` is a number and has no field `low`"));
  CHECK_THAT(findings("mth.abs(1)"), Contains("did you mean `math`?"));
  CHECK_THAT(findings("'\xC3\xA9' == xyzzy"), Contains("r.yaml:10:12: ") && Contains("there are"));
  CHECK(findings("unit.meta.what.ever or 1").empty());
  CHECK(findings("skipped.anything").empty());
}

TEST_CASE("check knows locals, parameters, table keys, labels, methods, strings and comments") {
  CHECK(findings(R"(
    -- unknown1 in a comment
    --[[ unknown2
         unknown3 ]]
    local function f(a, b, ...) local c <const> = a + (b or 0) return c, ... end
    local total, t = 0, {key = 1, ['unknown'] = 2; other = rate}
    for i, v in ipairs({1, 2}) do total = total + i * v end
    for k = 1, 3 do if k > 2 then goto done else total = total + k end ::done:: end
    repeat local x = 1 until x == 1
    while total < 0 do total = total + 1 end
    local s = [==[ unknown4 ]] ]==] .. "unknown5 \" unknown6" .. unit.text:upper()
    return f(total, #s) + t.key + (function(p) return p.q or 0 end)({q = 1}))")
            .empty());
  CHECK_THAT(findings("(function(p) return p end)(p)"), Contains("r.yaml:10:32: `p` is not declared"));
  CHECK_THAT(findings("do local a = 1 end return a"), Contains("`a` is not declared"));
  CHECK_THAT(findings("missing = 1 return 2"), Contains("`missing` is not declared"));
}

TEST_CASE("check runs the expression once and reports what stops it") {
  CHECK_THAT(findings("local u = unit\nreturn u.scoer"),
             Contains("r.yaml:11: ") && Contains("`scoer` is not declared"));
  CHECK_THAT(findings("unit.text + 1"), Contains("arithmetic on a string"));
  CHECK_THAT(findings("while true do end return 1"), Contains("instructions"));
  CHECK(findings("unit.goal + 1").empty());
}

TEST_CASE("check refuses the power operator, whose bits are the machine's, and names math.pow") {
  CHECK_THAT(findings("rate ^ 2"), Contains("r.yaml:10:10: `^`") && Contains("math.pow(x, y)"));
  CHECK(findings("math.pow(rate, 2) and unit.text ~= '^'").empty());
}

TEST_CASE("a scope's own names win over the library's") {
  const TestScope scope({{"select", 4.0}, {"type", Value{}}});
  CHECK(std::get<double>(expression("select").evaluate(scope)) == 4);
  CHECK(is_nil(expression("type").evaluate(scope)));
}

TEST_CASE("random text is refused or evaluated, never worse") {
  static constexpr const char* kWords[] = {"unit", ".",     "score",    "(",   ")",      "{",  "}",    "[",    "]",
                                           "=",    "local", "function", "end", "return", "if", "then", "else", "for",
                                           "in",   "do",    "while",    "\"",  "'",      "[[", "--",   "::",   "goto",
                                           "1",    "..",    "...",      ":",   "nil",    ",",  "\n",   "\xFF"};
  uint32_t state = 12345;
  for (int i = 0; i < 3000; ++i) {
    std::string source;
    for (int word = 0; word < 12; ++word) {
      state = state * 1664525 + 1013904223;
      source += kWords[(state >> 16) % std::size(kWords)];
      source += ' ';
    }
    try {
      expression(source).check(world());
      expression(source).number(world());
    } catch (const Error& error) {
      REQUIRE(error.code() == Exit::failed);
    }
  }
}

TEST_CASE("threads evaluate the same expression side by side") {
  const Expression shared = expression("unit.score * 2 + round");
  std::vector<std::thread> threads;
  std::vector<int> wrong(4, 0);
  for (size_t i = 0; i < wrong.size(); ++i) {
    threads.emplace_back([&, i] {
      for (int k = 0; k < 500; ++k) wrong[i] += std::get<double>(shared.number(world())) == 4 ? 0 : 1;
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == std::vector<int>(4, 0));
}

}  // namespace
}  // namespace sil
