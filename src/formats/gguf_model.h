// A model in a GGUF file as Hugging Face has it: architectures llama, qwen2, qwen3, gemma3 and gpt2, in any type that
// is dequantised.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "formats/gguf.h"
#include "formats/gguf_names.h"
#include "formats/hf_config.h"
#include "formats/safetensors.h"

namespace sil {

// Immutable and thread-safe once made.
class GgufModel {
 public:
  // `bytes` of the file must outlive it. Throws Error(Exit::unreadable) at `where` for what is no GGUF file, another
  // architecture, a hyperparameter or a tensor that is missing, out of range or not known: it might change what the
  // model computes.
  GgufModel(std::string_view bytes, const Place& where);

  const HfConfig& config() const { return config_; }
  // As published, F32, in the order of the model's modules, without bytes.
  const std::vector<TensorView>& tensors() const { return tensors_; }
  // The values of tensors()[tensor], rows as published. Throws Error(Exit::unreadable) for a type that is not
  // dequantised.
  void read(size_t tensor, std::vector<float>& out) const;

  const Json& metadata() const { return file_.metadata; }  // of the file, its vocabulary among it
  std::string chat_template() const;                       // "" where there is none
  std::string generation_config() const;                   // text of generation_config.json

 private:
  Place where_;
  Gguf file_;
  HfConfig config_;
  std::vector<GgufName> names_;  // of tensors_
  std::vector<size_t> places_;   // of tensors_ in file_
  std::vector<TensorView> tensors_;
};

// Writes a model as llama.cpp's converter does: matrices of `type`, one of is_quantised, vectors in F32; where the rows
// of a matrix are no whole blocks, it is F16. `read` sets the values of a published tensor; one is in memory at a time.
// `more` are entries that llama.cpp needs beside the model's own: general.name, tokenizer.*. Throws Error(Exit::usage)
// for a family that is not written: gemma3, gpt2 and what llama.cpp does not know.
void write_gguf_model(const HfConfig& config, GgmlType type, std::span<const GgufEntry> more,
                      const std::function<void(const std::string& published, std::vector<float>& values)>& read,
                      ByteSink& out);

}  // namespace sil
