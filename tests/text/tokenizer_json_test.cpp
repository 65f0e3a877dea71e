#include "text/tokenizer_json.h"

#include <set>

#include "support/catch.h"
#include "text/codecs.h"

namespace sil {
namespace {

std::string file(const Codec& codec, const std::string& name) {
  for (const FolderFile& file : codec.folder_files())
    if (file.name == name) return file.text;
  return {};
}

Json changed(Json json, const std::string& key, Json value) {
  json.set(key, std::move(value));
  return json;
}

TEST_CASE("a codec read from its own tokenizer.json is the same codec") {
  const std::shared_ptr<const Codec> codecs[] = {bytes_codec(), chars_codec("0123456789+="), chars_codec("<eos>"),
                                                 chars_codec("\"\\ \n\té€語😀")};
  for (const auto& codec : codecs) {
    const auto again = small_codec(parse_json(file(*codec, "tokenizer.json")));
    CHECK(again->digest() == codec->digest());
    CHECK(again->vocabulary_size() == codec->vocabulary_size());
  }
}

TEST_CASE("tokenizer.json gives each character its id, and the specials theirs") {
  const auto codec = chars_codec("b+a");
  const Json json = parse_json(file(*codec, "tokenizer.json"));
  CHECK(dump(json.at("model").at("vocab")) == R"({"<bos>":0,"<eos>":1,"<pad>":2,"+":3,"a":4,"b":5})");
  REQUIRE(json.at("added_tokens").as_array().size() == 3);
  CHECK(json.at("added_tokens").as_array()[1].at("content") == Json("<eos>"));
  // Without an unknown token in the vocabulary, a character outside it is an error there as here.
  CHECK(json.at("model").at("vocab").find(json.at("model").at("unk_token").as_string()) == nullptr);
}

TEST_CASE("the letters of bytes are those of GPT-2") {
  const Json vocab = parse_json(file(*bytes_codec(), "tokenizer.json")).at("model").at("vocab");
  CHECK(vocab.as_object().size() == 259);
  CHECK(vocab.at("!").as_int() == 3 + 0x21);
  CHECK(vocab.at("\u0120").as_int() == 3 + 0x20);  // the blank
  CHECK(vocab.at("\u010A").as_int() == 3 + 0x0A);  // the end of a line
  CHECK(vocab.at("\u0143").as_int() == 3 + 0xAD);  // the last one that does not print
  CHECK(vocab.at("\u00FF").as_int() == 3 + 0xFF);
  std::set<int64_t> ids;
  for (const auto& [letter, id] : vocab.as_object()) ids.insert(id.as_int());
  CHECK(ids.size() == 259);
}

TEST_CASE("the other files name the specials and keep text from writing them") {
  const Json config = parse_json(file(*bytes_codec(), "tokenizer_config.json"));
  CHECK(config.at("eos_token") == Json("<eos>"));
  CHECK(config.at("split_special_tokens") == Json(true));
  const Json generation = parse_json(file(*bytes_codec(), "generation_config.json"));
  CHECK(generation.at("eos_token_id").as_int() == bytes_codec()->stop_ids().front());
  CHECK(generation.at("pad_token_id").as_int() == 2);
}

TEST_CASE("a tokenizer that differs in any component is neither chars nor bytes") {
  const Json chars = parse_json(file(*chars_codec("ab"), "tokenizer.json"));
  const Json bytes = parse_json(file(*bytes_codec(), "tokenizer.json"));
  CHECK(small_codec(changed(chars, "normalizer", Json::Object{{"type", "NFC"}})) == nullptr);
  CHECK(small_codec(changed(bytes, "post_processor", Json::Object{{"type", "TemplateProcessing"}})) == nullptr);
  CHECK(small_codec(changed(chars, "added_tokens", Json::array())) == nullptr);
  CHECK(small_codec(changed(bytes, "model", changed(bytes.at("model"), "merges", Json::Array{"a b"}))) == nullptr);
  CHECK(small_codec(changed(chars, "model", Json::Object{{"type", "Unigram"}})) == nullptr);
  CHECK(small_codec(changed(chars, "model", Json())) == nullptr);
  CHECK(small_codec(Json::array()) == nullptr);
}

TEST_CASE("the post-processor that transformers 5 saves, which adds nothing, is none") {
  const Json chars = parse_json(file(*chars_codec("ab"), "tokenizer.json"));
  const Json saved = parse_json(R"({"type": "TemplateProcessing", "single": [{"Sequence": {"id": "A", "type_id": 0}}],
    "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}], "special_tokens": {}})");
  REQUIRE(small_codec(changed(chars, "post_processor", saved)) != nullptr);
  CHECK(small_codec(changed(chars, "post_processor", saved))->digest() == chars_codec("ab")->digest());
  const Json with_bos = changed(saved, "single", parse_json(R"([{"SpecialToken": {"id": "<bos>", "type_id": 0}},
    {"Sequence": {"id": "A", "type_id": 0}}])"));
  CHECK(small_codec(changed(chars, "post_processor", with_bos)) == nullptr);
}

TEST_CASE("a vocabulary that chars would number otherwise is not of chars") {
  const Json chars = parse_json(file(*chars_codec("ab"), "tokenizer.json"));
  const auto with_vocabulary = [&](const char* vocabulary) {
    return small_codec(changed(chars, "model", changed(chars.at("model"), "vocab", parse_json(vocabulary))));
  };
  CHECK(with_vocabulary(R"({"<bos>":0,"<eos>":1,"<pad>":2,"a":3,"b":4})") != nullptr);
  CHECK(with_vocabulary(R"({"<bos>":0,"<eos>":1,"<pad>":2,"b":3,"a":4})") == nullptr);
  CHECK(with_vocabulary(R"({"<bos>":0,"<eos>":1,"a":2,"b":3})") == nullptr);
  CHECK(with_vocabulary(R"({"<bos>":0,"<eos>":1,"<pad>":2,"ab":3})") == nullptr);
  CHECK(with_vocabulary("[]") == nullptr);
}

}  // namespace
}  // namespace sil
