// The shelf of losses. Each file holds one atom, the published losses that are presets of it, and its formula.
//
// Atoms return the loss to be minimised. Their math is in double on exact_exp and exact_log, so a loss has the same
// bits on every machine; shares of a step are taken of LossInput::totals, so shards add up to the step.
#pragma once

#include "sil/loss.h"
#include "sil/registry.h"

namespace sil {

void register_nll(Registry<LossPlugin>& registry);
void register_pg(Registry<LossPlugin>& registry);      // pg, reinforce, ppo, grpo, dapo, gspo, cispo
void register_margin(Registry<LossPlugin>& registry);  // margin, dpo, ipo, simpo
void register_match(Registry<LossPlugin>& registry);

}  // namespace sil
