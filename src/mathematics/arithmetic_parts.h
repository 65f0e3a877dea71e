// What the sources of Arithmetic share.
#pragma once

#include <optional>

#include "mathematics/arithmetic.h"

namespace sil::mathematics {

NoValue too_large();
NoValue undefined(const char* what);

unsigned bits_of(const Integer& a);      // of its magnitude
const Rational* exact(const Number& a);  // nullptr: it is irrational
bool is_zero(const Number& a);
std::optional<int64_t> small_integer(const Number& a);  // of at most 40 bits

}  // namespace sil::mathematics
