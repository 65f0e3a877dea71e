// A model's folder in the layout of Hugging Face: config.json, model.safetensors or an index with several files of
// weights, tokenizer.json.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "formats/hf_config.h"
#include "formats/weight_files.h"
#include "nn/llama.h"
#include "sil/codec.h"
#include "sil/digest.h"
#include "sil/engine.h"

namespace sil::nn {

// What stands beside the weights, for transformers and for ModelFolder: of a model read from a folder, of one from
// scratch.
std::vector<FolderFile> folder_files(const HfConfig& config, const Codec& codec);
std::vector<FolderFile> folder_files(const LlamaShape& shape, const Codec& codec);

// Throws Error(Exit::usage) where no family of models has such a shape.
void refuse_without_family(const LlamaShape& shape);

// A folder of PEFT: factors on a base model, which lies in a folder of its own.
struct AdapterFolder {
  LoraOptions lora;
  std::string base;  // folder
  std::string config;
  std::string weights_path;

  std::string weights() const;  // bytes of adapter_model.safetensors, not looked into
};

// adapter_config.json and the tokenizer's files of a version whose factors stand on the weights of `base`.
struct ModelFolder;
std::vector<FolderFile> adapter_files(const ModelFolder& base, const LoraOptions& lora, const Codec& codec);

// A folder's description and tokenizer; its weights are read on demand. Errors are Error(Exit::unreadable) at the file
// in question: it is missing, malformed or says what is not supported.
struct ModelFolder {
  explicit ModelFolder(const std::string& named);

  HfConfig config;
  LlamaShape shape;  // what `config` says
  std::shared_ptr<const Codec> codec;
  std::string path;                      // of the folder that holds the model's own weights
  std::optional<AdapterFolder> adapter;  // where the folder that was named holds one on this model

  WeightFiles weights() const;                      // opened, not read
  Digest digest(const WeightFiles& weights) const;  // over the bytes of all files, the adapter's too

 private:
  std::string config_text_;
  std::vector<FolderFile> codec_files_;
};

}  // namespace sil::nn
