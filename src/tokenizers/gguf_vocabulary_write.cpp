// A model's tokenizer.json as the entries of a GGUF file, and whether they say all that it does: they are read again
// and compared.
#include <algorithm>
#include <map>
#include <utility>

#include "tokenizers/canonical_part.h"
#include "tokenizers/chat_templates.h"
#include "tokenizers/component.h"
#include "tokenizers/folder_codec.h"
#include "tokenizers/gguf_pre_tokenizers.h"
#include "tokenizers/gguf_token_types.h"
#include "tokenizers/vocabulary_json.h"

namespace sil {
namespace {

using tokenizers::canonical_part;
using tokenizers::quoted;
using enum tokenizers::GgufTokenType;

const Json& member(const Json& map, std::string_view key) {
  static const Json kNone;
  const Json* found = map.find(key);
  return found != nullptr ? *found : kNone;
}

std::string shown(const Json& value) {
  return dump(value).substr(0, 300);
}

// "a b", of either spelling.
std::string merge_text(const Json& merge) {
  if (merge.is_string()) return merge.as_string();
  return merge.as_array()[0].as_string() + " " + merge.as_array()[1].as_string();
}

class GgufCodec {
 public:
  GgufCodec(const Codec& codec, int64_t rows, const Place& where) : codec_(codec), where_(where) {
    for (const FolderFile& file : codec.folder_files()) files_.emplace(file.name, file.text);
    if (!files_.contains("tokenizer.json")) refuse("the model has no tokenizer.json");
    tokenizer_ = parse_json(files_.at("tokenizer.json"));
    config_ = files_.contains("tokenizer_config.json") ? parse_json(files_.at("tokenizer_config.json")) : Json();
    const Json& model = tokenizer_.at("model");
    if (model.at("type") != Json("BPE"))
      refuse("its model is " + shown(model.at("type")) + "; GGUF files hold BPE, of bytes or of SentencePiece");
    pieces_ = member(model, "byte_fallback") == Json(true);
    collect_tokens(rows);
  }

  std::vector<GgufEntry> entries() {
    using enum GgufValueType;
    add("model", string, pieces_ ? "llama" : "gpt2");
    add("pre", string, pieces_ ? "default" : way_of_cutting());
    add_list("tokens", string, Json::Array(tokens_.begin(), tokens_.end()));
    if (pieces_) add_list("scores", f32, scores());
    add_list("token_type", i32, types_);
    if (!pieces_) add_list("merges", string, merges(tokenizer_));
    add_ids();
    add_around();
    add("add_space_prefix", boolean, pieces_ && prepends_blank());
    add_template();
    compare();
    return std::move(entries_);
  }

 private:
  [[noreturn]] void refuse(const std::string& what) const {
    throw Error(Exit::usage, "the tokenizer is none that a GGUF file can hold: " + what, "export the model as a folder",
                where_);
  }

  void add(std::string_view key, GgufValueType type, Json value) {
    entries_.push_back({"tokenizer.ggml." + std::string(key), type, std::move(value), {}});
  }
  void add_list(std::string_view key, GgufValueType items, Json::Array values) {
    entries_.push_back({"tokenizer.ggml." + std::string(key), GgufValueType::array, std::move(values), items});
  }

  // By id; rows of the embedding without a token are called as llama.cpp's converter does.
  void collect_tokens(int64_t rows) {
    tokens_.resize(static_cast<size_t>(rows));
    types_.assign(tokens_.size(), int64_t{kNormal});
    for (const auto& [text, id] : tokenizer_.at("model").at("vocab").as_object())
      tokens_[static_cast<size_t>(id.as_int())] = text;
    for (const Json& added : tokenizer_.at("added_tokens").as_array()) {
      const auto id = static_cast<size_t>(added.at("id").as_int());
      tokens_[id] = added.at("content").as_string();
      set_type(id, added.at("special") == Json(true) ? kControl : kUserDefined);
    }
    for (auto id = static_cast<size_t>(codec_.vocabulary_size()); id < tokens_.size(); ++id) {
      tokens_[id] = "[PAD" + std::to_string(id) + "]";
      set_type(id, kUnused);
    }
    if (!pieces_) return;
    for (size_t id = 0; id < tokens_.size(); ++id)
      if (is_byte(tokens_[id])) set_type(id, kByte);
    if (const auto unknown = id_of(member(tokenizer_.at("model"), "unk_token")))
      set_type(static_cast<size_t>(*unknown), kUnknown);
  }
  void set_type(size_t id, tokenizers::GgufTokenType type) { types_[id] = int64_t{type}; }
  static bool is_byte(std::string_view text) {  // <0x41>
    return text.size() == 6 && text.starts_with("<0x") && text.ends_with('>');
  }

  std::string_view way_of_cutting() const {
    const auto name = tokenizers::gguf_pre_tokenizer_name(tokenizer_);
    if (!name)
      refuse("how it cuts text has no name there: normalizer " + shown(member(tokenizer_, "normalizer")) +
             ", pre_tokenizer " + shown(member(tokenizer_, "pre_tokenizer")));
    return *name;
  }

