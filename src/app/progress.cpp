#include "app/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "app/output.h"
#include "app/signals.h"

namespace sil {
namespace {

constexpr double kRedrawSeconds = 0.1;
constexpr double kLineSeconds = 30;
constexpr int64_t kBarWidth = 24;

// Of the terminal on stderr, less one column, so that no line wraps.
size_t terminal_width() {
  winsize size{};
  const bool known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1;
  return known ? size.ws_col - 1U : 79U;
}

bool live_terminal() {
  const char* terminal = std::getenv("TERM");
  return ::isatty(STDERR_FILENO) == 1 && terminal != nullptr && std::string_view(terminal) != "dumb";
}

std::string duration_text(double seconds) {
  const auto whole = static_cast<long long>(std::ceil(seconds));
  char text[64];
  if (whole < 60)
    std::snprintf(text, sizeof text, "%llds", whole);
  else if (whole < 3600)
    std::snprintf(text, sizeof text, "%lldm%02llds", whole / 60, whole % 60);
  else
    std::snprintf(text, sizeof text, "%lldh%02lldm", whole / 3600, whole / 60 % 60);
  return text;
}

}  // namespace

ConsoleProgress::ConsoleProgress(Env& env, ProgressStyle style)
    : env_(env), style_(style), terminal_(style == ProgressStyle::text && live_terminal()), begun_(env.seconds()) {}

ConsoleProgress::~ConsoleProgress() {
  clear();
}

void ConsoleProgress::clear() {
  if (drawn_ > 0) std::fprintf(stderr, "\r\x1b[%zuA\x1b[J", drawn_);
  drawn_ = 0;
}

void ConsoleProgress::line(const std::string& text) {
  if (text.rfind("note:", 0) != 0 && text.rfind("  ", 0) != 0) {
    if (text.find(": ") == std::string::npos)
      section_ = text;
    else
      last_round_ = text;
  }
  if (style_ != ProgressStyle::text) return;
  clear();
  tell(text);
}

void ConsoleProgress::event(std::string_view type, const Json& data) {
  if (style_ != ProgressStyle::jsonl) return;
  Json row = Json::object();
  row.set("schema_version", 1);
  row.set("event", type);
  for (const auto& [name, value] : data.as_object()) row.set(name, value);
  print_json(row);
  flush_output();
}

void ConsoleProgress::working(const std::string& step, int64_t done, int64_t total) {
  const double now = env_.seconds();
  if (step != step_ || done < first_done_) {
    step_ = step;
    first_done_ = done;
    first_time_ = shown_ = now;
  }
  if (status_asked()) {
    clear();
    tell(section_ + work_text(step, done, total, now));
  }
  if (style_ != ProgressStyle::text || now - shown_ < (terminal_ ? kRedrawSeconds : kLineSeconds)) return;
  shown_ = now;
  const std::string text = work_text(step, done, total, now);
  if (!terminal_) return tell(text);
  draw(text, done, total);
}

void ConsoleProgress::draw(const std::string& work, int64_t done, int64_t total) {
  clear();
  std::vector<std::string> lines{"  " + section_ + "  " + duration_text(env_.seconds() - begun_) + " since the start"};
  std::string bar;
  if (total > 0) {
    const auto filled = static_cast<size_t>(kBarWidth * std::min(done, total) / total);
    bar = "  [" + std::string(filled, '#') + std::string(kBarWidth - filled, '.') + "]";
  }
  lines.push_back(work + bar);
  if (!last_round_.empty()) lines.push_back("  last " + last_round_);
  const size_t width = terminal_width();
  for (const std::string& text : lines) std::fprintf(stderr, "%s\n", text.substr(0, width).c_str());
  std::fflush(stderr);
  drawn_ = lines.size();
}

std::string ConsoleProgress::work_text(const std::string& step, int64_t done, int64_t total, double now) const {
  std::string text = "  " + step + "  " + std::to_string(done);
  if (total > 0) text += "/" + std::to_string(total);
  const double seconds = now - first_time_;
  const double rate = seconds > 0 ? static_cast<double>(done - first_done_) / seconds : 0;
  if (rate <= 0) return text;
  char figure[32];
  std::snprintf(figure, sizeof figure, "%.3g", rate);
  text += std::string("  ") + figure + "/s";
  if (total > done) text += "  " + duration_text(static_cast<double>(total - done) / rate) + " left";
  return text;
}

}  // namespace sil
