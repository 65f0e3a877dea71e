// Precompiled: the normalizer that SentencePiece stores in its models. Bytes: size of a trie (32 bits, little-endian),
// a double-array trie of Darts-clone over UTF-8, whose values are offsets into what follows: texts that end with NUL.
#include <cstdint>
#include <optional>
#include <vector>

#include "tokenizers/base64.h"
#include "tokenizers/code_points.h"
#include "tokenizers/normalizer.h"
#include "tokenizers/unicode.h"

namespace sil::tokenizers {
namespace {

constexpr size_t kLongestCluster = 6;  // bytes; longer ones are only looked up character by character

// Units of Darts-clone: bits 0-7 label, 8 has a leaf, 9 offset is scaled, 10-30 offset; of a leaf: bits 0-30 value.
class DoubleArray {
 public:
  explicit DoubleArray(std::string_view bytes) {
    for (size_t i = 0; i + 4 <= bytes.size(); i += 4) {
      uint32_t unit = 0;
      for (size_t k = 4; k-- > 0;) unit = unit << 8 | static_cast<unsigned char>(bytes[i + k]);
      units_.push_back(unit);
    }
  }

  // The value of the shortest key that `text` begins with.
  std::optional<uint32_t> shortest_prefix(std::string_view text) const {
    if (units_.empty()) return std::nullopt;
    size_t at = offset(units_[0]);
    for (const char c : text) {
      const auto byte = static_cast<unsigned char>(c);
      if (byte == 0) return std::nullopt;
      at ^= byte;
      if (at >= units_.size() || (units_[at] & 0x800000FF) != byte) return std::nullopt;
      const bool leaf = (units_[at] >> 8 & 1) != 0;
      at ^= offset(units_[at]);
      if (!leaf) continue;
      if (at >= units_.size()) return std::nullopt;
      return units_[at] & 0x7FFFFFFF;
    }
    return std::nullopt;
  }

 private:
  static size_t offset(uint32_t unit) { return size_t{unit >> 10} << ((unit & 0x200) >> 6); }

  std::vector<uint32_t> units_;
};

class Charsmap final : public Normalizer {
 public:
  Charsmap(std::string_view trie, std::string_view texts) : trie_(trie), texts_(texts) {}

  void apply(Text& text) const override {
    Rewrite rewrite(text);
    while (!rewrite.done()) {
      const std::string_view cluster = rewrite.rest().substr(0, grapheme_length(rewrite.rest()));
      if (cluster.size() < kLongestCluster && replace(rewrite, cluster)) continue;
      for (size_t left = cluster.size(); left > 0;) {
        const std::string_view character = character_at(rewrite.rest(), 0);
        left -= character.size();
        if (!replace(rewrite, character)) rewrite.keep(character.size());
      }
    }
    text = rewrite.take();
  }

 private:
  bool replace(Rewrite& rewrite, std::string_view part) const {
    const std::optional<uint32_t> at = trie_.shortest_prefix(part);
    if (!at) return false;
    const size_t begin = std::min<size_t>(*at, texts_.size());
    if (begin < texts_.size() && (static_cast<unsigned char>(texts_[begin]) & 0xC0) == 0x80) return false;
    const size_t end = std::min(texts_.find('\0', begin), texts_.size());
    rewrite.replace(part.size(), std::string_view(texts_).substr(begin, end - begin));
    return true;
  }

  DoubleArray trie_;
  std::string texts_;
};

}  // namespace

std::unique_ptr<const Normalizer> read_charsmap(const Component& component) {
  const std::optional<std::string> bytes = decode_base64(component.text("precompiled_charsmap"));
  if (!bytes || bytes->size() < 4) component.fail("precompiled_charsmap is not the base64 of a character map");
  uint32_t size = 0;
  for (size_t k = 4; k-- > 0;) size = size << 8 | static_cast<unsigned char>((*bytes)[k]);
  const std::string_view rest = std::string_view(*bytes).substr(4);
  if (size > rest.size())
    component.fail("precompiled_charsmap is said to hold a trie of " + std::to_string(size) + " bytes, but " +
                   std::to_string(rest.size()) + " follow");
  size_t fault = 0;
  if (!is_utf8(rest.substr(size), &fault))
    component.fail("the texts of precompiled_charsmap are not UTF-8 at byte " + std::to_string(fault));
  return std::make_unique<Charsmap>(rest.substr(0, size), rest.substr(size));
}

}  // namespace sil::tokenizers
