// `sil tokenizer`: text to ids and back, and golden vectors, for rows on stdin.
#include <algorithm>
#include <memory>
#include <utility>

#include "app/commands.h"
#include "app/output.h"
#include "app/row_filter.h"
#include "tokenizers/tokenizer.h"

namespace sil {
namespace {

constexpr int64_t kShownDifferences = 5;

// Rows are answered by themselves, in order.
class TokenizerRows : public RowFilter {
 public:
  TokenizerRows(std::string form, const std::string& path)
      : RowFilter(std::move(form)), tokenizer_(open_tokenizer(path)) {}

 protected:
  const Tokenizer& tokenizer() const { return *tokenizer_; }

  std::string required_text(const Json& row, std::string_view key) const {
    if (row.find(key) == nullptr) refuse("the row has no `" + std::string(key) + "`");
    return text_member(row, key);
  }

  bool flag_member(const Json& row, std::string_view key) const {
    const Json* value = row.find(key);
    if (value == nullptr) return false;
    if (!value->is_bool()) refuse("`" + std::string(key) + "` is " + value->kind() + ", not true or false");
    return value->as_bool();
  }

  std::vector<TokenId> ids_member(const Json& row) const {
    const Json* list = row.find("ids");
    if (list == nullptr || !list->is_array()) refuse("the row has no list `ids`");
    std::vector<TokenId> out;
    for (const Json& id : list->as_array()) {
      if (!id.is_int() || id.as_int() < 0 || id.as_int() >= tokenizer_->vocabulary_size())
        refuse("`ids` holds " + dump(id).substr(0, 40) + "; the tokenizer has ids 0 to " +
               std::to_string(tokenizer_->vocabulary_size() - 1));
      out.push_back(static_cast<TokenId>(id.as_int()));
    }
    return out;
  }

  std::vector<TokenId> encoded(const Json& row) const {
    const std::string text = required_text(row, "text");
    const bool add_special = flag_member(row, "add_special"), parse_special = flag_member(row, "parse_special");
    try {
      return tokenizer_->encode(text, add_special, parse_special);
    } catch (const Error& error) {
      refuse(error.findings().front().message);
    }
  }

 private:
  std::shared_ptr<const Tokenizer> tokenizer_;
};

class EncodeRows final : public TokenizerRows {
 public:
  explicit EncodeRows(const std::string& path)
      : TokenizerRows("{\"text\", \"add_special\": false, \"parse_special\": false}", path) {}

 private:
  void add(const Json& row) override {
    Json ids = Json::array();
    for (const TokenId id : encoded(row)) ids.push(id);
    print_json(Json::Object{{"ids", std::move(ids)}});
  }
  void answer() override {}
};

class DecodeRows final : public TokenizerRows {
 public:
  explicit DecodeRows(const std::string& path) : TokenizerRows("{\"ids\", \"skip_special\": false}", path) {}

 private:
  void add(const Json& row) override {
    print_json(Json::Object{{"text", tokenizer().decode(ids_member(row), flag_member(row, "skip_special"))}});
  }
  void answer() override {}
};

class VerifyRows final : public TokenizerRows {
 public:
  explicit VerifyRows(const std::string& path)
      : TokenizerRows(
            "{\"text\", \"add_special\", \"parse_special\", \"ids\", \"decoded\"?, \"decoded_skip_special\"?}", path) {}

  int64_t rows() const { return rows_; }
  int64_t agreeing() const { return agreeing_; }

 private:
  void add(const Json& row) override {
    ++rows_;
    const std::vector<TokenId> wanted = ids_member(row);
    const std::string difference = difference_of(row, wanted);
    if (difference.empty()) {
      ++agreeing_;
    } else if (rows_ - agreeing_ <= kShownDifferences) {
      tell(place().text() + ": " + difference + "\n");
    }
  }
  void answer() override {}

  std::string difference_of(const Json& row, const std::vector<TokenId>& wanted) const {
    const std::vector<TokenId> ids = encoded(row);
    if (ids != wanted) {
      const auto [mine, theirs] = std::mismatch(ids.begin(), ids.end(), wanted.begin(), wanted.end());
      const auto shown = [](auto at, auto end) { return at == end ? std::string("the end") : std::to_string(*at); };
      return "ids differ at position " + std::to_string(mine - ids.begin()) + ": " + shown(mine, ids.end()) + ", not " +
             shown(theirs, wanted.end());
    }
    for (const auto& [key, skip] : {std::pair{"decoded", false}, std::pair{"decoded_skip_special", true}}) {
      const Json* text = row.find(key);
      if (text == nullptr || text->is_null()) continue;
      const std::string mine = tokenizer().decode(wanted, skip);
      if (*text != Json(mine)) return std::string(key) + " differs: " + dump(Json(mine)) + ", not " + dump(*text);
      if (skip && streamed(wanted) != mine) return "the text of the stream differs from the whole one";
    }
    return {};
  }

  std::string streamed(const std::vector<TokenId>& ids) const {
    const std::unique_ptr<StreamDecoder> stream = tokenizer().stream();
    std::string out;
    for (const TokenId id : ids) out += stream->push(id);
    return out + stream->finish();
  }

  int64_t rows_ = 0, agreeing_ = 0;
};

}  // namespace

int tokenizer_encode_command(const std::string& tokenizer) {
  EncodeRows(tokenizer).run();
  return 0;
}

int tokenizer_decode_command(const std::string& tokenizer) {
  DecodeRows(tokenizer).run();
  return 0;
}

int tokenizer_verify_command(const std::string& tokenizer, bool json) {
  VerifyRows rows(tokenizer);
  rows.run();
  if (rows.rows() == 0) throw Error(Exit::unreadable, "there are no vectors on standard input");
  const bool ok = rows.agreeing() == rows.rows();
  if (json) {
    print_json(Json::Object{{"schema_version", 1}, {"ok", ok}, {"rows", rows.rows()}, {"agree", rows.agreeing()}});
  } else {
    print(std::to_string(rows.agreeing()) + " of " + std::to_string(rows.rows()) + " vectors agree\n");
  }
  return static_cast<int>(ok ? Exit::ok : Exit::differs);
}

}  // namespace sil
