// A tokenizer as the entries of a GGUF file: llama.cpp's own vocabularies come back as they were, and what GGUF has no
// word for is refused.
#include <cstdlib>
#include <filesystem>
#include <map>

#include "formats/gguf.h"
#include "sil/env.h"
#include "support/catch.h"
#include "tokenizers/folder_codec.h"
#include "tokenizers/vectors.h"
#include "tokenizers/vocabulary_json.h"

namespace sil {
namespace {

using Catch::Matchers::Contains;

constexpr const char* kBytes = R"("type":"ByteLevel","add_prefix_space":false)";

// An added token; `more` is what of the flags is true.
std::string added_token(const std::string& more = "") {
  Json token = Json::Object{{"id", 4}, {"content", "<e>"}, {"special", true}};
  for (const char* flag : {"single_word", "lstrip", "rstrip", "normalized"}) token.set(flag, flag == more);
  return dump(token);
}

// Byte-level BPE of five tokens.
struct Parts {
  std::string added = added_token();
  std::string normalizer = "null";
  std::string cut = std::string("{") + kBytes + "}";
  std::string around = "null";
  std::string model = R"({"type":"BPE","vocab":{"a":0,"b":1,"ab":2,"c":3},"merges":[["a","b"]]})";

  std::shared_ptr<const Codec> codec() const {
    std::vector<FolderFile> files = {
        {"tokenizer.json", R"({"version":"1.0","added_tokens":[)" + added + R"(],"normalizer":)" + normalizer +
                               R"(,"pre_tokenizer":)" + cut + R"(,"post_processor":)" + around + R"(,"decoder":{)" +
                               kBytes + R"(},"model":)" + model + "}"},
        {"tokenizer_config.json", R"({"eos_token":"<e>","bos_token":null})"}};
    return folder_codec(std::move(files), "folder");
  }
  std::map<std::string, Json> entries(int64_t rows = 5) const {
    std::map<std::string, Json> out;
    for (const GgufEntry& entry : gguf_codec_entries(*codec(), rows, {"folder", 0, 0})) out[entry.key] = entry.value;
    return out;
  }
  std::string refusal() const {
    try {
      entries();
    } catch (const Error& error) {
      CHECK(error.code() == Exit::usage);
      return error.what();
    }
    return "accepted";
  }
};

// The entries that are written of the codec that a file of llama.cpp makes.
std::map<std::string, Json> rewritten(const Json& metadata, const std::string& path) {
  const Json* chat = metadata.find("tokenizer.chat_template");
  const std::string rendering = chat != nullptr ? chat->as_string() : "";
  const auto codec = folder_codec(gguf_codec_files(metadata, rendering, {path, 0, 0}), path);
  std::map<std::string, Json> out;
  for (const GgufEntry& entry : gguf_codec_entries(*codec, codec->vocabulary_size(), {path, 0, 0}))
    out[entry.key] = entry.value;
  return out;
}

TEST_CASE("a byte-level tokenizer becomes tokens by id, their types, merges, and the name of how it cuts text") {
  const std::map<std::string, Json> seen = Parts().entries(7);
  CHECK(seen.at("tokenizer.ggml.model") == Json("gpt2"));
  CHECK(seen.at("tokenizer.ggml.pre") == Json("gpt-2"));
  CHECK(seen.at("tokenizer.ggml.tokens") == Json(Json::Array{"a", "b", "ab", "c", "<e>", "[PAD5]", "[PAD6]"}));
  CHECK(seen.at("tokenizer.ggml.token_type") == Json(Json::Array{1, 1, 1, 1, 3, 5, 5}));
  CHECK(seen.at("tokenizer.ggml.merges") == Json(Json::Array{"a b"}));
  CHECK(seen.at("tokenizer.ggml.eos_token_id") == Json(4));
  CHECK(seen.at("tokenizer.ggml.add_bos_token") == Json(false));
  CHECK(seen.at("tokenizer.ggml.add_eos_token") == Json(false));
  CHECK_FALSE(seen.contains("tokenizer.ggml.bos_token_id"));
}

TEST_CASE("how text is cut has llama.cpp's name, however tokenizer.json spells it") {
  const std::string digits = R"({"type":"Sequence","pretokenizers":[{"type":"Digits","individual_digits":true},{)";
  Parts parts;
  parts.cut = digits + kBytes + R"(,"use_regex":true,"trim_offsets":false}]})";
  CHECK(parts.entries().at("tokenizer.ggml.pre") == Json("smollm"));
  parts.cut = digits + kBytes + R"(,"use_regex":false}]})";
  CHECK_THAT(parts.refusal(), Contains("how it cuts text has no name there") && Contains("individual_digits"));
  parts.cut = std::string("{") + kBytes + R"(,"use_regex":false})";
  parts.model = R"({"type":"BPE","vocab":{"a":0,"b":1,"ab":2,"c":3},"merges":[]})";
  CHECK(parts.entries().at("tokenizer.ggml.pre") == Json("gpt-2"));  // no merge can reach over a cut
}

TEST_CASE("what stands around every text is bos and eos, or refused") {
  const auto around = [](const std::string& pieces) {
    return R"({"type":"TemplateProcessing","single":[)" + pieces +
           R"(],"pair":[],"special_tokens":{"<e>":{"id":"<e>","ids":[4],"tokens":["<e>"]}}})";
  };
  Parts parts;
  parts.around = around(R"({"Sequence":{"id":"A","type_id":0}},{"SpecialToken":{"id":"<e>","type_id":0}})");
  CHECK(parts.entries().at("tokenizer.ggml.add_eos_token") == Json(true));
  parts.around = around(R"({"SpecialToken":{"id":"<e>","type_id":0}},{"Sequence":{"id":"A","type_id":0}})");
  CHECK_THAT(parts.refusal(), Contains("its post_processor is"));
}

TEST_CASE("a tokenizer that GGUF cannot hold is refused with the reason") {
  Parts parts;
  parts.added = added_token("rstrip");
  CHECK_THAT(parts.refusal(), Contains("token \"<e>\" is rstrip"));
  parts = Parts();
  parts.normalizer = R"({"type":"Lowercase"})";
  CHECK_THAT(parts.refusal(), Contains("Lowercase"));
  parts = Parts();
  parts.model = R"({"type":"WordLevel","vocab":{"a":0,"b":1,"ab":2,"c":3},"unk_token":"a"})";
  CHECK_THAT(parts.refusal(), Contains("its model is \"WordLevel\"") && Contains("export the model as a folder"));
}

TEST_CASE("SmolLM2's vocabulary is written as its GGUF file has it") {
  const std::string path = SIL_SOURCE_DIR "/.deps/SmolLM2-135M-Instruct.Q4_1.gguf";
  if (!system_env().exists(path)) {
    WARN("skipped: there is no " << path << "; scripts/get_smollm2.sh fetches it");
    return;
  }
  const std::string bytes = system_env().read_all(path);
  const Json metadata = read_gguf(bytes).metadata;
  const std::map<std::string, Json> written = rewritten(metadata, path);
  int same = 0;
  for (const auto& [key, value] : metadata.as_object()) {
    if (!key.starts_with("tokenizer.")) continue;
    INFO(key);
    CHECK(written.at(key) == value);
    ++same;
  }
  CHECK(same > 10);
}

TEST_CASE("llama.cpp's vocabularies of bytes and of SentencePiece, written again, meet every vector of the first") {
  const char* given = std::getenv("SIL_SHARED");
  const std::filesystem::path shared =
      given != nullptr ? std::filesystem::path(given) : std::filesystem::path(SIL_SOURCE_DIR) / "../shared";
  const std::string folder = (shared / "data/tokenizers/").string();
  if (!std::filesystem::is_directory(folder)) {
    WARN("skipped: there is no " << folder << "; set SIL_SHARED");
    return;
  }
  for (const std::string name : {"gpt-2", "phi-3"}) {
    INFO(name);
    const std::string path = folder + "ggml-vocab-" + name + ".gguf", bytes = system_env().read_all(path);
    Json metadata = Json::object();
    for (auto& [key, value] : rewritten(read_gguf(bytes).metadata, path)) metadata.set(key, std::move(value));
    const Place where{"rewritten", 0, 0};
    CHECK(check_vectors(*make_tokenizer(tokenizer_json_of_gguf(metadata, where), where),
                        folder + name + ".vectors.jsonl") > 0);
  }
}

}  // namespace
}  // namespace sil
