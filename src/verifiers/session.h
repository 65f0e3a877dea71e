// One running program and where its conversation stands: a strict state machine over sil-verifier/1.
//
//   starting --handshake--> ready --send--> waiting --reply--> ready ...
//        any state --breach--> over
//
// Whatever does not fit its state is a breach, after which the session is over and the program is killed with all its
// descendants. Nothing blocks beyond its deadline.
#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <stop_token>
#include <string>
#include <variant>

#include "cage/line_process.h"
#include "verifiers/protocol.h"

namespace sil {

struct Stopped {};  // stop was requested

class Session {
 public:
  // Starts the program and says hello.
  explicit Session(const std::string& command);

  // Once, first: waits for the handshake.
  std::variant<Handshake, Breach, Stopped> greet(Clock::time_point deadline, std::stop_token stop = {});
  // Sends a request under an id that was not used before. At most Handshake::batch may be open at a time.
  void send(const Request& request);
  // Opens a request whose line the caller sends through process(), in pieces.
  void open(const Request& request);
  // The next reply to an open request. A request whose deadline passes is a breach that names it.
  std::variant<Reply, Breach, Stopped> receive(std::stop_token stop = {});
  // With nothing open: a breach when the program says anything within `time`, or ends.
  std::optional<Breach> listen(std::chrono::milliseconds time);

  const std::map<int64_t, Clock::time_point>& open_requests() const { return open_; }
  Process& process() { return program_.process(); }
  const Process& process() const { return program_.process(); }

 private:
  // The next line until `deadline`. Running out of time is for the caller to judge: the program still lives then.
  std::variant<std::string, Breach, Stopped> read_line(Clock::time_point deadline, std::stop_token stop);
  Breach over(Outcome outcome, std::string what, std::optional<int64_t> id = {});
  Breach misplaced(int64_t id, std::string_view line);

  LineProcess program_;
  std::map<int64_t, Clock::time_point> open_;  // id -> deadline
  std::deque<int64_t> answered_;               // the latest ones, to tell a second reply from an unknown id
};

}  // namespace sil
