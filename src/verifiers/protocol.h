// The messages of sil-verifier/1 (protocol_help.h tells the whole protocol): text in, values out, no processes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "sil/records.h"

namespace sil {

inline constexpr std::string_view kProtocol = "sil-verifier/1";
inline constexpr size_t kMaxReplyBytes = size_t{1} << 20;  // one line, newline included
inline constexpr int64_t kMaxBatch = 1024;

// How a program broke the protocol.
struct Breach {
  Outcome outcome = Outcome::error;  // timeout | error | infra (it could not even be started)
  std::string what;                  // "reply with the unknown id 7: {"id":7,…"
  std::optional<int64_t> id;         // the request that is to blame, when that is known
};

// What a program says of itself.
struct Handshake {
  std::string name;
  std::string version;
  int64_t batch = 1;                      // requests it takes before it has answered any
  std::vector<std::string> capabilities;  // reserved: none are defined yet

  std::string text() const { return name + "@" + version; }
};

struct Request {
  int64_t id = 0;
  std::string_view prompt;
  std::string_view completion;
  const std::string* answer = nullptr;  // null: the problem has none
  const Json* extra = nullptr;          // null: {}
  int64_t deadline_ms = 0;              // from when the request was sent
};

// Each ends with a newline.
std::string hello_line();
std::string request_line(const Request& request);

// `line` comes without its newline.
std::variant<Handshake, Breach> parse_handshake(std::string_view line);

struct Reply {
  int64_t id = 0;
  std::optional<Label> label;  // absent: the score decides
  double score = 0;            // 0 with label abstain
  std::vector<std::pair<std::string, double>> parts;
  std::string reason;
};
// The line alone: whether its id is open is the session's business. A breach carries the id where one could be read.
std::variant<Reply, Breach> parse_reply(std::string_view line);

}  // namespace sil
