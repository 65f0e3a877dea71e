// How expressions name the fields of a scope: as declared, or with `_at_` in place of `@` (`pass_at_1` for `pass@1`).
#pragma once

#include <string>
#include <string_view>

#include "sil/expression.h"

namespace sil {

std::string identifier_of(std::string_view field);               // `pass@1` -> `pass_at_1`
Value field_of(const Scope& scope, std::string_view name);       // nil when there is none
bool may_have_field(const Scope& scope, std::string_view name);  // declared, or the scope is open
// "did you mean `x`?" or, where nothing is near, what there is.
std::string field_hint(const Scope& scope, std::string_view name);

}  // namespace sil
