// How much memory a run needs at most, step by step, before anything is loaded.
//
// Between steps a model's versions that the recipe names are resident; an update keeps only what it needs of its own
// model (steps/models.h). Beside the plan stand the program, the record and the problems: some tens of MiB.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "loop/setup.h"
#include "sil/engine.h"
#include "steps/step.h"

namespace sil {

struct MemoryPhase {
  std::string step;
  std::string model;
  uint64_t versions = 0;  // bytes of resident versions, of all models
  Plan call;              // the engine's, beside them
  uint64_t total() const { return versions + call.total(); }
  std::vector<std::pair<const char*, uint64_t>> parts() const;  // by name, those of no bytes left out
};

struct MemoryPlan {
  std::vector<MemoryPhase> phases;  // of loading ("start"), then of each step that calls an engine
  uint64_t total() const;           // of the largest
};

// Prompts and examples are taken to be as long as those of each task's first problems. Weights are not read.
MemoryPlan plan_memory(const Recipe& recipe, const Tasks& tasks, const Engines& engines, const Registries& registries,
                       const Registry<Step>& steps);

// Throws Error(Exit::unfit) with the sum when the plan needs more than `memory` bytes.
void refuse_too_large(const MemoryPlan& plan, uint64_t memory);

// For people: "312 MiB", and "versions 4 MiB + cache 10 MiB".
std::string mebibytes(uint64_t bytes);
std::string sum_text(const MemoryPhase& phase);

}  // namespace sil
