#include "verifiers/session.h"

#include <algorithm>

#include "cage/printable.h"

namespace sil {
namespace {

constexpr size_t kQuoted = 120;  // bytes of a bad line that a message shows
constexpr size_t kRemembered = 4096;

}  // namespace

Session::Session(const std::string& command) : program_(command, kMaxReplyBytes) {
  process().send(hello_line());
}

// Kills the program. With one request open there is no doubt whose fault it is.
Breach Session::over(Outcome outcome, std::string what, std::optional<int64_t> id) {
  process().kill();
  if (!id && open_.size() == 1) id = open_.begin()->first;
  return {outcome, std::move(what), id};
}

std::variant<std::string, Breach, Stopped> Session::read_line(Clock::time_point deadline, std::stop_token stop) {
  auto heard = program_.read_line(deadline, stop);
  if (std::string* line = std::get_if<std::string>(&heard)) return std::move(*line);
  switch (std::get<Silence>(heard)) {
    case Silence::late:
      return Breach{Outcome::timeout, "no line within its time", {}};
    case Silence::stopped:
      return Stopped{};
    case Silence::closed:
      return over(Outcome::error, program_.last_breath(kQuoted));
    case Silence::oversized:
      break;
  }
  return over(Outcome::error, "a line of more than " + std::to_string(kMaxReplyBytes) +
                                  " bytes: " + printable(program_.rest(), kQuoted));
}

std::variant<Handshake, Breach, Stopped> Session::greet(Clock::time_point deadline, std::stop_token stop) {
  auto heard = read_line(deadline, stop);
  if (std::holds_alternative<Stopped>(heard)) return Stopped{};
  if (Breach* breach = std::get_if<Breach>(&heard)) return over(breach->outcome, "no handshake: " + breach->what);
  auto parsed = parse_handshake(std::get<std::string>(heard));
  if (Breach* breach = std::get_if<Breach>(&parsed)) return over(breach->outcome, std::move(breach->what));
  return std::get<Handshake>(std::move(parsed));
}

void Session::open(const Request& request) {
  SIL_CHECK(!open_.contains(request.id));
  open_.emplace(request.id, Clock::now() + std::chrono::milliseconds(request.deadline_ms));
}

void Session::send(const Request& request) {
  open(request);
  process().send(request_line(request));
}

// A reply to nothing that is open. One to an unknown id is a failed answer to what is open; a second one is not.
Breach Session::misplaced(int64_t id, std::string_view line) {
  const bool again = std::find(answered_.begin(), answered_.end(), id) != answered_.end();
  std::string what = again ? "a second reply to request " : "a reply with the unknown id ";
  what += std::to_string(id) + ": " + printable(line, kQuoted);
  return over(Outcome::error, std::move(what), again ? std::optional(id) : std::nullopt);
}

std::variant<Reply, Breach, Stopped> Session::receive(std::stop_token stop) {
  SIL_CHECK(!open_.empty());
  const auto first =
      std::min_element(open_.begin(), open_.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  auto heard = read_line(first->second, stop);
  if (std::holds_alternative<Stopped>(heard)) return Stopped{};
  if (Breach* breach = std::get_if<Breach>(&heard)) {
    if (breach->outcome == Outcome::timeout) return over(Outcome::timeout, "no reply within its time", first->first);
    return std::move(*breach);
  }
  const std::string& line = std::get<std::string>(heard);
  auto parsed = parse_reply(line);
  const Reply* reply = std::get_if<Reply>(&parsed);
  const Breach* wrong = std::get_if<Breach>(&parsed);
  const std::optional<int64_t> id = reply ? std::optional(reply->id) : wrong->id;
  if (id && !open_.contains(*id)) return misplaced(*id, line);
  if (wrong) return over(wrong->outcome, wrong->what, id);
  open_.erase(*id);
  answered_.push_back(*id);
  if (answered_.size() > kRemembered) answered_.pop_front();
  return std::get<Reply>(std::move(parsed));
}

std::optional<Breach> Session::listen(std::chrono::milliseconds time) {
  auto heard = read_line(Clock::now() + time, {});
  if (const std::string* line = std::get_if<std::string>(&heard))
    return over(Outcome::error, "a line although no request is open: " + printable(*line, kQuoted));
  Breach& breach = std::get<Breach>(heard);
  if (breach.outcome != Outcome::timeout) return std::move(breach);
  if (program_.rest().empty()) return std::nullopt;
  return over(Outcome::error, "text although no request is open: " + printable(program_.rest(), kQuoted));
}

}  // namespace sil
