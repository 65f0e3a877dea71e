#include "steps/steps.h"

namespace sil {

void register_steps(Registry<Step>& registry) {
  register_demonstrate(registry);
  register_generate(registry);
  register_verify(registry);
  register_filter(registry);
  register_finetune(registry);
  register_evaluate(registry);
  register_gate(registry);
  register_observe(registry);
}

}  // namespace sil
