// `sil import` and `sil export`: models between their forms.
#include <array>

#include "app/commands.h"
#include "app/output.h"
#include "nn/convert.h"
#include "nn/folder.h"
#include "sil/env.h"

namespace sil {
namespace {

bool is_gguf(const std::string& path) {
  return path.ends_with(".gguf");
}

void tell_made(const std::string& model, const std::string& out, bool json) {
  if (json)
    print_json(Json::Object{{"schema_version", 1}, {"model", model}, {"out", out}});
  else
    print("wrote " + out + "\n");
}

[[noreturn]] void refuse(const std::string& what, const std::string& hint, const std::string& path = "") {
  throw Error(Exit::usage, what, hint, {path, 0, 0});
}

// What a run has accepted, where a run is named.
std::string model_path(const std::string& named) {
  Env& env = system_env();
  return env.exists(named + "/SIL") && !env.exists(named + "/config.json") ? named + "/accepted" : named;
}

void check_flags(const ExportArguments& arguments, const nn::ModelFolder& model) {
  if (!arguments.gguf.empty() && !arguments.dtype.empty())
    refuse("--dtype with --gguf", "a GGUF file's type is that of --gguf");
  if (arguments.merge && !model.adapter)
    refuse("there is no adapter to merge: it is a whole model", "leave --merge out", arguments.model);
  if (model.adapter && !arguments.merge && !arguments.gguf.empty())
    refuse("is an adapter, and a GGUF file holds a whole model", "add --merge", arguments.model);
  if (model.adapter && !arguments.merge && !arguments.dtype.empty())
    refuse("is an adapter, whose factors stay as they are", "add --merge, or leave --dtype out", arguments.model);
}

Dtype dtype_of(const std::string& name) {
  return name == "bf16" ? Dtype::bf16 : name == "fp16" ? Dtype::f16 : Dtype::f32;
}

GgmlType gguf_type(const std::string& name) {
  for (const GgmlType type : {GgmlType::f32, GgmlType::f16, GgmlType::bf16, GgmlType::q8_0})
    if (about(type).name == name) return type;
  SIL_CHECK(!"a type that the command line lets through");
  return {};
}

}  // namespace

int import_command(const std::string& file, const std::string& folder, bool json) {
  if (!is_gguf(file)) refuse("is no .gguf file", "`sil export` writes other models anew", file);
  nn::write_model_folder(nn::ModelFolder(file), Dtype::f32, folder);
  tell_made(file, folder, json);
  return 0;
}

int export_command(const ExportArguments& arguments) {
  if (is_gguf(arguments.model) && arguments.gguf.empty())
    refuse("is a GGUF file already", "`sil import` makes a folder of it; --gguf writes it in another type",
           arguments.model);
  const nn::ModelFolder model(model_path(arguments.model));
  check_flags(arguments, model);
  if (!arguments.gguf.empty())
    nn::write_gguf_file(model, gguf_type(arguments.gguf), arguments.out);
  else if (model.adapter && !arguments.merge)
    nn::write_adapter_folder(model, arguments.out);
  else
    nn::write_model_folder(model, dtype_of(arguments.dtype), arguments.out);
  tell_made(arguments.model, arguments.out, arguments.json);
  return 0;
}

}  // namespace sil
