// One id a character. The alphabet is written in the recipe or is what the recipe's tasks declare, so a vocabulary has
// no more rows than a tiny model needs; a character outside it is an error, never an unknown token that hides a
// mistake.
#include <algorithm>
#include <map>

#include "base/code_point.h"
#include "base/utf8.h"
#include "text/codecs.h"
#include "text/specials.h"
#include "text/tokenizer_json.h"

namespace sil {
namespace {

// `text` split into characters, sorted, each once.
std::vector<std::string> distinct_characters(std::string_view text) {
  std::vector<std::string> out;
  for (size_t at = 0; at < text.size();) {
    const Utf8Step step = utf8_step(text.substr(at));
    if (!step.valid)
      throw Error(Exit::usage, "chars: the alphabet is not UTF-8 at byte " + std::to_string(at + 1),
                  "save the file as UTF-8");
    out.emplace_back(text.substr(at, step.length));
    at += step.length;
  }
  std::sort(out.begin(), out.end());  // the order of UTF-8 bytes is the order of code points
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

class CharsCodec final : public Codec {
 public:
  explicit CharsCodec(std::string_view alphabet) : tokens_(kSpecials.begin(), kSpecials.end()) {
    for (std::string& character : distinct_characters(alphabet)) {
      ids_[code_point(character)] = static_cast<TokenId>(tokens_.size());
      tokens_.push_back(std::move(character));
    }
  }

  std::vector<TokenId> encode(const Conversation& conversation, bool /*generation_prompt*/) const override {
    return encode_text(plain_text(conversation));
  }
  std::vector<IdRange> assistant_ranges(const Conversation& conversation) const override {
    return plain_assistant_ranges(*this, conversation);
  }

  std::vector<TokenId> encode_text(std::string_view text) const override {
    std::vector<TokenId> out;
    out.reserve(text.size());
    for (size_t at = 0; at < text.size();) {
      const Utf8Step step = utf8_step(text.substr(at));
      const auto found = step.valid ? ids_.find(code_point(text.substr(at, step.length))) : ids_.end();
      if (found == ids_.end()) refuse(text, at, step, out.size());
      out.push_back(found->second);
      at += step.length;
    }
    return out;
  }

  std::string decode(const std::vector<TokenId>& ids) const override {
    std::string out;
    for (TokenId id : ids) out += plain(id);
    return out;
  }

  std::string token(TokenId id) const override {
    check_id(id, vocabulary_size());
    return tokens_[static_cast<size_t>(id)];
  }

  std::unique_ptr<StreamDecoder> stream() const override { return std::make_unique<Stream>(*this); }
  const std::vector<TokenId>& stop_ids() const override { return stop_ids_; }
  TokenId vocabulary_size() const override { return static_cast<TokenId>(tokens_.size()); }

  Digest digest() const override {
    Sha256 hash;
    hash.field("chars/1").number(tokens_.size());
    for (const std::string& token : tokens_) hash.field(token);
    return hash.finish();
  }

  std::vector<FolderFile> folder_files() const override { return tokenizer_files(chars_tokenizer(tokens_)); }

 private:
  // Every id is a whole character, so nothing waits.
  class Stream final : public StreamDecoder {
   public:
    explicit Stream(const CharsCodec& codec) : codec_(codec) {}
    std::string push(TokenId id) override { return std::string(codec_.plain(id)); }
    std::string finish() override { return {}; }

   private:
    const CharsCodec& codec_;
  };

  std::string_view plain(TokenId id) const {
    check_id(id, vocabulary_size());
    return id < kFirstPlain ? std::string_view() : tokens_[static_cast<size_t>(id)];
  }

  [[noreturn]] void refuse(std::string_view text, size_t at, const Utf8Step& step, size_t position) const {
    std::string what = "a byte that is not UTF-8";
    if (step.valid) {
      const std::string_view character = text.substr(at, step.length);
      what = "the character ";
      append_json_string(what, character);
      what += " (" + code_point_name(code_point(character)) + ")";
    }
    throw Error(Exit::unreadable,
                "chars: " + what + " at position " + std::to_string(position + 1) + " of " + excerpt(text, at) +
                    " is not in the alphabet of " + std::to_string(ids_.size()) + " characters",
                "add it to the tokenizer, as {chars: {alphabet: \"...\"}}, or use the tokenizer bytes");
  }

  // Some text around the fault, quoted.
  static std::string excerpt(std::string_view text, size_t at) {
    constexpr size_t kAround = 30;
    const size_t begin = at < kAround ? 0 : at - kAround;
    std::string out;
    append_json_string(out, text.substr(begin, 2 * kAround));
    return out;
  }

  std::vector<std::string> tokens_;
  std::map<char32_t, TokenId> ids_;
  std::vector<TokenId> stop_ids_{kEos};
};

struct CharsOptions {
  std::string alphabet;
  void visit(OptionVisitor& v) {
    v.option("alphabet", alphabet,
             {.help = "characters that have an id; \"\" = those that the recipe's tasks declare"});
  }
};

class Chars final : public CodecFactory {
 public:
  explicit Chars(CharsOptions options) : options_(std::move(options)) {}

  std::shared_ptr<const Codec> make(std::string_view declared) const override {
    const std::string_view alphabet = options_.alphabet.empty() ? declared : std::string_view(options_.alphabet);
    if (alphabet.empty())
      throw Error(Exit::usage, "chars: no task of the recipe declares its characters",
                  "write them, as {chars: {alphabet: \"0123456789+=\"}}, or use the tokenizer bytes");
    return chars_codec(alphabet);
  }

 private:
  CharsOptions options_;
};

}  // namespace

std::shared_ptr<const Codec> chars_codec(std::string_view alphabet) {
  return std::make_shared<CharsCodec>(alphabet);
}

void register_chars(Registry<CodecFactory>& registry) {
  registry.add<Chars, CharsOptions>("chars", "one id a character, of an alphabet", "alphabet");
}

}  // namespace sil
