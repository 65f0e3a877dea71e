// The recipe as a tree whose every value and key knows where it was written. Independent of YAML.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sil/error.h"
#include "sil/json.h"

namespace sil {

// Where a value came from, for the resolved dump.
enum class Origin : uint8_t { file, override_, control, default_ };

struct Node {
  enum class Kind : uint8_t { null, scalar, list, map };
  struct Member;

  Kind kind = Kind::null;
  Place place;  // of the value
  Origin origin = Origin::file;
  std::string scalar;   // as written
  bool quoted = false;  // quoted or block scalar: always a string
  std::vector<Node> items;
  std::vector<Member> members;  // unique keys, in file order

  const Node* find(std::string_view key) const;  // nullptr when absent or not a map
  Node* find(std::string_view key);
  const char* kind_name() const;  // "nothing", "a scalar", "a list", "a map"

  static Node text(std::string value, Place place, Origin origin);
  static Node from_json(const Json& value, Place place, Origin origin);
  Json to_json() const;  // scalars by YAML 1.2 core rules
};

struct Node::Member {
  std::string key;
  Place place;  // of the key
  Node value;
};

// YAML 1.2 core schema of a plain scalar: null, bool, int, float or string.
Json scalar_value(const Node& scalar);

}  // namespace sil
