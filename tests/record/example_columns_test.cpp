#include "record/example_columns.h"

#include <cmath>

#include "record/lines.h"
#include "record/support.h"
#include "sil/rng.h"
#include "support/catch.h"

namespace sil {
namespace {

// A pair whose prompt is context, and a lone sequence of two weighted slices.
std::vector<Example> make_examples() {
  Example pair;
  pair.id = "1/generate/0123456789abcdef/0";
  pair.group = 17;
  pair.sequences = {{{10, 2, 300}, {{0, 2, 0, ""}, {2, 3, -0.5, "a \"quoted\" \\ id"}}, {0, -0.0F, -0.3F}, 0.7F},
                    {{10, 2}, {{0, 2, 1, ""}}, {-1, -2}, 1}};
  Example lone;
  lone.id = "1/generate/0123456789abcdef/1";
  lone.group = 18;
  lone.sequences = {{{5, 6, 7, 8, 9}, {{1, 2, 2, "x"}, {3, 5, 0.25, "y"}}, {-5, -6, -7, -8, -9}, 1}};
  return {pair, lone};
}

std::string text_of(const std::vector<Example>& examples) {
  FrameText frame;
  for (const Example& example : examples) append_example(frame, example);
  return frame.text;
}

ExampleColumns columns_of(const std::string& text, const ExampleReading& reading = {}) {
  ExampleColumns columns;
  read_example_columns(text, reading, columns);
  return columns;
}

TEST_CASE("columns hold what the lines say: ids, credit of each token, groups, temperatures") {
  const ExampleColumns columns = columns_of(text_of(make_examples()), {.logprobs = true, .wanted = {}});
  CHECK(columns.examples() == 2);
  CHECK(columns.first == std::vector<uint32_t>{0, 2, 3});
  CHECK(columns.group == std::vector<uint64_t>{17, 18});
  CHECK(columns.begin == std::vector<uint32_t>{0, 3, 5, 10});
  CHECK(columns.temperature == std::vector<float>{0.7F, 1, 1});
  CHECK(columns.ids == std::vector<TokenId>{10, 2, 300, 10, 2, 5, 6, 7, 8, 9});
  // The first token of a sequence is never a target: nothing predicts it.
  CHECK(columns.target == std::vector<uint8_t>{0, 0, 1, 0, 1, 0, 1, 0, 1, 1});
  CHECK(columns.credit == std::vector<float>{0, 0, -0.5F, 0, 1, 0, 2, 0, 0.25F, 0.25F});
  CHECK(columns.logprobs == std::vector<float>{0, 0, -0.3F, -1, -2, -5, -6, -7, -8, -9});
  CHECK(std::signbit(columns.logprobs[1]));
  CHECK(columns.tokens(0) == 5);
  CHECK(columns.tokens(1) == 5);
}

TEST_CASE("lines that are not wanted are passed over") {
  const ExampleColumns columns =
      columns_of(text_of(make_examples()), {.logprobs = false, .wanted = [](size_t line) { return line == 1; }});
  CHECK(columns.group == std::vector<uint64_t>{18});
  CHECK(columns.ids == std::vector<TokenId>{5, 6, 7, 8, 9});
  CHECK(columns.logprobs.empty());
}

TEST_CASE("an example without the log-probs that a loss needs is refused by its id") {
  std::vector<Example> examples = make_examples();
  examples[1].sequences[0].logprobs.clear();
  const std::string text = text_of(examples);
  CHECK(columns_of(text).examples() == 2);
  CHECK(exit_of([&] { columns_of(text, {.logprobs = true, .wanted = {}}); }) == Exit::usage);
  CHECK_THAT(message_of([&] { columns_of(text, {.logprobs = true, .wanted = {}}); }),
             Catch::Contains("1/generate/0123456789abcdef/1"));
}

TEST_CASE("examples that are not written as this program writes them are refused with line and column") {
  const std::string text = text_of(make_examples());
  CHECK_THAT(message_of([&] { columns_of(text.substr(0, text.size() - 1)); }), Catch::Contains("cut short"));
  std::string outside = text;
  outside.replace(outside.find("[2,3,-0.5"), 9, "[2,4,-0.5");
  CHECK_THAT(message_of([&] { columns_of(outside); }),
             Catch::Contains("examples line 1, column") && Catch::Contains("a segment lies outside its ids"));
}

TEST_CASE("mutated examples are read or refused, never worse") {
  static constexpr std::string_view kBytes = "\"\\{}[],:0-.eE\n\xFFu";
  const std::string whole = text_of(make_examples());
  RandomStream random(7, 7);
  int refused = 0;
  for (int i = 0; i < 6000; ++i) {
    std::string text = whole;
    for (uint64_t edits = 1 + random.below(3); edits > 0; --edits) {
      const size_t at = random.below(text.size());
      const uint64_t choice = random.below(3);
      const char byte = kBytes[random.below(kBytes.size())];
      if (choice == 0) text[at] = byte;
      if (choice == 1) text.insert(at, 1, byte);
      if (choice == 2) text.erase(at, 1 + random.below(8));
      if (text.empty()) text = "{";
    }
    const Exit code = exit_of([&] { columns_of(text, {.logprobs = i % 2 == 0, .wanted = {}}); });
    refused += code == Exit::corrupt;
    REQUIRE((code == Exit::ok || code == Exit::corrupt || code == Exit::usage));
  }
  CHECK(refused > 2000);
}

}  // namespace
}  // namespace sil
