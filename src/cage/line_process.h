// A child process that is spoken to in lines.
#pragma once

#include <cstddef>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <variant>

#include "cage/process.h"

namespace sil {

// Cuts a stream into lines; a line beyond the limit is not kept.
class LineCutter {
 public:
  explicit LineCutter(size_t limit) : limit_(limit) {}
  void push(std::string_view bytes) { buffer_ += bytes; }
  // The next whole line without its end ("\n" or "\r\n"), or nullopt.
  std::optional<std::string> next();
  bool oversized() const;  // what is there without a newline is longer than a line may be
  std::string_view rest() const { return std::string_view(buffer_).substr(begin_); }

 private:
  size_t limit_;
  std::string buffer_;
  size_t begin_ = 0;     // of what next() has not given yet
  size_t searched_ = 0;  // no newline in [begin_, searched_)
};

// Why there is no line. The child lives on where it was late or a stop was requested; after the others it is of no use.
enum class Silence { late, stopped, closed, oversized };

class LineProcess {
 public:
  LineProcess(const std::string& command, size_t line_bytes)
      : process_(ProcessSpec{.command = command, .argv = {}, .environment = {}}), lines_(line_bytes) {}

  // The next line of its stdout, without its end.
  std::variant<std::string, Silence> read_line(Clock::time_point deadline, std::stop_token stop = {});
  std::string_view rest() const { return lines_.rest(); }  // the beginning of a line that is not whole
  // Kills what closed its stdout. "it ended with exit code 3", with what stood in the middle of a line, at most
  // `quoted` bytes of it.
  std::string last_breath(size_t quoted);

  Process& process() { return process_; }
  const Process& process() const { return process_; }

 private:
  Process process_;
  LineCutter lines_;
};

}  // namespace sil
