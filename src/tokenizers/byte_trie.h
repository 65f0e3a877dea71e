// Finds the keys that a text begins with, byte by byte.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "sil/records.h"

namespace sil::tokenizers {

class ByteTrie {
 public:
  using Node = uint32_t;
  static constexpr Node kRoot = 0;

  ByteTrie() : ByteTrie(std::vector<std::pair<std::string_view, TokenId>>()) {}
  // Distinct keys with their values, which are not negative. The texts are read here only.
  explicit ByteTrie(std::vector<std::pair<std::string_view, TokenId>> entries);

  // The node one byte further; kRoot: there is none.
  Node next(Node node, char byte) const;
  // Of the key that ends at the node; -1: none does.
  TokenId value(Node node) const { return nodes_[node].value; }

  // The longest key that `text` begins with, from `node` on: its length and value; {0, -1}: none.
  std::pair<size_t, TokenId> longest(std::string_view text, Node node = kRoot) const;
  // The node behind `text`; kRoot when no key begins so.
  Node walk(std::string_view text) const;

 private:
  struct State {
    uint32_t children = 0;  // nodes of its children, in the order of their bytes
    uint16_t count = 0;
    TokenId value = -1;
  };
  std::vector<State> nodes_;
  std::vector<unsigned char> labels_;  // the byte that leads to a node
};

}  // namespace sil::tokenizers
