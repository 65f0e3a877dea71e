#include "tokenizers/tokenizer.h"

#include <algorithm>
#include <string>

#include "fuzz/must.h"
#include "fuzz/targets.h"
#include "tokenizers/vocabulary_json.h"

namespace sil::fuzz {
namespace {

const Place kWhere{"tokenizer.json", 0, 0};

void check_text(const Tokenizer& tokenizer, std::string_view text) {
  for (const bool special : {false, true}) {
    refused_well(Exit::unreadable, [&] {
      const std::vector<TokenId> ids = tokenizer.encode(text, special, special);
      for (const TokenId id : ids) must(id >= 0 && id < tokenizer.vocabulary_size(), "an id without a token");
      const std::string whole = tokenizer.decode(ids, true);
      const auto stream = tokenizer.stream();
      std::string joined;
      for (const TokenId id : ids) joined += stream->push(id);
      joined += stream->finish();
      must(joined == whole, "a stream that is not its whole");
      must(parse_json(dump(Json(whole))).as_string() == whole, "text that is not UTF-8");
    });
  }
}

}  // namespace

// A tokenizer.json, and behind a NUL a text for it; then the same bytes as a SentencePiece model.
void tokenizer(std::string_view input) {
  const size_t end = std::min(input.find('\0'), input.size());
  const std::string_view text = input.substr(std::min(end + 1, input.size()));
  refused_well(Exit::unreadable, [&] {
    const auto tokenizer = read_tokenizer_json(input.substr(0, end), kWhere);
    check_text(*tokenizer, text);
    check_text(*tokenizer, input.substr(0, std::min<size_t>(end, 200)));
  });
  refused_well(Exit::unreadable, [&] {
    const auto tokenizer = make_tokenizer(tokenizer_json_of_sentencepiece(input, kWhere), kWhere);
    check_text(*tokenizer, input.substr(0, 200));
  });
}

}  // namespace sil::fuzz
