#include "tokenizers/chat_templates.h"

#include <algorithm>

#include "base/wide_json.h"
#include "sil/env.h"

namespace sil {
namespace {

constexpr const char* kFile = "chat_template.jinja";
constexpr const char* kConfig = "tokenizer_config.json";

const std::string* text_of(std::span<const FolderFile> files, std::string_view name) {
  const auto found =
      std::find_if(files.begin(), files.end(), [&](const FolderFile& file) { return file.name == name; });
  return found == files.end() ? nullptr : &found->text;
}

void add_configured(ChatTemplates& out, const Json& config, const Place& place) {
  const Json* given = config.find("chat_template");
  if (given == nullptr || given->is_null()) return;
  if (!given->is_array()) {
    if (!given->is_string())
      throw Error(Exit::unreadable, std::string("chat_template is ") + given->kind() + ", not a text",
                  "take the folder as transformers saved it", place);
    out.by_name["default"] = {given->as_string(), place};
    return;
  }
  for (const Json& one : given->as_array()) {
    const Json *name = one.find("name"), *text = one.find("template");
    if (name == nullptr || text == nullptr || !name->is_string() || !text->is_string())
      throw Error(Exit::unreadable, "chat_template holds an entry that is no {name, template}",
                  "take the folder as transformers saved it", place);
    out.by_name.emplace(name->as_string(), ChatTemplates::Source{text->as_string(), place});
  }
}

}  // namespace

Json special_token(const Json& config, std::string_view key) {
  const Json* token = config.find(key);
  if (token != nullptr && token->is_object()) token = token->find("content");
  return token != nullptr && token->is_string() ? *token : Json();
}

ChatTemplates chat_templates(std::span<const FolderFile> files, const std::string& folder) {
  ChatTemplates out;
  const Place place{folder + "/" + kConfig, 0, 0};
  const std::string* const own = text_of(files, kFile);
  if (own != nullptr) out.by_name["default"] = {*own, {folder + "/" + kFile, 0, 0}};
  if (const std::string* const config_text = text_of(files, kConfig)) {
    const Json config = parse_wide_json(*config_text, place);
    out.bos_token = special_token(config, "bos_token");
    out.eos_token = special_token(config, "eos_token");
    if (own == nullptr) add_configured(out, config, place);
  }
  return out;
}

ChatTemplates read_chat_templates(const std::string& folder) {
  Env& env = system_env();
  std::vector<FolderFile> files;
  for (const char* name : {kFile, kConfig})
    if (env.exists(folder + "/" + name)) files.push_back({name, env.read_all(folder + "/" + name)});
  return chat_templates(files, folder);
}

}  // namespace sil
