// The chat templates of a Hugging Face folder, and the special tokens that they may ask for.
//
//   chat_template.jinja      the template; else
//   tokenizer_config.json    chat_template: a text, or a list of {name, template}
//                            bos_token, eos_token: a text, or a map that holds it as `content`
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>

#include "sil/codec.h"
#include "sil/error.h"
#include "sil/json.h"

namespace sil {

struct ChatTemplates {
  struct Source {
    std::string text;
    Place place;
  };
  std::map<std::string, Source> by_name;  // not parsed; a single one is named "default"
  Json bos_token, eos_token;              // texts; null where the model has none
};

// The text of a special token in tokenizer_config.json, written as above; null where it has none.
Json special_token(const Json& config, std::string_view key);

// Of the folder's files, as many as are there. Throws Error(Exit::unreadable) at tokenizer_config.json.
ChatTemplates chat_templates(std::span<const FolderFile> files, const std::string& folder);
ChatTemplates read_chat_templates(const std::string& folder);

}  // namespace sil
