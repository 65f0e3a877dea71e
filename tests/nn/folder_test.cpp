// Folders as the engine writes them and as others wrote them, read back.
#include "nn/folder.h"

#include <bit>
#include <cstring>
#include <filesystem>

#include "formats/safetensors.h"
#include "formats/shards.h"
#include "nn/engines.h"
#include "nn/golden_model.h"
#include "record/temp_dir.h"
#include "support/catch.h"
#include "support/plugin.h"
#include "text/codecs.h"

namespace sil::test {
namespace {

using Catch::Matchers::Contains;

struct Bytes final : ByteSink {
  std::string text;
  void write(std::string_view bytes) override { text += bytes; }
};

// 34 characters and three specials: the vocabulary of the golden models.
std::shared_ptr<const Codec> codec_of_37() {
  return chars_codec("abcdefghijklmnopqrstuvwxyz01234567");
}

class Folder {
 public:
  Folder(const GoldenModel& golden, const std::string& weights) {
    for (const FolderFile& file : nn::folder_files(golden.model.shape(), *codec_of_37())) write(file.name, file.text);
    write("model.safetensors", weights);
  }
  void write(const std::string& name, const std::string& bytes) const {
    std::ofstream(dir_.path() + "/" + name, std::ios::binary) << bytes;
  }
  void remove(const std::string& name) const { std::filesystem::remove(dir_.path() + "/" + name); }
  const std::string& path() const { return dir_.path(); }

