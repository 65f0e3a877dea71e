// The transformer against the contract of every engine (tests/engines/engine_contract.h).
#include "engines/engine_contract.h"
#include "engines/tiny_codec.h"
#include "nn/engines.h"
#include "nn/folder.h"
#include "nn/golden_model.h"
#include "record/temp_dir.h"
#include "text/codecs.h"

namespace sil::test {
namespace {

std::unique_ptr<Engine> make_engine(Json::Object options, int threads, const std::optional<LoraOptions>& lora) {
  Registry<EngineFactory> registry{"engine"};
  nn::register_llama(registry);
  return make_plugin(registry, "llama", std::move(options))
      ->make({.key = 1, .codec = std::make_shared<TinyCodec>(), .lora = lora, .threads = threads});
}

EngineSubject subject(Json::Object options, const std::optional<LoraOptions>& lora = {}) {
  return {.make = [=](int threads) { return make_engine(options, threads, lora); },
          .prompts = {"abc", "a", "hello", "bad"}};
}

TEST_CASE("the transformer keeps the engine contract") {
  check_engine_contract(subject({{"layers", 1}, {"width", 16}, {"heads", 2}, {"context", 128}}));
}

TEST_CASE("a transformer with grouped queries, a head of its own and biases or norms keeps the engine contract") {
  for (const char* family : {"qkv_bias", "qk_norm"})
    check_engine_contract(subject({{"layers", 2},
                                   {"width", 24},
                                   {"heads", 6},
                                   {"kv_heads", 2},
                                   {"hidden", 20},
                                   {"context", 128},
                                   {"tied", false},
                                   {family, true}}));
}

TEST_CASE("a transformer whose low-rank factors are trained keeps the engine contract") {
  const Json::Object options{{"layers", 2},  {"width", 24},    {"heads", 6},    {"kv_heads", 2},
                             {"hidden", 20}, {"context", 128}, {"tied", false}, {"qk_norm", true}};
  check_engine_contract(subject(options, LoraOptions{.r = 3, .alpha = 40, .targets = {}}));
  check_engine_contract(
      subject(options, LoraOptions{.r = 2, .alpha = 30, .targets = {"v_proj", "gate_proj"}, .rslora = true}));
}

// A folder of a family that is not started from scratch, with weights as a fresh model's.
std::string write_folder(const std::string& folder, nn::DecoderShape shape) {
  const std::shared_ptr<const Codec> codec = chars_codec("abcdefghijklmnopqrstuvwxyz");
  shape.vocabulary = codec->vocabulary_size();
  shape.context = 128;
  const nn::Model model(shape, nn::cpu_kernels());
  StringSink weights;
  model.write_weights({.weights = model.initial(1), .moments = {}, .merged = {}}, weights);
  std::vector<FolderFile> files = nn::folder_files(shape, *codec);
  files.push_back({"model.safetensors", weights.take()});
  for (const FolderFile& file : files) std::ofstream(folder + "/" + file.name, std::ios::binary) << file.text;
  return folder;
}

TEST_CASE("a model from the folder of each other family keeps the engine contract") {
  for (const char* name : {"gemma3", "gpt2"}) {
    const TempDir dir;
    const std::string folder = write_folder(dir.path(), GoldenModel(name).model.shape());
    Registry<EngineFactory> registry{"engine"};
    nn::register_path(registry);
    check_engine_contract({.make =
                               [&](int threads) {
                                 return make_plugin(registry, "path", {{"folder", folder}})
                                     ->make({.key = 1, .codec = nullptr, .threads = threads});
                               },
                           .prompts = {"abc", "a", "hello", "bad"}});
  }
}

TEST_CASE("targets of an adapter that the model lacks are refused with those it has") {
  try {
    make_engine({{"layers", 1}, {"width", 8}, {"heads", 2}}, 1, LoraOptions{.targets = {"q_proj", "c_attn"}});
    FAIL("accepted");
  } catch (const Error& error) {
    CHECK(error.code() == Exit::usage);
    CHECK_THAT(error.what(), Catch::Contains("no matrices `c_attn`") &&
                                 Catch::Contains("q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj"));
  }
}

TEST_CASE("shapes that no family of models has are refused before anything is made") {
  Registry<EngineFactory> registry{"engine"};
  nn::register_llama(registry);
  const auto refusal = [&](Json::Object options) {
    try {
      make_plugin(registry, "llama", std::move(options));
    } catch (const Error& error) {
      CHECK(error.code() == Exit::usage);
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  CHECK_THAT(refusal({{"qkv_bias", true}, {"qk_norm", true}}), Catch::Contains("both qkv_bias and qk_norm"));
  CHECK_THAT(refusal({{"rope_theta", 0.0}, {"qk_norm", true}}), Catch::Contains("rope_theta is 0 with qk_norm"));
  CHECK_THAT(refusal({{"width", 10}, {"heads", 4}}), Catch::Contains("width 10 with 4 heads"));
}

}  // namespace
}  // namespace sil::test
