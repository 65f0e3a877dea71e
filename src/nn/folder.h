// A model's folder in the layout of Hugging Face: config.json, model.safetensors or an index with several files of
// weights, tokenizer.json.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "formats/hf_config.h"
#include "formats/weight_files.h"
#include "nn/llama.h"
#include "sil/codec.h"
#include "sil/digest.h"

namespace sil::nn {

// What stands beside the weights, for transformers and for ModelFolder: of a model read from a folder, of one from
// scratch.
std::vector<FolderFile> folder_files(const HfConfig& config, const Codec& codec);
std::vector<FolderFile> folder_files(const LlamaShape& shape, const Codec& codec);

// Throws Error(Exit::usage) where no family of models has such a shape.
void refuse_without_family(const LlamaShape& shape);

// A folder's description and tokenizer; its weights are read on demand. Errors are Error(Exit::unreadable) at the file
// in question: it is missing, malformed or says what is not supported.
struct ModelFolder {
  explicit ModelFolder(const std::string& path);

  HfConfig config;
  LlamaShape shape;  // what `config` says
  std::shared_ptr<const Codec> codec;

  WeightFiles weights() const;                      // opened, not read
  Digest digest(const WeightFiles& weights) const;  // over the bytes of all files

 private:
  std::string path_;
  std::string config_text_;
  std::string tokenizer_;
};

}  // namespace sil::nn
