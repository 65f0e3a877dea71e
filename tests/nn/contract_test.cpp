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

TEST_CASE("a transformer with everything active keeps the engine contract") {
  check_engine_contract(subject({{"layers", 2},
                                 {"width", 24},
                                 {"heads", 6},
                                 {"kv_heads", 2},
                                 {"hidden", 20},
                                 {"context", 128},
                                 {"tied", false},
                                 {"qkv_bias", true},
                                 {"qk_norm", true}}));
}

}  // namespace
}  // namespace sil::test
