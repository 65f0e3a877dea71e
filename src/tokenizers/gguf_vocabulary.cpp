#include <optional>
#include <utility>
#include <vector>

#include "tokenizers/code_points.h"
#include "tokenizers/component.h"
#include "tokenizers/gguf_pre_tokenizers.h"
#include "tokenizers/gguf_token_types.h"
#include "tokenizers/json_parts.h"
#include "tokenizers/vocabulary.h"
#include "tokenizers/vocabulary_json.h"

namespace sil {
namespace {

using tokenizers::Component;
using tokenizers::kMetaspace;
using tokenizers::quoted;
using enum tokenizers::GgufTokenType;

constexpr std::string_view kPrefix = "tokenizer.ggml.";
constexpr int64_t kLongestWord = 100;  // characters, of BERT

using NamedToken = std::pair<std::string, int64_t>;

class GgufVocabulary {
 public:
  GgufVocabulary(const Json& metadata, const Place& where) : metadata_(metadata, "", where) {
    for (const Json& token : metadata_.list(key("tokens"))) {
      size_t fault = 0;
      if (!token.is_string() || !is_utf8(token.as_string(), &fault))
        metadata_.fail("token " + std::to_string(tokens_.size()) + " is not text in UTF-8");
      tokens_.push_back(token.as_string());
    }
    if (tokens_.empty()) metadata_.fail("it has no tokens");
    types_ = numbers("token_type", 1);
  }

  Json convert() const {
    const std::string& model = metadata_.text(key("model"));
    if (model == "gpt2") return gpt2();
    if (model == "llama") return sentencepiece();
    if (model == "bert") return bert();
    metadata_.fail(key("model") + " is " + quoted(model) + "; known: bert, gpt2, llama",
                   "take the tokenizer.json of the model");
  }

 private:
  static std::string key(std::string_view name) { return std::string(kPrefix) + std::string(name); }

  // A list with one number a token; all `otherwise` where there is none.
  std::vector<double> numbers(std::string_view name, double otherwise) const {
    if (metadata_.find(key(name)) == nullptr) return std::vector<double>(tokens_.size(), otherwise);
    const Json::Array& list = metadata_.list(key(name));
    if (list.size() != tokens_.size())
      metadata_.fail(key(name) + " has " + std::to_string(list.size()) + " entries for " +
                     std::to_string(tokens_.size()) + " tokens");
    std::vector<double> out;
    for (const Json& value : list) {
      if (!value.is_number()) metadata_.fail(key(name) + " holds " + tokenizers::shown(value) + ", not a number");
      out.push_back(value.as_double());
    }
    return out;
  }

  bool is(size_t id, tokenizers::GgufTokenType type) const { return types_[id] == static_cast<double>(type); }

  // The token of which the file says the id; nullopt: it does not say.
  std::optional<NamedToken> special(std::string_view name) const {
    if (metadata_.find(key(name)) == nullptr) return std::nullopt;
    const int64_t id = metadata_.integer(key(name), 0, static_cast<int64_t>(tokens_.size()) - 1);
    return NamedToken{tokens_[static_cast<size_t>(id)], id};
  }

  std::vector<NamedToken> around(std::string_view flag, bool otherwise, std::string_view name) const {
    if (!metadata_.flag(key(flag), otherwise)) return {};
    const std::optional<NamedToken> token = special(name);
    if (!token) metadata_.fail("it puts " + std::string(name) + " around texts, but does not have it");
    return {*token};
  }

  Json template_of(bool add_bos) const {
    return tokenizers::template_part(around("add_bos_token", add_bos, "bos_token_id"),
                                     around("add_eos_token", false, "eos_token_id"));
  }

  // Control tokens are special; user-defined ones are always found in text.
  Json added_tokens() const {
    const std::optional<NamedToken> unknown = special("unknown_token_id");
    Json out = Json::array();
    for (size_t id = 0; id < tokens_.size(); ++id) {
      const bool is_unknown = is(id, kUnknown) && unknown && static_cast<size_t>(unknown->second) == id;
      if (tokens_[id].empty() || !(is(id, kControl) || is(id, kUserDefined) || is_unknown)) continue;
      out.push(tokenizers::added_token_part(static_cast<int64_t>(id), tokens_[id], !is(id, kUserDefined)));
    }
    return out;
  }

  static Json vocab(const std::vector<std::string>& tokens) {
    Json::Object out;
    out.reserve(tokens.size());
    for (size_t id = 0; id < tokens.size(); ++id) out.emplace_back(tokens[id], static_cast<int64_t>(id));
    return out;
  }

