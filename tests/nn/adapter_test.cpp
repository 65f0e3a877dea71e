// Adapters as PEFT wrote them (tests/golden/make_peft.py), and as the engine writes them.
#include <filesystem>

#include "engines/engine_data.h"
#include "formats/peft.h"
#include "formats/safetensors.h"
#include "nn/convert.h"
#include "nn/engines.h"
#include "nn/folder.h"
#include "nn/golden_model.h"
#include "record/temp_dir.h"
#include "support/catch.h"
#include "support/plugin.h"
#include "text/codecs.h"

namespace sil::test {
namespace {

using Catch::Matchers::Contains;

const std::vector<std::string> kModels = {"llama_gqa", "gpt2"};

std::string golden_file(const std::string& model, const std::string& name) {
  return read_file(SIL_SOURCE_DIR "/tests/golden/peft/" + model + "/" + name);
}

// The base model in DIR/base, an adapter on it in DIR/adapter.
class Folders {
 public:
  explicit Folders(const std::string& model = "llama_gqa")
      : Folders(golden_file(model, kPeftConfig), golden_file(model, kPeftWeights), model) {}
  Folders(const std::string& config, const std::string& weights, const std::string& model = "llama_gqa") {
    const GoldenModel golden(model);
    std::filesystem::create_directory(base());
    std::filesystem::create_directory(adapter());
    for (const FolderFile& file :
         nn::folder_files(golden.model.shape(), *chars_codec("abcdefghijklmnopqrstuvwxyz01234567")))
      write(base(), file.name, file.text);
    write(base(), "model.safetensors", read_file(GoldenModel::path(model, ".safetensors")));
    write(adapter(), kPeftConfig, replaced(config, "\"base\"", dump(Json(base()))));
    write(adapter(), kPeftWeights, weights);
  }
  std::string base() const { return dir_.path() + "/base"; }
  std::string adapter() const { return dir_.path() + "/adapter"; }
  static void write(const std::string& folder, const std::string& name, const std::string& bytes) {
    std::ofstream(folder + "/" + name, std::ios::binary) << bytes;
  }

