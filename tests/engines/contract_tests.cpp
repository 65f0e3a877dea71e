// The engines of this folder against the contract.
#include "engines/engine_contract.h"
#include "engines/engines.h"
#include "engines/tiny_codec.h"

namespace sil::test {
namespace {

std::unique_ptr<Engine> make_engine(std::string name, Json::Object options, int threads) {
  Registry<EngineFactory> registry{"engine"};
  register_table(registry);
  register_scripted(registry);
  return make_plugin(registry, std::move(name), std::move(options))
      ->make({.key = 1, .codec = std::make_shared<TinyCodec>(), .threads = threads});
}

TEST_CASE("the table keeps the engine contract") {
  const EngineSubject subject{.make = [](int threads) { return make_engine("table", {}, threads); },
                              .prompts = {"abc", "a", "hello", "bad"}};
  check_engine_contract(subject);
}

TEST_CASE("a table of single ids keeps the engine contract") {
  const EngineSubject subject{.make =
                                  [](int threads) {
                                    return make_engine("table", {{"context", 1}}, threads);
                                  },
                              .prompts = {"abc", "d"}};
  check_engine_contract(subject);
}

TEST_CASE("the script keeps the engine contract") {
  const Json::Object options = {{"replies", Json::Array{"abcdefg", "abc", "s"}}};
  const EngineSubject subject{.make = [=](int threads) { return make_engine("scripted", options, threads); },
                              .prompts = {"abc", "d"}};
  check_engine_contract(subject);
}

}  // namespace
}  // namespace sil::test
