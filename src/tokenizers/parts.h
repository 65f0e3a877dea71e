#pragma once

#include <memory>

#include "tokenizers/added_tokens.h"
#include "tokenizers/decoder.h"
#include "tokenizers/normalizer.h"
#include "tokenizers/post_processor.h"
#include "tokenizers/pre_tokenizer.h"
#include "tokenizers/subword_model.h"
#include "tokenizers/tokenizer.h"

namespace sil {

struct Tokenizer::Parts {
  std::unique_ptr<const tokenizers::SubwordModel> model;
  std::unique_ptr<const tokenizers::Normalizer> normalizer;       // or nullptr
  std::unique_ptr<const tokenizers::PreTokenizer> pre_tokenizer;  // or nullptr
  tokenizers::AddedTokens added;
  tokenizers::PostProcessor post_processor;
  tokenizers::Decoder decoder;

  // What a token looks like to the decoder; nullptr for an id without one.
  const std::string* decoded(TokenId id) const {
    const tokenizers::AddedToken* token = added.find(id);
    return token != nullptr ? &token->normalized_content : model->vocabulary().token(id);
  }
  TokenId size() const { return std::max(model->vocabulary().bound(), added.bound()); }
};

}  // namespace sil
