// Everything that is wrong with a tokenizer is one line that says where.
#include "formats/gguf.h"
#include "support/catch.h"
#include "tokenizers/tokenizer.h"
#include "tokenizers/vocabulary_json.h"

namespace sil {
namespace {

using Catch::Matchers::Contains;

const Place kWhere{"m/tokenizer.json", 0, 0};

// A byte-level BPE over a and b, with one added token.
constexpr const char* kGood = R"({"version": "1.0", "truncation": null, "padding": null,
  "added_tokens": [{"id": 3, "content": "<s>", "single_word": false, "lstrip": false, "rstrip": false,
                    "normalized": false, "special": true}],
  "normalizer": null, "pre_tokenizer": {"type": "Whitespace"}, "post_processor": null, "decoder": {"type": "ByteLevel"},
  "model": {"type": "BPE", "unk_token": null, "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"]}})";

std::string refusal(const std::string& text) {
  try {
    read_tokenizer_json(text, kWhere);
  } catch (const Error& error) {
    CHECK(error.code() == Exit::unreadable);
    CHECK(error.findings().size() == 1);
    const std::string shown = error.findings().front().text();
    CHECK(shown.starts_with("m/tokenizer.json"));
    CHECK(shown.find('\n') == std::string::npos);
    return shown;
  }
  return "accepted";
}

std::string with(const std::string& key, const std::string& value) {
  Json json = parse_json(kGood);
  json.set(key, parse_json(value));
  return refusal(dump(json));
}

std::string with_model(const std::string& key, const std::string& value) {
  Json json = parse_json(kGood);
  Json model = json.at("model");
  model.set(key, parse_json(value));
  json.set("model", std::move(model));
  return refusal(dump(json));
}

std::string with_added(const std::string& key, const std::string& value) {
  Json json = parse_json(kGood);
  Json token = json.at("added_tokens").as_array().front();
  token.set(key, parse_json(value));
  json.set("added_tokens", Json::Array{token});
  return refusal(dump(json));
}

TEST_CASE("the tokenizer that the others are made from is read") {
  const auto tokenizer = read_tokenizer_json(kGood, kWhere);
  CHECK(tokenizer->encode("abba <s>", false, true) == std::vector<TokenId>{2, 1, 0, 3});
  CHECK(tokenizer->vocabulary_size() == 4);
  CHECK(tokenizer->id("ab") == 2);
  CHECK(tokenizer->token(3) == "<s>");
  CHECK(tokenizer->is_special(3));
  CHECK_FALSE(tokenizer->is_special(2));
  CHECK(tokenizer->token(4).empty());
  CHECK(tokenizer->decode(std::vector<TokenId>{2, 3, 99, -1, 1}, true) == "abb");
}

TEST_CASE("a file that is no tokenizer is refused") {
  CHECK_THAT(refusal(""), Contains("m/tokenizer.json"));
  CHECK_THAT(refusal("[]"), Contains("it is a list, not a map"));
  CHECK_THAT(refusal("{}"), Contains("there is no model"));
  CHECK_THAT(with("version", "\"2.0\""), Contains("version is \"2.0\""));
  CHECK_THAT(with("model", "null"), Contains("model is null, not a map"));
  CHECK_THAT(with("added_tokens", "{}"), Contains("added_tokens is a map, not a list"));
}

TEST_CASE("an unknown component is named with those that are known") {
  CHECK_THAT(with("normalizer", R"({"type": "Shout"})"),
             Contains("normalizer: its type \"Shout\"") && Contains("NFKC"));
  CHECK_THAT(with("pre_tokenizer", R"({"type": "Sequence", "pretokenizers": [{"type": "Digit"}]})"),
             Contains("pre_tokenizer.pretokenizers[0]: its type \"Digit\"") && Contains("Digits"));
  CHECK_THAT(with("post_processor", R"({"type": "Wrap"})"), Contains("TemplateProcessing"));
  CHECK_THAT(with("decoder", R"({"type": "CTC"})"), Contains("decoder: its type \"CTC\"") && Contains("ByteFallback"));
  CHECK_THAT(with_model("type", "\"Transducer\""), Contains("Unigram"));
  CHECK_THAT(with_model("dropout", "0.1"), Contains("dropout is 0.1"));
}

