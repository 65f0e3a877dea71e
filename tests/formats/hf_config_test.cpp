#include "formats/hf_config.h"

#include "sil/json.h"
#include "support/catch.h"

namespace sil {
namespace {

using Catch::Matchers::Contains;

const Place kWhere{"m/config.json", 0, 0};

HfConfig config(HfFamily family) {
  return {.family = family,
          .hidden_size = 16,
          .intermediate_size = 20,
          .num_hidden_layers = 2,
          .num_attention_heads = 4,
          .num_key_value_heads = 2,
          .head_dim = 8,
          .vocab_size = 37,
          .max_position_embeddings = 48,
          .norm_eps = 1e-6,
          .rope_theta = 500000,
          .rope_scaling = {},
          .tie_word_embeddings = true,
          .other = Json::object()};
}

// Without what is only carried over.
HfConfig without_other(HfConfig config) {
  config.other = Json::object();
  return config;
}

// As transformers 5.23.0 saves a Qwen3 model.
constexpr const char* kQwen3Of5 = R"({
  "architectures": ["Qwen3ForCausalLM"], "attention_bias": false, "attention_dropout": 0.0, "bos_token_id": null,
  "dtype": "float32", "eos_token_id": null, "head_dim": 8, "hidden_act": "silu", "hidden_size": 16,
  "initializer_range": 0.02, "intermediate_size": 20, "layer_types": ["full_attention", "full_attention"],
  "max_position_embeddings": 48, "max_window_layers": 28, "model_type": "qwen3", "num_attention_heads": 4,
  "num_hidden_layers": 2, "num_key_value_heads": 2, "pad_token_id": null, "rms_norm_eps": 1e-06,
  "rope_parameters": {"rope_theta": 500000.0, "rope_type": "default"}, "sliding_window": null,
  "tie_word_embeddings": true, "transformers_version": "5.23.0", "use_cache": true, "use_sliding_window": false,
  "vocab_size": 37})";

// As transformers 4 saves them: the keys of Qwen2.5-0.5B and of Llama 2, with small sizes.
constexpr const char* kQwen2Of4 = R"({
  "architectures": ["Qwen2ForCausalLM"], "attention_dropout": 0.0, "bos_token_id": 151643, "eos_token_id": 151643,
  "hidden_act": "silu", "hidden_size": 32, "initializer_range": 0.02, "intermediate_size": 20,
  "max_position_embeddings": 48, "max_window_layers": 24, "model_type": "qwen2", "num_attention_heads": 4,
  "num_hidden_layers": 2, "num_key_value_heads": 2, "rms_norm_eps": 1e-06, "rope_theta": 500000.0,
  "sliding_window": 32768, "tie_word_embeddings": true, "torch_dtype": "bfloat16", "transformers_version": "4.40.1",
  "use_cache": true, "use_mrope": false, "use_sliding_window": false, "vocab_size": 37})";
constexpr const char* kLlamaOf4 = R"({
  "architectures": ["LlamaForCausalLM"], "bos_token_id": 1, "eos_token_id": 2, "hidden_act": "silu",
  "hidden_size": 16, "initializer_range": 0.02, "intermediate_size": 20, "max_position_embeddings": 48,
  "model_type": "llama", "num_attention_heads": 4, "num_hidden_layers": 2, "pretraining_tp": 1, "rms_norm_eps": 1e-05,
  "rope_scaling": null, "tie_word_embeddings": false, "torch_dtype": "float16", "vocab_size": 37})";

// As transformers 5.23.0 and 4 save a GPT-2.
constexpr const char* kGpt2Of5 = R"({
  "activation_function": "gelu_new", "add_cross_attention": false, "architectures": ["GPT2LMHeadModel"],
  "attn_pdrop": 0.1, "bos_token_id": 50256, "dtype": "float32", "embd_pdrop": 0.1, "eos_token_id": 50256,
  "initializer_range": 0.02, "layer_norm_epsilon": 1e-05, "model_type": "gpt2", "n_embd": 16, "n_head": 4,
  "n_inner": 20, "n_layer": 2, "n_positions": 48, "pad_token_id": null, "reorder_and_upcast_attn": false,
  "resid_pdrop": 0.1, "scale_attn_by_inverse_layer_idx": false, "scale_attn_weights": true,
  "summary_activation": null, "summary_first_dropout": 0.1, "summary_proj_to_labels": true,
  "summary_type": "cls_index", "summary_use_proj": true, "tie_word_embeddings": true,
  "transformers_version": "5.23.0", "use_cache": true, "vocab_size": 37})";
