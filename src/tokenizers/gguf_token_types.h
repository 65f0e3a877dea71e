// tokenizer.ggml.token_type of a GGUF file.
#pragma once

#include <cstdint>

namespace sil::tokenizers {

enum GgufTokenType : int64_t { kNormal = 1, kUnknown, kControl, kUserDefined, kUnused, kByte };

}  // namespace sil::tokenizers
