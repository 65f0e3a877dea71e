// One id a byte: any text can be written, nothing is unknown.
#include "base/character_assembler.h"
#include "text/codecs.h"
#include "text/specials.h"
#include "text/tokenizer_json.h"

namespace sil {
namespace {

constexpr TokenId kBytes = 256;

class BytesCodec final : public Codec {
 public:
  std::vector<TokenId> encode(const Conversation& conversation, bool /*generation_prompt*/) const override {
    return encode_text(plain_text(conversation));
  }
  std::vector<IdRange> assistant_ranges(const Conversation& conversation) const override {
    return plain_assistant_ranges(*this, conversation);
  }

  std::vector<TokenId> encode_text(std::string_view text) const override {
    std::vector<TokenId> out;
    out.reserve(text.size());
    for (char c : text) out.push_back(kFirstPlain + static_cast<unsigned char>(c));
    return out;
  }

  std::string decode(const std::vector<TokenId>& ids) const override {
    Stream stream;
    std::string out;
    for (TokenId id : ids) out += stream.push(id);
    return out + stream.finish();
  }

  std::string token(TokenId id) const override {
    check_id(id, vocabulary_size());
    if (id < kFirstPlain) return std::string(kSpecials[static_cast<size_t>(id)]);
    const TokenId byte = id - kFirstPlain;
    if (byte >= 0x20 && byte < 0x7F) return std::string(1, static_cast<char>(byte));
    constexpr char kDigits[] = "0123456789ABCDEF";
    return std::string("<0x") + kDigits[byte / 16] + kDigits[byte % 16] + ">";
  }

  std::unique_ptr<StreamDecoder> stream() const override { return std::make_unique<Stream>(); }
  const std::vector<TokenId>& stop_ids() const override { return stop_ids_; }
  TokenId vocabulary_size() const override { return kFirstPlain + kBytes; }
  Digest digest() const override { return sha256("bytes/1 <bos> <eos> <pad> 0x00-0xFF"); }
  std::vector<FolderFile> folder_files() const override { return tokenizer_files(bytes_tokenizer()); }

 private:
  class Stream final : public StreamDecoder {
   public:
    std::string push(TokenId id) override {
      check_id(id, kFirstPlain + kBytes);
      if (id < kFirstPlain) return {};
      const char byte = static_cast<char>(static_cast<unsigned char>(id - kFirstPlain));
      return characters_.push({&byte, 1});
    }
    std::string finish() override { return characters_.finish(); }

   private:
    CharacterAssembler characters_;
  };

  std::vector<TokenId> stop_ids_{kEos};
};

class Bytes final : public CodecFactory {
 public:
  explicit Bytes(NoOptions) {}
  std::shared_ptr<const Codec> make(std::string_view /*alphabet*/) const override { return bytes_codec(); }
};

}  // namespace

std::shared_ptr<const Codec> bytes_codec() {
  return std::make_shared<BytesCodec>();
}

void register_bytes(Registry<CodecFactory>& registry) {
  registry.add<Bytes, NoOptions>("bytes", "one id a byte: any text can be written");
}

}  // namespace sil
