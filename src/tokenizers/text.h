// Text on its way from what was given to what the model reads.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "tokenizers/code_points.h"

namespace sil::tokenizers {

// Valid UTF-8.
struct Text {
  std::string bytes;
  size_t first = 0;  // so many bytes at the beginning stem from the first character that was given (Metaspace asks)
};

// One pass over a text that writes its successor and carries `first` along.
class Rewrite {
 public:
  explicit Rewrite(const Text& from) : from_(from) { out_.bytes.reserve(from.bytes.size() + from.bytes.size() / 8); }

  bool done() const { return at_ == from_.bytes.size(); }
  std::string_view rest() const { return std::string_view(from_.bytes).substr(at_); }

  void keep(size_t length) {
    if (at_ < from_.first) out_.first = out_.bytes.size() + std::min(length, from_.first - at_);
    out_.bytes.append(from_.bytes, at_, length);
    at_ += length;
  }
  void drop(size_t length) { at_ += length; }
  // `with` takes the place of the next `length` bytes.
  void replace(size_t length, std::string_view with) {
    const bool first = at_ < from_.first;
    at_ += length;
    out_.bytes += with;
    if (first) out_.first = out_.bytes.size();
  }
  // `text` belongs to the character behind it.
  void lead_in(std::string_view text) {
    out_.bytes += text;
    if (at_ < from_.first) out_.first = out_.bytes.size();
  }
  // `text` belongs to the character before it.
  void insert(std::string_view text) {
    out_.bytes += text;
    if (at_ == 0 ? from_.first > 0 : at_ <= from_.first) out_.first = out_.bytes.size();
  }
  size_t written() const { return out_.bytes.size(); }
  Text take() { return std::move(out_); }

 private:
  const Text& from_;
  size_t at_ = 0;
  Text out_;
};

// Writes each character anew: write(rewrite, code point, bytes it has).
template <class Write>
void rewrite_characters(Text& text, Write write) {
  Rewrite rewrite(text);
  while (!rewrite.done()) {
    const std::string_view character = character_at(rewrite.rest(), 0);
    write(rewrite, code_point(character), character.size());
  }
  text = rewrite.take();
}

// A part of a text. Empty spans are never pieces.
struct Span {
  size_t begin = 0, end = 0;
};

inline std::string_view part(std::string_view text, Span span) {
  return text.substr(span.begin, span.end - span.begin);
}

}  // namespace sil::tokenizers
