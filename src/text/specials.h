// What the small codecs share: the special tokens before their vocabulary, and how a conversation becomes one text.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "sil/codec.h"
#include "sil/records.h"

namespace sil {

inline constexpr std::array<std::string_view, 3> kSpecials = {"<bos>", "<eos>", "<pad>"};
inline constexpr TokenId kEos = 1;
inline constexpr TokenId kFirstPlain = static_cast<TokenId>(kSpecials.size());

// The text itself, or "role: content\n" of each message.
std::string plain_text(const Conversation& conversation);

// The assistant's words in what `codec` makes of plain_text: it must encode any text piece by piece.
std::vector<IdRange> plain_assistant_ranges(const Codec& codec, const Conversation& conversation);

// Throws Error(Exit::unreadable) for an id outside [0, size).
void check_id(TokenId id, TokenId size);

}  // namespace sil
