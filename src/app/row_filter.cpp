#include "app/row_filter.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "app/output.h"

namespace sil {
namespace {

constexpr size_t kLongestRow = size_t{64} << 20;

// As it stands within a YAML flow map; what is no number, quoted text, list or map but holds YAML's own marks is text.
std::string flow_value(const std::string& value) {
  if (!value.empty() && std::string_view("\"'[{").find(value.front()) != std::string_view::npos) return value;
  if (value.find_first_of(",[]{}:#&*!|>%@`\\\"'\n\t") == std::string::npos) return value;
  return dump(Json(value));
}

}  // namespace

void RowFilter::run() {
  std::string buffer(size_t{1} << 16, '\0');
  for (;;) {
    const ssize_t got = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw Error(Exit::io, std::string("cannot read standard input: ") + std::strerror(errno));
    if (got == 0) break;
    take(std::string_view(buffer).substr(0, static_cast<size_t>(got)));
  }
  if (!pending_.empty()) take("\n");
}

void RowFilter::refuse(const std::string& what) const {
  throw Error(Exit::unreadable, what, "a row is " + form_, place());
}

std::string RowFilter::text_member(const Json& row, std::string_view key) const {
  const Json* value = row.find(key);
  if (value == nullptr) return {};
  if (!value->is_string()) refuse("`" + std::string(key) + "` is " + value->kind() + ", not a string");
  return value->as_string();
}

void RowFilter::take(std::string_view bytes) {
  const size_t searched = pending_.size();  // no newline before
  pending_ += bytes;
  size_t begin = 0;
  try {
    for (size_t end; (end = pending_.find('\n', std::max(begin, searched))) != std::string::npos; begin = end + 1)
      add_line(std::string_view(pending_).substr(begin, end - begin));
  } catch (const Error&) {
    answer();  // rows above the bad one get their answers
    flush_output();
    throw;
  }
  pending_.erase(0, begin);
  if (pending_.size() > kLongestRow) {
    ++line_;
    refuse("the row is longer than 64 MiB");
  }
  answer();
  flush_output();
}

void RowFilter::add_line(std::string_view line) {
  ++line_;
  if (line.find_first_not_of(" \t\r") == std::string_view::npos) refuse("the row is empty");
  const Json row = parse_json(line, place(), {64, kLongestRow});
  if (!row.is_object()) refuse(std::string("the row is ") + row.kind() + ", not a map");
  add(row);
}

std::string flow_map(const std::vector<std::string>& words, const std::string& example) {
  std::string members;
  for (const std::string& word : words) {
    const size_t at = word.find('=');
    if (at == std::string::npos || at == 0)
      throw Error(Exit::usage, "`" + word + "` is no option of the form name=value",
                  "write options as in a recipe, for instance: " + example);
    members += (members.empty() ? "" : ", ") + word.substr(0, at) + ": " + flow_value(word.substr(at + 1));
  }
  return "{" + members + "}";
}

}  // namespace sil
