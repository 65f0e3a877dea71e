// One map of a tokenizer.json, with typed access to its members and errors that say where it stands.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sil/json.h"

namespace sil::tokenizers {

// Refers to the JSON and the place, which must outlive it. Every failure is Error(Exit::unreadable) at the place.
class Component {
 public:
  // `path`: how it is reached, "model"; "" for the whole file.
  Component(const Json& json, std::string path, const Place& where);

  const std::string& type() const { return text("type"); }
  // nullptr when absent or null.
  const Json* find(std::string_view key) const;

  const std::string& text(std::string_view key) const;
  std::string text(std::string_view key, std::string otherwise) const;
  std::string character(std::string_view key) const;  // a text of one character
  bool flag(std::string_view key) const;
  bool flag(std::string_view key, bool otherwise) const;
  int64_t integer(std::string_view key, int64_t low, int64_t high) const;
  const Json::Array& list(std::string_view key) const;
  Component child(std::string_view key) const;
  std::optional<Component> optional_child(std::string_view key) const;
  std::vector<Component> children(std::string_view key) const;

  const Json& json() const { return json_; }
  const Place& where() const { return where_; }
  std::string path_of(std::string_view key) const;
  [[noreturn]] void fail(const std::string& what, const std::string& hint = "take the file as it was published") const;
  // `type` is none of `known`.
  [[noreturn]] void unknown_type(std::string_view known) const;

 private:
  const Json& member(std::string_view key, bool (Json::*is)() const, const char* wanted) const;

  const Json& json_;
  std::string path_;
  const Place& where_;
};

std::string shown(const Json& value);       // as JSON, cut where it is long
std::string quoted(std::string_view text);  // as JSON, cut where it is long

}  // namespace sil::tokenizers
