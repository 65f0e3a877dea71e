#include "tokenizers/subword_model.h"

#include <cstdio>

namespace sil::tokenizers {

void SubwordModel::fail_unknown(std::string_view piece, const std::string& why) {
  throw Error(Exit::unreadable, "the tokenizer cannot write " + quoted(piece) + ": " + why,
              "use text of its vocabulary, or a tokenizer with an unknown token");
}

std::unique_ptr<const SubwordModel> read_model(const Component& component) {
  // Files of early versions have no type.
  const std::string type = component.text("type", component.find("merges") != nullptr ? "BPE" : "");
  if (type == "BPE") return read_bpe(component);
  if (type == "Unigram") return read_unigram(component);
  if (type == "WordPiece") return read_word_piece(component);
  if (type == "WordLevel") return read_word_level(component);
  component.unknown_type("BPE, Unigram, WordLevel, WordPiece");
}

ByteTokens::ByteTokens(const Vocabulary& vocabulary) {
  for (unsigned byte = 0; byte < 256; ++byte) {
    char name[8];
    std::snprintf(name, sizeof name, "<0x%02X>", byte);
    ids_.push_back(vocabulary.id(name).value_or(-1));
  }
}

bool ByteTokens::append(std::string_view bytes, std::vector<TokenId>& out) const {
  const size_t before = out.size();
  for (const char byte : bytes) {
    const TokenId id = ids_[static_cast<unsigned char>(byte)];
    if (id < 0) {
      out.resize(before);
      return false;
    }
    out.push_back(id);
  }
  return true;
}

}  // namespace sil::tokenizers
