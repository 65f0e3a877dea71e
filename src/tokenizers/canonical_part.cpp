#include "tokenizers/canonical_part.h"

#include <utility>

namespace sil::tokenizers {
namespace {

// The names of what a template puts around a text, which is null.
Json around(const Json& single) {
  Json out = Json::array();
  for (const Json& piece : single.as_array()) {
    const Json* token = piece.find("SpecialToken");
    out.push(token != nullptr ? token->at("id") : Json());
  }
  return Json::Object{{"around", std::move(out)}};
}

void append_byte_level(std::string_view name, const Json& part, Json& out) {
  if (name == "post_processor") return;
  Json step = Json::Object{{"type", "ByteLevel"}};
  if (name == "pre_tokenizer") {
    const Json* cuts = part.find("use_regex");
    step.set("add_prefix_space", part.at("add_prefix_space"));
    step.set("use_regex", cuts == nullptr || *cuts == Json(true));
  }
  out.push(std::move(step));
}

void append_steps(std::string_view name, const Json& part, Json& out) {
  if (part.is_null()) return;
  const std::string& type = part.at("type").as_string();
  if (type == "ByteLevel") return append_byte_level(name, part, out);
  if (type == "TemplateProcessing") return out.push(around(part.at("single")));
  if (type != "Sequence") return out.push(part);
  for (const char* members : {"normalizers", "pretokenizers", "processors", "decoders"})
    if (const Json* list = part.find(members))
      for (const Json& member : list->as_array()) append_steps(name, member, out);
}

}  // namespace

std::string canonical_part(std::string_view name, const Json& part) {
  Json steps = Json::array();
  append_steps(name, part, steps);
  return dump_canonical(steps);
}

}  // namespace sil::tokenizers
