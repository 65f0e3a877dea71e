#include "tokenizers/normalizer.h"

#include <utility>
#include <vector>

#include "text/byte_letters.h"
#include "tokenizers/code_points.h"
#include "tokenizers/pattern.h"
#include "tokenizers/unicode.h"

namespace sil::tokenizers {
namespace {

class UnicodeForm final : public Normalizer {
 public:
  explicit UnicodeForm(NormalForm form) : form_(form) {}
  void apply(Text& text) const override {
    if (text.bytes.empty()) return;
    std::string bytes = normal_form(text.bytes, form_);
    // What else the first character became does not begin a piece.
    if (text.first > 0) text.first = bytes.empty() ? 0 : character_length(bytes[0]);
    text.bytes = std::move(bytes);
  }

 private:
  NormalForm form_;
};

class Lowercase final : public Normalizer {
 public:
  void apply(Text& text) const override {
    std::string lower;
    rewrite_characters(text, [&](Rewrite& rewrite, char32_t point, size_t length) {
      lower.clear();
      append_lowercase(lower, point);
      rewrite.replace(length, lower);
    });
  }
};

class Strip final : public Normalizer {
 public:
  Strip(bool left, bool right) : left_(left), right_(right) {}
  void apply(Text& text) const override {
    const std::string_view bytes = text.bytes;
    size_t begin = 0, seen = 0, end = 0;  // seen: behind the characters visited; end: behind the last that stays
    bool inside = !left_;
    for_each_character(bytes, [&](char32_t point, std::string_view character) {
      seen += character.size();
      if (is_whitespace(point)) {
        if (!inside) begin = seen;
      } else {
        inside = true;
        end = seen;
      }
    });
    if (!right_) end = bytes.size();
    Rewrite rewrite(text);
    rewrite.drop(begin);
    if (begin < end) rewrite.keep(end - begin);
    text = rewrite.take();
  }

 private:
  bool left_, right_;
};

class StripAccents final : public Normalizer {
 public:
  void apply(Text& text) const override {
    rewrite_characters(text, [](Rewrite& rewrite, char32_t point, size_t length) {
      is_combining_mark(point) ? rewrite.drop(length) : rewrite.keep(length);
    });
  }
};

// The control characters and blanks of Moses and Marian's NMT preprocessing.
class Nmt final : public Normalizer {
 public:
  void apply(Text& text) const override {
    rewrite_characters(text, [](Rewrite& rewrite, char32_t point, size_t length) {
      if (is_dropped(point)) {
        rewrite.drop(length);
      } else if (is_blank(point)) {
        rewrite.replace(length, " ");
      } else {
        rewrite.keep(length);
      }
    });
  }

 private:
  static bool is_dropped(char32_t point) {
    return (point >= 0x01 && point <= 0x08) || point == 0x0B || (point >= 0x0E && point <= 0x1F) || point == 0x7F ||
           point == 0x8F || point == 0x9F;
  }
  static bool is_blank(char32_t point) {
    return point == 0x09 || point == 0x0A || point == 0x0C || point == 0x0D || point == 0x1680 ||
           (point >= 0x200B && point <= 0x200F) || point == 0x2028 || point == 0x2029 || point == 0x2581 ||
           point == 0xFEFF || point == 0xFFFD;
  }
};

class Replace final : public Normalizer {
 public:
  explicit Replace(const Component& component) : regex_(read_pattern(component)), content_(component.text("content")) {}
  void apply(Text& text) const override {
    if (text.bytes.empty()) return;
    Rewrite rewrite(text);
    for (const Match& match : regex_.matches(text.bytes)) {
      const size_t length = match.span.end - match.span.begin;
      if (!match.matches) {
        rewrite.keep(length);
      } else {
        rewrite.drop(length);
        rewrite.insert(content_);
      }
    }
    text = rewrite.take();
  }

 private:
  Regex regex_;
  std::string content_;
};

class Prepend final : public Normalizer {
 public:
  explicit Prepend(std::string text) : text_(std::move(text)) {}
  void apply(Text& text) const override {
    if (text.bytes.empty()) return;
    Rewrite rewrite(text);
    rewrite.lead_in(text_);
    rewrite.keep(text.bytes.size());
    text = rewrite.take();
  }

 private:
  std::string text_;
};

class ByteLevelNormalizer final : public Normalizer {
 public:
  void apply(Text& text) const override {
    rewrite_characters(text, [letters = std::string()](Rewrite& rewrite, char32_t, size_t length) mutable {
      letters.clear();
      append_byte_letters(letters, rewrite.rest().substr(0, length));
      rewrite.replace(length, letters);
    });
  }
};

class NormalizerSequence final : public Normalizer {
 public:
  explicit NormalizerSequence(const Component& component) {
    for (const Component& child : component.steps("normalizers")) parts_.push_back(read_normalizer(child));
  }
  void apply(Text& text) const override {
    for (const auto& normalizer : parts_) normalizer->apply(text);
  }

 private:
  std::vector<std::unique_ptr<const Normalizer>> parts_;
};

}  // namespace

std::unique_ptr<const Normalizer> read_normalizer(const Component& component) {
  const std::string& type = component.type();
  if (type == "NFC") return std::make_unique<UnicodeForm>(NormalForm::nfc);
  if (type == "NFD") return std::make_unique<UnicodeForm>(NormalForm::nfd);
  if (type == "NFKC") return std::make_unique<UnicodeForm>(NormalForm::nfkc);
  if (type == "NFKD") return std::make_unique<UnicodeForm>(NormalForm::nfkd);
  if (type == "Lowercase") return std::make_unique<Lowercase>();
  if (type == "Strip") return std::make_unique<Strip>(component.flag("strip_left"), component.flag("strip_right"));
  if (type == "StripAccents") return std::make_unique<StripAccents>();
  if (type == "Nmt") return std::make_unique<Nmt>();
  if (type == "Replace") return std::make_unique<Replace>(component);
  if (type == "Prepend") return std::make_unique<Prepend>(component.text("prepend"));
  if (type == "ByteLevel") return std::make_unique<ByteLevelNormalizer>();
  if (type == "BertNormalizer") return read_bert_normalizer(component);
  if (type == "Precompiled") return read_charsmap(component);
  if (type == "Sequence") return std::make_unique<NormalizerSequence>(component);
  component.unknown_type(
      "BertNormalizer, ByteLevel, Lowercase, NFC, NFD, NFKC, NFKD, Nmt, Precompiled, Prepend, Replace, Sequence, "
      "Strip, StripAccents");
}

}  // namespace sil::tokenizers
