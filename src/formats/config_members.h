// Members of a config.json, read with everything that is wrong about them collected.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "sil/error.h"
#include "sil/json.h"

namespace sil {

class ConfigMembers {
 public:
  // Throws Error(Exit::unreadable) on what is no JSON map. `where` must outlive it.
  ConfigMembers(std::string_view text, const Place& where);

  bool has(std::string_view key) const { return json_.find(key) != nullptr; }
  // A member that is there and says something, or null.
  const Json* value(std::string_view key) const;
  // Each reads a member; where it is not there, `otherwise` holds, and of sizes without one that is a finding. So is
  // another type or a value out of range.
  int64_t size(std::string_view key, int64_t most, int64_t otherwise = 0);
  double number(std::string_view key, double otherwise);
  bool flag(std::string_view key, bool otherwise);
  // Of a value that was found under a name, or null.
  int64_t size_of(const std::string& name, const Json* found, int64_t most);
  double number_of(const std::string& name, const Json* found, double otherwise);

  // A member may be left out, but say nothing other than `wanted`.
  void expect(std::string_view key, const Json& wanted);

  void find(std::string message, std::string hint = "take config.json as transformers saved it");
  void refuse(std::string_view key, const Json& seen, const std::string& supported);  // a finding
  bool sound() const { return findings_.empty(); }
  // Throws Error(Exit::unreadable) with all findings, where there are any.
  void throw_findings();
  [[noreturn]] void fail(const std::string& what) const;

  const Place& where() const { return where_; }
  // All members but those of these names.
  Json other(std::initializer_list<std::string_view> known) const;

  static std::string shown(const Json& value);  // for messages, cut where it is long

 private:
  const Place& where_;
  Json json_;
  std::vector<Finding> findings_;
};

}  // namespace sil