constexpr const char* kGpt2Of4 = R"({
  "activation_function": "gelu_new", "architectures": ["GPT2LMHeadModel"], "attn_pdrop": 0.1, "bos_token_id": 50256,
  "embd_pdrop": 0.1, "eos_token_id": 50256, "initializer_range": 0.02, "layer_norm_epsilon": 1e-05,
  "model_type": "gpt2", "n_ctx": 48, "n_embd": 16, "n_head": 4, "n_layer": 2, "n_positions": 48, "resid_pdrop": 0.1,
  "task_specific_params": {"text-generation": {"do_sample": true, "max_length": 50}}, "vocab_size": 37})";

// As transformers 5.23.0 saves a Gemma 3, and with the keys of gemma-3-1b-it, which transformers 4.50 saved.
constexpr const char* kGemma3Of5 = R"({
  "_sliding_window_pattern": 6, "architectures": ["Gemma3ForCausalLM"], "attention_bias": false,
  "attention_dropout": 0.0, "attn_logit_softcapping": null, "bos_token_id": 2, "dtype": "float32", "eos_token_id": 1,
  "final_logit_softcapping": null, "head_dim": 8, "hidden_activation": "gelu_pytorch_tanh", "hidden_size": 16,
  "initializer_range": 0.02, "intermediate_size": 20,
  "layer_types": ["sliding_attention", "full_attention", "sliding_attention"], "max_position_embeddings": 48,
  "model_type": "gemma3_text", "num_attention_heads": 4, "num_hidden_layers": 3, "num_key_value_heads": 2,
  "pad_token_id": 0, "query_pre_attn_scalar": 20, "rms_norm_eps": 1e-06,
  "rope_parameters": {"full_attention": {"factor": 2.0, "rope_theta": 500000.0, "rope_type": "linear"},
                      "sliding_attention": {"rope_theta": 60.0, "rope_type": "default"}},
  "sliding_window": 11, "tie_word_embeddings": true, "transformers_version": "5.23.0",
  "use_bidirectional_attention": false, "use_cache": true, "vocab_size": 37})";
constexpr const char* kGemma3Of4 = R"({
  "architectures": ["Gemma3ForCausalLM"], "attention_bias": false, "attention_dropout": 0.0,
  "attn_logit_softcapping": null, "bos_token_id": 2, "cache_implementation": "hybrid", "eos_token_id": [1, 106],
  "final_logit_softcapping": null, "head_dim": 8, "hidden_activation": "gelu_pytorch_tanh", "hidden_size": 16,
  "initializer_range": 0.02, "intermediate_size": 20, "max_position_embeddings": 48, "model_type": "gemma3_text",
  "num_attention_heads": 4, "num_hidden_layers": 7, "num_key_value_heads": 2, "pad_token_id": 0,
  "query_pre_attn_scalar": 256, "rms_norm_eps": 1e-06, "rope_local_base_freq": 10000, "rope_scaling": null,
  "rope_theta": 1000000.0, "sliding_window": 512, "sliding_window_pattern": 6, "torch_dtype": "bfloat16",
  "transformers_version": "4.50.0.dev0", "use_cache": true, "vocab_size": 37})";

HfConfig gemma3() {
  HfConfig out = config(HfFamily::gemma3);
  out.num_hidden_layers = 3;
  out.rope_scaling = {.type = RopeType::linear, .factor = 2};
  out.sliding_window = 11;
  out.sliding_layers = {true, false, true};
  out.rope_local_base_freq = 60;
  out.query_pre_attn_scalar = 20;
  return out;
}

HfConfig gpt2() {
  HfConfig out = config(HfFamily::gpt2);
  out.num_key_value_heads = 4;
  out.head_dim = 4;
  out.norm_eps = 1e-5;
  out.rope_theta = HfConfig().rope_theta;  // says nothing
  return out;
}

