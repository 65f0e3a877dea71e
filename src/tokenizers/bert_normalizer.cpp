// BertNormalizer: the cleaning of BERT's BasicTokenizer (Devlin et al. 2018).
#include "tokenizers/code_points.h"
#include "tokenizers/normalizer.h"
#include "tokenizers/unicode.h"

namespace sil::tokenizers {
namespace {

// The blocks of Chinese characters. (One of them begins at U+2B920 in `tokenizers`, at U+2B820 in Unicode.)
bool is_chinese(char32_t point) {
  return (point >= 0x4E00 && point <= 0x9FFF) || (point >= 0x3400 && point <= 0x4DBF) ||
         (point >= 0x20000 && point <= 0x2A6DF) || (point >= 0x2A700 && point <= 0x2B73F) ||
         (point >= 0x2B740 && point <= 0x2B81F) || (point >= 0x2B920 && point <= 0x2CEAF) ||
         (point >= 0xF900 && point <= 0xFAFF) || (point >= 0x2F800 && point <= 0x2FA1F);
}

class BertNormalizer final : public Normalizer {
 public:
  explicit BertNormalizer(const Component& component)
      : clean_text_(component.flag("clean_text")),
        chinese_(component.flag("handle_chinese_chars")),
        lowercase_(component.flag("lowercase")),
        strip_accents_(component.flag("strip_accents", lowercase_)) {}

  void apply(Text& text) const override {
    if (clean_text_) rewrite_characters(text, clean);
    if (chinese_) rewrite_characters(text, set_apart_chinese);
    if (strip_accents_) {
      const bool first = text.first > 0;
      text.bytes = normal_form(text.bytes, NormalForm::nfd);
      text.first = first && !text.bytes.empty() ? character_length(text.bytes[0]) : 0;
      rewrite_characters(text, drop_accent);
    }
    if (lowercase_) rewrite_characters(text, lower);
  }

 private:
  static void clean(Rewrite& rewrite, char32_t point, size_t length) {
    if (point == 0 || is_control(point)) {
      rewrite.drop(length);
    } else if (is_whitespace(point)) {
      rewrite.replace(length, " ");
    } else {
      rewrite.keep(length);
    }
  }

  static void set_apart_chinese(Rewrite& rewrite, char32_t point, size_t length) {
    if (!is_chinese(point)) return rewrite.keep(length);
    const std::string spaced = " " + std::string(rewrite.rest().substr(0, length)) + " ";
    rewrite.replace(length, spaced);
  }

  static void drop_accent(Rewrite& rewrite, char32_t point, size_t length) {
    is_nonspacing_mark(point) ? rewrite.drop(length) : rewrite.keep(length);
  }

  static void lower(Rewrite& rewrite, char32_t point, size_t length) {
    std::string text;
    append_lowercase(text, point);
    rewrite.replace(length, text);
  }

  bool clean_text_, chinese_, lowercase_, strip_accents_;
};

}  // namespace

std::unique_ptr<const Normalizer> read_bert_normalizer(const Component& component) {
  return std::make_unique<BertNormalizer>(component);
}

}  // namespace sil::tokenizers
