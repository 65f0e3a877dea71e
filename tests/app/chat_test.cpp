// `sil chat`, as a pipe sees it.
#include <sstream>

#include "app/json_rows.h"
#include "app/program.h"
#include "app/tiny_runs.h"
#include "sil/json.h"
#include "support/catch.h"

using namespace sil;
using namespace sil::testing;
using Catch::Matchers::Contains;

namespace {

std::string model() {
  return runs().at("whole/accepted");
}

ProgramResult chat(const std::string& input, const std::string& options = "") {
  return run_sil("chat " + model() + " temperature=0 max_new_tokens=12 --threads 1 " + options, input);
}

// What the model answers greedily to a conversation.
std::string answer_to(const Json& messages) {
  const Json row = Json::Object{{"messages", messages}};
  const std::string words = "generate " + model() + " temperature=0 max_new_tokens=12 --threads 1";
  return answers(words, dump(row) + "\n").front().at("text").as_string();
}

Json said(const std::string& role, const std::string& content) {
  return Json::Object{{"role", role}, {"content", content}};
}

}  // namespace

TEST_CASE("each line is a turn, answered with all of the conversation before it") {
  const std::string first = answer_to(Json::Array{said("user", "1+2=")});
  const std::string second = answer_to(Json::Array{said("user", "1+2="), said("assistant", first), said("user", "é")});
  const ProgramResult result = chat("1+2=\n\né\n");
  CHECK(result.code == 0);
  CHECK(result.out == first + "\n" + second + "\n");
  CHECK_THAT(result.err, Contains("(cut: 12 tokens"));
}

TEST_CASE("/system and /reset begin anew, /save writes the conversation, /exit leaves") {
  const TestDirectory out;
  const std::string first = answer_to(Json::Array{said("system", "be brief"), said("user", "1+2=")});
  const ProgramResult result = chat("3+4=\n/system be brief\n1+2=\n/save " + out.at("talk.jsonl") + "\n/save " +
                                    out.at("talk.jsonl") + "\n/reset\n1+2=\n/what\n/exit\n5+6=\n");
  CHECK(result.code == 0);
  CHECK(parse_json(out.read("talk.jsonl")).at("messages") ==
        Json(Json::Array{said("system", "be brief"), said("user", "1+2="), said("assistant", first)}));
  CHECK(result.out == answer_to(Json::Array{said("user", "3+4=")}) + "\n" + first + "\n" +
                          answer_to(Json::Array{said("user", "1+2=")}) + "\n");
  CHECK_THAT(result.err, Contains("talk.jsonl") && Contains("/save FILE    writes"));
}

TEST_CASE("a turn that is beyond the model's context is refused, and the conversation goes on") {
  const ProgramResult result = chat(std::string(200, 'x') + "\n1+2=\n");
  CHECK(result.code == 0);
  CHECK(result.out == answer_to(Json::Array{said("user", "1+2=")}) + "\n");
  CHECK_THAT(result.err, Contains("the model's context") && Contains("/reset"));
}

TEST_CASE("a line without an end is refused before it fills the memory") {
  const ProgramResult result = chat(std::string(3 << 20, 'x'));
  CHECK(result.code == 3);
  CHECK_THAT(result.err, Contains("longer than 1 MiB"));
}
