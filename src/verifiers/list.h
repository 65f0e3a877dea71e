// A weighted list of verifiers as one verifier.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sil/registry.h"
#include "sil/verifier.h"

namespace sil {

// What a recipe's list of verifiers means. With weights w and scores s of the parts whose weight is not 0:
//
//   sum       Σ w·s                     (default)
//   mean      Σ w·s / Σ w               weights > 0
//   product   Π s^w                     weights > 0
//   min       min s                     weights > 0
//   guard     s of the last part if all before it pass, else 0 and fail
//
// The label is pass iff the score is at least `pass_at`; a list of one part, and what a guard lets through, keep the
// part's own label. A list abstains if a part whose weight is not 0 abstains; parts with weight 0 are recorded and do
// nothing else. Verdict::parts holds each part's score under its name (the second `regex` is regex_2) and its own parts
// as NAME.PART. A part's own `pass_at`, where it has that option and the recipe does not set it, is `pass_at`.
//
// version() is composed of names and versions in order: "exact@1+regex@1". Throws Error(Exit::usage) at the place of
// the list: unknown names or options, no part with a weight, a combination that the weights do not allow.
void check_weights(const std::vector<PluginSpec>& specs, const std::string& combine);  // the part that needs no shelf
std::unique_ptr<Verifier> make_verifier(const std::vector<PluginSpec>& specs, const std::string& combine,
                                        double pass_at, const Registry<Verifier>& registry);

inline constexpr std::string_view kCombinations[] = {"sum", "mean", "product", "min", "guard"};

}  // namespace sil
