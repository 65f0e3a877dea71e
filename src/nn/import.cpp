#include "nn/import.h"

#include <map>

#include "formats/gguf_model.h"
#include "formats/weight_files.h"
#include "sil/error.h"
#include "tokenizers/vocabulary_json.h"

namespace sil::nn {
namespace {

constexpr uint64_t kLargestShard = 5'000'000'000;

// The texts of the special tokens, by the names that transformers has for them.
Json tokenizer_config(const GgufModel& model) {
  struct Special {
    const char *theirs, *ours;
  };
  constexpr Special kSpecials[] = {
      {"bos", "bos_token"}, {"eos", "eos_token"}, {"unknown", "unk_token"}, {"padding", "pad_token"}};
  Json out = Json::object();
  out.set("tokenizer_class", "PreTrainedTokenizerFast");
  out.set("model_max_length", model.config().max_position_embeddings);
  out.set("clean_up_tokenization_spaces", false);
  const Json::Array& tokens = model.metadata().at("tokenizer.ggml.tokens").as_array();
  for (const Special& special : kSpecials) {
    const Json* id = model.metadata().find("tokenizer.ggml." + std::string(special.theirs) + "_token_id");
    if (id == nullptr || !id->is_int() || id->as_int() < 0) continue;
    if (static_cast<size_t>(id->as_int()) < tokens.size())
      out.set(special.ours, tokens[static_cast<size_t>(id->as_int())]);
  }
  return out;
}

void write_file(const std::string& path, std::string_view text, Env& env) {
  const auto file = env.create(path, Create::exclusive);
  file->write(text);
  file->sync();
}

void write_weights(const GgufModel& model, const std::string& folder, Env& env) {
  std::map<std::string_view, size_t> places;
  for (size_t i = 0; i < model.tensors().size(); ++i) places[model.tensors()[i].name] = i;
  std::vector<float> values;
  write_weight_files(
      folder, model.tensors(), kLargestShard,
      [&](const TensorView& tensor) -> std::string_view {
        model.read(places.at(tensor.name), values);
        return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
      },
      env);
}

void write_folder(const GgufModel& model, const std::string& tokenizer, const std::string& folder, Env& env) {
  write_file(folder + "/config.json", write_hf_config(model.config()), env);
  write_file(folder + "/generation_config.json", model.generation_config(), env);
  write_file(folder + "/tokenizer.json", tokenizer, env);
  write_file(folder + "/tokenizer_config.json", dump_pretty(tokenizer_config(model)) + "\n", env);
  if (!model.chat_template().empty()) write_file(folder + "/chat_template.jinja", model.chat_template(), env);
  write_weights(model, folder, env);
}

[[noreturn]] void refuse(const std::string& what, const std::string& hint, const std::string& path) {
  throw Error(Exit::usage, what, hint, {path, 0, 0});
}

}  // namespace

void import_gguf(const std::string& file, const std::string& folder, Env& env) {
  if (folder.empty() || folder.back() == '/')
    refuse("is no name of a folder", "write it without the last slash", folder);
  if (env.exists(folder)) refuse("is there already", "name a folder that is not", folder);
  const std::string bytes = env.read_all(file);
  const Place where{file, 0, 0};
  const GgufModel model(bytes, where);
  const std::string tokenizer = dump_pretty(tokenizer_json_of_gguf(model.metadata(), where)) + "\n";
  const std::string part = folder + ".part";
  if (!env.make_dir(part)) refuse("is left from an import that was interrupted", "remove it", part);
  bool renamed = false;
  try {
    write_folder(model, tokenizer, part, env);
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
