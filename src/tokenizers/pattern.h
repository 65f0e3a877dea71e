// {"String": "…"} or {"Regex": "…"}, as Split and Replace have it.
#pragma once

#include "tokenizers/component.h"
#include "tokenizers/regex.h"

namespace sil::tokenizers {

// The member `pattern` of `component`.
inline Regex read_pattern(const Component& component) {
  const Component pattern = component.child("pattern");
  if (pattern.find("String") != nullptr) return Regex::literal(pattern.text("String"));
  if (pattern.find("Regex") != nullptr) return Regex::pattern(pattern.text("Regex"), component.where());
  pattern.fail("it has neither String nor Regex");
}

}  // namespace sil::tokenizers
