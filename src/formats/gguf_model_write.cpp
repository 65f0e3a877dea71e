#include <map>

#include "formats/gguf_model.h"

namespace sil {
namespace {

// llama_ftype of llama.h: the type of most matrices.
int64_t file_type(GgmlType type) {
  switch (type) {
    case GgmlType::f32:
      return 0;
    case GgmlType::f16:
      return 1;
    case GgmlType::q8_0:
      return 7;
    case GgmlType::bf16:
      return 32;
    default:
      SIL_CHECK(!"a type that is not written");
      return 0;
  }
}

GgufEntry integer(std::string key, int64_t value) {
  return {std::move(key), GgufValueType::u32, value, {}};
}

GgufEntry real(std::string key, double value) {
  return {std::move(key), GgufValueType::f32, value, {}};
}

std::vector<GgufEntry> hyperparameters(const HfConfig& config, GgmlType type) {
  const std::string of = std::string(gguf_architecture(config.family)) + ".";
  std::vector<GgufEntry> out = {
      {"general.architecture", GgufValueType::string, gguf_architecture(config.family), {}},
      {"general.type", GgufValueType::string, "model", {}},
      integer("general.file_type", file_type(type)),
      integer("general.quantization_version", 2),
      integer(of + "block_count", config.num_hidden_layers),
      integer(of + "context_length", config.max_position_embeddings),
      integer(of + "embedding_length", config.hidden_size),
      integer(of + "feed_forward_length", config.intermediate_size),
      integer(of + "attention.head_count", config.num_attention_heads),
      integer(of + "attention.head_count_kv", config.num_key_value_heads),
      integer(of + "attention.key_length", config.head_dim),
      integer(of + "attention.value_length", config.head_dim),
      real(of + "attention.layer_norm_rms_epsilon", config.norm_eps),
      real(of + "rope.freq_base", config.rope_theta),
      integer(of + "rope.dimension_count", config.head_dim),
      integer(of + "vocab_size", config.vocab_size),
  };
  const RopeScaling& rope = config.rope_scaling;
  if (rope.type == RopeType::linear) {
    out.push_back({of + "rope.scaling.type", GgufValueType::string, "linear", {}});
    out.push_back(real(of + "rope.scaling.factor", rope.factor));
  }
  if (rope.type == RopeType::llama3)
    out.push_back(integer(of + "rope.scaling.original_context_length", rope.original_max_position_embeddings));
  return out;
}

GgmlType type_of(const GgufName& name, GgmlType wanted) {
  if (name.shape.size() < 2) return GgmlType::f32;
  return static_cast<uint64_t>(name.shape.back()) % about(wanted).weights == 0 ? wanted : GgmlType::f16;
}

void append_rows(const GgufName& name, GgmlType type, std::span<const float> values, std::string& out) {
  if (name.interleaved_heads == 0) return quantise(type, values, out);
  const auto columns = static_cast<size_t>(name.shape.back());
  for (int64_t row = 0; row < name.shape.front(); ++row)
    quantise(type, values.subspan(static_cast<size_t>(published_row(name, row)) * columns, columns), out);
}

}  // namespace

void write_gguf_model(const HfConfig& config, GgmlType type, std::span<const GgufEntry> more,
                      const std::function<void(const std::string& published, std::vector<float>& values)>& read,
                      ByteSink& out) {
  if (config.family == HfFamily::gemma3 || config.family == HfFamily::gpt2)
    throw Error(Exit::usage, "GGUF files of " + std::string(name(config.family)) + " are read, not written",
                "export it as a Hugging Face folder");
  const std::vector<GgufName> names = gguf_names(config);
  std::vector<GgufEntry> entries = hyperparameters(config, type);
  entries.insert(entries.end(), more.begin(), more.end());
  std::vector<GgufTensor> tensors;
  std::map<std::string_view, const GgufName*> named;
  const GgufName divisors{"rope_freqs.weight", {}, {config.head_dim / 2}};
  if (config.rope_scaling.type == RopeType::llama3) {
    tensors.push_back({divisors.gguf, GgmlType::f32, divisors.shape, {}});
    named[divisors.gguf] = &divisors;
  }
  for (const GgufName& name : names) {
    tensors.push_back({name.gguf, type_of(name, type), name.shape, {}});
    named[name.gguf] = &name;
  }
  std::vector<float> values;
  std::string bytes;
  write_gguf(entries, tensors, out, [&](const GgufTensor& tensor) -> std::string_view {
    const GgufName& name = *named.at(tensor.name);
    if (&name == &divisors) {
      values = rope_divisors(config);
    } else {
      read(name.published, values);
    }
    SIL_CHECK(values.size() == static_cast<size_t>(element_count(tensor)));
    bytes.clear();
    append_rows(name, tensor.type, values, bytes);
    return bytes;
  });
}

}  // namespace sil
