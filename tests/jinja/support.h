// What the tests of templates share.
#pragma once

#include <chrono>
#include <string>

#include "jinja/template.h"
#include "support/catch.h"

namespace sil::jinja {

inline Settings clock_settings() {
  using namespace std::chrono;
  Settings out;
  out.now = sys_days(year{2024} / 7 / 26) + 9h + 5min + 3s;
  return out;
}

struct Outcome {
  std::string kind;  // text, refusal, failure
  std::string text;  // what was rendered, the refusal's own words, or the error
};

inline Outcome outcome(const std::string& source, const Json& variables, const Settings& settings = clock_settings()) {
  try {
    return {"text", Template::parse(source, {"t.jinja", 0, 0}).render(variables, settings).text};
  } catch (const Refusal& refusal) {
    return {"refusal", refusal.message};
  } catch (const Error& error) {
    CHECK(error.code() == Exit::unreadable);
    return {"failure", error.what()};
  }
}

}  // namespace sil::jinja
