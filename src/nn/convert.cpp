#include "nn/convert.h"

#include <limits>
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

}  // namespace

void write_model_folder(const std::string& model_path, const std::string& folder) {
  Env& env = system_env();
  if (env.exists(folder))
    throw Error(Exit::usage, folder + " exists already", "name a folder that does not, or remove it first");
  const ModelFolder from(model_path);
  const Model model(from.shape, cpu_kernels(), from.adapter ? std::optional(from.adapter->lora) : std::nullopt);
  const Buffer weights = whole_weights(from, model);
  const Parameters& parameters = model.parameters();
  std::map<std::string_view, const NamedTensor*> named;
  std::vector<TensorView> views;
  for (const NamedTensor& tensor : parameters.tensors) {
    named[tensor.name] = &tensor;
    views.push_back({tensor.name, Dtype::f32, tensor.shape(), {}});
  }
  const std::string part = folder + ".part";
  env.remove_tree(part);
  env.make_dir(part);
  for (const FolderFile& file : folder_files(from.config, *from.codec))
    write_file(env, part + "/" + file.name, file.text);
  std::vector<float> values;
  write_weight_files(part, views, std::numeric_limits<uint64_t>::max(), [&](const TensorView& view) {
    values = parameters.get(model.kernels(), weights.data(), *named.at(view.name));
    return std::string_view(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
  });
  env.sync_dir(part);
  if (!env.rename_new(part, folder))
    throw Error(Exit::usage, folder + " exists already", "name a folder that does not, or remove it first");
}

}  // namespace sil::nn
