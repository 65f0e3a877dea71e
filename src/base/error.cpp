#include "sil/error.h"

#include <algorithm>
#include <numeric>

namespace sil {
namespace {

std::string joined(const std::vector<Finding>& findings) {
  std::string out;
  for (const Finding& finding : findings) {
    if (!out.empty()) out += '\n';
    out += finding.text();
  }
  return out;
}

// Levenshtein's distance, or `limit + 1` as soon as it must be larger.
size_t edit_distance(std::string_view a, std::string_view b, size_t limit) {
  const size_t difference = a.size() > b.size() ? a.size() - b.size() : b.size() - a.size();
  if (difference > limit) return limit + 1;
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    size_t least = row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
      least = std::min(least, row[j]);
    }
    if (least > limit) return limit + 1;
  }
  return row[b.size()];
}

}  // namespace

std::string Place::text() const {
  std::string out = file;
  for (int number : {line, column}) {
    if (number <= 0) break;
    if (!out.empty()) out += ':';
    out += std::to_string(number);
  }
  return out;
}

std::string Finding::text() const {
  std::string out = place.text();
  if (!out.empty()) out += ": ";
  out += message;
  if (!hint.empty()) out += "; " + hint;
  return out;
}

Error::Error(Exit code, std::string message, std::string hint, Place place)
    : Error(code, std::vector<Finding>{{std::move(place), std::move(message), std::move(hint)}}) {}

Error::Error(Exit code, std::vector<Finding> findings)
    : std::runtime_error(joined(findings)), code_(code), findings_(std::move(findings)) {}

void check_failed(const char* condition, const char* file, int line) {
  const std::string_view path = file;
  const size_t slash = path.rfind('/');
  const std::string_view name = slash == std::string_view::npos ? path : path.substr(slash + 1);
  throw Error(Exit::internal, std::string("internal error: ") + condition + " does not hold",
              "this is a bug; please report it", {std::string(name), line, 0});
}

std::string nearest(std::string_view name, const std::vector<std::string>& known) {
  size_t limit = std::max<size_t>(2, name.size() / 3);
  std::string best;
  for (const std::string& candidate : known) {
    const size_t distance = edit_distance(name, candidate, limit);
    if (distance > limit) continue;
    best = candidate;
    if (distance == 0) break;
    limit = distance - 1;  // only a nearer one replaces it
  }
  return best;
}

}  // namespace sil
