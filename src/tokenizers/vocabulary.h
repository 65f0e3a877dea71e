// Tokens and their ids: every id from 0 on is one token's.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "sil/records.h"
#include "tokenizers/component.h"

namespace sil::tokenizers {

inline constexpr int64_t kMostTokens = int64_t{1} << 22;  // the largest published vocabularies have 2^18
// What is longer stands in no real vocabulary; the time of a search grows with it.
inline constexpr size_t kLongestToken = 4096;  // bytes

class Vocabulary {
 public:
  // The member `vocab` of a model, a map. Gaps are allowed here: added tokens may fill them.
  static Vocabulary of_map(const Component& model);
  // A list of [token, score]; the scores go to `scores`.
  static Vocabulary of_scores(const Component& model, std::vector<double>& scores);

  std::optional<TokenId> id(std::string_view token) const;
  const std::string* token(TokenId id) const;  // nullptr: no token has it
  // Bound of the ids: the largest one + 1.
  TokenId bound() const { return static_cast<TokenId>(tokens_.size()); }
  size_t count() const { return ids_.size(); }

  void add(const std::string& token, TokenId id, const Component& where);

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  std::unordered_map<std::string, TokenId, Hash, std::equal_to<>> ids_;
  std::vector<const std::string*> tokens_;  // keys of ids_, which stay where they are
};

}  // namespace sil::tokenizers
