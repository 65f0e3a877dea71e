// How GGUF files name the ways to cut text for byte-level BPE (tokenizer.ggml.pre).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sil/json.h"

namespace sil::tokenizers {

struct GgufPreTokenizer {
  Json pre_tokenizer;
  Json normalizer;  // or null
  bool ignore_merges = false;
  bool add_bos = false;  // where the file does not say
};

std::optional<GgufPreTokenizer> gguf_pre_tokenizer(std::string_view name);
std::string gguf_pre_tokenizer_names();
// The name of the way in which a tokenizer.json with a byte-level BPE cuts text; nullopt: GGUF has none for it.
std::optional<std::string_view> gguf_pre_tokenizer_name(const Json& tokenizer);

}  // namespace sil::tokenizers
