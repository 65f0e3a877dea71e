// Byte-pair encoding (Sennrich et al. 2016), over characters, letters for bytes, or with byte tokens for what is
// unknown. Of all pairs that stand side by side the one of the lowest rank is merged, the leftmost first.
#include <cstdint>
#include <optional>
#include <queue>
#include <unordered_map>
#include <utility>

#include "tokenizers/code_points.h"
#include "tokenizers/subword_model.h"
#include "tokenizers/word_cache.h"

namespace sil::tokenizers {
namespace {

struct Merge {
  uint32_t rank;
  TokenId id;
};

class Merges {
 public:
  void set(TokenId left, TokenId right, Merge merge) { pairs_.insert_or_assign(key(left, right), merge); }
  const Merge* find(TokenId left, TokenId right) const {
    const auto found = pairs_.find(key(left, right));
    return found == pairs_.end() ? nullptr : &found->second;
  }
  void reserve(size_t count) { pairs_.reserve(count); }

 private:
  static uint64_t key(TokenId left, TokenId right) {
    return uint64_t{static_cast<uint32_t>(left)} << 32 | static_cast<uint32_t>(right);
  }
  std::unordered_map<uint64_t, Merge> pairs_;
};

// A word while it is merged: a list of symbols, and the pairs that may be merged by rank and position. O(n log n).
class Word {
 public:
  explicit Word(const Merges& merges) : merges_(merges) {}

  void add(TokenId id) {
    const auto at = static_cast<int32_t>(symbols_.size());
    if (at > 0) symbols_.back().next = at;
    symbols_.push_back({id, at - 1, kNone, true});
  }

  void merge_all() {
    for (size_t i = 0; i + 1 < symbols_.size(); ++i) offer(static_cast<int32_t>(i));
    while (!candidates_.empty()) {
      const Candidate best = candidates_.top();
      candidates_.pop();
      merge(best);
    }
  }

  void append_to(std::vector<TokenId>& out) const {
    for (const Symbol& symbol : symbols_)
      if (symbol.alive) out.push_back(symbol.id);
  }

 private:
  static constexpr int32_t kNone = -1;
  struct Symbol {
    TokenId id;
    int32_t previous, next;
    bool alive;
  };
  struct Candidate {
    uint32_t rank;
    int32_t at;
    TokenId id;
    bool operator<(const Candidate& other) const {  // the queue's top is the largest
      return std::pair(rank, at) > std::pair(other.rank, other.at);
    }
  };

  Symbol& symbol(int32_t at) { return symbols_[static_cast<size_t>(at)]; }

  // The pair that begins at `at`.
  void offer(int32_t at) {
    const Symbol& left = symbol(at);
    if (left.next == kNone) return;
    if (const Merge* merge = merges_.find(left.id, symbol(left.next).id))
      candidates_.push({merge->rank, at, merge->id});
  }

  void merge(const Candidate& candidate) {
    Symbol& left = symbol(candidate.at);
    if (!left.alive || left.next == kNone) return;
    Symbol& right = symbol(left.next);
    const Merge* now = merges_.find(left.id, right.id);
    if (now == nullptr || now->id != candidate.id) return;  // one of the two was merged meanwhile
    left.id = candidate.id;
    right.alive = false;
    left.next = right.next;
    if (left.next != kNone) symbol(left.next).previous = candidate.at;
    if (left.previous != kNone) offer(left.previous);
    offer(candidate.at);
  }

  const Merges& merges_;
  std::vector<Symbol> symbols_;
  std::priority_queue<Candidate> candidates_;
};

struct BpeOptions {
  std::optional<std::string> unknown;  // token for what the vocabulary lacks; without, it is left out
  std::string prefix, suffix;          // of characters that do not begin a word; of the one that ends it
  bool fuse_unknown = false, byte_fallback = false, ignore_merges = false;
};

class Bpe final : public SubwordModel {
 public:
  Bpe(Vocabulary vocabulary, Merges merges, BpeOptions options)
      : SubwordModel(std::move(vocabulary)),
        merges_(std::move(merges)),
        options_(std::move(options)),
        bytes_(this->vocabulary()) {}

  void encode(std::string_view piece, std::vector<TokenId>& out) const override {
    if (options_.ignore_merges)
      if (const auto id = vocabulary().id(piece)) return out.push_back(*id);
    if (cache_.append(piece, out)) return;
    const size_t before = out.size();
    Word word(merges_);
    add_characters(piece, word);
    word.merge_all();
    word.append_to(out);
    cache_.remember(piece, out.data() + before, out.data() + out.size());
  }

