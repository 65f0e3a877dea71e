#include "nn/convert.h"

#include <map>
#include <vector>

#include "base/threads.h"
#include "formats/weight_files.h"
#include "nn/cpu/kernels.h"
#include "nn/folder.h"
#include "nn/model.h"
#include "sil/env.h"
#include "sil/error.h"

namespace sil::nn {
namespace {

constexpr uint64_t kLargestFile = 5'000'000'000;  // bytes of tensors, as save_pretrained of transformers

// The weights that the model reads, an adapter's factors within them.
Buffer whole_weights(const ModelFolder& from, const Model& model) {
  Buffer own = model.read_weights(*from.weights());
  if (model.lora() == nullptr) return own;
  const State adapter = model.read(from.adapter->weights(), {});
  Buffer merged(own.size());
  model.lora()->merge(own, adapter.weights, merged, nullptr);
  return merged;
}

void write_file(Env& env, const std::string& path, const std::string& text) {
  const std::unique_ptr<OutputFile> file = env.create(path, Create::exclusive);
  file->write(text);
  file->sync();
}

void write_files(const ModelFolder& from, const std::string& folder, Env& env) {
  const Model model(from.shape, cpu_kernels(), from.adapter ? std::optional(from.adapter->lora) : std::nullopt);
  const Buffer weights = whole_weights(from, model);
  const Parameters& parameters = model.parameters();
  std::map<std::string_view, const NamedTensor*> named;
  std::vector<TensorView> views;
  for (const NamedTensor& tensor : parameters.tensors) {
    named[tensor.name] = &tensor;
    views.push_back({tensor.name, Dtype::f32, tensor.shape(), {}});
  }
  for (const FolderFile& file : folder_files(from.config, *from.codec))
    write_file(env, folder + "/" + file.name, file.text);
  std::vector<float> values;
  write_weight_files(folder, views, kLargestFile, [&](const TensorView& view) {
    values = parameters.get(model.kernels(), weights.data(), *named.at(view.name));
    return std::string_view(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
  });
}

[[noreturn]] void refuse(const std::string& what, const std::string& hint, const std::string& path) {
  throw Error(Exit::usage, what, hint, {path, 0, 0});
}

}  // namespace

void write_model_folder(const std::string& model_path, const std::string& folder) {
  Env& env = system_env();
  if (folder.empty() || folder.back() == '/')
    refuse("is no name of a folder", "write it without the last slash", folder);
  if (env.exists(folder)) refuse("is there already", "name a folder that is not", folder);
  const ModelFolder from(model_path);
  const std::string part = folder + ".part";
  if (!env.make_dir(part)) refuse("is left from a command that was interrupted", "remove it", part);
  bool renamed = false;
  try {
    write_files(from, part, env);
    env.sync_dir(part);
    renamed = env.rename_new(part, folder);
  } catch (...) {
    env.remove_tree(part);
    throw;
  }
  if (renamed) return;
  env.remove_tree(part);
  refuse("was made meanwhile", "name a folder that is not there", folder);
}

}  // namespace sil::nn
