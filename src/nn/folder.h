// A model's folder in the layout of Hugging Face: config.json, model.safetensors or an index with several files of
// weights, tokenizer.json.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "formats/hf_config.h"
#include "formats/safetensors.h"
#include "nn/decoder.h"
#include "sil/codec.h"
#include "sil/digest.h"
#include "sil/engine.h"

namespace sil::nn {

// What stands beside the weights, for transformers and for ModelFolder: of a model read from a folder, of one from
// scratch.
std::vector<FolderFile> folder_files(const HfConfig& config, const Codec& codec);
std::vector<FolderFile> folder_files(const DecoderShape& shape, const Codec& codec);

// Throws Error(Exit::usage) where no family of models has such a shape.
void refuse_without_family(const DecoderShape& shape);

// Where a model's own weights come from, a tensor at a time. Thread-safe once made.
class WeightSource {
 public:
  virtual ~WeightSource() = default;
  virtual const std::vector<TensorView>& tensors() const = 0;  // without bytes
  // The values of tensors()[tensor], which must be of a float type; `out` is reused.
  virtual void read(size_t tensor, std::vector<float>& out) const = 0;
  virtual Place place() const = 0;               // of them all
  virtual Place place(size_t tensor) const = 0;  // of the file that holds it
  virtual void hash(Sha256& hash) const = 0;     // over the bytes of all files
};

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

// What a model's folder, or GGUF file, says beside the weights, which are read on demand. Errors are
// Error(Exit::unreadable) at the file in question: it is missing, malformed or says what is not supported.
struct ModelFolder {
  explicit ModelFolder(const std::string& named);

  HfConfig config;
  DecoderShape shape;  // what `config` says
  std::shared_ptr<const Codec> codec;
  std::string path;                      // of the folder or file that holds the model's own weights
  std::optional<AdapterFolder> adapter;  // where the folder that was named holds one on this model

  std::unique_ptr<WeightSource> weights() const;     // opened, not read
  Digest digest(const WeightSource& weights) const;  // over the bytes of all files, the adapter's too

 private:
  void read_folder();
  void read_gguf();

  std::string config_text_;
  std::vector<FolderFile> codec_files_;
};

}  // namespace sil::nn
