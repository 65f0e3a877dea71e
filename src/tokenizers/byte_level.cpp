// ByteLevel and Metaspace: pre-tokenizers that rewrite what they cut.
#include <optional>

#include "text/byte_letters.h"
#include "tokenizers/pre_tokenizer.h"
#include "tokenizers/split.h"

namespace sil::tokenizers {
namespace {

// Of GPT-2 (Radford et al. 2019, encoder.py).
constexpr std::string_view kGpt2Pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

class ByteLevel final : public PreTokenizer {
 public:
  explicit ByteLevel(const Component& component) : add_prefix_space_(component.flag("add_prefix_space")) {
    if (component.flag("use_regex", true)) regex_ = Regex::pattern(kGpt2Pattern, component.where());
  }

  void apply(Pieces& pieces) const override {
    if (add_prefix_space_)
      rewrite_pieces(pieces, [](Rewrite& rewrite, Span span) {
        if (!rewrite.rest().starts_with(' ')) rewrite.lead_in(" ");
        rewrite.keep(span.end - span.begin);
      });
    if (regex_)
      split_pieces(pieces, SplitBehavior::isolated, [&](std::string_view piece) { return regex_->matches(piece); });
    std::string letters;
    rewrite_pieces(pieces, [&](Rewrite& rewrite, Span span) {
      letters.clear();
      append_byte_letters(letters, rewrite.rest().substr(0, span.end - span.begin));
      rewrite.replace(span.end - span.begin, letters);
    });
  }

 private:
  bool add_prefix_space_;
  std::optional<Regex> regex_;
};

enum class PrependScheme { always, first, never };

PrependScheme read_prepend_scheme(const Component& component) {
  const std::string name = component.text("prepend_scheme", "always");
  if (!component.flag("add_prefix_space", true) && name != "never")
    component.fail("add_prefix_space is false, but prepend_scheme " + quoted(name), "let both say the same");
  if (name == "always") return PrependScheme::always;
  if (name == "first") return PrependScheme::first;
  if (name == "never") return PrependScheme::never;
  component.fail("prepend_scheme is " + quoted(name) + "; known: always, first, never");
}

// Blanks become a visible letter (Kudo & Richardson 2018: U+2581), with which pieces begin.
class Metaspace final : public PreTokenizer {
 public:
  explicit Metaspace(const Component& component)
      : replacement_(component.character("replacement")),
        scheme_(read_prepend_scheme(component)),
        split_(component.flag("split", true)) {}

  void apply(Pieces& pieces) const override {
    const size_t first = pieces.text.first;
    rewrite_pieces(pieces, [&](Rewrite& rewrite, Span span) {
      const bool begins = rewrite.rest().starts_with(' ') || rewrite.rest().starts_with(replacement_);
      const bool wanted = scheme_ == PrependScheme::always || (scheme_ == PrependScheme::first && span.begin < first);
      if (wanted && !begins) rewrite.lead_in(replacement_);
      for (size_t left = span.end - span.begin; left > 0;) {
        const size_t plain = std::min(left, rewrite.rest().find(' '));
        rewrite.keep(plain);
        left -= plain;
        if (left == 0) break;
        rewrite.replace(1, replacement_);
        --left;
      }
    });
    if (!split_) return;
    split_pieces(pieces, SplitBehavior::merged_with_next, [&](std::string_view piece) {
      return match_characters(piece, [&](char32_t point) { return point == code_point(replacement_); });
    });
  }

 private:
  std::string replacement_;
  PrependScheme scheme_;
  bool split_;
};

}  // namespace

std::unique_ptr<const PreTokenizer> read_byte_level(const Component& component) {
  return std::make_unique<ByteLevel>(component);
}

std::unique_ptr<const PreTokenizer> read_metaspace(const Component& component) {
  return std::make_unique<Metaspace>(component);
}

}  // namespace sil::tokenizers