TEST_CASE("a member that is missing or of a wrong kind is named") {
  CHECK_THAT(with("normalizer", R"({"type": "Prepend"})"), Contains("normalizer: there is no prepend"));
  CHECK_THAT(with("normalizer", R"({"type": "Strip", "strip_left": 1, "strip_right": true})"),
             Contains("strip_left is 1, not true or false"));
  CHECK_THAT(with("normalizer", R"({"type": "Precompiled", "precompiled_charsmap": "x"})"), Contains("base64"));
  CHECK_THAT(with("normalizer", R"({"type": "Precompiled", "precompiled_charsmap": "/////w=="})"),
             Contains("a trie of 4294967295 bytes"));
  CHECK_THAT(
      with("pre_tokenizer", R"({"type": "Split", "pattern": {"String": "a"}, "behavior": "Cut", "invert": true})"),
      Contains("behavior is \"Cut\""));
  CHECK_THAT(with("pre_tokenizer", R"({"type": "Metaspace", "replacement": "__"})"), Contains("not one character"));
  CHECK_THAT(with("post_processor", R"({"type": "BertProcessing", "cls": ["<s>", 9], "sep": ["<s>", 3]})"),
             Contains("the id of a special token is 9; allowed: 0 to 3"));
  CHECK_THAT(with("post_processor", R"({"type": "TemplateProcessing", "special_tokens": {},
                                       "single": [{"Sequence": {"id": "B", "type_id": 0}}]})"),
             Contains("a single text is A"));
}

TEST_CASE("vocabularies and merges that do not fit together are refused") {
  CHECK_THAT(with_model("vocab", R"({"a": 0, "b": -1})"), Contains("the id of token \"b\" is -1"));
  CHECK_THAT(with_model("vocab", R"({"a": 0, "b": 0.5})"), Contains("the id of token \"b\" is 0.5"));
  CHECK_THAT(with_model("vocab", R"({"a": 0, "b": 99999999})"), Contains("allowed: integers from 0 to"));
  CHECK_THAT(with_model("vocab", R"({"a": 0, "b": 0, "ab": 1})"), Contains("id 0 is that of \"a\" and of \"b\""));
  CHECK_THAT(with_model("vocab", R"({"a": 0, "b": 1, "ab": 7})"), Contains("no token has the id 2"));
  CHECK_THAT(with_model("vocab", "{\"" + std::string(5000, 'x') + "\": 0}"), Contains("has 5000 bytes; at most 4096"));
  CHECK_THAT(with_model("merges", R"(["a b", "a c"])"), Contains("merge 1 (from 0)") && Contains("no token \"c\""));
  CHECK_THAT(with_model("merges", R"(["b a"])"), Contains("no token \"ba\""));
  CHECK_THAT(with_model("merges", R"(["a  b"])"), Contains("one blank between"));
  CHECK_THAT(with_model("merges", R"([["a"]])"), Contains("not two tokens"));
  CHECK_THAT(with("model", R"({"type": "Unigram", "unk_id": 1, "vocab": [["a", -1.5]]})"),
             Contains("unk_id is 1; allowed: 0 to 0"));
  CHECK_THAT(with("model", R"({"type": "Unigram", "unk_id": 0, "vocab": [["a"]]})"), Contains("entry 0 of vocab"));
  CHECK_THAT(with("model", R"({"type": "Unigram", "unk_id": 0, "vocab": [["a", 0], ["a", 0]]})"), Contains("twice"));
}

