#include "base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdlib>
#include <memory>
#include <string>

namespace sil {
namespace {

std::string printable(std::string_view message) {
  constexpr char kHexDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(message.size());
  for (char c : message) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte >= 0x20 && byte != 0x7f) || c == '\n' || c == '\t') {
      out += c;
    } else {
      out += "\\x";
      out += kHexDigits[byte >> 4];
      out += kHexDigits[byte & 15];
    }
  }
  return out;
}

// A logger of our own: spdlog's global registry is not needed and costs start-up time.
std::unique_ptr<spdlog::logger> make_logger() {
  auto logger = std::make_unique<spdlog::logger>("sil", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  const char* variable = std::getenv("SIL_LOG_LEVEL");
  const std::string_view level = variable ? variable : "";
  logger->set_pattern(level == "debug" ? "%H:%M:%S.%e %l: %v" : "%v");
  logger->set_level(level == "debug"     ? spdlog::level::debug
                    : level == "warning" ? spdlog::level::warn
                    : level == "off"     ? spdlog::level::off
                                         : spdlog::level::info);
  if (!level.empty() && level != "debug" && level != "info" && level != "warning" && level != "off")
    logger->warn("warning: SIL_LOG_LEVEL={} is not known (debug, info, warning, off); info is used", printable(level));
  return logger;
}

void write(spdlog::level::level_enum level, std::string_view label, std::string_view message) {
  static const std::unique_ptr<spdlog::logger> logger = make_logger();
  if (logger->should_log(level)) logger->log(level, "{}{}", label, printable(message));
}

}  // namespace

void log_debug(std::string_view message) {
  write(spdlog::level::debug, "", message);
}
void log_info(std::string_view message) {
  write(spdlog::level::info, "", message);
}
void log_warning(std::string_view message) {
  write(spdlog::level::warn, "", message);
}

}  // namespace sil
