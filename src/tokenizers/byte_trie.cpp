#include "tokenizers/byte_trie.h"

#include <algorithm>

namespace sil::tokenizers {

ByteTrie::ByteTrie(std::vector<std::pair<std::string_view, TokenId>> entries) : nodes_(1), labels_(1) {
  std::sort(entries.begin(), entries.end());
  struct Range {
    size_t begin, end, depth;  // the entries below a node share `depth` bytes
  };
  std::vector<Range> ranges{{0, entries.size(), 0}};  // one a node, in the same order
  for (size_t node = 0; node < ranges.size(); ++node) {
    auto [begin, end, depth] = ranges[node];
    if (begin < end && entries[begin].first.size() == depth) nodes_[node].value = entries[begin++].second;
    nodes_[node].children = static_cast<uint32_t>(nodes_.size());
    while (begin < end) {
      const char byte = entries[begin].first[depth];
      size_t stop = begin;
      while (stop < end && entries[stop].first[depth] == byte) ++stop;
      ranges.push_back({begin, stop, depth + 1});
      nodes_.emplace_back();
      labels_.push_back(static_cast<unsigned char>(byte));
      ++nodes_[node].count;
      begin = stop;
    }
  }
}

ByteTrie::Node ByteTrie::next(Node node, char byte) const {
  const auto wanted = static_cast<unsigned char>(byte);
  const auto begin = labels_.begin() + nodes_[node].children, end = begin + nodes_[node].count;
  const auto found = std::lower_bound(begin, end, wanted);
  return found != end && *found == wanted ? static_cast<Node>(found - labels_.begin()) : kRoot;
}

std::pair<size_t, TokenId> ByteTrie::longest(std::string_view text, Node node) const {
  std::pair<size_t, TokenId> out{0, -1};
  for (size_t i = 0; i < text.size(); ++i) {
    node = next(node, text[i]);
    if (node == kRoot) break;
    if (value(node) >= 0) out = {i + 1, value(node)};
  }
  return out;
}

ByteTrie::Node ByteTrie::walk(std::string_view text) const {
  Node node = kRoot;
  for (const char byte : text) {
    node = next(node, byte);
    if (node == kRoot) break;
  }
  return node;
}

}  // namespace sil::tokenizers
