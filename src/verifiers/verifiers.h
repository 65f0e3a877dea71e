// The shelf's register functions, one a file.
#pragma once

#include "sil/registry.h"
#include "sil/verifier.h"

namespace sil {

void register_exact(Registry<Verifier>& registry);
void register_numeric(Registry<Verifier>& registry);
void register_math(Registry<Verifier>& registry);
void register_contains(Registry<Verifier>& registry);
void register_regex(Registry<Verifier>& registry);
void register_majority(Registry<Verifier>& registry);
void register_score(Registry<Verifier>& registry);
void register_program(Registry<Verifier>& registry);
void register_task_rule(Registry<Verifier>& registry);

}  // namespace sil
