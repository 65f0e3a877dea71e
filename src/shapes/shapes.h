// The shelf of shapes: how kept rollouts become examples.
#pragma once

#include "sil/filter.h"
#include "sil/registry.h"

namespace sil {

void register_target(Registry<Shape>& registry);
void register_pair(Registry<Shape>& registry);

// What Example::group is: the same for all examples of one group.
uint64_t example_group(const FilterContext& context, const Group& group);

}  // namespace sil
