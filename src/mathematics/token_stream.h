// A place in a list of tokens.
#pragma once

#include <string_view>
#include <vector>

#include "mathematics/tokens.h"

namespace sil::mathematics {

class TokenStream {
 public:
  explicit TokenStream(const std::vector<Token>& tokens) : tokens_(tokens) {}  // must outlive the stream

  const Token& peek(size_t ahead = 0) const {
    return at_ + ahead < tokens_.size() ? tokens_[at_ + ahead] : tokens_.back();
  }
  const Token& next() {
    const Token& token = peek();
    if (at_ + 1 < tokens_.size()) ++at_;
    return token;
  }
  bool at_end() const { return peek().kind == Token::Kind::end; }
  bool take(std::string_view mark) {
    if (!peek().is(mark)) return false;
    next();
    return true;
  }
  void expect(std::string_view mark) {
    if (!take(mark)) throw Unreadable("`" + std::string(mark) + "` is missing");
  }
  size_t position() const { return at_; }
  void return_to(size_t position) { at_ = position; }

 private:
  const std::vector<Token>& tokens_;
  size_t at_ = 0;
};

// Counts how deep reading is nested while it lives.
class Nesting {
 public:
  Nesting(int& depth, int limit) : depth_(depth) {
    if (++depth_ > limit) {
      --depth_;
      throw Unreadable("it is nested too deeply");
    }
  }
  ~Nesting() { --depth_; }
  Nesting(const Nesting&) = delete;
  Nesting& operator=(const Nesting&) = delete;

 private:
  int& depth_;
};

}  // namespace sil::mathematics
