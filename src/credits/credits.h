// The shelf of credits: what a kept rollout weighs in training.
//
// Statistics are over `members`. A kept rollout that is no member (it has no score) weighs 0 wherever a score is read.
#pragma once

#include "sil/filter.h"
#include "sil/registry.h"

namespace sil {

void register_rollout_credits(Registry<Credit>& registry);  // constant, reward, lua
void register_group_credits(Registry<Credit>& registry);    // group_centered, group_zscore, leave_one_out
void register_batch_zscore(Registry<Credit>& registry);

// Of the members of a group, in their order. A member without a score is a bug; an infinite score throws
// Error(Exit::failed), since no weight could be made of it.
std::vector<double> member_scores(const FilterView& view, std::span<const size_t> members);

// 0 for an empty list.
double mean_score(std::span<const double> values);
bool same_scores(std::span<const double> values);

// Weights of the kept members; every other kept rollout gets 0. `weights` has one entry a member.
void give_weights(FilterView& view, std::span<const size_t> members, std::span<const double> weights);

}  // namespace sil
