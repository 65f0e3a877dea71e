// Golden vectors: rows {text, add_special, parse_special, ids, decoded?, decoded_skip_special?} of `tokenizers`.
#pragma once

#include <string>

#include "formats/jsonl.h"
#include "support/catch.h"
#include "tokenizers/tokenizer.h"

namespace sil {

inline std::vector<TokenId> ids_of(const Json& list) {
  std::vector<TokenId> out;
  for (const Json& id : list.as_array()) out.push_back(static_cast<TokenId>(id.as_int()));
  return out;
}

inline std::string streamed(const Tokenizer& tokenizer, const std::vector<TokenId>& ids) {
  const auto stream = tokenizer.stream();
  std::string out;
  for (const TokenId id : ids) {
    const std::string piece = stream->push(id);
    CHECK(parse_json(dump(Json(piece))).as_string() == piece);  // dump would replace a part of a character
    out += piece;
  }
  return out + stream->finish();
}

inline void check_row(const Tokenizer& tokenizer, const Json& row) {
  const std::string text = dump(row.at("text"));
  INFO(text);
  const std::vector<TokenId> ids = ids_of(row.at("ids"));
  CHECK(tokenizer.encode(row.at("text").as_string(), row.at("add_special").as_bool(),
                         row.at("parse_special").as_bool()) == ids);
  if (const Json* decoded = row.find("decoded")) CHECK(tokenizer.decode(ids, false) == decoded->as_string());
  if (const Json* decoded = row.find("decoded_skip_special")) {
    CHECK(tokenizer.decode(ids, true) == decoded->as_string());
    CHECK(streamed(tokenizer, ids) == decoded->as_string());
  }
}

// Returns how many rows there were.
inline int check_vectors(const Tokenizer& tokenizer, const std::string& path) {
  JsonLines rows(path);
  int count = 0;
  for (; rows.next(); ++count) check_row(tokenizer, rows.row());
  return count;
}

}  // namespace sil
