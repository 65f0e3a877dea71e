#include "verifiers/conformance.h"

#include <signal.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>
#include <thread>

#include "verifiers/session.h"

namespace sil {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kWholeTest{50000};
constexpr milliseconds kEndGrace{1500};  // to end after stdin closed, or after SIGTERM
constexpr milliseconds kChildGrace{500};
constexpr milliseconds kSilence{100};
constexpr milliseconds kPause{20};  // between the pieces of a split line
constexpr size_t kLargePrompt = size_t{1} << 20;
constexpr int64_t kMostBatch = 32;

// Text that careless programs trip over: controls, quotes, astral and combining characters, right to left, U+2028.
const char* const kUnicode =
    "\"\\ \t\r\n\x01 \x7F na\xC3\xAFve e\xCC\x81 \xE4\xBD\xA0\xE5\xA5\xBD \xD7\xA9\xD7\x9C "
    "\xF0\x9F\x98\x80 \xE2\x80\xA8 {\"id\":1,\"score\":1}";

struct Result {
  bool passed = false;
  std::string seen;
};

class Tester {
 public:
  Tester(const std::string& command, double timeout_s)
      : command_(command),
        limit_(std::max<int64_t>(1, std::llround(std::clamp(timeout_s, 0.0, 3600.0) * 1000))),
        end_(Clock::now() + kWholeTest) {}

  ConformanceReport run();

 private:
  using Check = Result (Tester::*)();

  milliseconds limit() const {
    const auto left = std::chrono::duration_cast<milliseconds>(end_ - Clock::now());
    return std::clamp(limit_, milliseconds(1), std::max(left, milliseconds(1)));
  }
  Result attempt(Check check);
  Result start();
  Result exchange(const std::vector<Request>& requests, int64_t window);
  Request request(std::string_view prompt, std::string_view completion);
  Result fail(const Breach& breach);
  void keep_stderr() {
    if (std::string tail = session_->process().stderr_tail(); !tail.empty()) stderr_ = std::move(tail);
  }

  Result handshake();
  Result one_request();
  Result ids();
  Result batch();
  Result split_frames();
  Result unicode();
  Result large_prompt();
  Result missing_values();
  Result silence();
  Result end_of_input();
  Result no_children();
  Result terminates();
  size_t left_behind();

