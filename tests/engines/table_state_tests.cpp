// The table's rows: contexts, averages, saved bytes.
#include "engines/engine_data.h"
#include "engines/engines.h"
#include "engines/table_state.h"
#include "engines/tiny_codec.h"
#include "formats/safetensors.h"

namespace sil::test {
namespace {

std::unique_ptr<Engine> table(int64_t context, std::string alphabet = "abc") {
  Registry<EngineFactory> registry{"engine"};
  register_table(registry);
  return make_plugin(registry, "table", {{"context", context}})
      ->make({.key = 1, .codec = std::make_shared<TinyCodec>(std::move(alphabet)), .threads = 1});
}

TEST_CASE("many contexts are told apart, found again and sorted") {
  ContextTable many(3, 2);
  for (TokenId a = 9; a >= -1; --a)
    for (TokenId b = 0; b < 30; ++b)
      for (TokenId c = 0; c < 30; ++c)
        many.row(static_cast<size_t>(many.find_or_add(std::vector{a, b, c})))[1] =
            static_cast<float>(900 * a + 30 * b + c);
  CHECK(many.rows() == 11 * 900);
  many.reorder(many.sorted_rows());
  for (TokenId a = -1; a < 10; ++a) {
    const int32_t row = many.find(std::vector<TokenId>{a, 7, 11});
    CHECK(row == (a + 1) * 900 + 7 * 30 + 11);
    CHECK(many.logits(row)[1] == static_cast<float>(900 * a + 221));
  }
  CHECK(many.find(std::vector<TokenId>{10, 0, 0}) == ContextTable::kUnseen);
  CHECK(many.logits(ContextTable::kUnseen)[0] == 0);
}

TEST_CASE("an average is decay times old plus the rest times new, an unseen context being zero") {
  TableState old_state{ContextTable(1, 2), {}};
  TableState new_state{ContextTable(1, 2), {}};
  old_state.table.find_or_add(std::vector<TokenId>{0});
  old_state.table.row(0)[1] = 8;
  for (TokenId id : {1, 0}) new_state.table.find_or_add(std::vector<TokenId>{id});
  new_state.table.row(0)[0] = 4;
  new_state.table.row(1)[1] = -2;
  const TableState mixed = average_of(old_state, new_state, 0.75);
  CHECK(mixed.table.rows() == 2);
  CHECK(mixed.table.logits(mixed.table.find(std::vector<TokenId>{0}))[1] == 0.75F * 8 - 0.25F * 2);
  CHECK(mixed.table.logits(mixed.table.find(std::vector<TokenId>{1}))[0] == 1);
}

TEST_CASE("a table of another shape or tokenizer, a repeated context and a NaN are refused by name") {
  const auto engine = table(1);
  const std::string bytes = saved(*engine, trained(*engine), Part::weights);
  const auto refused = [](Engine& reader, const std::string& weights, const std::string& part) {
    try {
      reader.load(weights, {});
      FAIL("accepted");
    } catch (const Error& error) {
      CHECK(error.code() == Exit::unreadable);
      INFO(error.what());
      CHECK(error.findings().front().message.find(part) != std::string::npos);
    }
  };
  refused(*table(2), bytes, "context 1; this model has 2");
  refused(*table(1, "abcd"), bytes, "vocabulary 4; this model has 5");
  refused(*table(1, "cba"), bytes, "another tokenizer");
  const Safetensors file = read_safetensors(bytes);
  const auto offset_of = [&](const char* tensor) {
    return static_cast<size_t>(file.find(tensor)->bytes.data() - bytes.data());
  };
  const size_t contexts = offset_of("contexts");
  std::string repeated = bytes;
  repeated.replace(contexts, 4, bytes.substr(contexts + 4, 4));
  refused(*engine, repeated, "repeats a context");
  std::string strange = bytes;
  strange[contexts + 3] = '\x40';
  refused(*engine, strange, "no possible context");
  std::string broken = bytes;
  broken.replace(offset_of("logits"), 4, std::string("\x00\x00\xc0\x7f", 4));
  refused(*engine, broken, "not finite");
  refused(*engine, bytes.substr(0, bytes.size() - 1), "safetensors");
}

TEST_CASE("saved weights are a safetensors file with a row of logits a context") {
  const auto engine = table(1);
  const std::string bytes = saved(*engine, trained(*engine), Part::weights);
  const Safetensors file = read_safetensors(bytes);
  const TensorView* contexts = file.find("contexts");
  const TensorView* logits = file.find("logits");
  REQUIRE(contexts != nullptr);
  REQUIRE(logits != nullptr);
  CHECK(contexts->shape.at(1) == 1);
  CHECK(logits->shape == std::vector<int64_t>{contexts->shape.at(0), engine->codec().vocabulary_size()});
  CHECK(contexts->shape.at(0) > 0);
}

TEST_CASE("a table without context or without rows comes back from its bytes") {
  for (int64_t context : {0, 2}) {
    const auto engine = table(context);
    for (const Version version : {engine->initial(), trained(*engine)}) {
      const Version again = engine->load(saved(*engine, version, Part::weights), {});
      CHECK(engine->digest(again) == engine->digest(version));
    }
  }
}

}  // namespace
}  // namespace sil::test
