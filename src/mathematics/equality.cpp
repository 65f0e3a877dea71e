#include "mathematics/equality.h"

#include <algorithm>

#include "mathematics/formula_equality.h"
#include "mathematics/reader.h"
#include "mathematics/region.h"
#include "sil/rng.h"

namespace sil::mathematics {
namespace {

using Kind = Statement::Kind;

constexpr size_t kMaxBytes = 8192;

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

// Words as they are compared; a letter alone is a symbol, whose case matters.
std::string wording(const Statement& statement) {
  if (is_symbol(statement)) return statement.value.text;
  if (statement.kind != Kind::words) return {};
  return statement.text.size() > 1 ? lower(statement.text) : statement.text;
}

// Without blanks, case and the plural.
std::string normal_unit(const std::string& unit) {
  std::string out = lower(unit);
  std::erase(out, ' ');
  if (out.size() > 1 && out.back() == 's') out.pop_back();
  return out;
}

bool units_agree(const Statement& reference, const Statement& answer) {
  return reference.unit.empty() || answer.unit.empty() || normal_unit(reference.unit) == normal_unit(answer.unit);
}

// x, and f(x), which reads as a product
bool is_name(const Statement& statement) {
  if (is_symbol(statement)) return true;
  if (statement.kind != Kind::value || statement.value.kind != Expression::Kind::multiply) return false;
  const std::vector<Expression>& parts = statement.value.parts;
  const auto symbol = [](const Expression& part) { return part.kind == Expression::Kind::symbol; };
  return parts.size() == 2 && symbol(parts[0]) && symbol(parts[1]) &&
         (parts[0].text == "f" || parts[0].text == "g" || parts[0].text == "h");
}

bool is_constant(const Statement& statement) {
  std::set<std::string> variables;
  if (statement.kind == Kind::value) collect_variables(statement.value, variables);
  return statement.kind == Kind::value && variables.empty();
}

// The value in `x = value`, on either side, and the last one of a calculation, 2 + 3 = 5; nullptr where it is none.
const Statement* given_value(const Statement& statement) {
  if (statement.kind != Kind::relation) return nullptr;
  for (const std::string& sign : statement.operators)
    if (sign != "=") return nullptr;
  if (is_name(statement.parts.front()) || is_constant(statement.parts.front())) {
    const bool turned = statement.parts.size() == 2 && is_name(statement.parts[1]);
    return turned && is_constant(statement.parts[0]) ? &statement.parts[0] : &statement.parts.back();
  }
  return statement.parts.size() == 2 && is_name(statement.parts[1]) ? &statement.parts[0] : nullptr;
}

class StatementEquality {
 public:
  explicit StatementEquality(uint64_t seed) : formulas_(seed) {}

  bool same(const Statement& a, const Statement& b) {
    if (a.kind == Kind::words || b.kind == Kind::words) return !wording(a).empty() && wording(a) == wording(b);
    if (a.kind == Kind::relation && b.kind == Kind::relation) return same_relations(a, b);
    if (const Statement* value = given_value(a)) return same(*value, b);
    if (const Statement* value = given_value(b)) return same(a, *value);
    if (is_collection(a) && is_collection(b)) return same_collections(a, b);
    if (a.kind == Kind::value && b.kind == Kind::value) return units_agree(a, b) && formulas_.same(a.value, b.value);
    if (a.kind == Kind::matrix && b.kind == Kind::matrix) return same_in_order(a, b);
    return same_regions(a, b);
  }

 private:
  static bool is_collection(const Statement& statement) {
    return statement.kind == Kind::list || statement.kind == Kind::sequence || statement.kind == Kind::set;
  }

  bool same_collections(const Statement& a, const Statement& b) {
    if (a.kind == Kind::sequence && b.kind == Kind::sequence)
      return a.open == b.open && a.close == b.close && same_in_order(a, b);
    if (a.kind != Kind::sequence && b.kind != Kind::sequence) return includes(a, b) && includes(b, a);
    const Statement& sequence = a.kind == Kind::sequence ? a : b;
    const Statement& other = a.kind == Kind::sequence ? b : a;
    // 1, 2 is a way to write (1, 2)
    if (other.kind == Kind::list && other.text.empty())
      return sequence.open == '(' && sequence.close == ')' && same_in_order(a, b);
    return same_regions(a, b);
  }

