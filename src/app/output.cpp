#include "app/output.h"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "cage/printable.h"

namespace sil {
namespace {

constexpr size_t kLongestMessage = 1 << 20;

bool reader_gone = false;

// What a failed write to stdout means.
bool write_failed() {
  if (errno != EPIPE)
    throw Error(Exit::io, std::string("cannot write to standard output: ") + std::strerror(errno),
                "free space where it goes, or send it elsewhere");
  reader_gone = true;
  return false;
}

}  // namespace

bool print(std::string_view text) {
  if (reader_gone) return false;
  return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() || write_failed();
}

void set_cage(Json& out, const std::vector<std::string>& unconfined) {
  out.set("cage", unconfined.empty() ? Json() : Json("none"));
  Json commands = Json::array();
  for (const std::string& command : unconfined) commands.push(command);
  out.set("unconfined", std::move(commands));
}

std::string unconfined_text(const std::string& command) {
  return printable("cage: none: the grader `" + command + "` runs unconfined", kLongestMessage);
}

bool print_json(const Json& value) {
  return print(dump(value) + "\n");
}

bool flush_output() {
  if (reader_gone) return false;
  return std::fflush(stdout) == 0 || write_failed();
}

void tell(std::string_view text) {
  const std::string line = printable(text, kLongestMessage, true) + "\n";
  std::fwrite(line.data(), 1, line.size(), stderr);
}

void tell_finding(const Finding& finding) {
  tell((finding.place.file.empty() ? "error: " : "") + finding.text());
}

Json finding_json(const Finding& finding) {
  Json out = Json::object();
  const Place& place = finding.place;
  out.set("file", place.file.empty() ? Json() : Json(place.file));
  out.set("line", place.line > 0 ? Json(place.line) : Json());
  out.set("column", place.column > 0 ? Json(place.column) : Json());
  out.set("message", finding.message);
  out.set("hint", finding.hint);
  return out;
}

Json error_json(Exit code, const Finding& finding) {
  Json error = Json::object();
  error.set("code", static_cast<int>(code));
  error.set("message", finding.message);
  error.set("hint", finding.hint);
  if (!finding.place.file.empty()) error.set("file", finding.place.file);
  if (finding.place.line > 0) error.set("line", finding.place.line);
  if (finding.place.column > 0) error.set("column", finding.place.column);
  Json out = Json::object();
  out.set("schema_version", 1);
  out.set("error", std::move(error));
  return out;
}

int report_error(const Error& error, bool json) {
  std::vector<Finding> findings = error.findings();
  if (findings.empty()) findings.push_back({{}, error.what(), {}});
  for (const Finding& finding : findings) tell_finding(finding);
  if (json) print_json(error_json(error.code(), findings.front()));
  return static_cast<int>(error.code());
}

}  // namespace sil
