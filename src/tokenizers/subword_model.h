// The part of a tokenizer that has learnt: a piece of text to ids.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "tokenizers/component.h"
#include "tokenizers/vocabulary.h"

namespace sil::tokenizers {

// Immutable as far as one can see; thread-safe.
class SubwordModel {
 public:
  explicit SubwordModel(Vocabulary vocabulary) : vocabulary_(std::move(vocabulary)) {}
  virtual ~SubwordModel() = default;

  // Appends the ids of a piece, which is not empty. Throws Error(Exit::unreadable) for what the vocabulary cannot
  // write where it has no unknown token.
  virtual void encode(std::string_view piece, std::vector<TokenId>& out) const = 0;
  const Vocabulary& vocabulary() const { return vocabulary_; }

 protected:
  [[noreturn]] static void fail_unknown(std::string_view piece, const std::string& why);

 private:
  Vocabulary vocabulary_;
};

std::unique_ptr<const SubwordModel> read_model(const Component& component);
std::unique_ptr<const SubwordModel> read_bpe(const Component& component);
std::unique_ptr<const SubwordModel> read_unigram(const Component& component);
std::unique_ptr<const SubwordModel> read_word_piece(const Component& component);
std::unique_ptr<const SubwordModel> read_word_level(const Component& component);

// The ids of the tokens <0x00> to <0xFF> by which a vocabulary writes any text; a byte may lack one.
class ByteTokens {
 public:
  explicit ByteTokens(const Vocabulary& vocabulary);
  // Appends one id a byte; false, and nothing, when one lacks it.
  bool append(std::string_view bytes, std::vector<TokenId>& out) const;

 private:
  std::vector<TokenId> ids_;  // by byte; -1: none
};

}  // namespace sil::tokenizers
