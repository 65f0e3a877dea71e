// WordPiece (Schuster & Nakajima 2012, as BERT has it): the longest token from the left, again and again. WordLevel:
// whole words.
#include <algorithm>
#include <limits>

#include "tokenizers/byte_trie.h"
#include "tokenizers/subword_model.h"

namespace sil::tokenizers {
namespace {

class WordPiece final : public SubwordModel {
 public:
  WordPiece(Vocabulary vocabulary, std::string unknown, const std::string& prefix, size_t most_characters)
      : SubwordModel(std::move(vocabulary)), unknown_(std::move(unknown)), most_characters_(most_characters) {
    std::vector<std::pair<std::string_view, TokenId>> begin, inside;
    for (TokenId id = 0; id < this->vocabulary().bound(); ++id) {
      const std::string* token = this->vocabulary().token(id);
      if (token == nullptr) continue;
      begin.emplace_back(*token, id);
      if (token->starts_with(prefix)) inside.emplace_back(std::string_view(*token).substr(prefix.size()), id);
    }
    begin_ = ByteTrie(std::move(begin));
    inside_ = ByteTrie(std::move(inside));
  }

  void encode(std::string_view piece, std::vector<TokenId>& out) const override {
    const auto begins_character = [](char byte) { return (static_cast<unsigned char>(byte) & 0xC0) != 0x80; };
    const auto characters = static_cast<size_t>(std::count_if(piece.begin(), piece.end(), begins_character));
    const size_t before = out.size();
    bool known = characters <= most_characters_;
    for (size_t at = 0; known && at < piece.size();) {
      const auto [length, id] = (at == 0 ? begin_ : inside_).longest(piece.substr(at));
      known = length > 0;
      if (known) out.push_back(id);
      at += length;
    }
    if (known) return;
    out.resize(before);
    const auto id = vocabulary().id(unknown_);
    if (!id) fail_unknown(piece, "its unknown token " + quoted(unknown_) + " is not in the vocabulary");
    out.push_back(*id);
  }

 private:
  std::string unknown_;
  size_t most_characters_;
  ByteTrie begin_, inside_;  // tokens that begin a word; those that continue one, without their prefix
};

class WordLevel final : public SubwordModel {
 public:
  WordLevel(Vocabulary vocabulary, std::string unknown)
      : SubwordModel(std::move(vocabulary)), unknown_(std::move(unknown)) {}

  void encode(std::string_view piece, std::vector<TokenId>& out) const override {
    auto id = vocabulary().id(piece);
    if (!id) id = vocabulary().id(unknown_);
    if (!id) fail_unknown(piece, "it is not in the vocabulary, nor is its unknown token " + quoted(unknown_));
    out.push_back(*id);
  }

 private:
  std::string unknown_;
};

}  // namespace

std::unique_ptr<const SubwordModel> read_word_piece(const Component& component) {
  const int64_t most = component.integer("max_input_chars_per_word", 0, std::numeric_limits<int32_t>::max());
  return std::make_unique<WordPiece>(Vocabulary::of_map(component), component.text("unk_token"),
                                     component.text("continuing_subword_prefix"), static_cast<size_t>(most));
}

std::unique_ptr<const SubwordModel> read_word_level(const Component& component) {
  return std::make_unique<WordLevel>(Vocabulary::of_map(component), component.text("unk_token"));
}

}  // namespace sil::tokenizers
