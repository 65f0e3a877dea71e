// The shelf of keep rules.
//
// Every drop has a reason that is short and the same for all rollouts that a rule drops for one cause, because the loop
// counts them. Scores and labels are those of FilterContext::by. A rollout without a score (no verdict, or one that
// abstained) ranks last and never counts in a statistic of its group.
#pragma once

#include "sil/filter.h"
#include "sil/registry.h"

namespace sil {

void register_unit_rules(Registry<KeepRule>& registry);   // all, pass, threshold, lua
void register_best_rules(Registry<KeepRule>& registry);   // top_k, per_problem
void register_group_rules(Registry<KeepRule>& registry);  // varied, band
void register_dedupe(Registry<KeepRule>& registry);
void register_length(Registry<KeepRule>& registry);

}  // namespace sil
