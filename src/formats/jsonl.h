// JSON lines, one after the other: plain, gzip or zstd. A UTF-8 byte order mark, CRLF and blank lines are accepted;
// everything else that is not one JSON value a line is refused with file, line and column.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "formats/byte_stream.h"
#include "sil/json.h"

namespace sil {

struct JsonLinesLimits {
  size_t line_bytes = size_t{16} << 20;
  int depth = 64;
  size_t values = size_t{1} << 20;  // in a row: each takes some 40 bytes, whatever its text
  ExpansionLimits expansion;
};

class JsonLines {
 public:
  // Every failure, here and below, is Error(Exit::unreadable) with the place.
  explicit JsonLines(std::string path, const JsonLinesLimits& limits = {}, Env& env = system_env());

  bool next();  // moves to the next row; false at the end
  const Json& row() const { return row_; }
  // The same in two steps, so that rows can be parsed elsewhere, and apart from each other: next_text() moves without
  // parsing, and a failure of parse() leaves the rows behind it readable.
  bool next_text();
  static Json parse(std::string_view text, const Place& place, bool cut, const JsonLinesLimits& limits = {});
  bool cut() const { return cut_; }                // the row has no newline behind it
  std::string_view text() const { return text_; }  // of the row, as written; valid until next()
  Place place() const { return {path_, line_, 1}; }
  Digest digest();  // of the file's bytes as stored; once next() gave false

 private:
  bool fill();
  bool next_line();
  void skip_newlines();
  void check_line() const;
  [[noreturn]] void fail(const std::string& what, const std::string& hint = {}, int column = 1) const;

  std::string path_;
  JsonLinesLimits limits_;
  std::unique_ptr<ByteStream> bytes_;
  std::vector<char> buffer_;
  size_t begin_ = 0, end_ = 0;  // of what is read but not used
  bool ended_ = false;
  bool cut_ = false;  // the row has no newline behind it
  int line_ = 0;
  std::string_view text_;
  Json row_;
};

}  // namespace sil
