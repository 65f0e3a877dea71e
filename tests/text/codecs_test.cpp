#include "text/codecs.h"
#include "support/catch.h"
#include "support/plugin.h"

namespace sil {
namespace {

using Catch::Matchers::Contains;

Registry<CodecFactory> shelf() {
  Registry<CodecFactory> out("tokenizer");
  register_chars(out);
  register_bytes(out);
  return out;
}

std::shared_ptr<const Codec> chars(const std::string& alphabet, const std::string& declared = {}) {
  Json::Object options;
  if (!alphabet.empty()) options.emplace_back("alphabet", alphabet);
  return test::make_plugin(shelf(), "chars", options)->make(declared);
}
std::shared_ptr<const Codec> bytes() {
  return test::make_plugin(shelf(), "bytes")->make("");
}

std::vector<TokenId> byte_ids(std::string_view text) {
  return bytes()->encode_text(text);
}

// What comes out of a stream, piece by piece.
std::vector<std::string> pieces(const Codec& codec, const std::vector<TokenId>& ids) {
  std::vector<std::string> out;
  const auto stream = codec.stream();
  for (TokenId id : ids) out.push_back(stream->push(id));
  out.push_back(stream->finish());
  return out;
}

const std::string kBad = "\xEF\xBF\xBD";

}  // namespace

TEST_CASE("entries of the tokenizer shelf declare what they say") {
  CHECK(test::faulty_entries(shelf()).empty());
}

TEST_CASE("chars gives specials first, then the sorted distinct characters") {
  const auto codec = chars("ba+a\xC3\xA9");
  CHECK(codec->vocabulary_size() == 7);
  CHECK(codec->token(0) == "<bos>");
  CHECK(codec->token(1) == "<eos>");
  CHECK(codec->token(2) == "<pad>");
  CHECK(codec->token(3) == "+");
  CHECK(codec->token(4) == "a");
  CHECK(codec->token(5) == "b");
  CHECK(codec->token(6) == "\xC3\xA9");
  CHECK(codec->stop_ids() == std::vector<TokenId>{1});
  CHECK(codec->encode_text("b\xC3\xA9+") == std::vector<TokenId>{5, 6, 3});
  CHECK(codec->decode({0, 5, 6, 3, 1, 2}) == "b\xC3\xA9+");
}

TEST_CASE("chars takes the declared characters when it has none of its own") {
  CHECK(chars("", "21")->encode_text("12") == std::vector<TokenId>{3, 4});
  CHECK(chars("ab", "21")->vocabulary_size() == 5);
  CHECK(chars("", "21")->digest() == chars("12")->digest());
  CHECK(chars("12")->digest() != chars("123")->digest());
  CHECK_THROWS_WITH(chars(""), Contains("no task of the recipe declares its characters"));
  CHECK_THROWS_WITH(chars("a\xFF"), Contains("not UTF-8 at byte 2"));
}

TEST_CASE("a character outside the alphabet is refused by name and position") {
  const auto codec = chars("0123456789");
  try {
    codec->encode_text("12\xC3\xA9");
    FAIL("accepted");
  } catch (const Error& error) {
    CHECK(error.code() == Exit::unreadable);
    CHECK_THAT(error.what(), Contains("\"\xC3\xA9\" (U+00E9) at position 3"));
  }
  CHECK_THROWS_WITH(codec->encode_text("1\xFF"), Contains("not UTF-8 at position 2"));
  CHECK_THROWS_WITH(codec->encode_text("<eos>"), Contains("\"<\""));
}

TEST_CASE("ids of another vocabulary are refused") {
  for (const auto& codec : {chars("ab"), bytes()})
    for (TokenId id : {TokenId{-1}, codec->vocabulary_size()}) {
      CHECK_THROWS_AS(codec->decode({id}), Error);
      CHECK_THROWS_AS(codec->token(id), Error);
      CHECK_THROWS_AS(codec->stream()->push(id), Error);
    }
}

TEST_CASE("plain text is encoded as it is, messages with their roles") {
  const auto codec = bytes();
  CHECK(codec->encode({"12+", {}}, true) == byte_ids("12+"));
  const Conversation talk{"", {{"system", "be brief"}, {"user", "hi"}}};
  CHECK(codec->encode(talk, true) == byte_ids("system: be brief\nuser: hi\n"));
  CHECK(codec->encode(talk, true) == codec->encode(talk, false));
}

TEST_CASE("bytes encodes any text and gives it back") {
  const auto codec = bytes();
  CHECK(codec->vocabulary_size() == 259);
  CHECK(codec->encode_text(std::string_view("\0A\xFF", 3)) == std::vector<TokenId>{3, 68, 258});
  CHECK(codec->token(68) == "A");
  CHECK(codec->token(13) == "<0x0A>");
  CHECK(codec->token(258) == "<0xFF>");
  CHECK(codec->token(1) == "<eos>");
  const std::string text = "12+3 \xE2\x82\xAC \xF0\x9F\x98\x80\n";
  CHECK(codec->decode(codec->encode_text(text)) == text);
  CHECK(codec->decode({0, 68, 1}) == "A");
}

TEST_CASE("bytes that are no UTF-8 are replaced as Python's decoder replaces them") {
  // bytes.decode("utf-8", "replace") of CPython 3.11.
  const std::vector<std::pair<std::string, std::string>> vectors = {
      {"\xF0\x90\x80"
       "A",
       kBad + "A"},
      {"\xED\xA0\x80", kBad + kBad + kBad},
      {"\xC0\xAF", kBad + kBad},
      {"\xF4\x90\x80\x80", kBad + kBad + kBad + kBad},
      {"\xE2\x82", kBad},
      {"\xE2\x82\xAC\xFF\xF0\x9F\x98\x80", "\xE2\x82\xAC" + kBad + "\xF0\x9F\x98\x80"},
      {"\xE1\x80\xE2\xF0\x91\x92\xF1\xBF"
       "A",
       kBad + kBad + kBad + kBad + "A"},
      {"\x80\xBF"
       "z",
       kBad + kBad + "z"}};
  for (const auto& [given, expected] : vectors) {
    const std::vector<TokenId> ids = byte_ids(given);
    CHECK(bytes()->decode(ids) == expected);
    std::string streamed;
    for (const std::string& piece : pieces(*bytes(), ids)) streamed += piece;
    CHECK(streamed == expected);
  }
}

TEST_CASE("a stream never gives a part of a character") {
  using Pieces = std::vector<std::string>;
  CHECK(pieces(*bytes(), byte_ids("a\xE2\x82\xAC")) == Pieces{"a", "", "", "\xE2\x82\xAC", ""});
  CHECK(pieces(*bytes(), byte_ids("\xF0\x9F\x98\x80")) == Pieces{"", "", "", "\xF0\x9F\x98\x80", ""});
  CHECK(pieces(*bytes(), byte_ids("\xE2\x82")) == Pieces{"", "", kBad});
  CHECK(pieces(*bytes(), byte_ids("\xE2z")) == Pieces{"", kBad + "z", ""});
  CHECK(pieces(*bytes(), byte_ids("\xFF")) == Pieces{kBad, ""});
  const auto codec = chars("a\xE2\x82\xAC");
  CHECK(pieces(*codec, codec->encode_text("\xE2\x82\xAC"
                                          "a")) == Pieces{"\xE2\x82\xAC", "a", ""});
}

}  // namespace sil
