#include "tokenizers/folder_codec.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/wide_json.h"
#include "jinja/template.h"
#include "sil/env.h"
#include "sil/error.h"
#include "text/tokenizer_json.h"
#include "tokenizers/assistant_ranges.h"
#include "tokenizers/chat_templates.h"
#include "tokenizers/tokenizer.h"
#include "tokenizers/vocabulary_json.h"

namespace sil {
namespace {

constexpr std::array<const char*, 7> kFiles = {
    "tokenizer.json",      "tokenizer_config.json",   "generation_config.json",
    "chat_template.jinja", "special_tokens_map.json", "added_tokens.json",
    "config.json"};
constexpr const char* kConfig = "config.json";  // the engine's; here only for its eos_token_id
constexpr std::chrono::sys_days kToday{std::chrono::year(2024) / 7 / 26};

// Of one folder, while its codec is made.
class Files {
 public:
  Files(const std::vector<FolderFile>& files, const std::string& folder) : files_(files), folder_(folder) {}

  const std::string* text(std::string_view name) const {
    const auto found = std::find_if(files_.begin(), files_.end(), [&](const FolderFile& f) { return f.name == name; });
    return found == files_.end() ? nullptr : &found->text;
  }
  // An empty map where there is no such file.
  Json json(const std::string& name) const {
    const std::string* const found = text(name);
    return found == nullptr ? Json::object() : parse_wide_json(*found, place(name));
  }
  Place place(const std::string& name) const { return {folder_ + "/" + name, 0, 0}; }

 private:
  const std::vector<FolderFile>& files_;
  const std::string& folder_;
};

class FolderCodec final : public Codec {
 public:
  FolderCodec(std::vector<FolderFile> files, const Json& tokenizer, const std::string& folder) {
    const Files all(files, folder);
    tokenizer_ = make_tokenizer(tokenizer, all.place("tokenizer.json"));
    const Json config = all.json("tokenizer_config.json");
    parse_special_ = config.find("split_special_tokens") == nullptr || config.at("split_special_tokens") != Json(true);
    const ChatTemplates templates = chat_templates(files, folder);
    if (templates.bos_token.is_string()) bos_ = templates.bos_token.as_string();
    if (templates.eos_token.is_string()) eos_ = templates.eos_token.as_string();
    if (const auto found = templates.by_name.find("default"); found != templates.by_name.end())
      template_ = jinja::Template::parse(found->second.text, found->second.place);
    read_stop_ids(all);
    Sha256 hash;
    hash.field("folder codec");
    for (FolderFile& file : files) {
      if (file.name == kConfig) continue;
      hash.field(file.name).field(file.text);
      files_.push_back(std::move(file));
    }
    for (const TokenId id : stop_ids_) hash.number(static_cast<uint64_t>(id));
    digest_ = hash.finish();
  }

  std::vector<TokenId> encode(const Conversation& conversation, bool generation_prompt) const override {
    const bool chat = template_ && !conversation.plain;
    if (!chat && conversation.messages.empty()) return tokenizer_->encode(conversation.text, true, parse_special_);
    if (!chat)
      throw Error(Exit::unreadable, "the problem is a list of messages, and the model has no chat template for them",
                  "give the problem as one text, or take a model with a chat template");
    return encode_rendered(rendered(conversation_messages(conversation), generation_prompt).text);
  }
  std::vector<IdRange> assistant_ranges(const Conversation& conversation) const override {
    if (!template_ || conversation.plain || conversation.messages.empty()) return {};
    const auto render = [this](std::span<const Message> messages, bool prompt) { return rendered(messages, prompt); };
    const jinja::Rendered whole = rendered(conversation.messages, true);
    std::vector<IdRange> out = id_ranges(whole.text, assistant_text(conversation.messages, render),
                                         [this](std::string_view text) { return encode_rendered(text); });
    if (whole.generation.empty()) end_at_stop(encode_rendered(whole.text), out);
    return out;
  }
  std::vector<TokenId> encode_text(std::string_view text) const override {
    return tokenizer_->encode(text, false, false);
  }
  std::string decode(const std::vector<TokenId>& ids) const override { return tokenizer_->decode(ids, true); }
  std::string token(TokenId id) const override { return tokenizer_->token(id); }
  std::unique_ptr<StreamDecoder> stream() const override { return tokenizer_->stream(); }
  const std::vector<TokenId>& stop_ids() const override { return stop_ids_; }
  TokenId vocabulary_size() const override { return tokenizer_->vocabulary_size(); }
  Digest digest() const override { return digest_; }
  std::vector<FolderFile> folder_files() const override { return files_; }

 private:
  static std::vector<Message> conversation_messages(const Conversation& conversation) {
    if (!conversation.messages.empty()) return conversation.messages;
    return {{"user", conversation.text}};
  }

