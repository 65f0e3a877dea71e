#include "formats/gguf_model.h"

#include <cmath>
#include <cstdlib>
#include <map>

#include "sil/digest.h"
#include "sil/env.h"
#include "support/catch.h"

namespace sil {
namespace {

using Catch::Matchers::Contains;

const std::string kGolden = SIL_SOURCE_DIR "/tests/golden/";

std::string golden(const std::string& name = "llama") {
  return system_env().read_all(kGolden + "gguf/" + name + ".gguf");
}

struct Source {
  std::vector<GgufEntry> entries;
  std::vector<GgufTensor> tensors;

  void set(const std::string& key, Json value) {
    for (GgufEntry& entry : entries)
      if (entry.key == key) {
        entry.type = type_of(value);
        entry.value = std::move(value);
        return;
      }
    entries.push_back({key, type_of(value), std::move(value), {}});
  }
  void remove(const std::string& key) {
    std::erase_if(entries, [&](const GgufEntry& entry) { return entry.key == key; });
  }
  std::string file() const {
    StringSink sink;
    write_gguf(entries, tensors, sink, [](const GgufTensor& t) { return t.bytes; });
    return sink.take();
  }
  static GgufValueType type_of(const Json& value) {
    if (value.is_string()) return GgufValueType::string;
    return value.is_int() ? GgufValueType::i32 : value.is_bool() ? GgufValueType::boolean : GgufValueType::f32;
  }
};

// What the golden file holds, to be changed.
Source source(const std::string& bytes) {
  Gguf file = read_gguf(bytes);
  Source out;
  for (const auto& [key, value] : file.metadata.as_object()) out.set(key, value);
  out.tensors = file.tensors;
  return out;
}

std::string refusal(const Source& changed) {
  const std::string bytes = changed.file();
  try {
    const GgufModel model(bytes, {"m.gguf", 0, 0});
  } catch (const Error& error) {
    CHECK(error.code() == Exit::unreadable);
    CHECK(error.findings().size() == 1);
    CHECK(std::string(error.what()).starts_with("m.gguf: "));
    return error.what();
  }
  return "accepted";
}

std::string refusal_with(const std::string& key, Json value, const std::string& name = "llama") {
  const std::string bytes = golden(name);
  Source changed = source(bytes);
  changed.set(key, std::move(value));
  return refusal(changed);
}

HfConfig config(HfFamily family) {
  return {.family = family,
          .hidden_size = 32,
          .intermediate_size = 64,
          .num_hidden_layers = 2,
          .num_attention_heads = 4,
          .num_key_value_heads = 2,
          .head_dim = 16,
          .vocab_size = 11,
          .max_position_embeddings = 64,
          .norm_eps = 1e-6,
          .rope_theta = 500,
          .rope_scaling = {},
          .tie_word_embeddings = false,
          .other = Json::Object{{"bos_token_id", Json()}, {"eos_token_id", 3}, {"pad_token_id", Json()}}};
}

// Values by which every element of a model is known: exact in F16 and BF16.
std::vector<float> values_of(const std::string& name, const std::vector<int64_t>& shape) {
  size_t count = 1, seed = 0;
  for (const int64_t dimension : shape) count *= static_cast<size_t>(dimension);
  for (const char c : name) seed = seed * 31 + static_cast<unsigned char>(c);
  std::vector<float> out(count);
  for (size_t i = 0; i < count; ++i) out[i] = static_cast<float>((seed + i * 7) % 255) - 127;
  return out;
}

std::string written(const HfConfig& of, GgmlType type) {
  const std::vector<GgufEntry> more = {{"tokenizer.ggml.eos_token_id", GgufValueType::u32, 3, {}}};
  std::map<std::string, std::vector<int64_t>> shapes;
  for (const GgufName& name : gguf_names(of)) shapes[name.published] = name.shape;
  StringSink sink;
  write_gguf_model(
      of, type, more,
      [&](const std::string& name, std::vector<float>& values) { values = values_of(name, shapes.at(name)); }, sink);
  return sink.take();
}

TEST_CASE("a model as llama.cpp lays it out is that of Hugging Face, bit for bit") {
  const std::map<std::string, std::string> golden_models = {
      {"llama", "llama_gqa"}, {"gemma3", "gemma3"}, {"gpt2", "gpt2"}};
  for (const auto& [file, folder] : golden_models) {
    const std::string bytes = golden(file);
    const GgufModel model(bytes, {});
    const std::string published = system_env().read_all(kGolden + "transformer/" + folder + ".safetensors");
    const Safetensors wanted = read_safetensors(published);
    REQUIRE(model.tensors().size() == wanted.tensors.size());
    std::vector<float> values;
    for (size_t i = 0; i < model.tensors().size(); ++i) {
      INFO(file << " " << model.tensors()[i].name);
      const TensorView* tensor = wanted.find(model.tensors()[i].name);
      REQUIRE(tensor != nullptr);
      CHECK(tensor->shape == model.tensors()[i].shape);
      model.read(i, values);
      std::vector<float> exact = floats(*tensor);
      // The file has the sum, rounded.
      if (file == "gemma3" && tensor->name.ends_with("norm.weight"))
        for (float& value : exact) value = value + 1 - 1;
      CHECK(values == exact);
    }
  }
}

TEST_CASE("hyperparameters of Gemma 3 become those of config.json, with what llama.cpp has in its code") {
  const std::string bytes = golden("gemma3");
  const HfConfig config = GgufModel(bytes, {}).config();
  CHECK(config.family == HfFamily::gemma3);
  CHECK(config.num_attention_heads == 4);
  CHECK(config.num_key_value_heads == 2);
  CHECK(config.head_dim == 8);
  CHECK(config.rope_theta == 500);
  CHECK(config.rope_scaling == RopeScaling{.type = RopeType::linear, .factor = 2});
  CHECK(config.sliding_window == 11);
  CHECK(config.sliding_layers == std::vector<bool>{true, true, true});
  CHECK(config.rope_local_base_freq == 10000);
  CHECK(config.query_pre_attn_scalar == 8);
  CHECK(config.tie_word_embeddings);
  Source changed = source(bytes);
  changed.set("gemma3.attention.sliding_window_pattern", 2);
  changed.set("gemma3.rope.freq_base_swa", 77.0);
  const std::string other = changed.file();
  CHECK(GgufModel(other, {}).config().sliding_layers == std::vector<bool>{true, false, true});
  CHECK(GgufModel(other, {}).config().rope_local_base_freq == 77);
  changed.remove("gemma3.attention.sliding_window");
  const std::string without = changed.file();
  CHECK(GgufModel(without, {}).config().sliding_layers == std::vector<bool>{false, false, false});
  CHECK_THAT(refusal_with("gemma3.final_logit_softcapping", 30.0, "gemma3"),
             Contains("gemma3.final_logit_softcapping is not known"));
  CHECK_THAT(refusal_with("gemma3.attention.sliding_window", -1, "gemma3"), Contains("sliding_window is -1"));
}

TEST_CASE("hyperparameters of GPT-2 become those of config.json") {
  const std::string bytes = golden("gpt2");
  const HfConfig config = GgufModel(bytes, {}).config();
  CHECK(config.family == HfFamily::gpt2);
  CHECK(config.hidden_size == 16);
  CHECK(config.intermediate_size == 20);
  CHECK(config.num_attention_heads == 4);
  CHECK(config.num_key_value_heads == 4);
  CHECK(config.head_dim == 4);
  CHECK(config.max_position_embeddings == 48);
  CHECK(config.norm_eps == 1e-5);
  CHECK(config.tie_word_embeddings);
  CHECK(config.other.at("activation_function") == Json("gelu_new"));
  CHECK_THAT(refusal_with("gpt2.attention.head_count", 3, "gpt2"),
             Contains("gpt2.embedding_length is 16 with 3 heads"));
  CHECK_THAT(refusal_with("gpt2.attention.head_count_kv", 2, "gpt2"), Contains("gpt2.attention.head_count_kv is 2"));
  CHECK_THAT(refusal_with("gpt2.rope.freq_base", 10000.0, "gpt2"), Contains("gpt2.rope.freq_base is not known"));
}

TEST_CASE("SmolLM2 has the weights that numpy makes of its file") {
  const std::string path = SIL_SOURCE_DIR "/.deps/SmolLM2-135M-Instruct.Q4_1.gguf";
  if (!system_env().exists(path)) {
    WARN("SKIPPED: there is no " << path << "; scripts/get_smollm2.sh fetches it");
    return;
  }
  const std::string bytes = system_env().read_all(path);
  const GgufModel model(bytes, {path, 0, 0});
  const Json golden = parse_json(system_env().read_all(kGolden + "gguf/smollm2.json"));
  std::map<std::string, size_t> places;
  for (const GgufName& name : gguf_names(model.config())) places.emplace(name.gguf, places.size());
  REQUIRE(places.size() == static_cast<size_t>(golden.at("tensors").as_int()));
  Sha256 all;
  std::vector<float> values;
  for (const GgufTensor& tensor : read_gguf(bytes).tensors) {
    model.read(places.at(tensor.name), values);
    const std::string_view data(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
    all.bytes(data);
    if (const Json* wanted = golden.at("some").find(tensor.name); wanted != nullptr) {
      INFO(tensor.name);
      CHECK(Sha256().bytes(data).finish().hex() == wanted->as_string());
    }
  }
  CHECK(all.finish().hex() == golden.at("sha256").as_string());
  CHECK(model.config().tie_word_embeddings);
  CHECK(model.config().rope_theta == 100000);
  CHECK(model.config().norm_eps == 1e-5);
  CHECK_THAT(model.chat_template(), Contains("a helpful AI assistant named SmolLM"));
}

TEST_CASE("hyperparameters become those of config.json") {
  const std::string bytes = golden();
  const Json about = parse_json(system_env().read_all(kGolden + "transformer/llama_gqa.json"));
  const HfConfig config = GgufModel(bytes, {}).config();
  CHECK(config.family == HfFamily::llama);
  CHECK(config.hidden_size == about.at("width").as_int());
  CHECK(config.intermediate_size == about.at("hidden").as_int());
  CHECK(config.num_hidden_layers == about.at("layers").as_int());
  CHECK(config.num_attention_heads == about.at("heads").as_int());
  CHECK(config.num_key_value_heads == about.at("kv_heads").as_int());
  CHECK(config.head_dim == about.at("head_width").as_int());
  CHECK(config.vocab_size == about.at("vocabulary").as_int());
  CHECK(config.max_position_embeddings == about.at("context").as_int());
  CHECK(config.norm_eps == 1e-6);  // not the float 9.999999974752427e-07
  CHECK(config.rope_theta == 500);
  CHECK(config.rope_scaling == RopeScaling());
  CHECK_FALSE(config.tie_word_embeddings);
  CHECK(config.other == Json(Json::Object{{"bos_token_id", 0}, {"eos_token_id", 1}, {"pad_token_id", Json()}}));
}

TEST_CASE("chat template and settings of generation are kept") {
  const std::string bytes = golden();
  const GgufModel model(bytes, {});
  CHECK(model.chat_template() == "{{ messages[0].content }}");
  const Json generation = parse_json(model.generation_config());
  CHECK(generation.at("bos_token_id") == Json(0));
  CHECK(generation.at("eos_token_id") == Json(Json::Array{1, 2}));  // of the text and of the turn
  CHECK(generation.at("temperature") == Json(0.6));
  CHECK(generation.at("do_sample") == Json(true));
}

TEST_CASE("a model is written with the tensors of llama.cpp's converter") {
  const std::string bytes = golden();
  const GgufModel model(bytes, {});
  std::map<std::string, size_t> places;
  for (size_t i = 0; i < model.tensors().size(); ++i) places[model.tensors()[i].name] = i;
  StringSink sink;
  write_gguf_model(
      model.config(), GgmlType::f32, {},
      [&](const std::string& name, std::vector<float>& values) { model.read(places.at(name), values); }, sink);
  const std::string ours = sink.take();
  const Gguf again = read_gguf(ours), wanted = read_gguf(bytes);
  REQUIRE(again.tensors.size() == wanted.tensors.size());
  for (const GgufTensor& tensor : wanted.tensors) {
    INFO(tensor.name);
    REQUIRE(again.find(tensor.name) != nullptr);
    CHECK(again.find(tensor.name)->shape == tensor.shape);
    CHECK(again.find(tensor.name)->bytes == tensor.bytes);
  }
}

TEST_CASE("every family and type comes back as it was written") {
  for (const HfFamily family : {HfFamily::llama, HfFamily::qwen2, HfFamily::qwen3})
    for (const bool tied : {false, true})
      for (const GgmlType type : {GgmlType::f32, GgmlType::f16, GgmlType::bf16, GgmlType::q8_0}) {
        HfConfig wanted = config(family);
        wanted.tie_word_embeddings = tied;
        const std::string bytes = written(wanted, type);
        INFO(name(family) << " " << about(type).name);
        CHECK(bytes == written(wanted, type));
        const GgufModel model(bytes, {});
        CHECK(model.config() == wanted);
        std::vector<float> values;
        for (size_t i = 0; i < model.tensors().size(); ++i) {
          model.read(i, values);
          const std::vector<float> exact = values_of(model.tensors()[i].name, model.tensors()[i].shape);
          REQUIRE(values.size() == exact.size());
          float worst = 0;
          for (size_t k = 0; k < values.size(); ++k) worst = std::max(worst, std::fabs(values[k] - exact[k]));
          CHECK(worst <= (type == GgmlType::q8_0 ? 0.6F : 0.0F));  // half a step of 127 / 127, and the scale's rounding
        }
      }
}

TEST_CASE("vectors stay F32, and a matrix whose rows are no whole blocks is F16") {
  HfConfig narrow = config(HfFamily::qwen3);
  narrow.intermediate_size = 48;
  const std::string bytes = written(narrow, GgmlType::q8_0);
  const Gguf file = read_gguf(bytes);
  CHECK(file.find("blk.0.attn_norm.weight")->type == GgmlType::f32);
  CHECK(file.find("blk.0.attn_q_norm.weight")->type == GgmlType::f32);
  CHECK(file.find("blk.1.ffn_gate.weight")->type == GgmlType::q8_0);
  CHECK(file.find("blk.1.ffn_down.weight")->type == GgmlType::f16);
  CHECK(file.metadata.at("general.file_type") == Json(7));
}

TEST_CASE("a stretched rotary embedding comes back as it was written") {
  HfConfig linear = config(HfFamily::llama);
  linear.rope_scaling = {.type = RopeType::linear, .factor = 2.5};
  const std::string of_linear = written(linear, GgmlType::f32);
  CHECK(GgufModel(of_linear, {}).config() == linear);
  CHECK(read_gguf(of_linear).metadata.at("llama.rope.scaling.type") == Json("linear"));
  HfConfig llama3 = config(HfFamily::llama);
  llama3.rope_scaling = {RopeType::llama3, 8, 1, 4, 40};
  const std::string of_llama3 = written(llama3, GgmlType::f32);
  CHECK(GgufModel(of_llama3, {}).config() == llama3);
  // transformers' plain frequencies over its stretched ones.
  const std::vector<float> wanted{1, 1.455157F, 4.424773F, 8, 8, 8, 8, 8};
  const std::vector<float> divisors = rope_divisors(llama3);
  REQUIRE(divisors.size() == wanted.size());
  for (size_t i = 0; i < wanted.size(); ++i) CHECK(divisors[i] == Approx(wanted[i]).epsilon(1e-5));
}

TEST_CASE("divisors that are not those of Llama 3 are refused") {
  HfConfig other = config(HfFamily::llama);
  other.rope_scaling = {RopeType::llama3, 8, 1, 3, 40};
  const std::string bytes = written(other, GgmlType::f32);
  CHECK_THAT(refusal(source(bytes)), Contains("rope_freqs.weight is not the stretching of Llama 3"));
}

TEST_CASE("hyperparameters that would change the model are refused by their key") {
  CHECK_THAT(refusal_with("general.architecture", "gemma2"), Contains("\"gemma2\"; supported: llama, qwen2, qwen3"));
  CHECK_THAT(refusal_with("llama.expert_count", 8), Contains("llama.expert_count is 8") && Contains("without experts"));
  CHECK_THAT(refusal_with("llama.rope.dimension_count", 2), Contains("llama.rope.dimension_count is 2"));
  CHECK_THAT(refusal_with("llama.attention.value_length", 8), Contains("llama.attention.value_length is 8"));
  CHECK_THAT(refusal_with("llama.attention.sliding_window", 47), Contains("sliding_window is 47"));
  CHECK(refusal_with("llama.attention.sliding_window", 48) == "accepted");
  CHECK_THAT(refusal_with("llama.rope.scaling.type", "yarn"),
             Contains("rope.scaling.type is \"yarn\"; supported: none"));
  CHECK_THAT(refusal_with("llama.rope.scaling.type", "linear"), Contains("rope.scaling.factor is missing"));
  CHECK_THAT(refusal_with("llama.rope.scale_linear", 0.25), Contains("factor is 0.25"));
  CHECK_THAT(refusal_with("llama.logit_scale", 2.0), Contains("llama.logit_scale is not known"));
  CHECK_THAT(refusal_with("llama.vocab_size", 38), Contains("llama.vocab_size is 38") && Contains("37, the rows of"));
}

TEST_CASE("hyperparameters out of range are refused with the range") {
  CHECK_THAT(refusal_with("llama.block_count", 0),
             Contains("llama.block_count is 0; allowed: integers from 1 to 1024"));
  CHECK_THAT(refusal_with("llama.block_count", 1025), Contains("1025"));
  CHECK_THAT(refusal_with("llama.embedding_length", -16), Contains("is -16"));
  CHECK_THAT(refusal_with("llama.attention.head_count", "4"), Contains("is \"4\""));
  CHECK_THAT(refusal_with("llama.attention.head_count_kv", 3), Contains("head_count_kv is 3 with 4 heads"));
  CHECK_THAT(refusal_with("llama.attention.key_length", 3), Contains("heads are 3 wide"));
  CHECK_THAT(refusal_with("llama.rope.freq_base", std::nan("")), Contains("llama.rope.freq_base is null"));
  CHECK_THAT(refusal_with("llama.attention.layer_norm_rms_epsilon", 0.0), Contains("numbers above 0"));
  const std::string bytes = golden();
  for (const char* key : {"llama.block_count", "llama.context_length", "llama.attention.layer_norm_rms_epsilon",
                          "general.architecture"}) {
    Source changed = source(bytes);
    changed.remove(key);
    CHECK_THAT(refusal(changed), Contains(key));
  }
}

TEST_CASE("tensors of another model are refused by name") {
  CHECK_THAT(refusal_with("llama.block_count", 3), Contains("\"blk.2.attn_q.weight\" is missing"));
  CHECK_THAT(refusal_with("llama.block_count", 1), Contains("\"blk.1.attn_k.weight\" is not part of the model"));
  CHECK_THAT(refusal_with("llama.feed_forward_length", 21),
             Contains("\"blk.0.ffn_gate.weight\" is F32 [20, 16] instead of F32 [21, 16]"));
  const std::string bytes = golden();
  Source vocabulary = source(bytes);
  vocabulary.tensors.clear();
  CHECK_THAT(refusal(vocabulary), Contains("no token_embd.weight: it is a vocabulary"));
}

TEST_CASE("a family that llama.cpp does not know, or that is read alone, is not written") {
  for (const HfFamily family : {HfFamily::gemma3, HfFamily::gpt2}) {
    StringSink sink;
    CHECK_THROWS_WITH(write_gguf_model(config(family), GgmlType::f32, {}, {}, sink), Contains("are read, not written"));
  }
  CHECK_THROWS_WITH(gguf_names(config(HfFamily::llama_nope)), Contains("sil-llama-nope"));
}

}  // namespace
}  // namespace sil
