// The verbs. Each file registers one.
#pragma once

#include "sil/registries.h"
#include "steps/step.h"

namespace sil {

void register_generate(Registry<Step>& registry);
void register_demonstrate(Registry<Step>& registry);
void register_verify(Registry<Step>& registry);
void register_filter(Registry<Step>& registry);
void register_finetune(Registry<Step>& registry);
void register_evaluate(Registry<Step>& registry);
void register_gate(Registry<Step>& registry);
void register_observe(Registry<Step>& registry);

void register_steps(Registry<Step>& registry);

}  // namespace sil
