// Vocabularies of other formats as a tokenizer.json, which the one reader then reads.
#pragma once

#include <string_view>

#include "sil/error.h"
#include "sil/json.h"

namespace sil {

// Of a GGUF file's metadata: tokenizer.ggml.model gpt2 (byte-level BPE), llama (BPE of SentencePiece) or bert
// (WordPiece). How gpt2's text is cut goes by tokenizer.ggml.pre; names that are not known are refused.
// Throws Error(Exit::unreadable) at `where`.
Json tokenizer_json_of_gguf(const Json& metadata, const Place& where);

// Of a SentencePiece .model file, a protobuf (sentencepiece_model.proto): unigram or BPE.
// Throws Error(Exit::unreadable) at `where`.
Json tokenizer_json_of_sentencepiece(std::string_view bytes, const Place& where);

}  // namespace sil
