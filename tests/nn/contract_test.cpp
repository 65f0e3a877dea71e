// The transformer against the contract of every engine (tests/engines/engine_contract.h).
#include "engines/engine_contract.h"
#include "engines/tiny_codec.h"
#include "nn/engines.h"

namespace sil::test {
namespace {

std::unique_ptr<Engine> make_engine(Json::Object options, int threads) {
  Registry<EngineFactory> registry{"engine"};
  nn::register_llama(registry);
  return make_plugin(registry, "llama", std::move(options))
      ->make({.key = 1, .codec = std::make_shared<TinyCodec>(), .threads = threads});
}

EngineSubject subject(Json::Object options) {
  return {.make = [=](int threads) { return make_engine(options, threads); }, .prompts = {"abc", "a", "hello", "bad"}};
}

TEST_CASE("the transformer keeps the engine contract") {
  check_engine_contract(subject({{"layers", 1}, {"width", 16}, {"heads", 2}, {"context", 128}}));
}

TEST_CASE("a transformer with grouped queries, a head of its own and biases or norms keeps the engine contract") {
  for (const char* family : {"qkv_bias", "qk_norm"})
    check_engine_contract(subject({{"layers", 2},
                                   {"width", 24},
                                   {"heads", 6},
                                   {"kv_heads", 2},
                                   {"hidden", 20},
                                   {"context", 128},
                                   {"tied", false},
                                   {family, true}}));
}

TEST_CASE("shapes that no family of models has are refused before anything is made") {
  Registry<EngineFactory> registry{"engine"};
  nn::register_llama(registry);
  const auto refusal = [&](Json::Object options) {
    try {
      make_plugin(registry, "llama", std::move(options));
    } catch (const Error& error) {
      CHECK(error.code() == Exit::usage);
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  CHECK_THAT(refusal({{"qkv_bias", true}, {"qk_norm", true}}), Catch::Contains("both qkv_bias and qk_norm"));
  CHECK_THAT(refusal({{"rope_theta", 0.0}, {"qk_norm", true}}), Catch::Contains("rope_theta is 0 with qk_norm"));
  CHECK_THAT(refusal({{"width", 10}, {"heads", 4}}), Catch::Contains("width 10 with 4 heads"));
}

}  // namespace
}  // namespace sil::test
