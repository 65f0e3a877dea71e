#include "formats/jsonl.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "support/catch.h"

namespace sil {
namespace {

namespace fs = std::filesystem;
using Catch::Matchers::Contains;

class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "sil_jsonl_XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no folder for the test");
    path_ = name;
  }
  ~Folder() { fs::remove_all(path_); }
  std::string path(const std::string& name) const { return (path_ / name).string(); }
  std::string write(const std::string& name, std::string_view bytes) const {
    std::ofstream(path(name), std::ios::binary) << bytes;
    return path(name);
  }

 private:
  fs::path path_;
};

std::string gzipped(std::string_view text) {
  z_stream stream{};
  deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, MAX_WBITS + 16, 9, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string zstd(std::string_view text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
  return out;
}

std::vector<std::string> rows_of(const std::string& path, const JsonLinesLimits& limits = {}) {
  std::vector<std::string> out;
  JsonLines rows(path, limits);
  while (rows.next()) out.push_back(dump(rows.row()));
  return out;
}

// What reading a file of these bytes says, without the file's folder.
std::string refusal(const std::string& path, const JsonLinesLimits& limits = {}) {
  try {
    rows_of(path, limits);
  } catch (const Error& error) {
    CHECK(error.code() == Exit::unreadable);
    CHECK(error.findings().size() == 1);
    const std::string message = error.what();
    CHECK(message.starts_with(path));
    return message.substr(path.size());
  }
  FAIL("accepted: " << path);
  return {};
}

std::string refused_bytes(std::string_view bytes, const JsonLinesLimits& limits = {}) {
  const Folder folder;
  return refusal(folder.write("rows.jsonl", bytes), limits);
}

const std::vector<std::string> kTwo = {R"({"a":1})", R"({"b":[2]})"};
constexpr std::string_view kTwoText = "{\"a\": 1}\n{\"b\": [2]}\n";

}  // namespace

TEST_CASE("rows are read plain, gzip and zstd, whatever the name") {
  const Folder folder;
  CHECK(rows_of(folder.write("plain.gz", kTwoText)) == kTwo);
  CHECK(rows_of(folder.write("gzip.jsonl", gzipped(kTwoText))) == kTwo);
  CHECK(rows_of(folder.write("zstd.jsonl", zstd(kTwoText))) == kTwo);
}

TEST_CASE("several gzip members or zstd frames are one file") {
  const Folder folder;
  const std::string_view first = kTwoText.substr(0, 5), second = kTwoText.substr(5);
  CHECK(rows_of(folder.write("a", gzipped(first) + gzipped("") + gzipped(second))) == kTwo);
  CHECK(rows_of(folder.write("b", zstd(first) + zstd("") + zstd(second))) == kTwo);
}

TEST_CASE("a byte order mark, CRLF, blank lines and a missing last newline are accepted") {
  const Folder folder;
  CHECK(rows_of(folder.write("a", "\xEF\xBB\xBF{\"a\":1}\r\n\r\n  \n{\"b\":[2]}")) == kTwo);
  CHECK(rows_of(folder.write("empty", "")).empty());
  CHECK(rows_of(folder.write("blank", "\n\n")).empty());
}

TEST_CASE("a row of more values than are allowed is refused, whatever its strings hold") {
  JsonLinesLimits limits;
  limits.values = 4;
  const Folder folder;
  const std::string few = "[1,2,3]\n[\"a,b,\\\",{[[[[,,,,,\"]\n{\"a\": [1, 2]}\n";
  CHECK(rows_of(folder.write("few", few), limits).size() == 3);
  CHECK_THAT(refused_bytes("[1,2,3]\n[1,2,3,4]\n", limits),
             Contains(":2:1: ") && Contains("more than the allowed 4 values"));
}

TEST_CASE("the place, text and digest of rows are those of the file") {
  const Folder folder;
  JsonLines rows(folder.write("rows", kTwoText));
  REQUIRE(rows.next());
  REQUIRE(rows.next());
  CHECK(rows.place().line == 2);
  CHECK(rows.text() == "{\"b\": [2]}");
  CHECK_FALSE(rows.next());
  CHECK_FALSE(rows.next());
  CHECK(rows.digest() == sha256(kTwoText));
  const std::string packed = gzipped(kTwoText);
  JsonLines compressed(folder.write("packed", packed));
  while (compressed.next()) continue;
  CHECK(compressed.digest() == sha256(packed));
}

TEST_CASE("long files come whole through all buffers") {
  const Folder folder;
  std::string text;
  size_t count = 0;
  for (; text.size() < 3'000'000; ++count)
    text += "{\"n\":" + std::to_string(count) + ",\"t\":\"" + std::string(count * 37 % 5000, 'x') + "\"}\n";
  text += "{\"long\":\"" + std::string(1'000'000, 'y') + "\"}\n";
  for (const std::string& bytes : {text, gzipped(text), zstd(text)}) {
    JsonLines rows(folder.write("rows", bytes));
    for (size_t i = 0; i < count; ++i) {
      REQUIRE(rows.next());
      REQUIRE(rows.row().at("n").as_int() == static_cast<int64_t>(i));
      REQUIRE(rows.row().at("t").as_string().size() == i * 37 % 5000);
    }
    REQUIRE(rows.next());
    CHECK(rows.row().at("long").as_string().size() == 1'000'000);
    CHECK_FALSE(rows.next());
  }
}

