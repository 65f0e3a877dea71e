// The shelf of stores: draw laws and eviction rules. Both give places in the list of records they were handed.
#pragma once

#include "sil/registry.h"
#include "sil/store.h"

namespace sil {

void register_draws(Registry<DrawLaw>& registry);  // all, uniform, recency
void register_mix(Registry<DrawLaw>& registry);
void register_evictions(Registry<EvictRule>& registry);  // age, max

// Places [0, size) in a random order: Fisher-Yates over the random stream of (key, item).
std::vector<size_t> shuffled(size_t size, uint64_t key, uint64_t item);

}  // namespace sil
