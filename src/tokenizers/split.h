// What becomes of the matches of a pattern when text is cut.
#pragma once

#include <vector>

#include "tokenizers/component.h"
#include "tokenizers/pre_tokenizer.h"
#include "tokenizers/regex.h"

namespace sil::tokenizers {

enum class SplitBehavior { removed, isolated, merged_with_previous, merged_with_next, contiguous };
SplitBehavior read_behavior(const Component& component);  // its member `behavior`

// Appends the parts of what `matches` covers, moved by `offset`; empty ones are left out.
void append_split(std::vector<Span>& out, const std::vector<Match>& matches, size_t offset, SplitBehavior behavior);

// Cuts every piece: find(piece) gives its matches.
template <class Find>
void split_pieces(Pieces& pieces, SplitBehavior behavior, Find find) {
  std::vector<Span> out;
  out.reserve(pieces.spans.size());
  for (const Span span : pieces.spans) append_split(out, find(part(pieces.text.bytes, span)), span.begin, behavior);
  pieces.spans = std::move(out);
}

// Every character of which is(code point) holds matches by itself.
template <class Is>
std::vector<Match> match_characters(std::string_view text, Is is) {
  std::vector<Match> out;
  size_t begin = 0, at = 0;
  for_each_character(text, [&](char32_t point, std::string_view character) {
    const size_t end = at + character.size();
    if (is(point)) {
      if (begin < at) out.push_back({{begin, at}, false});
      out.push_back({{at, end}, true});
      begin = end;
    }
    at = end;
  });
  if (begin < at) out.push_back({{begin, at}, false});
  return out;
}

}  // namespace sil::tokenizers