TEST_CASE("bad rows are refused with line and column") {
  CHECK_THAT(refused_bytes("{\"a\":1}\n{\"a\":1,\"a\":2}\n"), Contains(":2:8: ") && Contains("there twice"));
  CHECK_THAT(refused_bytes("{\"a\":1}\n{\"a\":NaN}\n"), Contains(":2:6: "));
  CHECK_THAT(refused_bytes("{\"a\":1e999}\n"), Contains(":1:"));
  CHECK_THAT(refused_bytes("{\"a\":18446744073709551616}\n"), Contains("beyond 64 bits"));
  CHECK_THAT(refused_bytes("{} {}\n"), Contains(":1:4: "));
  CHECK_THAT(refused_bytes("{\"a\":" + std::string(100'000, '[') + "\n"), Contains("nested deeper than 64"));
  CHECK_THAT(refused_bytes(std::string("{\"a\":\0 1}\n", 10)), Contains(":1:6: ") && Contains("NUL"));
}

TEST_CASE("text that is not UTF-8 is refused") {
  for (const char* bad : {"\xFF", "\xC0\xAF", "\xE0\x80\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\x80", "\xE2\x82"})
    CHECK_THAT(refused_bytes("{\"a\":1}\n{\"a\":\"" + std::string(bad) + "\"}\n"), Contains(":2:"));
  CHECK_THAT(refused_bytes(std::string("\xFF\xFE{\0\n\0", 6)), Contains("UTF-16"));
}

TEST_CASE("a last row that is cut is called so") {
  CHECK_THAT(refused_bytes("{\"a\":1}\n{\"a\":\"hel"), Contains(":2:") && Contains("the last row is cut"));
  CHECK_THAT(refused_bytes("{\"a\":1}\n{\"a\":\"hel\n"), !Contains("cut"));
}

TEST_CASE("lines beyond the limit are refused without being kept") {
  JsonLinesLimits limits;
  limits.line_bytes = 100;
  CHECK_THAT(refused_bytes("{}\n\"" + std::string(97, 'x') + "\"\n\"" + std::string(99, 'x') + "\"\n", limits),
             Contains(":3:1: ") && Contains("longer than the allowed 100 bytes"));
  // 64 MiB of one line, of which only some 32 MiB are ever read.
  CHECK_THAT(refused_bytes(gzipped(std::string(size_t{64} << 20, ' '))), Contains("longer than the allowed 16777216"));
}

TEST_CASE("compressed data that is cut is refused at every length") {
  const Folder folder;
  std::string text;
  for (int i = 0; i < 50; ++i) text += "{\"n\":" + std::to_string(i * 7919) + "}\n";
  for (const std::string& whole : {gzipped(text), zstd(text)})
    for (size_t length = 4; length < whole.size(); ++length)
      CHECK_THAT(refusal(folder.write("cut", whole.substr(0, length))), Contains(" data is cut after "));
}

TEST_CASE("compressed data that is damaged or followed by something else is refused") {
  const Folder folder;
  std::string text;
  for (int i = 0; i < 500; ++i) text += "{\"n\":" + std::to_string(i * 7919) + "}\n";
  std::string packed = gzipped(text);
  packed[packed.size() - 6] = static_cast<char>(packed[packed.size() - 6] ^ 1);  // its CRC
  CHECK_THAT(refusal(folder.write("crc", packed)), Contains("damaged"));
  CHECK_THAT(refusal(folder.write("tail", gzipped(text) + "junk")), Contains("damaged"));
  CHECK_THAT(refusal(folder.write("zstd_tail", zstd(text) + "junk")), Contains("damaged"));
  CHECK_THAT(refusal(folder.write("twice", gzipped(gzipped(text)))), Contains("compressed twice"));
  CHECK_THAT(refusal(folder.write("mixed", zstd(gzipped(text)))), Contains("compressed twice"));
}

TEST_CASE("a bomb is refused by what it expands to") {
  JsonLinesLimits limits;
  limits.expansion = {.bytes = 1 << 20, .free_bytes = 1 << 16, .ratio = 50};
  std::string blank(size_t{4} << 20, '\n');
  CHECK_THAT(refused_bytes(gzipped(blank), limits), Contains("expands beyond all measure"));
  limits.expansion.ratio = 1'000'000;
  CHECK_THAT(refused_bytes(zstd(blank), limits), Contains("expands beyond all measure"));
  const Folder folder;
  CHECK(rows_of(folder.write("plain", blank), limits).empty());  // no limit on what is really there
}

TEST_CASE("what is no regular file is refused, not opened") {
  const Folder folder;
  fs::create_directory(folder.path("folder"));
  REQUIRE(mkfifo(folder.path("pipe").c_str(), 0600) == 0);
  fs::create_symlink(folder.path("nowhere"), folder.path("dangling"));
  fs::create_symlink("loop", folder.path("loop"));
  CHECK_THAT(refusal(folder.path("folder")), Contains("it is a folder"));
  CHECK_THAT(refusal(folder.path("pipe")), Contains("it is a pipe"));
  CHECK_THAT(refusal(folder.path("dangling")), Contains("a link to a file that does not exist"));
  CHECK_THAT(refusal(folder.path("loop")), Contains("not a file of data"));
  CHECK_THAT(refusal(folder.path("missing")), Contains("no such file"));
  CHECK_THAT(refusal("/dev/zero"), Contains("it is a device"));
  fs::create_symlink(folder.write("real", kTwoText), folder.path("link"));
  CHECK(rows_of(folder.path("link")) == kTwo);
}

}  // namespace sil
