#include "nn/convert.h"

#include <filesystem>
#include <map>

#include "formats/gguf_model.h"
#include "nn/engines.h"
#include "nn/folder.h"
#include "nn/golden_model.h"
#include "record/temp_dir.h"
#include "support/catch.h"
#include "support/plugin.h"

namespace sil::test {
namespace {

using Catch::Matchers::Contains;

constexpr const char* kTemplate = "{{ messages[0].content }}";

// A vocabulary of 37: three specials, letters, digits and a pair.
std::vector<GgufEntry> vocabulary() {
  Json::Array tokens{"<s>", "</s>", "<pad>"}, types{3, 3, 3};
  for (const char c : std::string_view("abcdefghijklmnopqrstuvwxyz0123456")) {
    tokens.push_back(std::string(1, c));
    types.push_back(1);
  }
  tokens.push_back("ab");
  types.push_back(1);
  using enum GgufValueType;
  return {{"tokenizer.ggml.model", string, "gpt2", {}},
          {"tokenizer.ggml.pre", string, "gpt-2", {}},
          {"tokenizer.ggml.tokens", array, std::move(tokens), string},
          {"tokenizer.ggml.token_type", array, std::move(types), i32},
          {"tokenizer.ggml.merges", array, Json::Array{"a b"}, string},
          {"tokenizer.ggml.bos_token_id", u32, 0, {}},
          {"tokenizer.ggml.eos_token_id", u32, 1, {}},
          {"tokenizer.chat_template", string, kTemplate, {}}};
}

// A golden model as a GGUF file with that vocabulary.
std::string gguf_of(const std::string& name, HfConfig config) {
  const std::string bytes = read_file(GoldenModel::path(name, ".safetensors"));
  const Safetensors file = read_safetensors(bytes);
  StringSink sink;
  write_gguf_model(
      config, GgmlType::f32, vocabulary(),
      [&](const std::string& tensor, std::vector<float>& values) { values = floats(*file.find(tensor)); }, sink);
  return sink.take();
}

HfConfig config_of(const GoldenModel& golden, HfFamily family) {
  const nn::DecoderShape& shape = golden.model.shape();
  HfConfig out;
  out.family = family;
  out.hidden_size = shape.width;
  out.intermediate_size = shape.hidden;
  out.num_hidden_layers = shape.layers;
  out.num_attention_heads = shape.heads.query;
  out.num_key_value_heads = shape.heads.key;
  out.head_dim = shape.heads.width;
  out.vocab_size = shape.vocabulary;
  out.max_position_embeddings = shape.context;
  out.norm_eps = 1e-6;
  out.rope_theta = shape.rope_theta;
  out.tie_word_embeddings = shape.tied;
  return out;
}

void write(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

}  // namespace

TEST_CASE("a model of each family is imported as the one that it is") {
  const std::map<std::string, HfFamily> families = {
      {"llama_gqa", HfFamily::llama}, {"qwen2", HfFamily::qwen2}, {"qwen3", HfFamily::qwen3}};
  for (const auto& [name, family] : families) {
    INFO(name);
    const GoldenModel golden(name);
    const TempDir dir;
    write(dir.path() + "/m.gguf", gguf_of(name, config_of(golden, family)));
    const std::string folder = dir.path() + "/model";
    nn::write_model_folder(dir.path() + "/m.gguf", folder);
    CHECK(system_env().list(dir.path()) == std::vector<std::string>{"m.gguf", "model"});
    Registry<EngineFactory> registry{"engine"};
    nn::register_path(registry);
    const auto engine =
        make_plugin(registry, "path", {{"folder", folder}})->make({.key = 1, .codec = nullptr, .threads = 1});
    CHECK(engine->digest(engine->initial()) == golden.model.digest(golden.state));
    CHECK(engine->codec().encode_text("cab") == std::vector<TokenId>{5, 36});
    CHECK(engine->codec().stop_ids().front() == 1);
    CHECK(read_file(folder + "/chat_template.jinja") == kTemplate);
    CHECK(parse_json(read_file(folder + "/tokenizer_config.json")).at("eos_token") == Json("</s>"));
  }
}

TEST_CASE("an import that fails leaves nothing, and none goes over a folder that is there") {
  const GoldenModel golden("llama_gqa");
  const std::string bytes = gguf_of("llama_gqa", config_of(golden, HfFamily::llama));
  const TempDir dir;
  const std::string file = dir.path() + "/m.gguf", folder = dir.path() + "/model";
  write(file, bytes.substr(0, bytes.size() - 1000));
  CHECK_THROWS_WITH(nn::write_model_folder(file, folder), Contains("m.gguf: not a readable GGUF file"));
  CHECK(system_env().list(dir.path()) == std::vector<std::string>{"m.gguf"});
  std::filesystem::create_directory(folder);
  write(file, bytes);
  CHECK_THROWS_WITH(nn::write_model_folder(file, folder), Contains("is there already"));
  CHECK_THROWS_WITH(nn::write_model_folder(file, folder + "/"), Contains("without the last slash"));
  CHECK(system_env().list(folder).empty());
  CHECK_THROWS_AS(nn::write_model_folder(dir.path() + "/none.gguf", dir.path() + "/other"), Error);
}

}  // namespace sil::test