 private:
  static std::string replaced(std::string text, const std::string& from, const std::string& to) {
    if (const size_t at = text.find(from); at != std::string::npos) text.replace(at, from.size(), to);
    return text;
  }
  TempDir dir_;
};

std::unique_ptr<Engine> open(const std::string& path, const std::optional<LoraOptions>& lora = {}, uint64_t key = 1) {
  Registry<EngineFactory> registry{"engine"};
  nn::register_path(registry);
  return make_plugin(registry, "path", {{"folder", path}})
      ->make({.key = key, .codec = nullptr, .lora = lora, .threads = 2});
}

struct Golden {
  Json json;
  explicit Golden(const std::string& model = "llama_gqa") : json(parse_json(golden_file(model, "golden.json"))) {}
  std::vector<TokenId> ids() const { return ids_of(json); }
};

std::vector<float> scored(Engine& engine, Version version, const Golden& golden = Golden()) {
  const std::vector<TokenId> ids = golden.ids();
  return engine.score(version, {.ids = ids, .begin = {0, ids.size()}, .start = {1}}, 1);
}

// All of the golden sequence but its first id.
struct OneStep final : TrainBatches {
  std::vector<TokenId> ids;
  explicit OneStep(const Golden& golden = Golden()) : ids(golden.ids()) {}
  int64_t steps() const override { return 1; }
  TrainBatch step(int64_t) override {
    TrainBatch batch;
    batch.ids = ids;
    batch.begin.push_back(static_cast<int32_t>(batch.ids.size()));
    batch.target.assign(batch.ids.size(), 1);
    batch.target[0] = 0;
    batch.credit.assign(batch.ids.size(), 1);
    batch.temperature = {1};
    return batch;
  }
};

TEST_CASE("an adapter that PEFT saved gives PEFT's log-probabilities") {
  for (const std::string& model : kModels) {
    INFO(model);
    const Folders folders(model);
    const Golden golden(model);
    const auto engine = open(folders.adapter());
    const std::vector<float> seen = scored(*engine, engine->initial(), golden);
    const Json expected = golden.json.at("logprobs");
    REQUIRE(seen.size() == expected.as_array().size());
    for (size_t n = 0; n < seen.size(); ++n)
      CHECK(static_cast<double>(seen[n]) == Approx(expected.as_array()[n].as_double()).margin(1e-4));
    const auto base = open(folders.base());
    CHECK(scored(*base, base->initial(), golden) != seen);
  }
}

TEST_CASE("an adapter exported as it is, and merged into its base, gives PEFT's log-probabilities") {
  const Folders folders;
  const nn::ModelFolder model(folders.adapter());
  const std::string copy = folders.adapter() + "-copy", merged = folders.adapter() + "-merged";
  nn::write_adapter_folder(model, copy);
  nn::write_model_folder(model, Dtype::f32, merged);
  CHECK(read_file(copy + "/" + kPeftWeights) == golden_file("llama_gqa", kPeftWeights));
  const Json expected = Golden().json.at("logprobs");
  for (const std::string& path : {copy, merged}) {
    INFO(path);
    const auto engine = open(path);
    const std::vector<float> seen = scored(*engine, engine->initial());
    for (size_t n = 0; n < seen.size(); ++n)
      CHECK(static_cast<double>(seen[n]) == Approx(expected.as_array()[n].as_double()).margin(1e-4));
  }
  CHECK_FALSE(nn::ModelFolder(merged).adapter.has_value());
}

TEST_CASE("a step of gradient descent moves an adapter's factors as PEFT's autograd does, and the base not at all") {
  for (const std::string& model : kModels) {
    const Folders folders(model);
    const Golden golden(model);
    const auto engine = open(folders.adapter());
    OneStep step(golden);
    Recorder recorder;
    UpdateCall call;
    call.optimizer = {.kind = "sgd", .learning_rate = golden.json.at("rate").as_double()};
    const UpdateResult moved = call.run(*engine, engine->initial(), step, recorder);
    const std::string bytes = saved(*engine, moved.version, Part::weights);
    const Safetensors file = read_safetensors(bytes);
    const Json after = golden.json.at("after");
    REQUIRE(file.tensors.size() == after.as_object().size());
    for (const auto& [name, values] : after.as_object()) {
      INFO(model << " " << name);
      REQUIRE(file.find(name) != nullptr);
      const std::vector<float> seen = floats(*file.find(name));
      REQUIRE(seen.size() == values.as_array().size());
      for (size_t i = 0; i < seen.size(); ++i)
        CHECK(static_cast<double>(seen[i]) == Approx(values.as_array()[i].as_double()).epsilon(1e-4).margin(1e-5));
    }
  }
}

TEST_CASE("a new adapter on linear maps that are published turned says so, as PEFT does") {
  const Folders folders("gpt2");
  const auto engine = open(folders.base(), LoraOptions{.r = 2, .alpha = 4, .targets = {"c_fc"}});
  const std::string theirs = golden_file("gpt2", kPeftConfig), ours = engine->folder_files().front().text;
  CHECK(parse_json(ours).at("fan_in_fan_out") == Json(true));
  CHECK(parse_json(theirs).at("fan_in_fan_out") == Json(true));
}

TEST_CASE("a new adapter changes nothing, depends on the seed alone, and its files are an adapter again") {
  const Folders folders;
  const LoraOptions lora{.r = 4, .alpha = 6, .targets = {"k_proj", "up_proj"}};
  const auto engine = open(folders.base(), lora);
  const auto base = open(folders.base());
  const Version fresh = engine->initial();
  CHECK(scored(*engine, fresh) == scored(*base, base->initial()));
  CHECK(engine->digest(fresh) == engine->digest(engine->initial()));
  const auto other = open(folders.base(), lora, 2);
  CHECK(engine->digest(fresh) != other->digest(other->initial()));

  OneStep step;
  Recorder recorder;
  const Version learned = UpdateCall().run(*engine, fresh, step, recorder).version;
  CHECK(scored(*engine, learned) != scored(*engine, fresh));
  std::string config;
  for (const FolderFile& file : engine->folder_files())
    if (file.name == kPeftConfig) config = file.text;
  const Folders again(config, saved(*engine, learned, Part::weights));
  const auto reread = open(again.adapter());
  CHECK(reread->digest(reread->initial()) == engine->digest(learned));
  CHECK(scored(*reread, reread->initial()) == scored(*engine, learned));
  CHECK(open(again.adapter())->source_digest() != open(folders.base())->source_digest());
}

TEST_CASE("an adapter that cannot be read says what of it") {
  const auto refusal = [](const std::string& from, const std::string& to) {
    std::string config = golden_file("llama_gqa", kPeftConfig);
    const size_t at = config.find(from);
    REQUIRE(at != std::string::npos);
    const Folders folders(config.replace(at, from.size(), to), golden_file("llama_gqa", kPeftWeights));
    try {
      open(folders.adapter())->initial();
    } catch (const Error& error) {
      CHECK(error.code() == Exit::unreadable);
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  CHECK_THAT(refusal("\"LORA\"", "\"IA3\""), Contains("peft_type is \"IA3\"; LORA alone is read"));
  CHECK_THAT(refusal("\"r\": 3", "\"r\": 0"), Contains("r is 0; allowed: 1 to 4096"));
  CHECK_THAT(refusal("\"r\": 3", "\"r\": 4"), Contains("lora_A.weight"));
  CHECK_THAT(refusal("\"use_dora\": false", "\"use_dora\": true"), Contains("use_dora is true"));
  CHECK_THAT(refusal("\"bias\": \"none\"", "\"bias\": \"all\""), Contains("bias is \"all\""));
  CHECK_THAT(refusal("\"base\"", "\"hub/name\""), Contains("its base model hub/name is no folder or .gguf file here"));
}

TEST_CASE("a recipe's adapter on a folder that holds one already is refused") {
  const Folders folders;
  CHECK_THROWS_WITH(open(folders.adapter(), LoraOptions{}), Contains("the folder holds an adapter"));
}

}  // namespace
}  // namespace sil::test
