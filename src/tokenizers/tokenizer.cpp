#include "tokenizers/tokenizer.h"

#include <utility>

#include "base/character_assembler.h"
#include "tokenizers/code_points.h"
#include "tokenizers/parts.h"

namespace sil {
namespace {

using tokenizers::AddedMatch;
using tokenizers::AddedTokens;
using tokenizers::Pieces;
using tokenizers::Span;
using tokenizers::Text;

// One text to ids, without what stands around it.
class Encoding {
 public:
  Encoding(const Tokenizer::Parts& parts, bool parse_special) : parts_(parts), parse_special_(parse_special) {}

  std::vector<TokenId> encode(std::string_view text) {
    for (const AddedMatch& match : parts_.added.split(text, AddedTokens::In::given, parse_special_)) {
      const std::string_view span = part(text, match.span);
      match.id >= 0 ? ids_.push_back(match.id) : encode_given(span, match.span.begin == 0);
    }
    return std::move(ids_);
  }

 private:
  // `first`: nothing was given before it.
  void encode_given(std::string_view given, bool first) {
    Text text{std::string(given), first ? tokenizers::character_length(given[0]) : 0};
    if (parts_.normalizer) parts_.normalizer->apply(text);
    for (const AddedMatch& match : parts_.added.split(text.bytes, AddedTokens::In::normalized, parse_special_)) {
      if (match.id >= 0) {
        ids_.push_back(match.id);
        continue;
      }
      const size_t left = text.first > match.span.begin ? text.first - match.span.begin : 0;
      encode_normalized({std::string(part(text.bytes, match.span)), left});
    }
  }

  void encode_normalized(Text text) {
    const size_t size = text.bytes.size();
    Pieces pieces{std::move(text), {{0, size}}};
    if (parts_.pre_tokenizer) parts_.pre_tokenizer->apply(pieces);
    for (const Span span : pieces.spans)
      if (span.begin < span.end) parts_.model->encode(part(pieces.text.bytes, span), ids_);
  }

  const Tokenizer::Parts& parts_;
  bool parse_special_;
  std::vector<TokenId> ids_;
};

class TokenStream final : public StreamDecoder {
 public:
  explicit TokenStream(const Tokenizer::Parts& parts) : parts_(parts), run_(parts.decoder) {}
  std::string push(TokenId id) override {
    const std::string* token = parts_.decoded(id);
    return token == nullptr || parts_.added.is_special(*token) ? std::string() : run_.push(*token);
  }
  std::string finish() override { return run_.finish(); }

 private:
  const Tokenizer::Parts& parts_;
  tokenizers::Decoder::Run run_;
};

}  // namespace

Tokenizer::Tokenizer(std::unique_ptr<const Parts> parts) : parts_(std::move(parts)) {}
Tokenizer::~Tokenizer() = default;

std::vector<TokenId> Tokenizer::encode(std::string_view text, bool add_special, bool parse_special) const {
  std::string mended;
  if (!is_utf8(text)) {
    CharacterAssembler characters;
    mended = characters.push(text);
    mended += characters.finish();
    text = mended;
  }
  return parts_->post_processor.apply(Encoding(*parts_, parse_special).encode(text), add_special);
}

std::string Tokenizer::decode(std::span<const TokenId> ids, bool skip_special) const {
  tokenizers::Decoder::Run run(parts_->decoder);
  std::string out;
  for (const TokenId id : ids) {
    const std::string* token = parts_->decoded(id);
    if (token != nullptr && !(skip_special && parts_->added.is_special(*token))) out += run.push(*token);
  }
  return out + run.finish();
}

std::unique_ptr<StreamDecoder> Tokenizer::stream() const {
  return std::make_unique<TokenStream>(*parts_);
}

std::string Tokenizer::token(TokenId id) const {
  if (const tokenizers::AddedToken* added = parts_->added.find(id)) return added->content;
  const std::string* token = parts_->model->vocabulary().token(id);
  return token == nullptr ? std::string() : *token;
}

std::optional<TokenId> Tokenizer::id(std::string_view token) const {
  const std::optional<TokenId> added = parts_->added.id(token);
  return added ? added : parts_->model->vocabulary().id(token);
}

TokenId Tokenizer::vocabulary_size() const {
  return parts_->size();
}

bool Tokenizer::is_special(TokenId id) const {
  const tokenizers::AddedToken* added = parts_->added.find(id);
  return added != nullptr && added->special;
}

}  // namespace sil
