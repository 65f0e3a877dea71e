// The shelf of engines.
#pragma once

#include <string_view>

#include "sil/engine.h"
#include "sil/registry.h"

namespace sil {

void register_table(Registry<EngineFactory>& registry);     // tiny and exact: logits by context
void register_scripted(Registry<EngineFactory>& registry);  // replies from a file

// Throws Error(Exit::usage) where the recipe asks for an adapter on a model that has no matrices for it.
void refuse_adapter(const EngineSetup& setup, std::string_view engine);

}  // namespace sil
