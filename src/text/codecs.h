// The shelf of tokenizers that need no files.
//
// Both put the special tokens <bos> 0, <eos> 1, <pad> 2 first and stop at <eos>. They add no <bos> to a conversation:
// the contexts of small models are short and a prompt always begins a sequence. The text "<eos>" in a prompt is five
// plain characters; no text can write a special token.
#pragma once

#include <memory>
#include <string_view>

#include "sil/engine.h"
#include "sil/registry.h"

namespace sil {

void register_chars(Registry<CodecFactory>& registry);  // one id a character of a declared alphabet
void register_bytes(Registry<CodecFactory>& registry);  // one id a byte

// `alphabet`: UTF-8, in any order, repeats allowed; throws Error(Exit::usage) where it is not UTF-8.
std::shared_ptr<const Codec> chars_codec(std::string_view alphabet);
std::shared_ptr<const Codec> bytes_codec();

}  // namespace sil
