#include "cage/line_process.h"

#include "cage/printable.h"

namespace sil {

std::optional<std::string> LineCutter::next() {
  const size_t end = buffer_.find('\n', searched_);
  if (end == std::string::npos) {
    buffer_.erase(0, begin_);
    begin_ = 0;
    searched_ = buffer_.size();
    return std::nullopt;
  }
  std::string line = buffer_.substr(begin_, end - begin_);
  begin_ = searched_ = end + 1;
  if (!line.empty() && line.back() == '\r') line.pop_back();
  return line;
}

bool LineCutter::oversized() const {
  return rest().size() > limit_;
}

std::variant<std::string, Silence> LineProcess::read_line(Clock::time_point deadline, std::stop_token stop) {
  for (bool late = false;;) {
    if (std::optional<std::string> line = lines_.next()) return std::move(*line);
    if (lines_.oversized()) return Silence::oversized;
    if (late) return Silence::late;
    switch (process_.wait(deadline, stop)) {
      case Process::Event::output:
        lines_.push(process_.take_output());
        late = Clock::now() >= deadline;  // what drips for ever is never a line
        break;
      case Process::Event::closed:
        return Silence::closed;
      case Process::Event::timeout:
        return Silence::late;
      case Process::Event::stopped:
        return Silence::stopped;
    }
  }
}

std::string LineProcess::last_breath(size_t quoted) {
  const bool ended = process_.wait_end(Clock::now() + std::chrono::milliseconds(100));
  const ExitStatus status = process_.kill();
  std::string out = ended ? "it ended with " + status.text() : "it closed its stdout";
  if (!rest().empty()) out += " in the middle of a line: " + printable(rest(), quoted);
  return out;
}

}  // namespace sil