std::string refusal(const std::string& text) {
  try {
    read_hf_config(text, kWhere);
  } catch (const Error& error) {
    CHECK(error.code() == Exit::unreadable);
    return error.findings().front().text();
  }
  return "accepted";
}

// kQwen3Of5 with one member changed.
std::string refusal_with(const std::string& key, Json value) {
  Json json = parse_json(kQwen3Of5);
  json.set(key, std::move(value));
  return refusal(dump(json));
}

std::string refusal_without(const std::string& key) {
  return refusal_with(key, Json());
}

TEST_CASE("a config of each family reads back as it was written") {
  for (const HfFamily family : {HfFamily::llama, HfFamily::mistral, HfFamily::qwen2, HfFamily::qwen3}) {
    const HfConfig wanted = config(family);
    CHECK(without_other(read_hf_config(write_hf_config(wanted), kWhere)) == wanted);
  }
  HfConfig without = config(HfFamily::llama_nope);
  without.rope_theta = 10000;  // says nothing there
  CHECK(read_hf_config(write_hf_config(without), kWhere) == without);
}

TEST_CASE("config.json says what transformers 4 and 5 look for") {
  const Json json = parse_json(write_hf_config(config(HfFamily::qwen2)));
  CHECK(json.at("architectures") == Json(Json::Array{"Qwen2ForCausalLM"}));
  CHECK(json.at("model_type") == Json("qwen2"));
  CHECK(json.at("num_key_value_heads") == Json(2));
  CHECK(json.at("head_dim") == Json(8));
  CHECK(json.at("max_position_embeddings") == Json(48));
  CHECK(json.at("tie_word_embeddings") == Json(true));
  CHECK(json.at("rope_theta").as_double() == 500000);
  CHECK(json.at("rope_parameters").at("rope_theta").as_double() == 500000);
  CHECK(json.at("rope_parameters").at("rope_type") == Json("default"));
  CHECK(json.at("dtype") == json.at("torch_dtype"));
  const Json other = parse_json(write_hf_config(config(HfFamily::llama_nope)));
  CHECK(other.at("model_type") == Json("sil-llama-nope"));
  CHECK(other.find("rope_theta") == nullptr);
}

TEST_CASE("what transformers 4 and 5 saved is read in either spelling") {
  CHECK(without_other(read_hf_config(kQwen3Of5, kWhere)) == config(HfFamily::qwen3));
  HfConfig qwen2 = config(HfFamily::qwen2);
  qwen2.hidden_size = 32;  // and the width of a head follows
  CHECK(without_other(read_hf_config(kQwen2Of4, kWhere)) == qwen2);
  HfConfig llama = config(HfFamily::llama);
  llama.num_key_value_heads = 4;
  llama.head_dim = 4;
  llama.norm_eps = 1e-5;
  llama.rope_theta = 10000;
  llama.tie_word_embeddings = false;
  CHECK(without_other(read_hf_config(kLlamaOf4, kWhere)) == llama);
}

TEST_CASE("GPT-2's names of the same members are read and written") {
  CHECK(without_other(read_hf_config(kGpt2Of5, kWhere)) == gpt2());
  HfConfig wide = gpt2();
  wide.intermediate_size = 64;  // four times the width, where config.json does not say it
  CHECK(without_other(read_hf_config(kGpt2Of4, kWhere)) == wide);
  CHECK(without_other(read_hf_config(write_hf_config(wide), kWhere)) == wide);
}

TEST_CASE("of GPT-2 what changes the mathematics and is not supported is refused with what is") {
  const auto with = [](const std::string& key, Json value) {
    Json json = parse_json(kGpt2Of5);
    json.set(key, std::move(value));
    return refusal(dump(json));
  };
  CHECK(with("activation_function", "gelu_pytorch_tanh") == "accepted");  // the same
  for (const char* activation : {"relu", "gelu"})
    CHECK_THAT(with("activation_function", activation),
               Contains("activation_function is \"" + std::string(activation) + "\"") && Contains("gelu_new"));
  CHECK_THAT(with("scale_attn_weights", false), Contains("scale_attn_weights is false"));
  CHECK_THAT(with("scale_attn_by_inverse_layer_idx", true), Contains("scale_attn_by_inverse_layer_idx is true"));
  CHECK_THAT(with("add_cross_attention", true), Contains("add_cross_attention is true"));
  CHECK_THAT(with("n_head", 3), Contains("n_embd is 16 with n_head 3"));
  CHECK_THAT(with("n_positions", Json()), Contains("there is no n_positions"));
  CHECK_THAT(with("n_inner", 0), Contains("n_inner is 0"));
}