TEST_CASE("added tokens that would get other ids than the file says are refused") {
  CHECK_THAT(with_added("id", "5"), Contains("added_tokens[0]") && Contains("is 5, but the vocabulary gives it 3"));
  CHECK_THAT(with_added("content", "\"ab\""), Contains("is 3, but the vocabulary gives it 2"));
  CHECK_THAT(with_added("content", "\"\""), Contains("its content is empty"));
  CHECK_THAT(with_added("special", "null"), Contains("special is null"));
}

TEST_CASE("patterns that are none, or that backtrack without bound, are one line") {
  const auto split = [](const std::string& pattern) {
    return R"({"type": "Split", "pattern": {"Regex": )" + dump(Json(pattern)) +
           R"(}, "behavior": "Isolated", "invert": false})";
  };
  CHECK_THAT(with("pre_tokenizer", split("(")), Contains("the pattern \"(\" is not supported"));
  CHECK_THAT(with("pre_tokenizer", split("[a")), Contains("in the middle of a class"));
  CHECK_THAT(with("pre_tokenizer", split("\\p{Elvish}")), Contains("not supported"));
  CHECK_THAT(with("pre_tokenizer", split("a(?i)b")), Contains("options in the middle of a group"));
  CHECK_THAT(with("pre_tokenizer", split(std::string(100, '['))), Contains("nested too deeply"));
  CHECK_THAT(with("pre_tokenizer", split(std::string(1000, '('))), Contains("not supported"));
  Json json = parse_json(kGood);
  json.set("pre_tokenizer", parse_json(split("(?:a+)+$")));
  const auto tokenizer = make_tokenizer(json, kWhere);
  CHECK_THROWS_WITH(tokenizer->encode(std::string(60, 'a') + "b", false, false), Contains("cannot be matched"));
}

TEST_CASE("a tokenizer that makes text grow without bound stops") {
  Json::Array steps;
  for (int i = 0; i < 60; ++i)
    steps.push_back(parse_json(R"({"type": "Replace", "pattern": {"String": "a"}, "content": "aa"})"));
  Json json = parse_json(kGood);
  json.set("normalizer", Json::Object{{"type", "Sequence"}, {"normalizers", steps}});
  CHECK_THROWS_WITH(make_tokenizer(json, kWhere)->encode("ab", false, false), Contains("grow beyond"));
  json.set("normalizer", nullptr);
  json.set("decoder", Json::Object{{"type", "Sequence"}, {"decoders", steps}});
  CHECK_THROWS_WITH(make_tokenizer(json, kWhere)->decode(std::vector<TokenId>{0}, true), Contains("grow beyond"));
}

TEST_CASE("a sequence that is nested too deeply is refused by the reader of JSON") {
  std::string nested = R"({"type": "NFC"})";
  for (int i = 0; i < 40; ++i) nested = R"({"type": "Sequence", "normalizers": [)" + nested + "]}";
  std::string text = kGood;
  text.replace(text.find("\"normalizer\": null"), 18, "\"normalizer\": " + nested);
  CHECK_THAT(refusal(text), Contains("m/tokenizer.json:"));
}

TEST_CASE("text that the vocabulary cannot write is an error where there is no unknown token") {
  Json json = parse_json(kGood);
  json.set("model", parse_json(R"({"type": "WordLevel", "unk_token": "?", "vocab": {"a": 0, "b": 1, "ab": 2}})"));
  const auto tokenizer = make_tokenizer(json, kWhere);
  CHECK(tokenizer->encode("ab a", false, false) == std::vector<TokenId>{2, 0});
  CHECK_THROWS_WITH(tokenizer->encode("ab c", false, false), Contains("cannot write \"c\""));
}

TEST_CASE("bytes that are not UTF-8 are read as U+FFFD") {
  Json json = parse_json(kGood);
  json.set("model", parse_json(R"({"type": "WordLevel", "unk_token": "a", "vocab": {"a": 0, "\ufffd": 1, "ab": 2}})"));
  CHECK(make_tokenizer(json, kWhere)->encode("ab \xFF", false, false) == std::vector<TokenId>{2, 1});
}

