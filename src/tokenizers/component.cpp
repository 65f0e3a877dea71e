#include "tokenizers/component.h"

#include <utility>

#include "tokenizers/code_points.h"

namespace sil::tokenizers {
namespace {

constexpr size_t kShown = 80;

std::string cut(std::string text) {
  if (text.size() <= kShown) return text;
  size_t end = kShown;
  while ((static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end) + "…";
}

}  // namespace

std::string shown(const Json& value) {
  if (value.is_array() || value.is_object()) return value.kind();
  return cut(dump(value));
}

std::string quoted(std::string_view text) {
  std::string out;
  append_json_string(out, text.substr(0, 4 * kShown));
  return cut(std::move(out));
}

Component::Component(const Json& json, std::string path, const Place& where)
    : json_(json), path_(std::move(path)), where_(where) {
  if (!json.is_object()) fail(std::string("it is ") + json.kind() + ", not a map");
}

std::string Component::path_of(std::string_view key) const {
  return path_.empty() ? std::string(key) : path_ + "." + std::string(key);
}

void Component::fail(const std::string& what, const std::string& hint) const {
  throw Error(Exit::unreadable, path_.empty() ? what : path_ + ": " + what, hint, where_);
}

void Component::unknown_type(std::string_view known) const {
  fail("its type " + quoted(type()) + " is not supported; known: " + std::string(known),
       "use a tokenizer of these components");
}

const Json* Component::find(std::string_view key) const {
  const Json* found = json_.find(key);
  return found == nullptr || found->is_null() ? nullptr : found;
}

const Json& Component::member(std::string_view key, bool (Json::*is)() const, const char* wanted) const {
  const Json* found = json_.find(key);
  if (found == nullptr) fail("there is no " + std::string(key) + ", " + wanted);
  if (!(found->*is)()) fail(std::string(key) + " is " + shown(*found) + ", not " + wanted);
  return *found;
}

const std::string& Component::text(std::string_view key) const {
  return member(key, &Json::is_string, "a string").as_string();
}

std::string Component::text(std::string_view key, std::string otherwise) const {
  return find(key) == nullptr ? otherwise : text(key);
}

std::string Component::character(std::string_view key) const {
  const std::string& out = text(key);
  if (out.empty() || out.size() != character_length(out[0]))
    fail(std::string(key) + " is " + quoted(out) + ", not one character");
  return out;
}

bool Component::flag(std::string_view key) const {
  return member(key, &Json::is_bool, "true or false").as_bool();
}

bool Component::flag(std::string_view key, bool otherwise) const {
  return find(key) == nullptr ? otherwise : flag(key);
}

int64_t Component::integer(std::string_view key, int64_t low, int64_t high) const {
  const int64_t out = member(key, &Json::is_int, "an integer").as_int();
  if (out < low || out > high)
    fail(std::string(key) + " is " + std::to_string(out) + "; allowed: " + std::to_string(low) + " to " +
         std::to_string(high));
  return out;
}

const Json::Array& Component::list(std::string_view key) const {
  return member(key, &Json::is_array, "a list").as_array();
}

Component Component::child(std::string_view key) const {
  return {member(key, &Json::is_object, "a map"), path_of(key), where_};
}

std::optional<Component> Component::optional_child(std::string_view key) const {
  if (find(key) == nullptr) return std::nullopt;
  return child(key);
}

std::vector<Component> Component::children(std::string_view key) const {
  std::vector<Component> out;
  const Json::Array& all = list(key);
  for (size_t i = 0; i < all.size(); ++i)
    out.emplace_back(all[i], path_of(key) + "[" + std::to_string(i) + "]", where_);
  return out;
}

}  // namespace sil::tokenizers
