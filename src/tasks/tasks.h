// The shelf of tasks.
#pragma once

#include "sil/registry.h"
#include "sil/task.h"

namespace sil {

void register_addition(Registry<Task>& registry);
void register_multiplication(Registry<Task>& registry);  // products, asked in words
void register_neighbour(Registry<Task>& registry);
void register_copy(Registry<Task>& registry);
void register_countdown(Registry<Task>& registry);
void register_jsonl(Registry<Task>& registry);
void register_lua(Registry<Task>& registry);
void register_program(Registry<Task>& registry);

}  // namespace sil
