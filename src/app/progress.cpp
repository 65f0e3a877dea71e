#include "app/progress.h"

#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "app/output.h"

namespace sil {
namespace {

constexpr double kRedrawSeconds = 0.1;
constexpr double kLineSeconds = 30;

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
    : env_(env), style_(style), terminal_(style != ProgressStyle::quiet && live_terminal()) {}

ConsoleProgress::~ConsoleProgress() {
  clear();
}

void ConsoleProgress::clear() {
  if (drawn_) std::fputs("\r\x1b[K", stderr);
  drawn_ = false;
}

void ConsoleProgress::line(const std::string& text) {
  clear();
  if (style_ == ProgressStyle::jsonl) {
    Json row = Json::object();
    row.set("line", text);
    print_json(row);
    flush_output();
  } else if (style_ == ProgressStyle::text) {
    tell(text);
  }
}

void ConsoleProgress::working(const std::string& step, int64_t done, int64_t total) {
  if (style_ == ProgressStyle::quiet) return;
  const double now = env_.seconds();
  if (step != step_ || done < first_done_) {
    step_ = step;
    first_done_ = done;
    first_time_ = shown_ = now;
    return;
  }
  if (now - shown_ < (terminal_ ? kRedrawSeconds : kLineSeconds)) return;
  shown_ = now;
  const std::string text = work_text(step, done, total, now);
  if (!terminal_) return tell(text);
  std::fprintf(stderr, "\r%s\x1b[K", text.c_str());
  std::fflush(stderr);
  drawn_ = true;
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
