// A codec of one id a character and an end-of-text id, for tests of engines.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sil/codec.h"
#include "sil/error.h"

namespace sil::test {

class TinyCodec final : public Codec {
 public:
  explicit TinyCodec(std::string alphabet = "abcdefghijklmnopqrs") : alphabet_(std::move(alphabet)), stop_{eos()} {}

  TokenId eos() const { return static_cast<TokenId>(alphabet_.size()); }

  std::vector<TokenId> encode(const Conversation& conversation, bool) const override {
    return encode_text(conversation.text);
  }
  std::vector<TokenId> encode_text(std::string_view text) const override {
    std::vector<TokenId> ids;
    for (char c : text) {
      const size_t at = alphabet_.find(c);
      if (at == std::string::npos)
        throw Error(Exit::unreadable, std::string("the vocabulary lacks ") + c, "use other characters");
      ids.push_back(static_cast<TokenId>(at));
    }
    return ids;
  }
  std::string decode(const std::vector<TokenId>& ids) const override {
    std::string text;
    for (TokenId id : ids)
      if (id < eos()) text += alphabet_[static_cast<size_t>(id)];
    return text;
  }
  std::string token(TokenId id) const override { return id == eos() ? "<eos>" : decode({id}); }
  std::unique_ptr<StreamDecoder> stream() const override { return std::make_unique<Stream>(*this); }
  const std::vector<TokenId>& stop_ids() const override { return stop_; }
  TokenId vocabulary_size() const override { return eos() + 1; }
  Digest digest() const override { return sha256(alphabet_); }

 private:
  class Stream final : public StreamDecoder {
   public:
    explicit Stream(const TinyCodec& codec) : codec_(codec) {}
    std::string push(TokenId id) override {
      return id < codec_.eos() ? std::string(1, codec_.alphabet_[static_cast<size_t>(id)]) : std::string();
    }
    std::string finish() override { return {}; }

   private:
    const TinyCodec& codec_;
  };

  std::string alphabet_;
  std::vector<TokenId> stop_;
};

}  // namespace sil::test
