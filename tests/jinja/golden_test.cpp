// What Jinja2 itself renders: small templates of tests/jinja/make_golden.py, and real chat templates.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

#include "jinja/support.h"

namespace sil::jinja {
namespace {

std::vector<Json> rows_of(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::vector<Json> rows;
  for (std::string line; std::getline(file, line);) rows.push_back(parse_json(line));
  return rows;
}

std::filesystem::path shared_folder() {
  const char* given = std::getenv("SIL_SHARED");
  return given != nullptr ? given : std::filesystem::path(SIL_SOURCE_DIR) / "../shared";
}

// As `transformers` sets them: bos_token only where the model has one.
Json variables_of(const Json& row) {
  Json out = Json::object();
  for (const char* name : {"messages", "tools", "add_generation_prompt", "eos_token"}) out.set(name, row.at(name));
  out.set("documents", Json());
  if (!row.at("bos_token").is_null()) out.set("bos_token", row.at("bos_token"));
  for (const auto& [name, value] : row.at("extra").as_object()) out.set(name, value);
  return out;
}

}  // namespace

TEST_CASE("templates render as Jinja2 renders them") {
  const std::vector<Json> rows = rows_of(std::string(SIL_SOURCE_DIR) + "/tests/jinja/golden.jsonl");
  REQUIRE(rows.size() > 1000);
  for (size_t i = 1; i < rows.size(); ++i) {
    const Outcome seen = outcome(rows[i].at("template").as_string(), rows[0].at("variables"));
    INFO(rows[i].at("template").as_string());
    INFO(seen.text);
    CHECK(seen.kind == rows[i].at("kind").as_string());
    if (seen.kind != "failure") CHECK(seen.text == rows[i].at("text").as_string());
  }
}

TEST_CASE("chat templates of models render as `transformers` renders them") {
  const std::filesystem::path folder = shared_folder() / "data/chat";
  if (!std::filesystem::exists(folder)) {
    WARN("skipped: " + folder.string() + " is missing; set SIL_SHARED");
    return;
  }
  std::map<std::string, std::string> templates;
  for (const Json& row : rows_of(folder / "chat_templates.jsonl"))
    templates[row.at("name").as_string()] = row.at("template").as_string();
  const std::vector<Json> rows = rows_of(folder / "chat_golden.jsonl");
  CHECK(rows.size() == 160);
  for (const Json& row : rows) {
    INFO(row.at("id").as_string());
    const Outcome seen = outcome(templates.at(row.at("template").as_string()), variables_of(row));
    const Json& error = row.at("error");
    if (error.is_null()) {
      CHECK(seen.kind == "text");
      CHECK(seen.text == row.at("rendered").as_string());
    } else if (error.at("kind") == Json("raise_exception")) {
      CHECK(seen.kind == "refusal");
      CHECK(seen.text == error.at("message").as_string());
    } else {
      CHECK(seen.kind == "failure");
    }
  }
}

}  // namespace sil::jinja