  bool same_in_order(const Statement& a, const Statement& b) {
    return std::equal(a.parts.begin(), a.parts.end(), b.parts.begin(), b.parts.end(),
                      [&](const Statement& x, const Statement& y) { return same_cells(x, y); });
  }
  bool same_cells(const Statement& a, const Statement& b) {  // rows of a matrix are lists in order
    return a.kind == Kind::list && b.kind == Kind::list ? same_in_order(a, b) : same(a, b);
  }

  bool includes(const Statement& whole, const Statement& parts) {
    return std::all_of(parts.parts.begin(), parts.parts.end(), [&](const Statement& part) {
      return std::any_of(whole.parts.begin(), whole.parts.end(),
                         [&](const Statement& candidate) { return same(candidate, part); });
    });
  }

  bool same_regions(const Statement& a, const Statement& b) {
    const std::optional<Region> first = region_of(a, formulas_);
    if (!first) return false;
    const std::optional<Region> second = region_of(b, formulas_);
    return second && same_region(*first, *second, formulas_);
  }

  // One relation after the other, each as f = 0, f < 0 or f <= 0; a falling chain is turned round.
  bool same_relations(const Statement& a, const Statement& b) {
    const std::vector<Relation> first = relations(a), second = relations(b);
    if (first.size() != second.size()) return false;
    for (size_t i = 0; i < first.size(); ++i) {
      if (first[i].sign != second[i].sign) return false;
      const bool ordered = first[i].sign != "=" && first[i].sign != "!=";
      if (!formulas_.proportional(first[i].difference, second[i].difference, ordered)) return false;
    }
    return !first.empty();
  }

  struct Relation {
    std::string sign;
    Expression difference;
  };

  // Empty where a side is no formula.
  static std::vector<Relation> relations(const Statement& statement) {
    std::vector<Relation> out;
    for (size_t i = 0; i + 1 < statement.parts.size(); ++i) {
      const Statement* left = &statement.parts[i];
      const Statement* right = &statement.parts[i + 1];
      if (left->kind != Kind::value || right->kind != Kind::value) return {};
      std::string sign = statement.operators[i];
      if (sign[0] == '>') {
        std::swap(left, right);
        sign[0] = '<';
      }
      Expression minus{Expression::Kind::negate, {}, {right->value}};
      out.push_back({sign, {Expression::Kind::add, {}, {left->value, std::move(minus)}}});
    }
    if (statement.operators.front()[0] == '>') std::reverse(out.begin(), out.end());
    return out;
  }

  FormulaEquality formulas_;
};

uint64_t seed_of(const Answer& reference, const Answer& answer) {
  return RandomPath{0, "mathematics", {reference.text(), answer.text()}, {}}.key();
}

}  // namespace

Answer::Answer(std::string_view text) : text_(text.substr(0, kMaxBytes)) {
  try {
    if (text.size() > kMaxBytes) throw Unreadable("it is too long");
    tokens_ = tokenize(text);
    statement_ = read_statement(tokens_);
  } catch (const Unreadable& fault) {
    fault_ = fault.what();
  }
}

Equality compare(const Answer& reference, const Answer& answer) {
  const bool same_tokens = !reference.tokens().empty() && reference.tokens() == answer.tokens();
  if (!reference.readable()) return {same_tokens, reference.fault()};
  if (!answer.readable()) return {false, answer.fault()};
  try {
    return {StatementEquality(seed_of(reference, answer)).same(reference.statement(), answer.statement()), {}};
  } catch (const NoValue& none) {
    return {same_tokens && none.reason() == NoValue::Reason::limit, none.what()};
  }
}

}  // namespace sil::mathematics
