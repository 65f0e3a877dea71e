#include "recipe/findings.h"

#include <algorithm>
#include <tuple>

#include "recipe/scalars.h"

namespace sil {
namespace {

constexpr size_t kMostShown = 100;

}  // namespace

void throw_findings(std::vector<Finding> findings, const std::string& file) {
  for (Finding& finding : findings) finding = {finding.place, printable(finding.message), printable(finding.hint)};
  auto key = [&](const Finding& f) { return std::tuple(f.place.file != file, f.place.line, f.place.column); };
  std::stable_sort(findings.begin(), findings.end(),
                   [&](const Finding& a, const Finding& b) { return key(a) < key(b); });
  auto same = [](const Finding& a, const Finding& b) { return a.text() == b.text(); };
  findings.erase(std::unique(findings.begin(), findings.end(), same), findings.end());
  if (findings.size() > kMostShown) {
    const size_t more = findings.size() - kMostShown;
    findings.resize(kMostShown);
    findings.push_back({{file, 0, 0}, std::to_string(more) + " more errors are not shown", {}});
  }
  throw Error(Exit::usage, std::move(findings));
}

}  // namespace sil
