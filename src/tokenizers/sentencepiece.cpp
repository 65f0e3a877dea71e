// SentencePiece models (Kudo & Richardson 2018). Fields by the numbers of sentencepiece_model.proto. The whole text
// goes through the model, as there; nothing is put around it. As in every converted tokenizer, two things are coarser
// than there: character maps go to `Precompiled`, which looks up clusters of 6 bytes and more only by character, and
// text behind a user-defined piece begins with a blank again.
#include <algorithm>
#include <cmath>
#include <vector>

#include "base/code_point.h"
#include "tokenizers/base64.h"
#include "tokenizers/component.h"
#include "tokenizers/json_parts.h"
#include "tokenizers/protobuf.h"
#include "tokenizers/vocabulary.h"
#include "tokenizers/vocabulary_json.h"

namespace sil {
namespace {

using tokenizers::kMetaspace;
using tokenizers::ProtobufReader;
using tokenizers::quoted;

enum PieceType : uint64_t { kNormal = 1, kUnknown, kControl, kUserDefined, kUnused, kByte };
// Of pieces that text never becomes: below any sum of real scores.
constexpr double kNever = -1e5;

struct Piece {
  std::string text;
  double score = 0;
  uint64_t type = kNormal;
};

class SentencePieceModel {
 public:
  SentencePieceModel(std::string_view bytes, const Place& where) : where_(where) {
    ProtobufReader reader(bytes);
    while (reader.next()) {
      if (reader.field() == 1) read_piece(reader.bytes());
      if (reader.field() == 2) read_trainer(reader.bytes());
      if (reader.field() == 3) read_normalizer(reader.bytes());
    }
    check_end(reader);
    if (pieces_.empty()) fail("it has no pieces");
    if (static_cast<int64_t>(pieces_.size()) > tokenizers::kMostTokens)
      fail("it has " + std::to_string(pieces_.size()) + " pieces; at most " + std::to_string(tokenizers::kMostTokens) +
           " are read");
  }

  Json convert() const {
    Json model;
    if (model_type_ == 1) {
      model = unigram();
    } else if (model_type_ == 2) {
      model = bpe();
    } else {
      fail("its model_type is " + std::to_string(model_type_) + "; known: 1 (unigram), 2 (BPE)");
    }
    if (suffix_) fail("treat_whitespace_as_suffix is true, which is not supported");
    if (!escape_) fail("escape_whitespaces is false, which is not supported");
    return tokenizers::tokenizer_part(added_tokens(), normalizer(), {}, {},
                                      tokenizers::sentencepiece_decoder_part(dummy_prefix_), std::move(model));
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(Exit::unreadable, "not a readable SentencePiece model: " + what, "get the file again", where_);
  }
  void check_end(const ProtobufReader& reader) const {
    if (reader.failed()) fail("it is cut or damaged");
  }

  void read_piece(std::string_view bytes) {
    Piece piece;
    ProtobufReader reader(bytes);
    while (reader.next()) {
      if (reader.field() == 1) piece.text = reader.bytes();
      if (reader.field() == 2) piece.score = static_cast<double>(reader.as_float());
      if (reader.field() == 3) piece.type = reader.number();
    }
    check_end(reader);
    if (!is_utf8(piece.text) || !std::isfinite(piece.score))
      fail("piece " + std::to_string(pieces_.size()) + " is not text in UTF-8 with a score");
    pieces_.push_back(std::move(piece));
  }

  void read_trainer(std::string_view bytes) {
    ProtobufReader reader(bytes);
    while (reader.next()) {
      if (reader.field() == 3) model_type_ = reader.number();
      if (reader.field() == 24) suffix_ = reader.number() != 0;
      if (reader.field() == 35) byte_fallback_ = reader.number() != 0;
    }
    check_end(reader);
  }

  void read_normalizer(std::string_view bytes) {
    ProtobufReader reader(bytes);
    while (reader.next()) {
      if (reader.field() == 2) charsmap_ = reader.bytes();
      if (reader.field() == 3) dummy_prefix_ = reader.number() != 0;
      if (reader.field() == 4) remove_blanks_ = reader.number() != 0;
      if (reader.field() == 5) escape_ = reader.number() != 0;
    }
    check_end(reader);
  }

  static bool comes_from_text(const Piece& piece) {
    return piece.type == kNormal || piece.type == kUserDefined || piece.type == kUnused;
  }

  Json added_tokens() const {
    Json out = Json::array();
    for (size_t id = 0; id < pieces_.size(); ++id) {
      const Piece& piece = pieces_[id];
      if (piece.type == kControl || piece.type == kUnknown || piece.type == kUserDefined)
        out.push(tokenizers::added_token_part(static_cast<int64_t>(id), piece.text, piece.type != kUserDefined));
    }
    return out;
  }

  Json normalizer() const {
    Json::Array parts;
    const auto replace = [&](const char* pattern, std::string_view with) {
      Json part = tokenizers::replace_part("", with);
      part.set("pattern", Json::Object{{"Regex", pattern}});
      parts.push_back(std::move(part));
    };
    if (!charsmap_.empty())
      parts.push_back(
          Json::Object{{"type", "Precompiled"}, {"precompiled_charsmap", tokenizers::encode_base64(charsmap_)}});
    if (remove_blanks_) {
      replace("\\A +| +\\z", "");
      replace(" {2,}", " ");
    }
    if (dummy_prefix_) parts.push_back(Json::Object{{"type", "Prepend"}, {"prepend", kMetaspace}});
    parts.push_back(tokenizers::replace_part(" ", kMetaspace));
    return tokenizers::sequence_part("normalizers", std::move(parts));
  }

  Json unigram() const {
    Json vocab = Json::array();
    Json unknown;
    for (size_t id = 0; id < pieces_.size(); ++id) {
      const Piece& piece = pieces_[id];
      vocab.push(Json::Array{piece.text, comes_from_text(piece) ? piece.score : kNever});
      if (piece.type == kUnknown) unknown = static_cast<int64_t>(id);
    }
    return Json::Object{{"type", "Unigram"},
                        {"unk_id", std::move(unknown)},
                        {"vocab", std::move(vocab)},
                        {"byte_fallback", byte_fallback_}};
  }

  Json bpe() const {
    std::vector<tokenizers::ScoredToken> tokens;
    Json::Object vocab;
    Json unknown;
    for (size_t id = 0; id < pieces_.size(); ++id) {
      const Piece& piece = pieces_[id];
      tokens.push_back({piece.text, piece.score, comes_from_text(piece)});
      vocab.emplace_back(piece.text, static_cast<int64_t>(id));
      if (piece.type == kUnknown) unknown = piece.text;
    }
    return Json::Object{{"type", "BPE"},
                        {"unk_token", std::move(unknown)},
                        {"fuse_unk", true},
                        {"byte_fallback", byte_fallback_},
                        {"vocab", std::move(vocab)},
                        {"merges", tokenizers::merges_part(tokens)}};
  }

  const Place& where_;
  std::vector<Piece> pieces_;
  uint64_t model_type_ = 1;
  bool byte_fallback_ = false, suffix_ = false;
  std::string charsmap_;
  bool dummy_prefix_ = true, remove_blanks_ = true, escape_ = true;
};

}  // namespace

Json tokenizer_json_of_sentencepiece(std::string_view bytes, const Place& where) {
  return SentencePieceModel(bytes, where).convert();
}

}  // namespace sil
