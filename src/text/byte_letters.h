// GPT-2's letters for bytes (Radford et al. 2019): what prints in Latin-1 stands for itself, the others follow from
// U+0100 on.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sil {

void append_byte_letters(std::string& out, std::string_view bytes);
// The byte that a letter stands for; nullopt for any other character.
std::optional<char> byte_of_letter(char32_t letter);

}  // namespace sil
