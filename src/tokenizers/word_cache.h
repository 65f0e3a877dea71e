// Ids of words that were encoded before. It changes no result.
#pragma once

#include <array>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "sil/records.h"

namespace sil::tokenizers {

// Thread-safe. Once full, it keeps what it has: frequent words came first.
class WordCache {
 public:
  // Appends the ids of `word`; false: it is not known.
  bool append(std::string_view word, std::vector<TokenId>& out) const {
    if (word.size() > kLongestWord) return false;
    const Shard& shard = shards_[shard_of(word)];
    const std::lock_guard lock(shard.mutex);
    const auto found = shard.words.find(word);
    if (found == shard.words.end()) return false;
    out.insert(out.end(), found->second.begin(), found->second.end());
    return true;
  }

  void remember(std::string_view word, const TokenId* begin, const TokenId* end) {
    if (word.size() > kLongestWord) return;
    Shard& shard = shards_[shard_of(word)];
    const std::lock_guard lock(shard.mutex);
    if (shard.words.size() < kMostWords / kShards) shard.words.try_emplace(std::string(word), begin, end);
  }

 private:
  static constexpr size_t kShards = 64;
  static constexpr size_t kMostWords = size_t{1} << 17;
  static constexpr size_t kLongestWord = 128;  // bytes

  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  struct Shard {
    mutable std::mutex mutex;
    std::unordered_map<std::string, std::vector<TokenId>, Hash, std::equal_to<>> words;
  };
  // Cheap and good enough to spread locks.
  static size_t shard_of(std::string_view word) {
    const auto byte = [&](size_t i) { return static_cast<unsigned char>(word[i]); };
    return word.empty() ? 0 : (byte(0) + 7u * byte(word.size() - 1) + 31u * byte(word.size() / 2)) % kShards;
  }

  std::array<Shard, kShards> shards_;
};

}  // namespace sil::tokenizers
