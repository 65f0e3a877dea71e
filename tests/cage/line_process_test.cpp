#include "cage/line_process.h"

#include <string>
#include <vector>

#include "support/catch.h"

namespace sil {
namespace {

Clock::time_point soon() {
  return Clock::now() + std::chrono::seconds(20);
}

Silence silence(LineProcess& program, Clock::time_point deadline) {
  auto heard = program.read_line(deadline);
  REQUIRE(std::holds_alternative<Silence>(heard));
  return std::get<Silence>(heard);
}

}  // namespace

TEST_CASE("lines are cut from any pieces, and a long one is noticed before its end") {
  LineCutter lines(8);
  const std::string stream = "one\ntwo\r\n\nth";
  std::vector<std::string> seen;
  for (char c : stream) {
    lines.push({&c, 1});
    while (auto line = lines.next()) seen.push_back(*line);
  }
  CHECK(seen == std::vector<std::string>{"one", "two", ""});
  CHECK(lines.rest() == "th");
  CHECK_FALSE(lines.oversized());
  lines.push("reeeeeee");
  CHECK_FALSE(lines.next());
  CHECK(lines.oversized());
}

TEST_CASE("a program's lines, and why there is none") {
  LineProcess echo("cat", 100);
  echo.process().send("one\ntwo\nthr");
  CHECK(std::get<std::string>(echo.read_line(soon())) == "one");
  CHECK(std::get<std::string>(echo.read_line(soon())) == "two");
  CHECK(silence(echo, Clock::now()) == Silence::late);
  echo.process().close_input();
  CHECK(silence(echo, soon()) == Silence::closed);
  CHECK(echo.last_breath(10) == "it ended with exit code 0 in the middle of a line: thr");
  LineProcess endless("yes | tr -d '\\n'", 100);
  CHECK(silence(endless, soon()) == Silence::oversized);
  std::stop_source stop;
  stop.request_stop();
  LineProcess silent("sleep 100", 100);
  CHECK(std::get<Silence>(silent.read_line(soon(), stop.get_token())) == Silence::stopped);
}

}  // namespace sil
