// The transformer among the engines.
#pragma once

#include "sil/engine.h"
#include "sil/registry.h"

namespace sil::nn {

void register_llama(Registry<EngineFactory>& registry);  // from scratch, by its sizes
void register_path(Registry<EngineFactory>& registry);   // from a folder

void register_lora(Registry<AdapterFactory>& registry);

}  // namespace sil::nn
