// Every shelf, by kind. Filled once in app/builtins.cpp and passed down by reference.
#pragma once

#include "sil/control.h"
#include "sil/engine.h"
#include "sil/filter.h"
#include "sil/gate.h"
#include "sil/loss.h"
#include "sil/registry.h"
#include "sil/store.h"
#include "sil/task.h"
#include "sil/verifier.h"

namespace sil {

struct Registries {
  Registry<Task> tasks{"task"};
  Registry<CodecFactory> tokenizers{"tokenizer"};
  Registry<EngineFactory> engines{"engine"};
  Registry<AdapterFactory> adapters{"adapter"};
  Registry<Verifier> verifiers{"verifier"};
  Registry<KeepRule> filters{"filter"};
  Registry<Credit> credits{"credit"};
  Registry<Shape> shapes{"shape"};
  Registry<LossPlugin> losses{"loss"};
  Registry<Gate> gates{"gate"};
  Registry<Control> controls{"control"};
  Registry<DrawLaw> draws{"draw"};
  Registry<EvictRule> evictions{"evict"};

  std::vector<const AnyRegistry*> all() const {
    return {&tasks,  &tokenizers, &engines, &adapters, &verifiers, &filters,  &credits,
            &shapes, &losses,     &gates,   &controls, &draws,     &evictions};
  }
  const AnyRegistry* find(std::string_view kind) const {
    for (const AnyRegistry* registry : all())
      if (registry->kind() == kind) return registry;
    return nullptr;
  }
};

}  // namespace sil
