#pragma once

#include <memory>
#include <string>
#include <utility>

#include "jinja/value.h"

namespace sil::jinja {

inline Value text_value(std::string text, bool markup = false) {
  return Value(std::shared_ptr<const Text>(std::make_shared<Text>(Text{std::move(text), markup})));
}

}  // namespace sil::jinja
