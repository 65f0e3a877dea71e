// tokenizer.json, the form of the `tokenizers` library, of the codecs that need no files: transformers' AutoTokenizer
// then gives the same ids for every text.
//
//   chars   WordLevel over the alphabet, each character by itself; a character outside it is an error there too, as
//           the vocabulary holds no unknown token
//   bytes   BPE without merges over GPT-2's 256 letters for bytes (Radford et al. 2019), as any byte-level tokenizer
//
// <bos>, <eos> and <pad> are added tokens, but `split_special_tokens` keeps text from writing them.
//
// For a config.json of qwen2, and of no other family, AutoTokenizer of transformers 5 takes the vocabulary alone and
// splits text as Qwen does; PreTrainedTokenizerFast.from_pretrained reads the folder as it is.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sil/codec.h"
#include "sil/error.h"
#include "sil/json.h"

namespace sil {

Json chars_tokenizer(std::span<const std::string> tokens);  // by id, the specials first
Json bytes_tokenizer();

// tokenizer.json, and with it tokenizer_config.json and generation_config.json.
std::vector<FolderFile> tokenizer_files(const Json& tokenizer);

// The codec of a tokenizer.json of one of the two forms above; null where it is of another.
std::shared_ptr<const Codec> small_codec(const Json& tokenizer);

}  // namespace sil
