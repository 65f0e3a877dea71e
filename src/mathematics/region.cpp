#include "mathematics/region.h"

#include <algorithm>

namespace sil::mathematics {
namespace {

using Kind = Statement::Kind;

class RegionReader {
 public:
  explicit RegionReader(FormulaEquality& formulas) : formulas_(formulas) {}

  std::optional<Region> read(const Statement& statement) {
    switch (statement.kind) {
      case Kind::value:
        if (is_symbol(statement) && statement.value.text == "R") return Region{{}};
        return std::nullopt;
      case Kind::sequence:
        return interval(statement);
      case Kind::set:
        return points(statement);
      case Kind::relation:
        return inequality(statement);
      case Kind::together:
        return united(statement);
      case Kind::list:
        return statement.text == "or" ? united(statement) : std::nullopt;
      case Kind::without:
        return difference(statement);
      case Kind::words:
      case Kind::matrix:
        return std::nullopt;
    }
    return std::nullopt;
  }

 private:
  // An end of an interval; none for an infinity on its own side.
  std::optional<End> end(const Expression& formula, bool closed) {
    if (infinity(formula) != 0) return std::nullopt;
    return End{formulas_.constant(formula), closed};
  }

  std::optional<Region> interval(const Statement& statement) {
    if (statement.parts.size() != 2 || statement.open == ':') return std::nullopt;
    const Statement& low = statement.parts[0];
    const Statement& high = statement.parts[1];
    if (low.kind != Kind::value || high.kind != Kind::value) return std::nullopt;
    if (infinity(low.value) > 0 || infinity(high.value) < 0) return std::nullopt;
    return normal({{end(low.value, statement.open == '['), end(high.value, statement.close == ']')}});
  }

  std::optional<Region> points(const Statement& statement) {
    Region out;
    for (const Statement& part : statement.parts) {
      if (part.kind != Kind::value || infinity(part.value) != 0) return std::nullopt;
      const End at{formulas_.constant(part.value), true};
      out.push_back({at, at});
    }
    return normal(std::move(out));
  }

  // x < 3, 3 >= x, 1 < x <= 5, x != 2.
  std::optional<Region> inequality(const Statement& statement) {
    const std::vector<Statement>& parts = statement.parts;
    for (const Statement& part : parts)
      if (part.kind != Kind::value) return std::nullopt;
    if (parts.size() == 2 && statement.operators[0] == "!=" && is_symbol(parts[0])) {
      const Number hole = formulas_.constant(parts[1].value);
      return Region{{std::nullopt, End{hole, false}}, {End{hole, false}, std::nullopt}};
    }
    const size_t symbol = parts.size() == 2 && is_symbol(parts[0]) ? 0 : 1;
    if (parts.size() > 3 || !is_symbol(parts[symbol])) return std::nullopt;
    Interval out;
    for (size_t i = 0; i + 1 < parts.size(); ++i) {
      const std::string& sign = statement.operators[i];
      if (sign != "<" && sign != "<=" && sign != ">" && sign != ">=") return std::nullopt;
      const Statement& bound = i < symbol ? parts[i] : parts[i + 1];
      const bool upper = (sign[0] == '<') == (i >= symbol);
      std::optional<End>& side = upper ? out.high : out.low;
      if (side) return std::nullopt;
      side = end(bound.value, sign.size() == 2);
    }
    return normal({out});
  }

  std::optional<Region> united(const Statement& statement) {
    Region out;
    for (const Statement& part : statement.parts) {
      const std::optional<Region> region = read(part);
      if (!region) return std::nullopt;
      out.insert(out.end(), region->begin(), region->end());
    }
    return normal(std::move(out));
  }

  std::optional<Region> difference(const Statement& statement) {
    std::optional<Region> out = read(statement.parts[0]);
    const std::optional<Region> taken = read(statement.parts[1]);
    if (!out || !taken) return std::nullopt;
    for (const Interval& hole : *taken) {
      Region rest;
      for (const Interval& interval : *out) {
        if (hole.low) rest.push_back({interval.low, lesser(interval.high, turned(hole.low))});
        if (hole.high) rest.push_back({greater(interval.low, turned(hole.high)), interval.high});
      }
      *out = normal(std::move(rest));
    }
    return out;
  }

  static std::optional<End> turned(std::optional<End> end) {
    if (end) end->closed = !end->closed;
    return end;
  }

  std::optional<End> lesser(const std::optional<End>& a, const std::optional<End>& b) {
    if (!a || !b) return a ? a : b;
    const int order = formulas_.order(a->at, b->at);
    return order < 0 || (order == 0 && !a->closed) ? a : b;
  }
  std::optional<End> greater(const std::optional<End>& a, const std::optional<End>& b) {
    if (!a || !b) return a ? a : b;
    const int order = formulas_.order(a->at, b->at);
    return order > 0 || (order == 0 && !a->closed) ? a : b;
  }

  bool is_empty(const Interval& interval) {
    if (!interval.low || !interval.high) return false;
    const int order = formulas_.order(interval.low->at, interval.high->at);
    return order > 0 || (order == 0 && !(interval.low->closed && interval.high->closed));
  }

  bool begins_before(const Interval& a, const Interval& b) {
    if (!a.low || !b.low) return !a.low && b.low;
    const int order = formulas_.order(a.low->at, b.low->at);
    return order < 0 || (order == 0 && a.low->closed && !b.low->closed);
  }

  // Whether `next`, which does not begin before `last`, overlaps it or continues it.
  bool touches(const Interval& last, const Interval& next) {
    if (!last.high || !next.low) return true;
    const int order = formulas_.order(next.low->at, last.high->at);
    return order < 0 || (order == 0 && (next.low->closed || last.high->closed));
  }

  bool ends_before(const Interval& a, const Interval& b) {
    if (!a.high || !b.high) return a.high && !b.high;
    const int order = formulas_.order(a.high->at, b.high->at);
    return order < 0 || (order == 0 && !a.high->closed);
  }

  Region normal(Region region) {
    std::erase_if(region, [&](const Interval& interval) { return is_empty(interval); });
    std::stable_sort(region.begin(), region.end(),
                     [&](const Interval& a, const Interval& b) { return begins_before(a, b); });
    Region out;
    for (Interval& interval : region) {
      if (out.empty() || !touches(out.back(), interval))
        out.push_back(std::move(interval));
      else if (ends_before(out.back(), interval))
        out.back().high = interval.high;
    }
    return out;
  }

  FormulaEquality& formulas_;
};

bool same_end(const std::optional<End>& a, const std::optional<End>& b, FormulaEquality& formulas) {
  if (!a || !b) return !a && !b;
  return a->closed == b->closed && formulas.order(a->at, b->at) == 0;
}

}  // namespace

bool is_symbol(const Statement& statement) {
  return statement.kind == Kind::value && statement.value.kind == Expression::Kind::symbol;
}

std::optional<Region> region_of(const Statement& statement, FormulaEquality& formulas) {
  return RegionReader(formulas).read(statement);
}

bool same_region(const Region& a, const Region& b, FormulaEquality& formulas) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](const Interval& x, const Interval& y) {
    return same_end(x.low, y.low, formulas) && same_end(x.high, y.high, formulas);
  });
}

}  // namespace sil::mathematics
