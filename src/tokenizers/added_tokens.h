// Tokens beside the model's: found in text as they stand, before the model sees it.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "tokenizers/byte_trie.h"
#include "tokenizers/component.h"
#include "tokenizers/normalizer.h"
#include "tokenizers/text.h"
#include "tokenizers/vocabulary.h"

namespace sil::tokenizers {

struct AddedToken {
  std::string content;
  std::string normalized_content;       // as it stands in normalized text, and as it is decoded
  bool single_word = false;             // only where no word character stands beside it
  bool lstrip = false, rstrip = false;  // takes the blanks beside it
  bool normalized = false;              // sought in normalized text
  bool special = false;
};

// A part of a text: an added token, or what lies between two.
struct AddedMatch {
  Span span;
  TokenId id = -1;
};

// Immutable, thread-safe.
class AddedTokens {
 public:
  // The member `added_tokens` of a tokenizer.json. Each must have the id that it gets in `vocabulary`, or the next free
  // one: `tokenizers` gives those whatever the file says. Throws Error(Exit::unreadable).
  AddedTokens(const Component& tokenizer, const Vocabulary& vocabulary, const Normalizer* normalizer);

  enum class In { given, normalized };
  // All of `text`, in order. With `special` false, the special ones are ordinary text.
  std::vector<AddedMatch> split(std::string_view text, In what, bool special) const;

  const AddedToken* find(TokenId id) const;  // nullptr: it is not an added one
  std::optional<TokenId> id(std::string_view content) const;
  bool is_special(std::string_view content) const { return special_.contains(std::string(content)); }
  TokenId bound() const { return bound_; }  // of their ids

 private:
  struct Finder {
    ByteTrie trie;
    std::array<bool, 256> begins{};  // bytes that one of them begins with
  };
  void add(const Component& entry, TokenId expected, const Normalizer* normalizer);
  Finder finder(In what) const;

  std::unordered_map<TokenId, AddedToken> tokens_;
  std::unordered_map<std::string, TokenId> ids_;
  std::unordered_set<std::string> special_;
  Finder given_, normalized_;
  TokenId bound_ = 0;
};

}  // namespace sil::tokenizers
