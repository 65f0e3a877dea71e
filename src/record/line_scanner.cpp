#include "record/line_scanner.h"

#include <algorithm>

#include "base/code_point.h"
#include "sil/error.h"

namespace sil {
namespace {

constexpr size_t kShownBytes = 24;  // of the text at a fault

}  // namespace

bool LineScanner::next_line() {
  if (rest_.empty()) return false;
  ++line_;
  const size_t length = rest_.find('\n');
  start_ = at_ = rest_.data();
  if (length == std::string_view::npos) {
    end_ = start_ + rest_.size();
    fail("the line is cut short (no newline at its end)");
  }
  end_ = start_ + length;
  rest_.remove_prefix(length + 1);
  return true;
}

void LineScanner::end_line() {
  if (at_ != end_) fail("text follows the end of the record");
}

std::string LineScanner::string() {
  expect("\"");
  const char* content = at_;
  std::string out;
  bool ascii = true;
  while (true) {
    const char* run = at_;
    while (at_ != end_ && *at_ != '"' && *at_ != '\\' && static_cast<unsigned char>(*at_) >= 0x20) {
      ascii = ascii && static_cast<unsigned char>(*at_) < 0x80;
      ++at_;
    }
    out.append(run, at_);
    if (at_ == end_) fail("a string is cut short");
    if (*at_ == '"') break;
    if (*at_ != '\\') fail("a control character stands in a string");
    append_escape(out);
  }
  if (!ascii && !is_utf8({content, static_cast<size_t>(at_ - content)})) fail("a string is not UTF-8");
  ++at_;
  return out;
}

std::string_view LineScanner::skip_string() {
  expect("\"");
  const char* content = at_;
  while (at_ != end_ && *at_ != '"') at_ += *at_ == '\\' && left() > 1 ? 2 : 1;
  if (at_ == end_) fail("a string is cut short");
  return {content, static_cast<size_t>(at_++ - content)};
}

void LineScanner::skip_numbers() {
  expect("[");
  const size_t length = std::string_view(at_, left()).find(']');
  if (length == std::string_view::npos) fail_expected("]");
  at_ += length + 1;
}

void LineScanner::append_escape(std::string& out) {
  static constexpr std::string_view kLetters = "\"\\/bfnrt";
  static constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
  ++at_;
  if (at_ == end_) fail("a string is cut short");
  if (const size_t letter = kLetters.find(*at_); letter != std::string_view::npos) {
    out.push_back(kMeanings[letter]);
    ++at_;
    return;
  }
  if (!accept("u")) fail("an unknown escape stands in a string");
  unsigned code = hex4();
  if (code >= 0xDC00 && code <= 0xDFFF) fail("half a surrogate pair stands in a string");
  if (code >= 0xD800 && code <= 0xDBFF) {
    const unsigned low = accept("\\u") ? hex4() : 0;
    if (low < 0xDC00 || low > 0xDFFF) fail("half a surrogate pair stands in a string");
    code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
  }
  append_utf8(out, code);
}

unsigned LineScanner::hex4() {
  unsigned code = 0;
  if (left() < 4) fail("a string is cut short");
  const auto [end, error] = std::from_chars(at_, at_ + 4, code, 16);
  if (error != std::errc{} || end != at_ + 4) fail("\\u needs four hex digits");
  at_ = end;
  return code;
}

uint64_t LineScanner::hex64() {
  const char* start = at_;
  try {
    return parse_hex64(string());
  } catch (const Error& error) {
    at_ = start;
    fail(error.what());
  }
}

Digest LineScanner::digest() {
  const char* start = at_;
  try {
    return Digest::from_hex(string());
  } catch (const Error& error) {
    at_ = start;
    fail(error.what());
  }
}

bool LineScanner::boolean() {
  if (accept("true")) return true;
  expect("false");
  return false;
}

Json LineScanner::json() {
  const char* start = at_;
  const std::string_view slice = json_slice();
  try {
    return parse_json(slice);
  } catch (const Error& error) {
    at_ = start;
    fail(error.what());
  }
}

// The text of the value at the cursor, found by its brackets and quotes alone; parse_json judges it.
std::string_view LineScanner::json_slice() {
  const char* start = at_;
  int depth = 0;
  bool quoted = false;
  for (; at_ != end_; ++at_) {
    const char c = *at_;
    if (quoted) {
      if (c == '\\' && at_ + 1 != end_) ++at_;
      if (c == '"') quoted = false;
      continue;
    }
    if (depth == 0 && (c == ',' || c == '}' || c == ']')) break;
    if (c == '"') quoted = true;
    if (c == '{' || c == '[') ++depth;
    if (c == '}' || c == ']') --depth;
  }
  return {start, static_cast<size_t>(at_ - start)};
}

void LineScanner::fail(std::string_view what) const {
  std::string message(kind_);
  message += " line " + std::to_string(line_) + ", column " + std::to_string(at_ - start_ + 1) + ": ";
  message += what;
  if (at_ == end_) {
    message += "; the line ends here";
  } else {
    message += "; found ";
    append_json_string(message, {at_, std::min(left(), kShownBytes)});
  }
  throw Error(Exit::corrupt, std::move(message), "the text is not what was written: `sil fsck RUN` names the damage");
}

void LineScanner::fail_expected(std::string_view literal) const {
  fail("expected " + std::string(literal));
}

}  // namespace sil