TEST_CASE("Gemma 3's two kinds of layers are read in either spelling and written in both") {
  CHECK(without_other(read_hf_config(kGemma3Of5, kWhere)) == gemma3());
  CHECK(without_other(read_hf_config(write_hf_config(gemma3()), kWhere)) == gemma3());
  HfConfig of4 = gemma3();
  of4.num_hidden_layers = 7;
  of4.rope_theta = 1e6;
  of4.rope_scaling = {};
  of4.sliding_window = 512;
  of4.sliding_layers = {true, true, true, true, true, false, true};
  of4.rope_local_base_freq = 10000;
  of4.query_pre_attn_scalar = 256;
  CHECK(without_other(read_hf_config(kGemma3Of4, kWhere)) == of4);
  const Json written = parse_json(write_hf_config(gemma3()));
  CHECK(written.at("rope_scaling").at("factor").as_double() == 2);
  CHECK(written.at("rope_theta").as_double() == 500000);
  CHECK(written.at("rope_local_base_freq").as_double() == 60);
  const Json& full = written.at("rope_parameters").at("full_attention");
  const Json& sliding = written.at("rope_parameters").at("sliding_attention");
  CHECK(full.at("rope_type") == Json("linear"));
  CHECK(full.at("factor").as_double() == 2);
  CHECK(full.at("rope_theta").as_double() == 500000);
  CHECK(sliding.at("rope_type") == Json("default"));
  CHECK(sliding.at("rope_theta").as_double() == 60);
  CHECK(written.at("layer_types") == parse_json(kGemma3Of5).at("layer_types"));
}

TEST_CASE("of Gemma 3 what changes the mathematics and is not supported is refused with what is") {
  const auto with = [](const std::string& key, Json value) {
    Json json = parse_json(kGemma3Of5);
    json.set(key, std::move(value));
    return refusal(dump(json));
  };
  CHECK_THAT(with("attn_logit_softcapping", 50.0), Contains("attn_logit_softcapping is 50, which is not supported"));
  CHECK_THAT(with("final_logit_softcapping", 30.0), Contains("final_logit_softcapping is 30"));
  CHECK_THAT(with("use_bidirectional_attention", true), Contains("use_bidirectional_attention is true"));
  CHECK_THAT(with("hidden_activation", "silu"), Contains("hidden_activation") && Contains("gelu_pytorch_tanh"));
  CHECK_THAT(with("attention_bias", true), Contains("attention_bias is true"));
  CHECK_THAT(with("layer_types", Json::Array{"full_attention"}), Contains("for each of 3 layers"));
  CHECK_THAT(with("layer_types", Json::Array{"full_attention", "full_attention", "chunked_attention"}),
             Contains("sliding_attention or full_attention"));
  CHECK_THAT(with("layer_types", "full_attention"), Contains("layer_types is \"full_attention\""));
  CHECK_THAT(with("sliding_window", 0), Contains("sliding_window is 0; allowed: integers from 1"));
  CHECK_THAT(with("query_pre_attn_scalar", -1), Contains("query_pre_attn_scalar is -1"));
  CHECK_THAT(with("num_key_value_heads", Json()), Contains("there is no num_key_value_heads"));
  CHECK_THAT(with("head_dim", Json()), Contains("there is no head_dim"));
  CHECK_THAT(with("rope_local_base_freq", 61.0), Contains("let both say the same"));
  CHECK_THAT(with("rope_parameters", parse_json(R"({"rope_theta": 1e4, "rope_type": "default"})")),
             Contains("full_attention and sliding_attention, a map each"));
  CHECK_THAT(with("rope_parameters", parse_json(R"({"sliding_attention": {"rope_type": "linear", "factor": 2.0}})")),
             Contains("rope_parameters.sliding_attention is stretched"));
  CHECK_THAT(with("rope_parameters", parse_json(R"({"full_attention": {"rope_type": "yarn", "factor": 2.0}})")),
             Contains("rope_parameters.full_attention"));
  CHECK_THAT(with("rope_parameters", parse_json(R"({"full_attention": 3})")),
             Contains("rope_parameters.full_attention is an integer, not a map"));
  CHECK_THAT(with("model_type", "gemma3"), Contains("supported: llama, mistral, qwen2, qwen3, gemma3_text, gpt2"));
}

