#include "verifiers/protocol.h"

#include <cmath>

#include "cage/line_process.h"
#include "fuzz/must.h"
#include "fuzz/targets.h"

namespace sil::fuzz {
namespace {

std::vector<std::string> cut(std::string_view input, size_t piece) {
  LineCutter cutter(1000);
  std::vector<std::string> lines;
  for (size_t at = 0; at < input.size(); at += piece) {
    cutter.push(input.substr(at, piece));
    while (std::optional<std::string> line = cutter.next()) lines.push_back(std::move(*line));
  }
  return lines;
}

void check_breach(const Breach& breach) {
  must(!breach.what.empty(), "a breach that says nothing");
  must(breach.what.size() < 2000, "a breach of " + std::to_string(breach.what.size()) + " bytes");
  must(breach.outcome == Outcome::error, "a message alone is no timeout and no infra");
}

void check_message(std::string_view line) {
  const auto hello = parse_handshake(line);
  if (const auto* breach = std::get_if<Breach>(&hello)) {
    check_breach(*breach);
  } else {
    const auto& handshake = std::get<Handshake>(hello);
    must(!handshake.name.empty() && !handshake.version.empty(), "a program without name or version");
    must(handshake.batch >= 1 && handshake.batch <= kMaxBatch, "a batch out of range");
  }
  const auto answer = parse_reply(line);
  if (const auto* breach = std::get_if<Breach>(&answer)) return check_breach(*breach);
  const auto& reply = std::get<Reply>(answer);
  must(std::isfinite(reply.score), "a score that is no number");
  for (const auto& [name, value] : reply.parts) must(!name.empty() && std::isfinite(value), "a part that is no number");
}

}  // namespace

void protocol(std::string_view input) {
  const std::vector<std::string> lines = cut(input, std::max<size_t>(1, input.size()));
  must(cut(input, 1) == lines && cut(input, 7) == lines, "lines depend on how the stream was cut");
  for (const std::string& line : lines) check_message(line);
  check_message(input);
}

}  // namespace sil::fuzz
