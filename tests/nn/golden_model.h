// Models that tests/golden/make_transformer.py made, and their logits by transformers.
#pragma once

#include <cmath>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "nn/cpu/kernels.h"
#include "nn/model.h"
#include "nn/scorer.h"
#include "nn/tape.h"
#include "sil/json.h"

namespace sil::test {

inline std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << in.rdbuf();
  return bytes.str();
}

struct GoldenModel {
  Json about;
  nn::Model model;
  nn::State state;

  explicit GoldenModel(const std::string& name, std::shared_ptr<const nn::Kernels> kernels = nn::cpu_kernels())
      : about(parse_json(read_file(path(name, ".json")))),
        model(shape(about), std::move(kernels)),
        state(model.read(read_file(path(name, ".safetensors")), "")) {}

  static std::string path(const std::string& name, const std::string& end) {
    return SIL_SOURCE_DIR "/tests/golden/transformer/" + name + end;
  }

  static nn::DecoderShape shape(const Json& about) {
    const auto number = [&](const char* key) { return about.at(key).as_int(); };
    nn::DecoderShape shape;
    shape.layers = number("layers");
    shape.width = number("width");
    shape.heads = {.query = number("heads"), .key = number("kv_heads"), .width = number("head_width")};
    shape.hidden = number("hidden");
    shape.context = number("context");
    shape.vocabulary = number("vocabulary");
    shape.rope_theta = about.at("rope_theta").as_double();
    if (about.find("rope_factor") != nullptr) shape.rope_scaling.factor = about.at("rope_factor").as_double();
    if (about.find("rope_original") != nullptr) {
      shape.rope_scaling.original_context = number("rope_original");
      shape.rope_scaling.low = about.at("rope_low").as_double();
      shape.rope_scaling.high = about.at("rope_high").as_double();
    }
    shape.epsilon = static_cast<float>(about.at("epsilon").as_double());
    shape.tied = about.at("tied").as_bool();
    shape.qkv_bias = about.at("qkv_bias").as_bool();
    shape.qk_norm = about.at("qk_norm").as_bool();
    if (about.find("family") != nullptr) about.at("family") == Json("gpt2") ? be_gpt2(shape) : be_gemma3(about, shape);
    return shape;
  }
  static void be_gpt2(nn::DecoderShape& shape) {
    shape.learned_positions = true;
    shape.norm = nn::Norm::layer;
    shape.activation = nn::Activation::gelu;
    shape.other_biases = true;
  }
  static void be_gemma3(const Json& about, nn::DecoderShape& shape) {
    shape.norm = nn::Norm::rms_from_one;
    shape.activation = nn::Activation::gelu_gate;
    shape.post_norms = true;
    shape.window = about.at("window").as_int();
    for (const Json& windowed : about.at("windowed").as_array()) shape.windowed.push_back(windowed.as_bool());
    shape.window_rope_theta = about.at("window_rope_theta").as_double();
    shape.embedding_scale = std::sqrt(static_cast<float>(shape.width));
    shape.query_scalar = about.at("query_scalar").as_double();
  }

  nn::DecoderWeights weights(float* gradients = nullptr) const {
    return {model.shape(), model.parameters(), state.weights.data(), gradients};
  }
};

inline std::vector<TokenId> ids_of(const Json& sequence) {
  std::vector<TokenId> ids;
  for (const Json& id : sequence.at("ids").as_array()) ids.push_back(static_cast<TokenId>(id.as_int()));
  return ids;
}

inline std::vector<int32_t> all_rows(size_t count) {
  std::vector<int32_t> rows(count);
  for (size_t i = 0; i < count; ++i) rows[i] = static_cast<int32_t>(i);
  return rows;
}

inline std::vector<float> copied(nn::Tensor tensor) {
  return {tensor.data, tensor.data + tensor.size()};
}

// Logits of every position of sequences that are packed together.
inline std::vector<float> packed_logits(const GoldenModel& golden, const std::vector<std::vector<TokenId>>& sequences) {
  std::vector<TokenId> ids;
  std::vector<int64_t> begin{0};
  for (const auto& sequence : sequences) {
    ids.insert(ids.end(), sequence.begin(), sequence.end());
    begin.push_back(static_cast<int64_t>(ids.size()));
  }
  const nn::Layout layout = nn::packed_layout(begin);
  const std::vector<int32_t> wanted = all_rows(ids.size());
  const nn::DecoderWeights weights = golden.weights();
  nn::Arena arena;
  nn::Tape tape(golden.model.kernels(), arena, false);
  return copied(
      tape.value(nn::decoder(tape, golden.model.shape(), weights, golden.model.rotary(), ids, layout, wanted)));
}

}  // namespace sil::test
