#include "nn/convert.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>
#include <map>
#include <vector>

#include "formats/file_sink.h"
#include "formats/gguf_model.h"
#include "formats/peft.h"
#include "formats/weight_files.h"
#include "nn/cpu/kernels.h"
#include "nn/folder.h"
#include "nn/model.h"
#include "sil/env.h"
#include "sil/error.h"
#include "tokenizers/folder_codec.h"

namespace sil::nn {
namespace {

constexpr uint64_t kLargestFile = 5'000'000'000;  // bytes of tensors, as save_pretrained of transformers
constexpr float kLargestHalf = 65504;

[[noreturn]] void refuse(const std::string& what, const std::string& hint, const std::string& path) {
  throw Error(Exit::usage, what, hint, {path, 0, 0});
}

// The weights that the model reads, an adapter's factors within them, by their published names.
class WholeWeights {
 public:
  explicit WholeWeights(const ModelFolder& from)
      : path_(from.path),
        model_(from.shape, cpu_kernels(), from.adapter ? std::optional(from.adapter->lora) : std::nullopt),
        weights_(model_.read_weights(*from.weights())) {
    for (const NamedTensor& tensor : model_.parameters().tensors) named_[tensor.name] = &tensor;
    if (model_.lora() == nullptr) return;
    const State adapter = model_.read(from.adapter->weights(), {});
    Buffer merged(weights_.size());
    model_.lora()->merge(weights_, adapter.weights, merged, nullptr);
    weights_ = std::move(merged);
  }

  std::vector<TensorView> tensors(Dtype dtype) const {
    std::vector<TensorView> out;
    for (const NamedTensor& tensor : model_.parameters().tensors)
      out.push_back({tensor.name, dtype, tensor.shape(), {}});
    return out;
  }

  // Refuses what `type` cannot hold.
  std::vector<float> values(std::string_view name, GgmlType type) const {
    std::vector<float> out = model_.parameters().get(model_.kernels(), weights_.data(), *named_.at(name));
    const auto beyond = [](float value) { return std::abs(value) > kLargestHalf; };
    if (const auto found = std::find_if(out.begin(), out.end(), beyond); type == GgmlType::f16 && found != out.end())
      refuse("tensor " + std::string(name) + " holds " + std::to_string(*found) + ", and half precision ends at 65504",
             "take bfloat16", path_);
    return out;
  }

 private:
  std::string path_;
  Model model_;
  Buffer weights_;
  std::map<std::string_view, const NamedTensor*> named_;
};

GgmlType floats_of(Dtype dtype) {
  SIL_CHECK(is_float(dtype));
  return dtype == Dtype::f32 ? GgmlType::f32 : dtype == Dtype::f16 ? GgmlType::f16 : GgmlType::bf16;
}

void write_text(const std::string& path, const std::string& text) {
  FileSink file(path, system_env());
  file.write(text);
  file.sync();
}

// Makes `out` whole or not at all: `write` gets the path of a new folder, and returns that of what becomes `out`.
void make_whole(const std::string& out, const std::function<std::string(const std::string& part)>& write) {
  Env& env = system_env();
  if (out.empty() || out.back() == '/')
    refuse("is no name of a folder or file", "write it without the last slash", out);
  if (env.exists(out)) refuse("is there already", "name one that is not", out);
  const std::string part = out + ".part";
  if (!env.make_dir(part)) refuse("is left from a command that was interrupted", "remove it", part);
  bool renamed = false;
  try {
    const std::string made = write(part);
    env.sync_dir(part);
    renamed = env.rename_new(made, out);
    if (!renamed || made != part) env.remove_tree(part);
  } catch (...) {
    env.remove_tree(part);
    throw;
  }
  if (!renamed) refuse("was made meanwhile", "name one that is not there", out);
}

}  // namespace

void write_model_folder(const ModelFolder& model, Dtype dtype, const std::string& out) {
  make_whole(out, [&](const std::string& part) {
    const WholeWeights weights(model);
    for (const FolderFile& file : folder_files(model, dtype)) write_text(part + "/" + file.name, file.text);
    std::string bytes;
    write_weight_files(part, weights.tensors(dtype), kLargestFile, [&](const TensorView& view) {
      bytes.clear();
      quantise(floats_of(dtype), weights.values(view.name, floats_of(dtype)), bytes);
      return std::string_view(bytes);
    });
    return part;
  });
}

void write_adapter_folder(const ModelFolder& model, const std::string& out) {
  SIL_CHECK(model.adapter.has_value());
  make_whole(out, [&](const std::string& part) {
    for (const FolderFile& file : adapter_files(model, model.adapter->lora, *model.codec))
      write_text(part + "/" + file.name, file.text);
    write_text(part + "/" + kPeftWeights, model.adapter->weights());
    return part;
  });
}

void write_gguf_file(const ModelFolder& model, GgmlType type, const std::string& out) {
  make_whole(out, [&](const std::string& part) {
    std::vector<GgufEntry> entries = gguf_codec_entries(*model.codec, model.shape.vocabulary, {model.path, 0, 0});
    entries.push_back({"general.name", GgufValueType::string, std::filesystem::path(out).stem().string(), {}});
    const WholeWeights weights(model);
    std::string path = part + "/model.gguf";
    FileSink file(path, system_env());
    write_gguf_model(
        model.config, type, entries,
        [&](const std::string& name, std::vector<float>& values) { values = weights.values(name, type); }, file);
    file.sync();
    return path;
  });
}

}  // namespace sil::nn