TEST_CASE("what a config says beside the mathematics is written as it was read") {
  for (const char* text : {kQwen3Of5, kQwen2Of4, kLlamaOf4, kGpt2Of5, kGpt2Of4, kGemma3Of5, kGemma3Of4}) {
    const HfConfig read = read_hf_config(text, kWhere);
    const Json before = parse_json(text), after = parse_json(write_hf_config(read));
    for (const auto& [key, value] : before.as_object()) {
      INFO(key);
      if (key == "torch_dtype" || key == "dtype") continue;  // what is saved is float32
      if (key == "rope_scaling" && value.is_null()) continue;
      REQUIRE(after.find(key) != nullptr);
      if (value.is_object()) continue;            // rope_parameters, whose members may stand in another order
      CHECK(dump(after.at(key)) == dump(value));  // 0.0 is written as 0
    }
    CHECK(write_hf_config(read_hf_config(write_hf_config(read), kWhere)) == write_hf_config(read));
  }
}

// As transformers 4 and 5 write them.
constexpr const char* kLinear4 = R"({"factor": 2.0, "type": "linear"})";
constexpr const char* kLinear5 = R"({"factor": 2.0, "rope_theta": 500000.0, "rope_type": "linear"})";
constexpr const char* kLlama3 = R"({"factor": 8.0, "high_freq_factor": 4.0, "low_freq_factor": 1.0,
                                    "original_max_position_embeddings": 8192, "rope_type": "llama3"})";

HfConfig with(const std::string& key, Json value) {
  Json json = parse_json(kQwen3Of5);
  json.set(key, std::move(value));
  return read_hf_config(dump(json), kWhere);
}

TEST_CASE("a stretched rotary embedding is read in either spelling and written in both") {
  const RopeScaling linear{.type = RopeType::linear, .factor = 2};
  CHECK(with("rope_scaling", parse_json(kLinear4)).rope_scaling == linear);
  CHECK(with("rope_parameters", parse_json(kLinear5)).rope_scaling == linear);
  const HfConfig llama3 = with("rope_scaling", parse_json(kLlama3));
  CHECK(llama3.rope_scaling == RopeScaling{RopeType::llama3, 8, 1, 4, 8192});
  CHECK(read_hf_config(write_hf_config(llama3), kWhere) == llama3);
  const Json written = parse_json(write_hf_config(llama3));
  for (const char* key : {"rope_scaling", "rope_parameters"}) {
    CHECK(written.at(key).at("rope_type") == Json("llama3"));
    CHECK(written.at(key).at("factor").as_double() == 8);
    CHECK(written.at(key).at("low_freq_factor").as_double() == 1);
    CHECK(written.at(key).at("high_freq_factor").as_double() == 4);
    CHECK(written.at(key).at("original_max_position_embeddings") == Json(8192));
  }
  CHECK(written.at("rope_parameters").at("rope_theta").as_double() == 500000);
}

TEST_CASE("a stretched rotary embedding that says nothing sensible is refused by its member") {
  const auto llama3 = [](const std::string& member, Json value) {
    Json rope = parse_json(kLlama3);
    rope.set(member, std::move(value));
    return refusal_with("rope_scaling", std::move(rope));
  };
  CHECK_THAT(llama3("factor", 0.5), Contains("rope_scaling.factor is 0.5; allowed: numbers from 1"));
  CHECK_THAT(llama3("factor", Json()), Contains("rope_scaling.factor is not there"));
  CHECK_THAT(llama3("high_freq_factor", 1.0),
             Contains("high_freq_factor is 1; allowed: numbers above low_freq_factor"));
  CHECK_THAT(llama3("low_freq_factor", -1.0), Contains("low_freq_factor is -1"));
  CHECK_THAT(llama3("original_max_position_embeddings", 0), Contains("original_max_position_embeddings is 0"));
  CHECK_THAT(llama3("attention_factor", 1.0), Contains("rope_type default, linear with factor, llama3"));
  for (const char* type : {"yarn", "dynamic", "longrope"})
    CHECK_THAT(llama3("rope_type", type), Contains("supported:"));
  Json both = parse_json(kQwen3Of5);
  both.set("rope_scaling", parse_json(kLinear4));
  both.set("rope_parameters", parse_json(R"({"factor": 4.0, "rope_theta": 500000.0, "rope_type": "linear"})"));
  CHECK_THAT(refusal(dump(both)), Contains("let both say the same"));
}

