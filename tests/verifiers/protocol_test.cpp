#include "verifiers/protocol.h"

#include "support/catch.h"

namespace sil {
namespace {

Handshake handshake(const std::string& line) {
  const auto parsed = parse_handshake(line);
  INFO(line);
  REQUIRE(std::holds_alternative<Handshake>(parsed));
  return std::get<Handshake>(parsed);
}

Reply reply(const std::string& line) {
  const auto parsed = parse_reply(line);
  INFO(line);
  REQUIRE(std::holds_alternative<Reply>(parsed));
  return std::get<Reply>(parsed);
}

TEST_CASE("a request line is one JSON object with the documented keys, whatever the texts hold") {
  const std::string answer = "4";
  Request request;
  request.id = 12;
  request.prompt = "2+2=\n";
  request.completion = "\xFF\"";
  request.answer = &answer;
  request.deadline_ms = 1500;
  const std::string line = request_line(request);
  CHECK(line ==
        "{\"id\":12,\"prompt\":\"2+2=\\n\",\"completion\":\"\xEF\xBF\xBD\\\"\",\"answer\":\"4\",\"extra\":{},"
        "\"deadline_ms\":1500}\n");
  request.answer = nullptr;
  const Json extra = Json(Json::Object{{"level", 3}});
  request.extra = &extra;
  const Json parsed = parse_json(request_line(request));
  CHECK(parsed.at("answer").is_null());
  CHECK(parsed.at("extra").at("level").as_int() == 3);
}

TEST_CASE("a handshake says who it is and what it can take") {
  CHECK(handshake(R"({"protocol":"sil-verifier/1","name":"g","version":"1.2"})").text() == "g@1.2");
  CHECK(handshake(R"({"protocol":"sil-verifier/1","name":"g","version":"1"})").batch == 1);
  const Handshake full = handshake(
      R"({"version":"1","name":"g","protocol":"sil-verifier/1","batch":8,"capabilities":["x"],"later":{"more":1}})");
  CHECK(full.batch == 8);
  CHECK(full.capabilities == std::vector<std::string>{"x"});
}

TEST_CASE("a handshake that is not one is a breach") {
  for (const char* line : {
           "",
           "hello",
           "[]",
           "{}",
           R"({"protocol":"sil-verifier/2","name":"g","version":"1"})",
           R"({"protocol":"sil-verifier/1","version":"1"})",
           R"({"protocol":"sil-verifier/1","name":"g"})",
           R"({"protocol":"sil-verifier/1","name":"","version":"1"})",
           R"({"protocol":"sil-verifier/1","name":"g","version":1})",
           R"({"protocol":"sil-verifier/1","name":"g\u001b[2J","version":"1"})",
           R"({"protocol":"sil-verifier/1","name":"g","version":"1","batch":0})",
           R"({"protocol":"sil-verifier/1","name":"g","version":"1","batch":1000000})",
           R"({"protocol":"sil-verifier/1","name":"g","version":"1","batch":"8"})",
           R"({"protocol":"sil-verifier/1","name":"g","version":"1","capabilities":"x"})",
       }) {
    INFO(line);
    CHECK(std::holds_alternative<Breach>(parse_handshake(line)));
  }
}

TEST_CASE("a reply gives score, label, parts and reason") {
  const Reply full =
      reply(R"({"id":3,"score":0.25,"label":"pass","parts":{"a":1,"b":-0.5},"reason":"so\nso","info":[1]})");
  CHECK(full.id == 3);
  CHECK(full.score == 0.25);
  CHECK(full.label == Label::pass);
  CHECK(full.parts == std::vector<std::pair<std::string, double>>{{"a", 1}, {"b", -0.5}});
  CHECK(full.reason == "so so");
  CHECK_FALSE(reply(R"({"id":3,"score":1})").label);
  CHECK(reply(R"({"id":3,"label":"abstain"})").label == Label::abstain);
  CHECK(reply(R"({"id":3,"score":1,"label":null,"parts":null,"reason":null})").score == 1);
}

TEST_CASE("a reply that is not one is a breach, and blames its id where it has one") {
  const std::pair<const char*, bool> bad[] = {{"", false},
                                              {"1", false},
                                              {"{", false},
                                              {"{} {}", false},
                                              {R"({"score":1})", false},
                                              {R"({"id":"3","score":1})", false},
                                              {R"({"id":3.5,"score":1})", false},
                                              {R"({"id":3,"score":NaN})", false},
                                              {R"({"id":3,"score":1e999})", false},
                                              {R"({"id":3,"id":3,"score":1})", false},
                                              {R"({"id":3})", true},
                                              {R"({"id":3,"score":null})", true},
                                              {R"({"id":3,"score":"1"})", true},
                                              {R"({"id":3,"score":true})", true},
                                              {R"({"id":3,"score":1,"label":"good"})", true},
                                              {R"({"id":3,"score":1,"label":1})", true},
                                              {R"({"id":3,"label":"pass"})", true},
                                              {R"({"id":3,"score":1,"parts":[1]})", true},
                                              {R"({"id":3,"score":1,"parts":{"a":"b"}})", true},
                                              {R"({"id":3,"score":1,"reason":7})", true}};
  for (const auto& [line, blames] : bad) {
    INFO(line);
    const auto parsed = parse_reply(line);
    REQUIRE(std::holds_alternative<Breach>(parsed));
    CHECK(std::get<Breach>(parsed).id.has_value() == blames);
  }
  const std::string deep = R"({"id":3,"score":1,"info":)" + std::string(100'000, '[');
  CHECK(std::holds_alternative<Breach>(parse_reply(deep)));
}

}  // namespace
}  // namespace sil
