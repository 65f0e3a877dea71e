#include "text/tokenizer_json.h"

#include <algorithm>

#include "base/utf8.h"
#include "text/code_point.h"
#include "text/codecs.h"
#include "text/specials.h"

namespace sil {
namespace {

constexpr size_t kShown = 100;

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

// GPT-2's letters: what prints in Latin-1 stands for itself, the other bytes follow from U+0100 on.
std::vector<std::string> byte_letters() {
  std::vector<std::string> out;
  char32_t next = 0x100;
  for (char32_t byte = 0; byte < 0x100; ++byte) {
    const bool prints = (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte != 0xAD);
    append_utf8(out.emplace_back(), prints ? byte : next++);
  }
  return out;
}

std::string shown(const Json& value) {
  const std::string text = dump(value);
  if (text.size() <= kShown) return text;
  size_t end = kShown;
  while ((static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end) + "…";
}

class Reader {
 public:
  Reader(std::string_view text, const Place& where) : where_(where), given_(parse_json(text, where)) {}

  std::shared_ptr<const Codec> read() const {
    if (!given_.is_object()) fail(std::string("it is ") + given_.kind() + ", not a map");
    const Json* model = given_.find("model");
    const Json* type = model == nullptr ? nullptr : model->find("type");
    if (type == nullptr || !type->is_string()) fail("it has no model with a type");
    if (type->as_string() == "BPE") {
      expect(bytes_tokenizer());
      return bytes_codec();
    }
    if (type->as_string() != "WordLevel") fail("its model is " + shown(*type));
    const auto codec = chars_codec(alphabet(*model));
    expect(parse_json(codec->folder_files().front().text));
    return codec;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(Exit::unreadable, "a tokenizer that is not supported: " + what,
                "those of the tokenizers chars and bytes are read, as sil and transformers write them", where_);
  }

  // The characters among the tokens of a WordLevel vocabulary.
  std::string alphabet(const Json& model) const {
    const Json* vocabulary = model.find("vocab");
    if (vocabulary == nullptr || !vocabulary->is_object()) fail("its model has no vocab");
    std::string out;
    for (const auto& [token, id] : vocabulary->as_object()) {
      const bool special = std::find(kSpecials.begin(), kSpecials.end(), token) != kSpecials.end();
      if (special) continue;
      if (token.empty() || utf8_step(token).length != token.size())
        fail("its token " + shown(Json(token)) + " is no single character");
      out += token;
    }
    return out;
  }

  // Every component, by name, the vocabulary last: it is the longest and says the least.
  void expect(const Json& wanted) const {
    for (const auto& [key, value] : wanted.as_object()) {
      const Json* given = given_.find(key);
      if (given == nullptr) fail("it has no " + key);
      if (dump_canonical(*given) != dump_canonical(value) && !(key == "post_processor" && adds_nothing(*given)))
        fail(key == "model" ? "its model differs in " + difference(*given, value)
                            : "its " + key + " is " + shown(*given));
    }
    for (const auto& [key, value] : given_.as_object())
      if (wanted.find(key) == nullptr) fail("it has " + shown(Json(key)));
  }

  // transformers 5 saves one that puts nothing around a text.
  static bool adds_nothing(const Json& post_processor) {
    const Json* type = post_processor.find("type");
    const Json* single = post_processor.find("single");
    return type != nullptr && *type == Json("TemplateProcessing") && single != nullptr &&
           dump_canonical(*single) == R"([{"Sequence":{"id":"A","type_id":0}}])";
  }

  static std::string difference(const Json& given, const Json& wanted) {
    for (const auto& [key, value] : wanted.as_object()) {
      const Json* other = given.find(key);
      if (other == nullptr) return key + ", which is missing";
      if (dump_canonical(*other) != dump_canonical(value)) return key + ": " + shown(*other);
    }
    for (const auto& [key, value] : given.as_object())
      if (wanted.find(key) == nullptr) return key + ": " + shown(value);
    return "nothing";
  }

  const Place& where_;
  Json given_;
};

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
  for (std::string& letter : byte_letters()) tokens.push_back(std::move(letter));
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

std::shared_ptr<const Codec> read_tokenizer(std::string_view text, const Place& where) {
  return Reader(text, where).read();
}

}  // namespace sil
