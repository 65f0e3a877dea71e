// Which tokens of a rendered conversation are the assistant's own words.
//
// A chat template that marks them by {% generation %} says so itself, as transformers' return_assistant_tokens_mask
// reads it. Of any other, a turn is what the template adds to the conversation before it, prompted to be answered, when
// the turn follows; so every such prefix must be the beginning of the whole.
#pragma once

#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "jinja/template.h"
#include "sil/records.h"
#include "tokenizers/tokenizer.h"

namespace sil {

// The chat template over the first messages, with or without the prompt that asks for an answer.
using RenderMessages = std::function<jinja::Rendered(std::span<const Message> messages, bool generation_prompt)>;

// Of render(messages, true), in bytes. Throws Error(Exit::unreadable) where a prefix is not the beginning of the whole.
std::vector<jinja::ByteRange> assistant_text(std::span<const Message> messages, const RenderMessages& render);

// The ids of encode(text) that hold the ranges; a token that lies across an edge is inside.
std::vector<IdRange> id_ranges(std::string_view text, std::span<const jinja::ByteRange> ranges,
                               const std::function<std::vector<TokenId>(std::string_view)>& encode);

}  // namespace sil
