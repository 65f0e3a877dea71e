#include "tokenizers/vocabulary.h"

namespace sil::tokenizers {

void Vocabulary::add(const std::string& token, TokenId id, const Component& where) {
  if (token.size() > kLongestToken)
    where.fail("token " + quoted(token) + " has " + std::to_string(token.size()) + " bytes; at most " +
               std::to_string(kLongestToken) + " are read");
  const auto [entry, is_new] = ids_.emplace(token, id);
  if (!is_new) where.fail("token " + quoted(token) + " stands there twice");
  const auto index = static_cast<size_t>(id);
  if (index >= tokens_.size()) tokens_.resize(index + 1, nullptr);
  if (tokens_[index] != nullptr)
    where.fail("id " + std::to_string(id) + " is that of " + quoted(*tokens_[index]) + " and of " + quoted(token));
  tokens_[index] = &entry->first;
}

Vocabulary Vocabulary::of_map(const Component& model) {
  const Component vocab = model.child("vocab");
  Vocabulary out;
  const Json::Object& entries = vocab.json().as_object();
  out.ids_.reserve(entries.size());
  for (const auto& [token, id] : entries) {
    if (!id.is_int() || id.as_int() < 0 || id.as_int() >= kMostTokens)
      vocab.fail("the id of token " + quoted(token) + " is " + shown(id) + "; allowed: integers from 0 to " +
                 std::to_string(kMostTokens - 1));
    out.add(token, static_cast<TokenId>(id.as_int()), vocab);
  }
  return out;
}

Vocabulary Vocabulary::of_scores(const Component& model, std::vector<double>& scores) {
  Vocabulary out;
  const Json::Array& entries = model.list("vocab");
  if (static_cast<int64_t>(entries.size()) > kMostTokens)
    model.fail("vocab has " + std::to_string(entries.size()) + " tokens; at most " + std::to_string(kMostTokens) +
               " are read");
  for (const Json& entry : entries) {
    const bool pair = entry.is_array() && entry.as_array().size() == 2 && entry.as_array()[0].is_string() &&
                      entry.as_array()[1].is_number();
    if (!pair) model.fail("entry " + std::to_string(scores.size()) + " of vocab is not a list of a token and a score");
    out.add(entry.as_array()[0].as_string(), static_cast<TokenId>(scores.size()), model);
    scores.push_back(entry.as_array()[1].as_double());
  }
  return out;
}

std::optional<TokenId> Vocabulary::id(std::string_view token) const {
  const auto found = ids_.find(token);
  if (found == ids_.end()) return std::nullopt;
  return found->second;
}

const std::string* Vocabulary::token(TokenId id) const {
  return id < 0 || id >= bound() ? nullptr : tokens_[static_cast<size_t>(id)];
}

}  // namespace sil::tokenizers