  jinja::Rendered rendered(std::span<const Message> messages, bool generation_prompt) const {
    Json list = Json::array();
    for (const Message& message : messages)
      list.push(Json::Object{{"role", message.role}, {"content", message.content}});
    Json variables = Json::Object{{"messages", std::move(list)},
                                  {"tools", nullptr},
                                  {"documents", nullptr},
                                  {"add_generation_prompt", generation_prompt}};
    if (!bos_.empty()) variables.set("bos_token", bos_);
    if (!eos_.empty()) variables.set("eos_token", eos_);
    return template_->render(variables, {.now = kToday});
  }

  std::vector<TokenId> encode_rendered(std::string_view text) const {
    return tokenizer_->encode(text, false, parse_special_);
  }

  // What a template writes behind the token that ends a turn is never sampled.
  void end_at_stop(const std::vector<TokenId>& ids, std::vector<IdRange>& ranges) const {
    for (IdRange& range : ranges) {
      const auto end = ids.begin() + range.end;
      const auto stop = std::find_first_of(ids.begin() + range.begin, end, stop_ids_.begin(), stop_ids_.end());
      if (stop != end) range.end = static_cast<int32_t>(stop - ids.begin()) + 1;
    }
  }

  void read_stop_ids(const Files& files) {
    if (const auto id = tokenizer_->id(eos_); id && !eos_.empty()) stop_ids_.push_back(*id);
    for (const char* name : {"generation_config.json", kConfig}) {
      const Json config = files.json(name);
      const Json* value = config.find("eos_token_id");
      if (value == nullptr || value->is_null()) continue;
      const Json::Array one = value->is_array() ? value->as_array() : Json::Array{*value};
      for (const Json& id : one) add_stop_id(id, files.place(name));
      break;
    }
  }
  void add_stop_id(const Json& id, const Place& place) {
    if (!id.is_int() || id.as_int() < 0 || id.as_int() >= tokenizer_->vocabulary_size())
      throw Error(Exit::unreadable,
                  "eos_token_id is " + dump(id).substr(0, 40) + "; the tokenizer has ids 0 to " +
                      std::to_string(tokenizer_->vocabulary_size() - 1),
                  "take the files from one model", place);
    const auto value = static_cast<TokenId>(id.as_int());
    if (std::find(stop_ids_.begin(), stop_ids_.end(), value) == stop_ids_.end()) stop_ids_.push_back(value);
  }

  std::shared_ptr<const Tokenizer> tokenizer_;
  std::optional<jinja::Template> template_;
  bool parse_special_ = true;
  std::string bos_, eos_;
  std::vector<TokenId> stop_ids_;
  std::vector<FolderFile> files_;
  Digest digest_;
};

// The text of the token that `key` of GGUF metadata names; null where there is none.
Json gguf_token(const Json& metadata, const std::string& key) {
  const Json* id = metadata.find("tokenizer.ggml." + key);
  const Json* tokens = metadata.find("tokenizer.ggml.tokens");
  if (id == nullptr || !id->is_int() || tokens == nullptr || !tokens->is_array()) return {};
  if (id->as_int() < 0 || id->as_int() >= std::ssize(tokens->as_array())) return {};
  return tokens->as_array()[static_cast<size_t>(id->as_int())];
}

}  // namespace

std::shared_ptr<const Codec> folder_codec(std::vector<FolderFile> files, const std::string& folder) {
  const Files all(files, folder);
  if (all.text("tokenizer.json") == nullptr)
    throw Error(Exit::unreadable, "holds no tokenizer.json", "save the tokenizer to the same folder", {folder, 0, 0});
  const Json tokenizer = all.json("tokenizer.json");
  if (auto small = small_codec(tokenizer)) return small;
  return std::make_shared<FolderCodec>(std::move(files), tokenizer, folder);
}

std::vector<FolderFile> read_codec_files(const std::string& folder) {
  Env& env = system_env();
  std::vector<FolderFile> files;
  for (const char* name : kFiles)
    if (env.exists(folder + "/" + name)) files.push_back({name, env.read_all(folder + "/" + name)});
  return files;
}

std::vector<FolderFile> gguf_codec_files(const Json& metadata, const std::string& chat_template, const Place& where) {
  const Json config = Json::Object{
      {"tokenizer_class", "PreTrainedTokenizerFast"},          {"bos_token", gguf_token(metadata, "bos_token_id")},
      {"eos_token", gguf_token(metadata, "eos_token_id")},     {"unk_token", gguf_token(metadata, "unknown_token_id")},
      {"pad_token", gguf_token(metadata, "padding_token_id")}, {"clean_up_tokenization_spaces", false}};
  std::vector<FolderFile> files{{"tokenizer.json", dump_pretty(tokenizer_json_of_gguf(metadata, where)) + "\n"},
                                {"tokenizer_config.json", dump_pretty(config) + "\n"}};
  if (!chat_template.empty()) files.push_back({"chat_template.jinja", chat_template});
  return files;
}

}  // namespace sil
