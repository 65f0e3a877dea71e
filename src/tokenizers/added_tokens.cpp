#include "tokenizers/added_tokens.h"

#include <algorithm>
#include <map>

#include "tokenizers/code_points.h"
#include "tokenizers/unicode.h"

namespace sil::tokenizers {
namespace {

// The last character of `text`, which is not empty.
std::string_view last_character(std::string_view text) {
  size_t at = text.size() - 1;
  while ((static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) --at;
  return text.substr(at);
}

bool stands_alone(std::string_view text, Span span) {
  const std::string_view before = text.substr(0, span.begin), behind = text.substr(span.end);
  return (before.empty() || !is_word(code_point(last_character(before)))) &&
         (behind.empty() || !is_word(code_point(character_at(behind, 0))));
}

size_t blanks_at_end(std::string_view text) {
  size_t end = text.size();
  while (end > 0) {
    const std::string_view character = last_character(text.substr(0, end));
    if (!is_whitespace(code_point(character))) break;
    end -= character.size();
  }
  return text.size() - end;
}

size_t blanks_at_begin(std::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    const std::string_view character = character_at(text, at);
    if (!is_whitespace(code_point(character))) break;
    at += character.size();
  }
  return at;
}

}  // namespace

AddedTokens::AddedTokens(const Component& tokenizer, const Vocabulary& vocabulary, const Normalizer* normalizer) {
  if (tokenizer.find("added_tokens") == nullptr) return;
  auto next = static_cast<TokenId>(vocabulary.count());
  for (const Component& entry : tokenizer.children("added_tokens")) {
    const std::optional<TokenId> known = vocabulary.id(entry.text("content"));
    if (!known && vocabulary.token(next) != nullptr)
      entry.fail("its id would be " + std::to_string(next) + ", which is that of " + quoted(*vocabulary.token(next)),
                 "number the vocabulary without gaps");
    add(entry, known.value_or(next), normalizer);
    if (!known) ++next;
  }
  given_ = finder(In::given);
  normalized_ = finder(In::normalized);
}

void AddedTokens::add(const Component& entry, TokenId expected, const Normalizer* normalizer) {
  AddedToken token;
  token.content = token.normalized_content = entry.text("content");
  token.single_word = entry.flag("single_word");
  token.lstrip = entry.flag("lstrip");
  token.rstrip = entry.flag("rstrip");
  token.normalized = entry.flag("normalized");
  token.special = entry.flag("special");
  const int64_t id = entry.integer("id", 0, kMostTokens - 1);
  if (token.content.empty()) entry.fail("its content is empty");
  if (token.content.size() > kLongestToken)
    entry.fail("its content has " + std::to_string(token.content.size()) + " bytes; at most " +
               std::to_string(kLongestToken) + " are read");
  if (ids_.contains(token.content)) entry.fail(quoted(token.content) + " stands there twice");
  if (id != expected)
    entry.fail("the id of " + quoted(token.content) + " is " + std::to_string(id) + ", but the vocabulary gives it " +
                   std::to_string(expected),
               "number added tokens from the end of the vocabulary on, without gaps");
  if (token.normalized && normalizer != nullptr) {
    Text text{token.content, 0};
    normalizer->apply(text);
    token.normalized_content = std::move(text.bytes);
    if (token.normalized_content.empty() || token.normalized_content.size() > kLongestToken)
      entry.fail(quoted(token.content) + " has " + std::to_string(token.normalized_content.size()) +
                 " bytes once it is normalized; allowed: 1 to " + std::to_string(kLongestToken));
  }
  if (token.special) special_.insert(token.content);
  ids_.emplace(token.content, expected);
  bound_ = std::max(bound_, expected + 1);
  tokens_.emplace(expected, std::move(token));
}

AddedTokens::Finder AddedTokens::finder(In what) const {
  // Of two that normalization makes alike the smaller id counts.
  std::map<std::string_view, TokenId> sought;
  for (const auto& [id, token] : tokens_) {
    if (token.normalized != (what == In::normalized)) continue;
    const auto [entry, is_new] = sought.emplace(token.normalized_content, id);
    if (!is_new) entry->second = std::min(entry->second, id);
  }
  Finder out;
  for (const auto& [content, id] : sought) out.begins[static_cast<unsigned char>(content[0])] = true;
  out.trie = ByteTrie({sought.begin(), sought.end()});
  return out;
}

std::vector<AddedMatch> AddedTokens::split(std::string_view text, In what, bool special) const {
  const Finder& finder = what == In::given ? given_ : normalized_;
  std::vector<AddedMatch> out;
  size_t begin = 0;  // of what is not yet given out
  for (size_t at = 0; at < text.size();) {
    const auto [length, id] = finder.begins[static_cast<unsigned char>(text[at])] ? finder.trie.longest(text.substr(at))
                                                                                  : std::pair<size_t, TokenId>{0, -1};
    if (length == 0) {
      ++at;
      continue;
    }
    Span span{at, at + length};
    at = span.end;  // a match that does not count still hides what begins within it
    const AddedToken& token = tokens_.at(id);
    if (!special && special_.contains(token.content)) continue;
    if (token.single_word && !stands_alone(text, span)) continue;
    if (token.lstrip) span.begin = std::max(begin, span.begin - blanks_at_end(text.substr(0, span.begin)));
    if (token.rstrip) span.end += blanks_at_begin(text.substr(span.end));
    if (begin < span.begin) out.push_back({{begin, span.begin}, -1});
    out.push_back({span, id});
    begin = span.end;
  }
  if (begin < text.size()) out.push_back({{begin, text.size()}, -1});
  return out;
}

const AddedToken* AddedTokens::find(TokenId id) const {
  const auto found = tokens_.find(id);
  return found == tokens_.end() ? nullptr : &found->second;
}

std::optional<TokenId> AddedTokens::id(std::string_view content) const {
  const auto found = ids_.find(std::string(content));
  if (found == ids_.end()) return std::nullopt;
  return found->second;
}

}  // namespace sil::tokenizers
