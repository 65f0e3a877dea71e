// Components of a tokenizer.json in one spelling, by which two are compared: what does the same to the ids is the same
// text.
#pragma once

#include <string>
#include <string_view>

#include "sil/json.h"

namespace sil::tokenizers {

// `part`: the normalizer, pre_tokenizer, post_processor or decoder (`name` says which) of a tokenizer that
// make_tokenizer has accepted; null: none. Sequences are lists of what they do; what moves offsets alone is left out.
std::string canonical_part(std::string_view name, const Json& part);

}  // namespace sil::tokenizers
