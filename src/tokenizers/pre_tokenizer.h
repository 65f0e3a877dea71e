// Cuts text into the pieces that the model encodes one by one, and may rewrite them.
#pragma once

#include <memory>
#include <vector>

#include "tokenizers/component.h"
#include "tokenizers/text.h"

namespace sil::tokenizers {

struct Pieces {
  Text text;
  std::vector<Span> spans;  // in order, none empty; what lies between them is gone
};

// Immutable, thread-safe.
class PreTokenizer {
 public:
  virtual ~PreTokenizer() = default;
  virtual void apply(Pieces& pieces) const = 0;
};

std::unique_ptr<const PreTokenizer> read_pre_tokenizer(const Component& component);
std::unique_ptr<const PreTokenizer> read_byte_level(const Component& component);
std::unique_ptr<const PreTokenizer> read_metaspace(const Component& component);

// Rewrites the pieces one after the other: write(rewrite, span) consumes the span.
template <class Write>
void rewrite_pieces(Pieces& pieces, Write write) {
  Rewrite rewrite(pieces.text);
  size_t at = 0;
  for (Span& span : pieces.spans) {
    rewrite.drop(span.begin - at);
    at = span.end;
    const size_t begin = rewrite.written();
    write(rewrite, span);
    span = {begin, rewrite.written()};
  }
  pieces.text = rewrite.take();
}

}  // namespace sil::tokenizers
