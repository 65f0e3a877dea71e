// The shelf of engines.
#pragma once

#include "sil/engine.h"
#include "sil/registry.h"

namespace sil {

void register_table(Registry<EngineFactory>& registry);     // tiny and exact: logits by context
void register_scripted(Registry<EngineFactory>& registry);  // replies from a file

}  // namespace sil
