// The scripted engine: which answer is given to which prompt, and what of its file is refused.
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "engines/engine_data.h"
#include "engines/engines.h"
#include "engines/tiny_codec.h"

namespace sil::test {
namespace {

class ScriptFile {
 public:
  explicit ScriptFile(const std::string& text) {
    std::string name = (std::filesystem::temp_directory_path() / "sil-script-XXXXXX").string();
    const int descriptor = ::mkstemp(name.data());
    REQUIRE(descriptor >= 0);
    ::close(descriptor);
    path_ = name;
    std::ofstream(path_, std::ios::binary) << text;
  }
  ~ScriptFile() { std::filesystem::remove(path_); }
  ScriptFile(const ScriptFile&) = delete;
  ScriptFile& operator=(const ScriptFile&) = delete;
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

std::unique_ptr<Engine> scripted(Json::Object options) {
  Registry<EngineFactory> registry{"engine"};
  register_scripted(registry);
  return make_plugin(registry, "scripted", std::move(options))
      ->make({.key = 1, .codec = std::make_shared<TinyCodec>(), .threads = 1});
}

std::vector<std::string> texts(Engine& engine, const std::string& prompt, uint32_t samples) {
  std::vector<std::string> out;
  for (const Written& w : all_answers(engine, engine.initial(), requests(engine.codec(), {prompt}, samples)))
    out.push_back(w.text);
  return out;
}

TEST_CASE("sample k of a prompt gets completion k of its row, and replies serve the rest") {
  const ScriptFile file(
      "{\"prompt\": \"ab\", \"completions\": [\"c\", \"dd\"]}\n"
      "\n"
      "{\"prompt\": \"b\", \"completion\": \"e\"}\r\n");
  const auto engine = scripted({{"file", file.path()}, {"replies", Json::Array{"f", "g", "h"}}});
  CHECK(texts(*engine, "ab", 3) == std::vector<std::string>{"c", "dd", "c"});
  CHECK(texts(*engine, "b", 2) == std::vector<std::string>{"e", "e"});
  CHECK(texts(*engine, "a", 4) == std::vector<std::string>{"f", "g", "h", "f"});
}

TEST_CASE("an answer ends with the stop id, unless its length or a stop string ends it before") {
  const auto engine = scripted({{"replies", "abcd"}});
  const auto answer = [&](SamplingOptions sampling) {
    return all_answers(*engine, engine->initial(), requests(engine->codec(), {"a"}, 1, std::move(sampling))).front();
  };
  const TokenId eos = engine->codec().stop_ids().front();
  CHECK(answer({}) == Written{{0, 1, 2, 3, eos}, {}, {}, Finish::stop, "abcd"});
  CHECK(answer({.max_new_tokens = 4, .stop = {}}) == Written{{0, 1, 2, 3}, {}, {}, Finish::length, "abcd"});
  CHECK(answer({.max_new_tokens = 2, .stop = {}}) == Written{{0, 1}, {}, {}, Finish::length, "ab"});
  CHECK(answer({.max_new_tokens = 64, .stop = {"bc"}}) == Written{{0, 1, 2}, {}, {}, Finish::stop, "a"});
}

TEST_CASE("a prompt without a row or replies is an error that shows it") {
  const ScriptFile file("{\"prompt\": \"ab\", \"completion\": \"c\"}\n");
  const auto engine = scripted({{"file", file.path()}});
  try {
    texts(*engine, "hab", 1);
    FAIL("answered");
  } catch (const Error& error) {
    CHECK(error.code() == Exit::failed);
    CHECK(error.findings().front().message.find("hab") != std::string::npos);
  }
}

TEST_CASE("rows that cannot be meant are refused with their line") {
  const auto refused = [](const std::string& text, const std::string& part) {
    INFO(text);
    const ScriptFile file("{\"prompt\": \"first\", \"completion\": \"a\"}\n" + text);
    try {
      scripted({{"file", file.path()}});
      FAIL("accepted");
    } catch (const Error& error) {
      CHECK(error.code() == Exit::unreadable);
      const Finding& finding = error.findings().front();
      CHECK(finding.message.find(part) != std::string::npos);
      CHECK(finding.place.file == file.path());
      CHECK(finding.place.line == 2);
    }
  };
  refused("[1]", "a list");
  refused("{\"completion\": \"a\"}", "prompt");
  refused("{\"prompt\": 5, \"completion\": \"a\"}", "integer");
  refused("{\"prompt\": \"p\"}", "neither completions nor completion");
  refused("{\"prompt\": \"p\", \"completion\": \"a\", \"completions\": [\"a\"]}", "both");
  refused("{\"prompt\": \"p\", \"completions\": []}", "empty list");
  refused("{\"prompt\": \"first\", \"completion\": \"b\"}", "has a row already");
  refused("{\"prompt\": \"p\", ", "");
}

TEST_CASE("a missing file and an empty script are refused") {
  const auto code = [](Json::Object options) {
    try {
      scripted(std::move(options));
      return Exit::ok;
    } catch (const Error& error) {
      return error.code();
    }
  };
  CHECK(code({{"file", "no/such/file.jsonl"}}) == Exit::unreadable);
  CHECK(code({}) == Exit::usage);
}

TEST_CASE("a version saved under another script is refused") {
  const auto one = scripted({{"replies", "a"}});
  const auto other = scripted({{"replies", "b"}});
  const std::string bytes = saved(*one, one->initial(), Part::weights);
  CHECK_NOTHROW(one->load(bytes, {}));
  CHECK_THROWS_AS(other->load(bytes, {}), Error);
}

}  // namespace
}  // namespace sil::test