  Json gpt2() const {
    const std::string pre = metadata_.text(key("pre"), "default");
    std::optional<tokenizers::GgufPreTokenizer> cut = tokenizers::gguf_pre_tokenizer(pre);
    if (!cut)
      metadata_.fail(key("pre") + " is " + quoted(pre) + "; known: " + tokenizers::gguf_pre_tokenizer_names(),
                     "take the tokenizer.json of the model");
    Json model = Json::Object{{"type", "BPE"},
                              {"ignore_merges", cut->ignore_merges},
                              {"vocab", vocab(tokens_)},
                              {"merges", metadata_.list(key("merges"))}};
    return tokenizers::tokenizer_part(added_tokens(), std::move(cut->normalizer), std::move(cut->pre_tokenizer),
                                      template_of(cut->add_bos), tokenizers::byte_level_part(true), std::move(model));
  }

  Json sentencepiece() const {
    const std::vector<double> scores = numbers("scores", 0);
    std::vector<tokenizers::ScoredToken> scored;
    for (size_t id = 0; id < tokens_.size(); ++id)
      scored.push_back({tokens_[id], scores[id], is(id, kNormal) || is(id, kUserDefined) || is(id, kUnused)});
    const std::optional<NamedToken> unknown = special("unknown_token_id");
    Json model = Json::Object{{"type", "BPE"},           {"unk_token", unknown ? Json(unknown->first) : Json()},
                              {"fuse_unk", true},        {"byte_fallback", true},
                              {"vocab", vocab(tokens_)}, {"merges", tokenizers::merges_part(scored)}};
    const bool prefix = metadata_.flag(key("add_space_prefix"), true);
    Json::Array normalizers;
    if (prefix) normalizers.push_back(Json::Object{{"type", "Prepend"}, {"prepend", kMetaspace}});
    normalizers.push_back(tokenizers::replace_part(" ", kMetaspace));
    return tokenizers::tokenizer_part(added_tokens(), tokenizers::sequence_part("normalizers", std::move(normalizers)),
                                      {}, template_of(true), tokenizers::sentencepiece_decoder_part(prefix),
                                      std::move(model));
  }

  // Tokens that begin a word begin with U+2581 there, those that continue one have no ##.
  Json bert() const {
    std::vector<std::string> tokens;
    for (size_t id = 0; id < tokens_.size(); ++id) {
      const std::string& token = tokens_[id];
      if (token.starts_with(kMetaspace)) {
        tokens.push_back(token.substr(kMetaspace.size()));
      } else {
        const bool itself = is(id, kControl) || is(id, kUnknown) || (token.starts_with('[') && token.ends_with(']'));
        tokens.push_back(itself ? token : "##" + token);
      }
    }
    const std::optional<NamedToken> unknown = special("unknown_token_id");
    if (!unknown) metadata_.fail("there is no " + key("unknown_token_id"));
    std::vector<NamedToken> begin, end;
    const std::optional<NamedToken> cls = special("cls_token_id"), bos = special("bos_token_id");
    if (cls || bos) begin.push_back(cls ? *cls : *bos);
    if (const std::optional<NamedToken> sep = special("seperator_token_id")) end.push_back(*sep);  // spelt so
    const bool lowercase = metadata_.flag(key("normalizer.lowercase"), true);
    Json normalizer = Json::Object{{"type", "BertNormalizer"},
                                   {"clean_text", true},
                                   {"handle_chinese_chars", true},
                                   {"strip_accents", metadata_.flag(key("normalizer.strip_accents"), lowercase)},
                                   {"lowercase", lowercase}};
    Json model = Json::Object{{"type", "WordPiece"},
                              {"unk_token", unknown->first},
                              {"continuing_subword_prefix", "##"},
                              {"max_input_chars_per_word", kLongestWord},
                              {"vocab", vocab(tokens)}};
    return tokenizers::tokenizer_part(added_tokens(), std::move(normalizer), Json::Object{{"type", "BertPreTokenizer"}},
                                      tokenizers::template_part(begin, end),
                                      Json::Object{{"type", "WordPiece"}, {"prefix", "##"}, {"cleanup", true}},
                                      std::move(model));
  }

  Component metadata_;
  std::vector<std::string> tokens_;
  std::vector<double> types_;
};

}  // namespace

Json tokenizer_json_of_gguf(const Json& metadata, const Place& where) {
  return GgufVocabulary(metadata, where).convert();
}

}  // namespace sil
