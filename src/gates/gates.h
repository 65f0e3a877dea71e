// The shelf of gates.
#pragma once

#include "sil/gate.h"
#include "sil/registry.h"

namespace sil {

void register_always(Registry<Gate>& registry);
void register_at_least(Registry<Gate>& registry);

}  // namespace sil
