#include "formats/jsonl.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "sil/error.h"

namespace sil {
namespace {

constexpr size_t kFirstBuffer = size_t{256} << 10;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t") == std::string_view::npos;
}

// What a text can hold at most: each value but the first stands behind a comma or an opening bracket.
size_t most_values(std::string_view text) {
  size_t count = 1;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted && c == '\\') ++i;
    if (c == '"') quoted = !quoted;
    if (!quoted && (c == ',' || c == '[' || c == '{')) ++count;
  }
  return count;
}

}  // namespace

JsonLines::JsonLines(std::string path, const JsonLinesLimits& limits, Env& env)
    : path_(std::move(path)), limits_(limits), buffer_(kFirstBuffer) {
  try {
    bytes_ = std::make_unique<ByteStream>(path_, limits.expansion, env);
  } catch (const Error& error) {
    const Finding& finding = error.findings().front();
    throw Error(error.code(), finding.message, finding.hint, {path_, 0, 0});
  }
}

void JsonLines::fail(const std::string& what, const std::string& hint, int column) const {
  throw Error(Exit::unreadable, what, hint, {path_, std::max(line_, 1), column});
}

// Reads more behind what is left; false at the end of the file.
bool JsonLines::fill() {
  if (ended_) return false;
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ == buffer_.size()) buffer_.resize(buffer_.size() * 2);
  try {
    const size_t count = bytes_->read(std::span(buffer_).subspan(end_));
    end_ += count;
    ended_ = count == 0;
  } catch (const Error& error) {
    const Finding& finding = error.findings().front();
    const size_t column = std::min<size_t>(end_ + 1, std::numeric_limits<int>::max());
    throw Error(error.code(), finding.message, finding.hint, {path_, line_, static_cast<int>(column)});
  }
  return !ended_;
}

bool JsonLines::next_line() {
  if (line_ == std::numeric_limits<int>::max()) fail("the file has more lines than can be counted");
  ++line_;
  size_t searched = 0;
  for (;;) {
    const char* at = buffer_.data() + begin_;
    const size_t have = end_ - begin_;
    const void* newline = have > searched ? std::memchr(at + searched, '\n', have - searched) : nullptr;
    const size_t length = newline == nullptr ? have : static_cast<size_t>(static_cast<const char*>(newline) - at);
    if (length > limits_.line_bytes)
      fail("the line is longer than the allowed " + std::to_string(limits_.line_bytes) + " bytes",
           "write one row a line");
    searched = have;
    if (newline == nullptr && fill()) continue;
    text_ = std::string_view(buffer_.data() + begin_, length);
    cut_ = newline == nullptr;
    if (cut_ && length == 0) return false;
    begin_ += length + (cut_ ? 0 : 1);
    if (text_.ends_with('\r')) text_.remove_suffix(1);
    return true;
  }
}

// What JSON's own messages would describe badly.
void JsonLines::check_line() const {
  if (line_ == 1 && (text_.starts_with("\xFF\xFE") || text_.starts_with("\xFE\xFF")))
    fail("the file is UTF-16", "save it as UTF-8");
  if (line_ == 1 && (text_.starts_with("PAR1") || text_.starts_with("PK\x03\x04")))
    fail("the file is not JSON lines but a Parquet or zip file", "convert it to one JSON object a line");
}

// A file may be blank for millions of lines.
void JsonLines::skip_newlines() {
  constexpr int kMostLines = std::numeric_limits<int>::max() - 1;
  while (begin_ < end_ && buffer_[begin_] == '\n' && line_ < kMostLines) {
    ++begin_;
    ++line_;
  }
}

bool JsonLines::next_text() {
  do {
    skip_newlines();
    if (!next_line()) return false;
    if (line_ == 1 && text_.starts_with(kByteOrderMark)) text_.remove_prefix(kByteOrderMark.size());
  } while (is_blank(text_));
  check_line();
  return true;
}

Json JsonLines::parse(std::string_view text, const Place& place, bool cut, const JsonLinesLimits& limits) {
  if (text.size() / 2 >= limits.values && most_values(text) > limits.values)
    throw Error(Exit::unreadable, "the row holds more than the allowed " + std::to_string(limits.values) + " values",
                "write one row a line", place);
  try {
    return parse_json(text, place, {.depth = limits.depth, .bytes = limits.line_bytes});
  } catch (const Error& error) {
    const Finding& finding = error.findings().front();
    const bool torn = cut && !text.ends_with('}');
    throw Error(error.code(), torn ? "the last row is cut: " + finding.message : finding.message,
                !finding.hint.empty() ? finding.hint
                : torn                ? "get the file again, or take the row out"
                                      : "mend the row, or take it out",
                finding.place);
  }
}

bool JsonLines::next() {
  if (!next_text()) return false;
  row_ = parse(text_, place(), cut_, limits_);
  return true;
}

Digest JsonLines::digest() {
  SIL_CHECK(ended_);
  return bytes_->digest();
}

}  // namespace sil
