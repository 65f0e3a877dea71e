#include "tokenizers/post_processor.h"

#include <utility>

namespace sil::tokenizers {

PostProcessor::PostProcessor(const Component& component, TokenId bound) : bound_(bound) {
  add(component);
}

void PostProcessor::add(const Component& component) {
  const std::string& type = component.type();
  if (type == "TemplateProcessing") return add_template(component);
  if (type == "BertProcessing" || type == "RobertaProcessing") return add_frame(component);
  if (type == "ByteLevel") return;  // moves offsets alone
  if (type != "Sequence")
    component.unknown_type("BertProcessing, ByteLevel, RobertaProcessing, Sequence, TemplateProcessing");
  for (const Component& child : component.children("processors")) add(child);
}

// {"single": [{"SpecialToken": {"id": "[CLS]"}}, {"Sequence": {"id": "A"}}], "special_tokens": {"[CLS]": {"ids":
// [1]}}}; the template for pairs is not used.
void PostProcessor::add_template(const Component& component) {
  const Component special = component.child("special_tokens");
  Template out;
  for (const Component& piece : component.children("single")) {
    if (piece.find("Sequence") != nullptr) {
      const Component sequence = piece.child("Sequence");
      if (sequence.text("id") != "A")
        sequence.fail("its id is " + quoted(sequence.text("id")) + "; a single text is A");
      out.push_back({true, {}});
      continue;
    }
    Part part;
    const std::string& name = piece.child("SpecialToken").text("id");
    const Component token = special.child(name);
    for (const Json& id : token.list("ids")) part.ids.push_back(checked(id, token));
    out.push_back(std::move(part));
  }
  templates_.push_back(std::move(out));
}

// {"cls": ["[CLS]", 101], "sep": ["[SEP]", 102]}
void PostProcessor::add_frame(const Component& component) {
  const auto id = [&](const char* key) {
    const Json::Array& pair = component.list(key);
    if (pair.size() != 2) component.fail(std::string(key) + " is not a list of a token and its id");
    return checked(pair[1], component);
  };
  templates_.push_back({{false, {id("cls")}}, {true, {}}, {false, {id("sep")}}});
}

TokenId PostProcessor::checked(const Json& id, const Component& where) const {
  if (!id.is_int() || id.as_int() < 0 || id.as_int() >= bound_)
    where.fail("the id of a special token is " + shown(id) + "; allowed: 0 to " + std::to_string(bound_ - 1));
  return static_cast<TokenId>(id.as_int());
}

std::vector<TokenId> PostProcessor::apply(std::vector<TokenId> ids, bool add_special) const {
  for (const Template& parts : templates_) {
    std::vector<TokenId> out;
    out.reserve(ids.size() + parts.size());
    for (const Part& part : parts) {
      if (!part.text && !add_special) continue;
      const std::vector<TokenId>& from = part.text ? ids : part.ids;
      out.insert(out.end(), from.begin(), from.end());
    }
    ids = std::move(out);
  }
  return ids;
}

}  // namespace sil::tokenizers
