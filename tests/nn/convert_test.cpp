#include "nn/convert.h"

#include <cmath>
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

const std::map<std::string, HfFamily> kFamilies = {
    {"llama_gqa", HfFamily::llama}, {"qwen2", HfFamily::qwen2}, {"qwen3", HfFamily::qwen3}};
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

void import_model(const std::string& file, const std::string& folder) {
  nn::write_model_folder(nn::ModelFolder(file), Dtype::f32, folder);
}

std::unique_ptr<Engine> open(const std::string& path) {
  Registry<EngineFactory> registry{"engine"};
  nn::register_path(registry);
  return make_plugin(registry, "path", {{"folder", path}})->make({.key = 1, .codec = nullptr, .threads = 1});
}

std::map<std::string, std::string> codec_files(const Engine& engine) {
  std::map<std::string, std::string> out;
  for (const FolderFile& file : engine.codec().folder_files()) out[file.name] = file.text;
  return out;
}

// A golden model's folder, DIR/model.
class Folder {
 public:
  explicit Folder(const std::string& name = "llama_gqa", HfFamily family = HfFamily::llama) : golden_(name) {
    write(dir_.path() + "/m.gguf", gguf_of(name, config_of(golden_, family)));
    import_model(dir_.path() + "/m.gguf", path());
  }
  std::string path() const { return in("model"); }
  std::string in(const std::string& name) const { return dir_.path() + "/" + name; }
  std::string weights() const { return read_file(GoldenModel::path("llama_gqa", ".safetensors")); }

 private:
  GoldenModel golden_;
  TempDir dir_;
};

}  // namespace

TEST_CASE("a model of each family is imported as the one that it is") {
  for (const auto& [name, family] : kFamilies) {
    INFO(name);
    const GoldenModel golden(name);
    const TempDir dir;
    write(dir.path() + "/m.gguf", gguf_of(name, config_of(golden, family)));
    const std::string folder = dir.path() + "/model";
    import_model(dir.path() + "/m.gguf", folder);
    CHECK(system_env().list(dir.path()) == std::vector<std::string>{"m.gguf", "model"});
    const auto engine = open(folder);
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
  CHECK_THROWS_WITH(import_model(file, folder), Contains("m.gguf: not a readable GGUF file"));
  CHECK(system_env().list(dir.path()) == std::vector<std::string>{"m.gguf"});
  std::filesystem::create_directory(folder);
  write(file, bytes);
  CHECK_THROWS_WITH(import_model(file, folder), Contains("is there already"));
  CHECK_THROWS_WITH(import_model(file, folder + "/"), Contains("without the last slash"));
  CHECK(system_env().list(folder).empty());
  CHECK_THROWS_AS(import_model(dir.path() + "/none.gguf", dir.path() + "/other"), Error);
}

TEST_CASE("a folder exported as GGUF in F32 is the same model again, with its vocabulary and its chat template") {
  for (const auto& [name, family] : kFamilies) {
    INFO(name);
    const Folder folder(name, family);
    nn::write_gguf_file(nn::ModelFolder(folder.path()), GgmlType::f32, folder.in("again.gguf"));
    CHECK_FALSE(system_env().exists(folder.in("again.gguf.part")));
    const auto engine = open(folder.in("again.gguf")), first = open(folder.path());
    CHECK(engine->digest(engine->initial()) == first->digest(first->initial()));
    CHECK(codec_files(*engine) == codec_files(*first));
    CHECK(nn::ModelFolder(folder.in("again.gguf")).config == nn::ModelFolder(folder.path()).config);
  }
}

TEST_CASE("a GGUF file's matrices have the type that was asked for") {
  const Folder folder;
  for (const GgmlType type : {GgmlType::f16, GgmlType::bf16}) {
    const std::string file = folder.in(std::string(about(type).name) + ".gguf");
    nn::write_gguf_file(nn::ModelFolder(folder.path()), type, file);
    const std::string bytes = read_file(file);
    CHECK(read_gguf(bytes).find("blk.0.attn_q.weight")->type == type);
    CHECK(read_gguf(bytes).find("output_norm.weight")->type == GgmlType::f32);
  }
}

TEST_CASE("a folder in half precision says so, and holds every weight to the bits of its type") {
  const Folder folder;
  for (const Dtype dtype : {Dtype::bf16, Dtype::f16}) {
    const std::string out = folder.in(std::string(name(dtype)));
    nn::write_model_folder(nn::ModelFolder(folder.path()), dtype, out);
    CHECK(parse_json(read_file(out + "/config.json")).at("dtype") ==
          Json(dtype == Dtype::f16 ? "float16" : "bfloat16"));
    const std::string bytes = read_file(out + "/model.safetensors"), wanted_bytes = folder.weights();
    const Safetensors seen = read_safetensors(bytes), wanted = read_safetensors(wanted_bytes);
    REQUIRE(seen.tensors.size() == wanted.tensors.size());
    const float half_bit = dtype == Dtype::f16 ? 0x1p-11F : 0x1p-8F;
    for (const TensorView& tensor : seen.tensors) {
      CHECK(tensor.dtype == dtype);
      const std::vector<float> values = floats(tensor), exact = floats(*wanted.find(tensor.name));
      for (size_t i = 0; i < values.size(); ++i)
        CHECK(std::abs(values[i] - exact[i]) <= half_bit * std::abs(exact[i]) + 0x1p-24F);
    }
    CHECK_NOTHROW(open(out)->initial());
  }
}

TEST_CASE("what half precision cannot hold is refused, and nothing is left") {
  const Folder folder;
  const std::string bytes = folder.weights();
  Safetensors file = read_safetensors(bytes);
  std::vector<float> large = floats(file.tensors.front());
  large[0] = -70000;
  file.tensors.front().bytes = {reinterpret_cast<const char*>(large.data()), large.size() * sizeof(float)};
  StringSink sink;
  write_safetensors(file.tensors, sink);
  write(folder.path() + "/model.safetensors", sink.take());
  const nn::ModelFolder model(folder.path());
  CHECK_THROWS_WITH(nn::write_model_folder(model, Dtype::f16, folder.in("f16")), Contains(" holds -70000"));
  CHECK_THROWS_WITH(nn::write_gguf_file(model, GgmlType::f16, folder.in("f16.gguf")), Contains("ends at 65504"));
  nn::write_model_folder(model, Dtype::bf16, folder.in("bf16"));
  CHECK(system_env().list(folder.in("")) == std::vector<std::string>{"bf16", "m.gguf", "model"});
}

TEST_CASE("licences, model cards and other programs' vocabularies go with a model, into its checkpoints too") {
  const Folder folder;
  const std::map<std::string, std::string> files = {
      {"LICENSE", "Apache"}, {"README.md", "# a model\n"}, {"vocab.json", "{}"}, {"merges.txt", "#version: 0.2\n"}};
  for (const auto& [name, text] : files) write(folder.path() + "/" + name, text);
  write(folder.path() + "/training_args.bin", "a pickle");
  nn::write_model_folder(nn::ModelFolder(folder.path()), Dtype::f32, folder.in("out"));
  std::map<std::string, std::string> checkpoint;
  for (const FolderFile& file : open(folder.path())->folder_files()) checkpoint[file.name] = file.text;
  for (const auto& [name, text] : files) {
    CHECK(read_file(folder.in("out/" + name)) == text);
    CHECK(checkpoint[name] == text);
  }
  CHECK_FALSE(system_env().exists(folder.in("out/training_args.bin")));
}

}  // namespace sil::test