  std::string command_;
  milliseconds limit_;
  Clock::time_point end_;
  std::optional<Session> session_;  // shared by checks until one breaks it: graders may take long to start
  Handshake handshake_;
  int64_t next_id_ = 1;
  std::string answer_ = "4";
  bool hopeless_ = false;  // it did not start, or does not answer at all
  std::string stderr_;
};

Result Tester::fail(const Breach& breach) {
  keep_stderr();
  session_.reset();
  hopeless_ |= breach.outcome == Outcome::timeout;
  return {false, breach.what};
}

Result Tester::start() {
  session_.emplace(command_);
  auto heard = session_->greet(Clock::now() + limit());
  if (const Breach* breach = std::get_if<Breach>(&heard)) {
    hopeless_ = true;
    return fail(*breach);
  }
  handshake_ = std::get<Handshake>(heard);
  return {true, handshake_.text() + ", batch " + std::to_string(handshake_.batch)};
}

Request Tester::request(std::string_view prompt, std::string_view completion) {
  Request out;
  out.id = next_id_++;
  out.prompt = prompt;
  out.completion = completion;
  out.answer = &answer_;
  return out;
}

// Every request is answered once, `window` of them open at a time.
Result Tester::exchange(const std::vector<Request>& requests, int64_t window) {
  size_t sent = 0, received = 0;
  while (received < requests.size()) {
    while (sent < requests.size() && static_cast<int64_t>(sent - received) < window) {
      Request next = requests[sent];
      next.deadline_ms = limit().count() * static_cast<int64_t>(sent - received + 1);
      next.deadline_ms = std::min(next.deadline_ms, std::max<int64_t>(1, (end_ - Clock::now()) / milliseconds(1)));
      session_->send(next);
      ++sent;
    }
    auto heard = session_->receive();
    if (const Breach* breach = std::get_if<Breach>(&heard)) return fail(*breach);
    ++received;
  }
  return {true, std::to_string(received) + (received == 1 ? " reply" : " replies")};
}

Result Tester::handshake() {
  return start();
}

Result Tester::one_request() {
  return exchange({request("2+2=", "4")}, 1);
}

Result Tester::ids() {
  std::vector<Request> requests;
  for (int64_t id : {int64_t{7000}, int64_t{500}, int64_t{9007199254740991}, int64_t{0}, int64_t{6999}}) {
    requests.push_back(request("2+2=", "4"));
    requests.back().id = id;
  }
  next_id_ = 10000;
  return exchange(requests, 1);
}

Result Tester::batch() {
  if (handshake_.batch == 1) return {true, "not offered: one request at a time"};
  const int64_t window = std::min(handshake_.batch, kMostBatch);
  std::vector<Request> requests;
  for (int64_t i = 0; i < 2 * window; ++i) requests.push_back(request("2+2=", i % 2 == 0 ? "4" : "5"));
  Result result = exchange(requests, window);
  result.seen += ", " + std::to_string(window) + " open at once";
  return result;
}

// Pipes know no lines: a request may arrive in pieces, cut inside a character too.
Result Tester::split_frames() {
  Request whole = request("na\xC3\xAFve", "4");
  whole.deadline_ms = limit().count();
  const std::string line = request_line(whole);
  session_->open(whole);
  const size_t cuts[] = {1, line.find("\xC3") + 1, line.size() - 1, line.size()};
  size_t begin = 0;
  for (size_t cut : cuts) {
    session_->process().send(std::string_view(line).substr(begin, cut - begin));
    begin = cut;
    if (cut == line.size()) break;
    const Process::Event event = session_->process().wait(Clock::now() + kPause);
    if (event != Process::Event::timeout) break;  // an answer to half a question, or its end: receive() tells
  }
  auto heard = session_->receive();
  if (const Breach* breach = std::get_if<Breach>(&heard)) return fail(*breach);
  if (begin != line.size()) return fail({Outcome::error, "a reply before the request was complete", {}});
  return {true, "answered once the line was complete"};
}

Result Tester::unicode() {
  return exchange({request(kUnicode, kUnicode)}, 1);
}

Result Tester::large_prompt() {
  const std::string text(kLargePrompt, 'x');
  Result result = exchange({request(text, "4")}, 1);
  result.seen += " to a prompt of 1 MiB";
  return result;
}

Result Tester::missing_values() {
  Request empty = request("", "");
  empty.answer = nullptr;
  return exchange({empty}, 1);
}

Result Tester::silence() {
  if (const std::optional<Breach> breach = session_->listen(kSilence)) return fail(*breach);
  return {true, "writes nothing but replies"};
}

Result Tester::end_of_input() {
  session_->process().close_input();
  if (!session_->process().wait_end(std::min(end_, Clock::now() + kEndGrace)))
    return fail({Outcome::error, "still there 1.5 s after its stdin was closed", {}});
  return {true, "ended when its stdin was closed"};
}

// Descendants still alive a moment after the leader ended.
size_t Tester::left_behind() {
  const Clock::time_point until = std::min(end_, Clock::now() + kChildGrace);
  size_t left = session_->process().descendants().size();
  while (left > 0 && Clock::now() < until) {
    std::this_thread::sleep_for(kPause);
    left = session_->process().descendants().size();
  }
  keep_stderr();
  session_.reset();
  return left;
}

// Follows end_of_input: the leader has ended by itself.
Result Tester::no_children() {
  const size_t left = left_behind();
  if (left == 0) return {true, "none left behind"};
  return {false, std::to_string(left) + " left behind after it ended"};
}

Result Tester::terminates() {
  session_->process().signal(SIGTERM);
  const bool ended = session_->process().wait_end(std::min(end_, Clock::now() + kEndGrace));
  const size_t left = left_behind();
  if (ended && left == 0) return {true, "ended on SIGTERM"};
  return {false, ended ? "children left behind after SIGTERM" : "still there 1.5 s after SIGTERM"};
}

Result Tester::attempt(Check check) {
  if (hopeless_) return {false, "not run: it does not answer"};
  if (Clock::now() >= end_) return {false, "not run: the test took its 50 s"};
  if (!session_ && check != &Tester::handshake) {
    if (check == &Tester::no_children) return {false, "not run: it did not end by itself"};
    const Result started = start();
    if (!started.passed) return {false, "at a new start: " + started.seen};
  }
  return (this->*check)();
}

ConformanceReport Tester::run() {
  const std::pair<const char*, Check> checks[] = {
      {"handshake", &Tester::handshake},
      {"one request", &Tester::one_request},
      {"any ids", &Tester::ids},
      {"batch", &Tester::batch},
      {"split frames", &Tester::split_frames},
      {"unicode", &Tester::unicode},
      {"large prompt", &Tester::large_prompt},
      {"missing values", &Tester::missing_values},
      {"silence", &Tester::silence},
      {"end of input", &Tester::end_of_input},
      {"no children", &Tester::no_children},
      {"SIGTERM", &Tester::terminates},
  };
  ConformanceReport report;
  for (const auto& [name, check] : checks) {
    Result result = attempt(check);
    report.checks.push_back({name, result.passed, std::move(result.seen)});
  }
  report.stderr_tail = stderr_;
  return report;
}

}  // namespace

bool ConformanceReport::passed() const {
  return std::all_of(checks.begin(), checks.end(), [](const ConformanceCheck& check) { return check.passed; });
}

std::string ConformanceReport::text() const {
  std::string out;
  for (const ConformanceCheck& check : checks) {
    std::string name = check.name;
    name.resize(std::max<size_t>(name.size(), 16), ' ');
    out += (check.passed ? "ok    " : "FAIL  ") + name + check.seen + "\n";
  }
  if (!passed() && !stderr_tail.empty()) out += "its last lines on stderr:\n" + stderr_tail + "\n";
  return out;
}

ConformanceReport test_verifier(const std::string& command, double timeout_s) {
  return Tester(command, timeout_s).run();
}

}  // namespace sil
