#include "formats/config_members.h"

#include <algorithm>
#include <cmath>

namespace sil {
namespace {

constexpr size_t kLargest = size_t{1} << 20;  // bytes

}  // namespace

ConfigMembers::ConfigMembers(std::string_view text, const Place& where)
    : where_(where), json_(parse_json(text, where, {16, kLargest})) {
  if (!json_.is_object()) fail(std::string("config.json is ") + json_.kind() + ", not a map");
}

std::string ConfigMembers::shown(const Json& value) {
  std::string text = dump(value);
  return text.size() <= 80 ? text : text.substr(0, text.find_last_of(" ,:{[", 80)) + "…";
}

void ConfigMembers::fail(const std::string& what) const {
  throw Error(Exit::unreadable, what, "take the folder as transformers saved it", where_);
}

void ConfigMembers::find(std::string message, std::string hint) {
  findings_.push_back({where_, std::move(message), std::move(hint)});
}

void ConfigMembers::refuse(std::string_view key, const Json& seen, const std::string& supported) {
  find(std::string(key) + " is " + shown(seen) + ", which is not supported", "supported: " + supported);
}

void ConfigMembers::expect(std::string_view key, const Json& wanted) {
  if (const Json* found = value(key); found != nullptr && *found != wanted) refuse(key, *found, dump(wanted));
}

void ConfigMembers::throw_findings() {
  if (!findings_.empty()) throw Error(Exit::unreadable, std::move(findings_));
}

const Json* ConfigMembers::value(std::string_view key) const {
  const Json* found = json_.find(key);
  return found == nullptr || found->is_null() ? nullptr : found;
}

int64_t ConfigMembers::size(std::string_view key, int64_t most, int64_t otherwise) {
  const Json* found = value(key);
  return found == nullptr && otherwise > 0 ? otherwise : size_of(std::string(key), found, most);
}

int64_t ConfigMembers::size_of(const std::string& name, const Json* found, int64_t most) {
  if (found == nullptr) {
    find("there is no " + name);
  } else if (!found->is_int() || found->as_int() < 1 || found->as_int() > most) {
    find(name + " is " + shown(*found) + "; allowed: integers from 1 to " + std::to_string(most));
  } else {
    return found->as_int();
  }
  return 0;
}

double ConfigMembers::number(std::string_view key, double otherwise) {
  return number_of(std::string(key), value(key), otherwise);
}

double ConfigMembers::number_of(const std::string& name, const Json* found, double otherwise) {
  if (found == nullptr) return otherwise;
  if (found->is_number() && found->as_double() > 0 && std::isfinite(found->as_double())) return found->as_double();
  find(name + " is " + shown(*found) + "; allowed: numbers above 0");
  return otherwise;
}

bool ConfigMembers::flag(std::string_view key, bool otherwise) {
  const Json* found = value(key);
  if (found == nullptr) return otherwise;
  if (found->is_bool()) return found->as_bool();
  find(std::string(key) + " is " + shown(*found) + "; allowed: true, false");
  return otherwise;
}

Json ConfigMembers::other(std::initializer_list<std::string_view> known) const {
  Json out = Json::object();
  for (const auto& [key, kept] : json_.as_object())
    if (std::find(known.begin(), known.end(), key) == known.end()) out.set(key, kept);
  return out;
}

}  // namespace sil
