#include "fuzz/must.h"
#include "fuzz/targets.h"
#include "sil/expression.h"
#include "steps/scopes.h"

namespace sil::fuzz {

void lua(std::string_view input) {
  static const std::shared_ptr<const Scope> scope = example_scope({"evaluate", "verify"});
  const Expression expression(std::string(input), {"recipe.yaml", 3, 7});
  for (const Finding& finding : expression.check(*scope)) {
    must(!finding.message.empty(), "a finding that says nothing");
    must(finding.place.line >= 3, "a place before the expression");
  }
  // What exhausts its budget is slow: once is enough.
  if (refused_well(Exit::failed, [&] { expression.evaluate(*scope); })) return;
  refused_well(Exit::failed, [&] { expression.number(*scope); });
  refused_well(Exit::failed, [&] { expression.truth(*scope); });
}

}  // namespace sil::fuzz
