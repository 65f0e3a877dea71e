#include "tokenizers/pre_tokenizer.h"

#include <functional>
#include <utility>

#include "tokenizers/pattern.h"
#include "tokenizers/split.h"
#include "tokenizers/unicode.h"

namespace sil::tokenizers {
namespace {

// Cuts at characters of one class.
class CharacterSplit final : public PreTokenizer {
 public:
  CharacterSplit(bool (*is)(char32_t), SplitBehavior behavior) : is_(is), behavior_(behavior) {}
  void apply(Pieces& pieces) const override {
    split_pieces(pieces, behavior_, [&](std::string_view piece) { return match_characters(piece, is_); });
  }

 private:
  bool (*is_)(char32_t);
  SplitBehavior behavior_;
};

class CharDelimiterSplit final : public PreTokenizer {
 public:
  explicit CharDelimiterSplit(std::string_view delimiter) : delimiter_(code_point(delimiter)) {}
  void apply(Pieces& pieces) const override {
    const auto is_delimiter = [&](char32_t point) { return point == delimiter_; };
    split_pieces(pieces, SplitBehavior::removed,
                 [&](std::string_view piece) { return match_characters(piece, is_delimiter); });
  }

 private:
  char32_t delimiter_;
};

// Runs of word characters, and runs of what is neither that nor blank.
class Whitespace final : public PreTokenizer {
 public:
  void apply(Pieces& pieces) const override {
    split_pieces(pieces, SplitBehavior::removed, [](std::string_view piece) {
      std::vector<Match> out;  // the blanks match, between and behind the runs
      Kind last = Kind::blank;
      size_t at = 0;
      for_each_character(piece, [&](char32_t point, std::string_view character) {
        const Kind kind = is_whitespace(point) ? Kind::blank : is_word(point) ? Kind::word : Kind::mark;
        if (kind == last && !out.empty()) {
          out.back().span.end += character.size();
        } else {
          out.push_back({{at, at + character.size()}, kind == Kind::blank});
        }
        last = kind;
        at += character.size();
      });
      return out;
    });
  }

 private:
  enum class Kind { blank, word, mark };
};

class Split final : public PreTokenizer {
 public:
  explicit Split(const Component& component)
      : regex_(read_pattern(component)), behavior_(read_behavior(component)), invert_(component.flag("invert")) {}
  void apply(Pieces& pieces) const override {
    split_pieces(pieces, behavior_, [&](std::string_view piece) {
      std::vector<Match> out = regex_.matches(piece);
      if (invert_)
        for (Match& match : out) match.matches = !match.matches;
      return out;
    });
  }

 private:
  Regex regex_;
  SplitBehavior behavior_;
  bool invert_;
};

class PreTokenizerSequence final : public PreTokenizer {
 public:
  explicit PreTokenizerSequence(std::vector<std::unique_ptr<const PreTokenizer>> parts) : parts_(std::move(parts)) {}
  void apply(Pieces& pieces) const override {
    for (const auto& pre_tokenizer : parts_) pre_tokenizer->apply(pieces);
  }

 private:
  std::vector<std::unique_ptr<const PreTokenizer>> parts_;
};

std::unique_ptr<const PreTokenizer> sequence(const Component& component) {
  std::vector<std::unique_ptr<const PreTokenizer>> parts;
  for (const Component& child : component.children("pretokenizers")) parts.push_back(read_pre_tokenizer(child));
  return std::make_unique<PreTokenizerSequence>(std::move(parts));
}

std::unique_ptr<const PreTokenizer> bert() {
  std::vector<std::unique_ptr<const PreTokenizer>> parts;
  parts.push_back(std::make_unique<CharacterSplit>(is_whitespace, SplitBehavior::removed));
  parts.push_back(std::make_unique<CharacterSplit>(is_punctuation, SplitBehavior::isolated));
  return std::make_unique<PreTokenizerSequence>(std::move(parts));
}

}  // namespace

std::unique_ptr<const PreTokenizer> read_pre_tokenizer(const Component& component) {
  const std::string& type = component.type();
  if (type == "ByteLevel") return read_byte_level(component);
  if (type == "Metaspace") return read_metaspace(component);
  if (type == "Split") return std::make_unique<Split>(component);
  if (type == "Sequence") return sequence(component);
  if (type == "Whitespace") return std::make_unique<Whitespace>();
  if (type == "WhitespaceSplit") return std::make_unique<CharacterSplit>(is_whitespace, SplitBehavior::removed);
  if (type == "BertPreTokenizer") return bert();
  if (type == "CharDelimiterSplit") return std::make_unique<CharDelimiterSplit>(component.character("delimiter"));
  if (type == "Digits") {
    const bool alone = component.flag("individual_digits");
    return std::make_unique<CharacterSplit>(is_numeric, alone ? SplitBehavior::isolated : SplitBehavior::contiguous);
  }
  if (type == "Punctuation") {
    const bool given = component.find("behavior") != nullptr;
    return std::make_unique<CharacterSplit>(is_punctuation, given ? read_behavior(component) : SplitBehavior::isolated);
  }
  component.unknown_type(
      "BertPreTokenizer, ByteLevel, CharDelimiterSplit, Digits, Metaspace, Punctuation, Sequence, Split, Whitespace, "
      "WhitespaceSplit");
}

}  // namespace sil::tokenizers
