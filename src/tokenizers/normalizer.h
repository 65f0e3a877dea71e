// What happens to text before anything else: Unicode forms, case, accents, replacements.
#pragma once

#include <memory>

#include "tokenizers/component.h"
#include "tokenizers/text.h"

namespace sil::tokenizers {

// Immutable, thread-safe.
class Normalizer {
 public:
  virtual ~Normalizer() = default;
  virtual void apply(Text& text) const = 0;
};

std::unique_ptr<const Normalizer> read_normalizer(const Component& component);
std::unique_ptr<const Normalizer> read_charsmap(const Component& component);  // Precompiled
std::unique_ptr<const Normalizer> read_bert_normalizer(const Component& component);

}  // namespace sil::tokenizers
