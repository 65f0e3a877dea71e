// Components of a tokenizer.json, to be written.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sil/json.h"

namespace sil::tokenizers {

inline constexpr std::string_view kMetaspace = "\u2581";  // stands for a blank

struct ScoredToken {
  std::string text;
  double score = 0;
  bool mergeable = true;  // may come out of text: not a control token, a byte or the unknown token
};

Json replace_part(std::string_view from, std::string_view to);  // normalizer and decoder
Json byte_level_part(bool use_regex);                           // pre-tokenizer and decoder
Json split_part(std::string_view regex);                        // pre-tokenizer, isolated
Json digits_part(bool individual);
Json sequence_part(const char* members, Json::Array parts);
Json added_token_part(int64_t id, std::string_view content, bool special);
// Puts `before` and `behind` around a text; null without either.
Json template_part(const std::vector<std::pair<std::string, int64_t>>& before,
                   const std::vector<std::pair<std::string, int64_t>>& behind);
// Of SentencePiece's BPE, which joins two tokens when what they make is one, the best score first.
Json merges_part(const std::vector<ScoredToken>& tokens);
// Of SentencePiece: U+2581 becomes a blank, <0x41> a byte, and the blank at the beginning goes where one was put there.
Json sentencepiece_decoder_part(bool drops_first_blank);
Json tokenizer_part(Json added_tokens, Json normalizer, Json pre_tokenizer, Json post_processor, Json decoder,
                    Json model);

}  // namespace sil::tokenizers
