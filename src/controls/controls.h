// The shelf of controls.
#pragma once

#include "sil/control.h"
#include "sil/registry.h"

namespace sil {

void register_schedule(Registry<Control>& registry);
void register_mastery(Registry<Control>& registry);

}  // namespace sil
