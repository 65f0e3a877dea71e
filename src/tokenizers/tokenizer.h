// Hugging Face tokenizers: the pipeline of a tokenizer.json, byte for byte as the PyPI package `tokenizers` 0.23 runs
// it.
//
//   text -> added tokens -> normalizer -> pre-tokenizer -> model -> post-processor -> ids -> decoder -> text
//
// Truncation and padding of the file are not done, as transformers does neither unless it is asked to.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sil/codec.h"
#include "sil/error.h"
#include "sil/json.h"
#include "sil/records.h"

namespace sil {

// One tokenizer: text to ids and back. Immutable, thread-safe.
class Tokenizer {
 public:
  struct Parts;
  explicit Tokenizer(std::unique_ptr<const Parts> parts);
  ~Tokenizer();

  // `add_special`: with what the post-processor puts around a text ([CLS], <s>, </s>). `parse_special`: the text of a
  // special added token inside `text` becomes that token; false: it is ordinary text. Bytes that are not UTF-8 are read
  // as U+FFFD. Throws Error(Exit::unreadable) for text that the vocabulary cannot write, where it has no unknown token,
  // and when a pattern takes too many steps.
  std::vector<TokenId> encode(std::string_view text, bool add_special, bool parse_special) const;

  // Ids without a token (embeddings may have more rows than there are tokens) stand for nothing. Valid UTF-8.
  std::string decode(std::span<const TokenId> ids, bool skip_special) const;
  // Special tokens left out. The pieces joined are decode(ids, true). Refers to the tokenizer.
  std::unique_ptr<StreamDecoder> stream() const;

  std::string token(TokenId id) const;  // as the vocabulary has it; "" for an id without one
  std::optional<TokenId> id(std::string_view token) const;
  TokenId vocabulary_size() const;  // added tokens included: every id below has a token
  bool is_special(TokenId id) const;

 private:
  std::unique_ptr<const Parts> parts_;
};

// Throws Error(Exit::unreadable) at `where` for everything but a tokenizer all of whose components are known.
std::shared_ptr<const Tokenizer> read_tokenizer_json(std::string_view text, const Place& where);
std::shared_ptr<const Tokenizer> make_tokenizer(const Json& json, const Place& where);

}  // namespace sil
