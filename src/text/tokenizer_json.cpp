#include "text/tokenizer_json.h"

#include <algorithm>
#include <optional>

#include "base/code_point.h"
#include "base/utf8.h"
#include "text/byte_letters.h"
#include "text/codecs.h"
#include "text/specials.h"

namespace sil {
namespace {

Json vocabulary(std::span<const std::string> tokens) {
  Json::Object out;
  for (size_t id = 0; id < tokens.size(); ++id) out.emplace_back(tokens[id], static_cast<int64_t>(id));
  return Json(std::move(out));
}

Json added_tokens() {
  Json out = Json::array();
  for (size_t id = 0; id < kSpecials.size(); ++id)
    out.push(Json::Object{{"id", static_cast<int64_t>(id)},
                          {"content", kSpecials[id]},
                          {"single_word", false},
                          {"lstrip", false},
                          {"rstrip", false},
                          {"normalized", false},
                          {"special", true}});
  return out;
}

Json tokenizer(Json pre_tokenizer, Json decoder, Json model) {
  return Json::Object{{"version", "1.0"},          {"truncation", nullptr},
                      {"padding", nullptr},        {"added_tokens", added_tokens()},
                      {"normalizer", nullptr},     {"pre_tokenizer", std::move(pre_tokenizer)},
                      {"post_processor", nullptr}, {"decoder", std::move(decoder)},
                      {"model", std::move(model)}};
}

// The characters among the tokens of a WordLevel vocabulary; nullopt where a token is none.
std::optional<std::string> alphabet(const Json& model) {
  const Json* vocabulary = model.find("vocab");
  if (vocabulary == nullptr || !vocabulary->is_object()) return std::nullopt;
  std::string out;
  for (const auto& [token, id] : vocabulary->as_object()) {
    if (std::find(kSpecials.begin(), kSpecials.end(), token) != kSpecials.end()) continue;
    if (token.empty() || utf8_step(token).length != token.size()) return std::nullopt;
    out += token;
  }
  return out;
}

// The post-processor that transformers 5 saves where there is none.
bool adds_nothing(const Json& post_processor) {
  const Json* type = post_processor.find("type");
  const Json* single = post_processor.find("single");
  return type != nullptr && *type == Json("TemplateProcessing") && single != nullptr &&
         dump_canonical(*single) == R"([{"Sequence":{"id":"A","type_id":0}}])";
}

bool same_tokenizer(const Json& given, const Json& own) {
  Json plain = given;
  if (const Json* post = given.find("post_processor"); post != nullptr && adds_nothing(*post))
    plain.set("post_processor", nullptr);
  return dump_canonical(plain) == dump_canonical(own);
}

}  // namespace

Json chars_tokenizer(std::span<const std::string> tokens) {
  // The alphabet never holds a token of this many characters, so nothing is unknown silently.
  Json model = Json::Object{{"type", "WordLevel"}, {"vocab", vocabulary(tokens)}, {"unk_token", "<unk>"}};
  Json each = Json::Object{
      {"type", "Split"}, {"pattern", Json::Object{{"Regex", "[\\s\\S]"}}}, {"behavior", "Isolated"}, {"invert", false}};
  return tokenizer(std::move(each), Json::Object{{"type", "Fuse"}}, std::move(model));
}

Json bytes_tokenizer() {
  std::vector<std::string> tokens(kSpecials.begin(), kSpecials.end());
  for (int byte = 0; byte < 0x100; ++byte) {
    const char one = static_cast<char>(byte);
    append_byte_letters(tokens.emplace_back(), {&one, 1});
  }
  const Json level =
      Json::Object{{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", false}, {"use_regex", false}};
  Json model = Json::Object{{"type", "BPE"},
                            {"dropout", nullptr},
                            {"unk_token", nullptr},
                            {"continuing_subword_prefix", nullptr},
                            {"end_of_word_suffix", nullptr},
                            {"fuse_unk", false},
                            {"byte_fallback", false},
                            {"ignore_merges", false},
                            {"vocab", vocabulary(tokens)},
                            {"merges", Json::array()}};
  return tokenizer(level, level, std::move(model));
}

std::vector<FolderFile> tokenizer_files(const Json& tokenizer) {
  const Json config = Json::Object{{"tokenizer_class", "PreTrainedTokenizerFast"},
                                   {"bos_token", kSpecials[0]},
                                   {"eos_token", kSpecials[kEos]},
                                   {"pad_token", kSpecials[2]},
                                   {"unk_token", nullptr},
                                   {"clean_up_tokenization_spaces", false},
                                   {"split_special_tokens", true}};
  const Json generation =
      Json::Object{{"bos_token_id", 0}, {"eos_token_id", static_cast<int64_t>(kEos)}, {"pad_token_id", 2}};
  return {{"tokenizer.json", dump_pretty(tokenizer) + "\n"},
          {"tokenizer_config.json", dump_pretty(config) + "\n"},
          {"generation_config.json", dump_pretty(generation) + "\n"}};
}

std::shared_ptr<const Codec> small_codec(const Json& tokenizer) {
  const Json* model = tokenizer.find("model");
  const Json* type = model == nullptr ? nullptr : model->find("type");
  if (type == nullptr) return nullptr;
  if (*type == Json("BPE")) return same_tokenizer(tokenizer, bytes_tokenizer()) ? bytes_codec() : nullptr;
  if (*type != Json("WordLevel")) return nullptr;
  const std::optional<std::string> characters = alphabet(*model);
  if (!characters || !is_utf8(*characters)) return nullptr;
  auto codec = chars_codec(*characters);
  return same_tokenizer(tokenizer, parse_json(codec->folder_files().front().text)) ? codec : nullptr;
}

}  // namespace sil