 private:
  TempDir dir_;
};

std::unique_ptr<Engine> open(const std::string& path, std::shared_ptr<const Codec> codec = nullptr) {
  Registry<EngineFactory> registry{"engine"};
  nn::register_path(registry);
  return make_plugin(registry, "path", {{"folder", path}})->make({.key = 1, .codec = std::move(codec), .threads = 1});
}

std::string refusal(const Folder& folder) {
  try {
    open(folder.path())->source_digest();
  } catch (const Error& error) {
    CHECK(error.code() == Exit::unreadable);
    CHECK(std::string(error.what()).starts_with(folder.path()));
    return error.what();
  }
  return "accepted";
}

std::string weights_of(const std::string& name) {
  return read_file(GoldenModel::path(name, ".safetensors"));
}

// The file's tensors with every element cut to the upper half of its bits, in the dtype or as F32.
std::string cut_to_bf16(const std::string& bytes, Dtype dtype) {
  const Safetensors file = read_safetensors(bytes);
  std::vector<std::string> data;
  std::vector<TensorView> out = file.tensors;
  for (TensorView& tensor : out) {
    std::string& cut = data.emplace_back();
    for (const float value : floats(tensor)) {
      const uint32_t bits = std::bit_cast<uint32_t>(value) & 0xFFFF0000;
      const auto half = static_cast<uint16_t>(bits >> 16);
      dtype == Dtype::bf16 ? cut.append(reinterpret_cast<const char*>(&half), 2)
                           : cut.append(reinterpret_cast<const char*>(&bits), 4);
    }
    tensor.dtype = dtype;
  }
  for (size_t i = 0; i < out.size(); ++i) out[i].bytes = data[i];
  Bytes sink;
  write_safetensors(out, sink);
  return sink.text;
}

TEST_CASE("a folder of each family gives the version that was written, and the same files again") {
  for (const std::string name : {"llama_tied", "llama_gqa", "qwen2", "qwen3", "gpt2", "gemma3"}) {
    const GoldenModel golden(name);
    const Folder folder(golden, weights_of(name));
    const auto engine = open(folder.path());
    INFO(name);
    CHECK(engine->digest(engine->initial()) == golden.model.digest(golden.state));
    CHECK(engine->digest(engine->initial()) == golden.model.digest(golden.state));
    CHECK(engine->codec().digest() == codec_of_37()->digest());
    for (const FolderFile& file : engine->folder_files())
      CHECK(file.text == read_file(folder.path() + "/" + file.name));
    Bytes saved;
    engine->save(engine->initial(), Part::weights, saved);
    CHECK(saved.text == weights_of(name));
    const bool tied = golden.model.shape().tied;
    CHECK((read_safetensors(saved.text).find("lm_head.weight") == nullptr) == tied);
    CHECK(read_safetensors(saved.text).metadata.at("format") == "pt");
  }
}

TEST_CASE("weights of half the bits are read as the floats they stand for") {
  const GoldenModel golden("llama_gqa");
  const std::string whole = weights_of("llama_gqa");
  const Folder short_floats(golden, cut_to_bf16(whole, Dtype::bf16));
  const Folder whole_floats(golden, cut_to_bf16(whole, Dtype::f32));
  const auto half = open(short_floats.path());
  const auto same = open(whole_floats.path());
  CHECK(half->digest(half->initial()) == same->digest(same->initial()));
  CHECK(half->source_digest() != same->source_digest());
}

TEST_CASE("GPT-2's first folders, without a head and with masks, hold the same model") {
  const GoldenModel golden("gpt2");
  const std::string whole = weights_of("gpt2");
  const std::string mask(48 * 48, '\1');
  std::vector<TensorView> tensors = read_safetensors(whole).tensors;
  for (TensorView& tensor : tensors) tensor.name = tensor.name.substr(std::string("transformer.").size());
  for (const char* layer : {"h.0.", "h.1."})
    tensors.push_back({layer + std::string("attn.bias"), Dtype::boolean, {1, 1, 48, 48}, mask});
  Bytes headless;
  write_safetensors(tensors, headless);
  const Folder folder(golden, headless.text);
  const auto engine = open(folder.path());
  CHECK(engine->digest(engine->initial()) == golden.model.digest(golden.state));
  Bytes saved;
  engine->save(engine->initial(), Part::weights, saved);
  CHECK(saved.text == whole);
}

TEST_CASE("weights in several files are those of one, with a digest of their own") {
  const GoldenModel golden("llama_gqa");
  const std::string whole = weights_of("llama_gqa");
  const Folder one(golden, whole), several(golden, whole);
  const Safetensors file = read_safetensors(whole);
  const std::vector<Shard> shards = split_into_shards(file.tensors, 3000);
  REQUIRE(shards.size() > 2);
  for (const Shard& shard : shards) {
    Bytes bytes;
    write_safetensors(shard.tensors, bytes);
    several.write(shard.file, bytes.text);
  }
  several.write("model.safetensors.index.json", write_shard_index(shards));
  several.remove("model.safetensors");
  const auto engine = open(several.path());
  CHECK(engine->digest(engine->initial()) == golden.model.digest(golden.state));
  CHECK(engine->source_digest() != open(one.path())->source_digest());
  several.remove(shards[1].file);
  CHECK_THAT(refusal(several), Contains(shards[1].file) && Contains("is not there"));
  several.write("model.safetensors.index.json", "{}");
  CHECK_THAT(refusal(several), Contains("model.safetensors.index.json: ") && Contains("no weight_map"));
}

TEST_CASE("a stretched rotary embedding and what a config says beside it are saved again") {
  const GoldenModel golden("rope_llama3");
  const Folder folder(golden, weights_of("rope_llama3"));
  Json config = parse_json(read_file(folder.path() + "/config.json"));
  config.set("rope_scaling", parse_json(R"({"rope_type": "llama3", "factor": 8, "low_freq_factor": 1,
                                            "high_freq_factor": 4, "original_max_position_embeddings": 40})"));
  config.set("rope_parameters", Json());
  config.set("made_by", "others");
  config.set("eos_token_id", Json::Array{1, 2});
  folder.write("config.json", dump(config));
  const auto engine = open(folder.path());
  CHECK(engine->digest(engine->initial()) == golden.model.digest(golden.state));
  const Json saved = parse_json(engine->folder_files().front().text);
  CHECK(saved.at("rope_parameters").at("factor") == Json(8));
  CHECK(saved.at("made_by") == Json("others"));
  CHECK(saved.at("eos_token_id") == Json(Json::Array{1, 2}));
}

TEST_CASE("the digest of a folder is that of its files' content, wherever it lies") {
  const GoldenModel golden("llama_tied");
  const Folder folder(golden, weights_of("llama_tied"));
  const Folder copy(golden, weights_of("llama_tied"));
  CHECK(open(folder.path())->source_digest() == open(copy.path())->source_digest());
  copy.write("config.json", read_file(folder.path() + "/config.json") + " ");
  CHECK(open(folder.path())->source_digest() != open(copy.path())->source_digest());
}

TEST_CASE("a folder that lacks a file or holds another kind says which") {
  const GoldenModel golden("llama_tied");
  const Folder folder(golden, weights_of("llama_tied"));
  folder.remove("tokenizer.json");
  CHECK_THAT(refusal(folder), Contains("holds no tokenizer.json"));
  folder.remove("model.safetensors");
  CHECK_THAT(refusal(folder), Contains("holds no model.safetensors"));
  folder.write("pytorch_model.bin", "PK");
  CHECK_THAT(refusal(folder), Contains("as a pickle"));
  folder.remove("config.json");
  CHECK_THAT(refusal(folder), Contains("holds no config.json"));
  folder.write("adapter_config.json", "{}");
  CHECK_THAT(refusal(folder), Contains("peft_type is missing; LORA alone is read"));
}

TEST_CASE("weights that are not those of config.json are refused at their file") {
  const GoldenModel golden("llama_tied");
  CHECK_THAT(refusal(Folder(golden, weights_of("qwen2"))),
             Contains("model.safetensors: the tensors are not those of the model"));
  CHECK_THAT(refusal(Folder(golden, weights_of("llama_tied").substr(0, 3000))), Contains("model.safetensors: "));
  std::string nan = weights_of("llama_tied");
  const float value = std::nanf("");
  std::memcpy(nan.data() + nan.size() - 4, &value, 4);
  CHECK_THAT(refusal(Folder(golden, nan)), Contains("holds a NaN"));
}

TEST_CASE("a tokenizer may have fewer ids than the model has rows, not more") {
  const GoldenModel golden("llama_tied");
  const Folder folder(golden, weights_of("llama_tied"));
  for (const FolderFile& file : chars_codec("abc")->folder_files()) folder.write(file.name, file.text);
  CHECK(refusal(folder) == "accepted");
  for (const FolderFile& file : chars_codec("abcdefghijklmnopqrstuvwxyz0123456789")->folder_files())
    folder.write(file.name, file.text);
  CHECK_THAT(refusal(folder), Contains("the tokenizer has 39 ids, but the model's vocab_size is 37"));
}

TEST_CASE("a model from a folder takes no tokenizer of the recipe") {
  const GoldenModel golden("llama_tied");
  const Folder folder(golden, weights_of("llama_tied"));
  CHECK_THROWS_WITH(open(folder.path(), codec_of_37()), Contains("brings its own tokenizer"));
}

TEST_CASE("a model without positions has a folder of our own kind") {
  nn::DecoderShape shape = GoldenModel("llama_tied").model.shape();
  shape.rope_theta = 0;
  const std::string config = nn::folder_files(shape, *codec_of_37()).front().text;
  CHECK_THAT(config, Contains("\"sil-llama-nope\""));
  const GoldenModel golden("llama_tied");
  const Folder folder(golden, weights_of("llama_tied"));
  folder.write("config.json", config);
  CHECK(open(folder.path())->folder_files().front().text == config);
}

}  // namespace
}  // namespace sil::test