  static Json::Array merges(const Json& tokenizer) {
    Json::Array out;
    for (const Json& merge : tokenizer.at("model").at("merges").as_array()) out.emplace_back(merge_text(merge));
    return out;
  }

  // SentencePiece joins the two tokens that make the one with the best score: the earlier its first merge, the better.
  // Tokens whose merges lie among each other's had one score.
  Json::Array scores() const {
    std::vector<std::string> made;
    for (const Json& merge : merges(tokenizer_)) made.push_back(std::string(merge.as_string()));
    std::map<std::string_view, size_t> last;
    for (size_t rank = 0; rank < made.size(); ++rank) {
      made[rank].erase(made[rank].find(' '), 1);
      last[made[rank]] = rank;
    }
    std::map<std::string_view, size_t> first;
    size_t begin = 0, end = 0;
    for (size_t rank = 0; rank < made.size(); ++rank) {
      if (rank > end) begin = rank;
      end = std::max(end, last.at(made[rank]));
      first.emplace(made[rank], begin);
    }
    Json::Array out;
    for (const std::string& token : tokens_) {
      const auto found = first.find(token);
      out.emplace_back(-static_cast<double>(found != first.end() ? found->second : made.size()));
    }
    return out;
  }

  std::optional<TokenId> id_of(const Json& text) const {
    if (!text.is_string()) return std::nullopt;
    const auto found = std::find(tokens_.begin(), tokens_.end(), text.as_string());
    if (found == tokens_.end()) return std::nullopt;
    return static_cast<TokenId>(found - tokens_.begin());
  }

  void add_ids() {
    const auto add_id = [&](const char* key, std::optional<TokenId> id) {
      if (id) add(key, GgufValueType::u32, *id);
    };
    add_id("bos_token_id", id_of(special_token(config_, "bos_token")));
    const std::vector<TokenId>& stops = codec_.stop_ids();
    if (!stops.empty()) add_id("eos_token_id", stops.front());
    if (stops.size() > 1) add_id("eot_token_id", stops[1]);
    const auto unknown = id_of(special_token(config_, "unk_token"));
    add_id("unknown_token_id", pieces_ ? id_of(member(tokenizer_.at("model"), "unk_token")) : unknown);
    add_id("padding_token_id", id_of(special_token(config_, "pad_token")));
  }

  // What stands around every text: bos, eos, both or nothing.
  void add_around() {
    const std::vector<TokenId> around = codec_.encode({.text = {}, .messages = {}, .plain = true}, false);
    const auto bos = id_of(special_token(config_, "bos_token"));
    const bool begins = !around.empty() && around.front() == bos;
    add("add_bos_token", GgufValueType::boolean, begins);
    add("add_eos_token", GgufValueType::boolean, around.size() > (begins ? 1U : 0U));
  }

  bool prepends_blank() const {
    return canonical_part("normalizer", member(tokenizer_, "normalizer")).find("\"Prepend\"") != std::string::npos;
  }

  void add_template() {
    const std::vector<FolderFile> files = codec_.folder_files();
    const ChatTemplates templates = chat_templates(files, where_.file);
    if (const auto found = templates.by_name.find("default"); found != templates.by_name.end())
      entries_.push_back({"tokenizer.chat_template", GgufValueType::string, found->second.text, {}});
  }

  void compare() const {
    Json metadata = Json::object();
    for (const GgufEntry& entry : entries_) metadata.set(entry.key, entry.value);
    const Json again = tokenizer_json_of_gguf(metadata, where_);
    for (const char* part : {"normalizer", "pre_tokenizer", "post_processor", "decoder"}) {
      if (part == std::string_view("pre_tokenizer") && !pieces_) continue;  // by its name
      if (canonical_part(part, member(tokenizer_, part)) != canonical_part(part, member(again, part)))
        refuse("its " + std::string(part) + " is " + shown(member(tokenizer_, part)) + ", which would be read as " +
               shown(member(again, part)));
    }
    for (const Json& added : tokenizer_.at("added_tokens").as_array())
      for (const char* flag : {"single_word", "lstrip", "rstrip"})
        if (member(added, flag) == Json(true))
          refuse("token " + quoted(added.at("content").as_string()) + " is " + flag);
    if (pieces_ && merges(tokenizer_) != merges(again)) refuse("its merges are not those of SentencePiece's scores");
  }

  const Codec& codec_;
  Place where_;
  std::map<std::string, std::string> files_;
  Json tokenizer_, config_;
  bool pieces_ = false;  // of SentencePiece, not of bytes
  std::vector<std::string> tokens_;
  Json::Array types_;
  std::vector<GgufEntry> entries_;
};

}  // namespace

std::vector<GgufEntry> gguf_codec_entries(const Codec& codec, int64_t rows, const Place& where) {
  return GgufCodec(codec, rows, where).entries();
}

}  // namespace sil