TEST_CASE("Mistral is llama where its window covers every sequence") {
  Json json = parse_json(kLlamaOf4);
  json.set("model_type", "mistral");
  CHECK(read_hf_config(dump(json), kWhere).family == HfFamily::mistral);  // 4096, as transformers has it
  const auto windowed = [&](Json window) {
    json.set("sliding_window", std::move(window));
    return dump(json);
  };
  CHECK(parse_json(write_hf_config(read_hf_config(windowed(48), kWhere))).at("sliding_window") == Json(48));
  CHECK(read_hf_config(windowed(Json()), kWhere).family == HfFamily::mistral);
  CHECK_THAT(refusal(windowed(47)),
             Contains("sliding_window is 47") && Contains("at least max_position_embeddings, 48"));
  Json longer = parse_json(kLlamaOf4);
  longer.set("model_type", "mistral");
  longer.set("max_position_embeddings", 8192);
  CHECK_THAT(refusal(dump(longer)), Contains("sliding_window is 4096"));
  HfConfig ours = config(HfFamily::mistral);
  CHECK(parse_json(write_hf_config(ours)).at("sliding_window").is_null());
}

TEST_CASE("what changes the mathematics and is not supported is refused with what is") {
  CHECK_THAT(refusal_with("model_type", "gemma2"), Contains("\"gemma2\"; supported: llama, mistral, qwen2, qwen3"));
  CHECK_THAT(refusal_with("rope_scaling", parse_json(R"({"factor": 8.0, "rope_type": "longrope"})")),
             Contains("rope_scaling") && Contains("rope_type default"));
  CHECK_THAT(refusal_with("rope_parameters", parse_json(R"({"rope_theta": 1e4, "rope_type": "yarn", "factor": 4.0})")),
             Contains("rope_parameters"));
  CHECK_THAT(refusal_with("use_sliding_window", true), Contains("use_sliding_window is true"));
  CHECK_THAT(refusal_with("layer_types", Json::Array{"full_attention", "sliding_attention"}), Contains("layer_types"));
  CHECK_THAT(refusal_with("attention_bias", true), Contains("attention_bias is true"));
  CHECK_THAT(refusal_with("mlp_bias", true), Contains("mlp_bias is true"));
  CHECK_THAT(refusal_with("hidden_act", "gelu"), Contains("\"silu\""));
  CHECK_THAT(refusal_with("quantization_config", Json::object()), Contains("quantization"));
  CHECK_THAT(refusal_with("partial_rotary_factor", 0.5), Contains("partial_rotary_factor is 0.5"));
}

TEST_CASE("a config that says nothing sensible is refused by the key, at the file") {
  CHECK_THAT(refusal_without("hidden_size"), Contains("m/config.json: there is no hidden_size"));
  CHECK_THAT(refusal_without("model_type"), Contains("no model_type"));
  CHECK_THAT(refusal_with("head_dim", 7), Contains("head_dim is 7"));
  CHECK_THAT(refusal_with("num_key_value_heads", 3), Contains("must divide"));
  CHECK_THAT(refusal_with("num_attention_heads", -4), Contains("num_attention_heads is -4; allowed: integers from 1"));
  CHECK_THAT(refusal_with("head_dim", int64_t{1} << 23), Contains("num_attention_heads times head_dim"));
  CHECK_THAT(refusal_with("vocab_size", "37"), Contains("vocab_size is \"37\""));
  CHECK_THAT(refusal_with("rms_norm_eps", 0.0), Contains("rms_norm_eps is 0"));
  CHECK_THAT(refusal_with("rope_theta", 1.0), Contains("let both say the same"));
  CHECK_THAT(refusal("[]"), Contains("a list, not a map"));
  CHECK_THAT(refusal("{"), Contains("m/config.json:1"));
}

}  // namespace
}  // namespace sil