 private:
  void add_characters(std::string_view piece, Word& word) const {
    size_t unknown = 0;  // unknown tokens that are due: written before the next known one, as `tokenizers` does
    const auto flush = [&] {
      if (unknown > 0) word.add(unknown_id(piece));
      unknown = 0;
    };
    std::string decorated;
    std::vector<TokenId> byte_ids;
    for (size_t at = 0; at < piece.size();) {
      std::string_view character = character_at(piece, at);
      const bool first = at == 0, last = at + character.size() == piece.size();
      at += character.size();
      if ((!first && !options_.prefix.empty()) || (last && !options_.suffix.empty())) {
        decorated = (first ? "" : options_.prefix) + std::string(character) + (last ? options_.suffix : "");
        character = decorated;
      }
      if (const auto id = vocabulary().id(character)) {
        flush();
        word.add(*id);
        continue;
      }
      byte_ids.clear();
      if (options_.byte_fallback && bytes_.append(character, byte_ids)) {
        for (const TokenId id : byte_ids) word.add(id);
      } else if (options_.unknown) {
        if (!options_.fuse_unknown) flush();
        unknown_id(piece);  // fails where there is none
        ++unknown;
      }
    }
    flush();
  }

  TokenId unknown_id(std::string_view piece) const {
    const auto id = vocabulary().id(*options_.unknown);
    if (!id) fail_unknown(piece, "its unknown token " + quoted(*options_.unknown) + " is not in the vocabulary");
    return *id;
  }

  Merges merges_;
  BpeOptions options_;
  ByteTokens bytes_;
  mutable WordCache cache_;
};

class BpeReader {
 public:
  explicit BpeReader(const Component& component) : component_(component) {}

  std::unique_ptr<const SubwordModel> read() {
    if (const Json* dropout = component_.find("dropout");
        dropout != nullptr && *dropout != Json(0.0) && *dropout != Json(0))
      component_.fail("dropout is " + shown(*dropout) + "; allowed: null, as encoding is not a matter of chance",
                      "set dropout to null");
    BpeOptions options;
    if (component_.find("unk_token") != nullptr) options.unknown = component_.text("unk_token");
    options.prefix = component_.text("continuing_subword_prefix", "");
    options.suffix = component_.text("end_of_word_suffix", "");
    options.fuse_unknown = component_.flag("fuse_unk", false);
    options.byte_fallback = component_.flag("byte_fallback", false);
    options.ignore_merges = component_.flag("ignore_merges", false);
    Vocabulary vocabulary = Vocabulary::of_map(component_);
    Merges merges = read_merges(vocabulary, options.prefix.size());
    return std::make_unique<Bpe>(std::move(vocabulary), std::move(merges), std::move(options));
  }

 private:
  // Each "a b" or ["a", "b"]; the token that they become leaves the prefix of the second out.
  Merges read_merges(const Vocabulary& vocabulary, size_t prefix) {
    const Json::Array& list = component_.list("merges");
    Merges out;
    out.reserve(list.size());
    uint32_t rank = 0;
    for (const Json& entry : list) {
      if (entry.is_string() && entry.as_string().starts_with("#version")) continue;
      const auto [left, right] = pair(entry, rank);
      if (right.size() < prefix) fail_merge(rank, quoted(right) + " is shorter than continuing_subword_prefix");
      const TokenId left_id = known(vocabulary, left, rank), right_id = known(vocabulary, right, rank);
      const TokenId merged = known(vocabulary, std::string(left) + std::string(right.substr(prefix)), rank);
      out.set(left_id, right_id, {rank++, merged});
    }
    return out;
  }

  std::pair<std::string_view, std::string_view> pair(const Json& entry, uint32_t rank) const {
    if (entry.is_array() && entry.as_array().size() == 2 && entry.as_array()[0].is_string() &&
        entry.as_array()[1].is_string())
      return {entry.as_array()[0].as_string(), entry.as_array()[1].as_string()};
    if (!entry.is_string()) fail_merge(rank, "it is " + shown(entry) + ", not two tokens");
    const std::string_view text = entry.as_string();
    const size_t space = text.find(' ');
    if (space == std::string_view::npos || text.find(' ', space + 1) != std::string_view::npos)
      fail_merge(rank, quoted(text) + " is not two tokens with one blank between them");
    return {text.substr(0, space), text.substr(space + 1)};
  }

  TokenId known(const Vocabulary& vocabulary, std::string_view token, uint32_t rank) const {
    const auto id = vocabulary.id(token);
    if (!id) fail_merge(rank, "the vocabulary has no token " + quoted(token));
    return *id;
  }

  [[noreturn]] void fail_merge(uint32_t rank, const std::string& what) const {
    component_.fail("merge " + std::to_string(rank) + " (from 0): " + what);
  }

  const Component& component_;
};

}  // namespace

std::unique_ptr<const SubwordModel> read_bpe(const Component& component) {
  return BpeReader(component).read();
}

}  // namespace sil::tokenizers