TEST_CASE("a word of a megabyte is merged in one go") {
  const auto tokenizer = read_tokenizer_json(kGood, kWhere);
  std::string word;
  for (int i = 0; i < 500'000; ++i) word += "ab";
  CHECK(tokenizer->encode(word, false, false) == std::vector<TokenId>(500'000, 2));
}

TEST_CASE("a vocabulary of GGUF that is not known is refused by name") {
  const auto refused = [](const std::string& metadata) {
    try {
      tokenizer_json_of_gguf(parse_json(metadata), {"m.gguf", 0, 0});
    } catch (const Error& error) {
      CHECK(error.code() == Exit::unreadable);
      return error.findings().front().text();
    }
    return std::string("accepted");
  };
  CHECK_THAT(refused("{}"), Contains("m.gguf: there is no tokenizer.ggml.tokens"));
  CHECK_THAT(refused(R"({"tokenizer.ggml.tokens": ["a"], "tokenizer.ggml.model": "rwkv"})"),
             Contains("\"rwkv\"; known: bert, gpt2, llama"));
  CHECK_THAT(
      refused(R"({"tokenizer.ggml.tokens": ["a"], "tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "viking"})"),
      Contains("\"viking\"; known:") && Contains("llama-bpe") && Contains("smollm"));
  CHECK_THAT(refused(R"({"tokenizer.ggml.tokens": ["a", "b"], "tokenizer.ggml.token_type": [1]})"),
             Contains("1 entries for 2 tokens"));
  CHECK_THAT(refused(R"({"tokenizer.ggml.tokens": ["a"], "tokenizer.ggml.model": "llama"})"), Contains("bos_token_id"));
  Json bytes = Json::Object{{"tokenizer.ggml.tokens", Json::Array{"\xFF"}}};
  CHECK_THROWS_WITH(tokenizer_json_of_gguf(bytes, {"m.gguf", 0, 0}), Contains("token 0 is not text in UTF-8"));
}

TEST_CASE("every way to cut text that GGUF files name can be used") {
  for (const char* pre : {"dbrx", "deepseek-coder", "deepseek-llm", "deepseek-r1-qwen", "deepseek-v3", "default",
                          "falcon", "gpt-2", "gpt-4o", "llama-bpe", "llama-v3", "llama3", "phi-2", "qwen2", "refact",
                          "smaug-bpe", "smollm", "starcoder", "tekken"}) {
    INFO(pre);
    Json metadata = parse_json(R"({"tokenizer.ggml.tokens": ["a", "1", "aa"], "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.merges": ["a a"], "tokenizer.ggml.bos_token_id": 0})");
    metadata.set("tokenizer.ggml.pre", pre);
    const auto tokenizer = make_tokenizer(tokenizer_json_of_gguf(metadata, kWhere), kWhere);
    CHECK(tokenizer->encode("aaa1", false, false) == std::vector<TokenId>{2, 0, 1});
  }
}

TEST_CASE("a SentencePiece model that is cut or empty is refused") {
  const Place where{"m.model", 0, 0};
  CHECK_THROWS_WITH(tokenizer_json_of_sentencepiece("", where), Contains("it has no pieces"));
  CHECK_THROWS_WITH(tokenizer_json_of_sentencepiece("\n\x05\n\x03", where), Contains("cut or damaged"));
  CHECK_THROWS_WITH(tokenizer_json_of_sentencepiece("\n\x03\n\x01\xFF", where), Contains("not text in UTF-8"));
  CHECK_THROWS_WITH(tokenizer_json_of_sentencepiece("\n\x03\n\x01"
                                                    "a\x12\x02\x18\x04",
                                                    where),
                    Contains("model_type is 4"));
}

}  // namespace
}  // namespace sil
