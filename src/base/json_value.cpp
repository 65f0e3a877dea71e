// Typed access to JSON values.
#include <algorithm>

#include "sil/json.h"

namespace sil {
namespace {

template <class T>
const T& typed(const T* value, const Json& json, const char* wanted) {
  if (!value) throw Error(Exit::unreadable, std::string("expected ") + wanted + ", found " + json.kind());
  return *value;
}

}  // namespace

const char* Json::kind() const {
  constexpr const char* kKinds[] = {"null", "a boolean", "an integer", "a number", "a string", "a list", "a map"};
  return kKinds[value_.index()];
}

bool Json::as_bool() const {
  return typed(std::get_if<bool>(&value_), *this, "a boolean");
}
int64_t Json::as_int() const {
  return typed(std::get_if<int64_t>(&value_), *this, "an integer");
}

double Json::as_double() const {
  if (const int64_t* integer = std::get_if<int64_t>(&value_)) return static_cast<double>(*integer);
  return typed(std::get_if<double>(&value_), *this, "a number");
}

const std::string& Json::as_string() const {
  return typed(std::get_if<std::string>(&value_), *this, "a string");
}
const Json::Array& Json::as_array() const {
  return typed(std::get_if<Array>(&value_), *this, "a list");
}
const Json::Object& Json::as_object() const {
  return typed(std::get_if<Object>(&value_), *this, "a map");
}
Json::Array& Json::as_array() {
  return const_cast<Array&>(std::as_const(*this).as_array());
}
Json::Object& Json::as_object() {
  return const_cast<Object&>(std::as_const(*this).as_object());
}

const Json* Json::find(std::string_view key) const {
  const Object* object = std::get_if<Object>(&value_);
  if (!object) return nullptr;
  auto it = std::find_if(object->begin(), object->end(), [&](const auto& member) { return member.first == key; });
  return it == object->end() ? nullptr : &it->second;
}

const Json& Json::at(std::string_view key) const {
  as_object();
  if (const Json* value = find(key)) return *value;
  throw Error(Exit::unreadable, "the key '" + std::string(key) + "' is missing");
}

Json& Json::set(std::string_view key, Json value) {
  if (is_null()) value_ = Object{};
  Object& object = as_object();
  auto it = std::find_if(object.begin(), object.end(), [&](const auto& member) { return member.first == key; });
  if (it == object.end()) return object.emplace_back(std::string(key), std::move(value)).second;
  return it->second = std::move(value);
}

void Json::push(Json value) {
  if (is_null()) value_ = Array{};
  as_array().push_back(std::move(value));
}

}  // namespace sil
