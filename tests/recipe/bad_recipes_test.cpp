// Recipes that must be refused with exit 2, a place and the right word.
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "recipe/shelves.h"
#include "support/catch.h"

using namespace sil;
using namespace sil::test;
using Catch::Contains;

namespace {

class Folder {
 public:
  Folder() {
    std::string name = std::filesystem::temp_directory_path() / "sil_recipe_XXXXXX";
    path_ = ::mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

std::string unreadable(const std::string& path) {
  try {
    read_recipe_file(path);
  } catch (const Error& error) {
    return (error.code() == Exit::usage ? "" : "not exit 2: ") + std::string(error.what());
  }
  return {};
}

std::string changed(const std::string& from, const std::string& to) {
  return errors(with(kQuickstart, from, to));
}

}  // namespace

TEST_CASE("the quickstart is a recipe") {
  REQUIRE(errors(kQuickstart).empty());
}

TEST_CASE("unknown keys are named with the nearest spelling, all at once") {
  std::string text = with(kQuickstart, "temperature:", "temprature:");
  text = with(text, "rounds:", "ruonds:");
  text = with(text, "learning_rate:", "learing_rate:");
  const std::string found = errors(text);
  CHECK_THAT(found, Contains("recipe.yaml:3:1: unknown section 'ruonds'") && Contains("'rounds'"));
  CHECK_THAT(found,
             Contains("recipe.yaml:11:57: unknown option 'temprature' of generate") && Contains("'temperature'"));
  CHECK_THAT(found, Contains("recipe.yaml:14:") && Contains("'learing_rate'") && Contains("'learning_rate'"));
  CHECK(found.find("ruonds") < found.find("temprature"));
  CHECK(found.find("temprature") < found.find("learing_rate"));
}

TEST_CASE("texts that are no YAML of ours are refused") {
  CHECK_THAT(errors(""), Contains("recipe.yaml") && Contains("empty"));
  CHECK_THAT(errors(kQuickstart + "\nseed: 1\nseed: 2\n"), Contains("duplicate key 'seed'"));
  CHECK_THAT(errors(std::string(100000, '[')), Contains("recipe.yaml:1:"));
  CHECK_THAT(errors("a: &a [1,1]\nb: [*a,*a]\n" + kQuickstart),
             Contains("recipe.yaml:1:4") && Contains("recipe.yaml:2:5"));
  CHECK_THAT(errors(kQuickstart + std::string(1, '\0')), Contains("NUL"));
  CHECK_THAT(errors(kQuickstart + "\nx: !!python/object:os.system ls\n"), Contains("tag"));
  CHECK_THAT(errors("just words"), Contains("recipe.yaml:1:1") && Contains("map of sections"));
  CHECK_THAT(errors("- 1\n- 2\n"), Contains("found a list"));
}

TEST_CASE("numbers out of range or of no number are refused with what is allowed") {
  CHECK_THAT(changed("rounds: 6", "rounds: -1"),
             Contains("recipe.yaml:3:9") && Contains("'rounds'") && Contains("from 1") && Contains("'-1'"));
  CHECK_THAT(changed("rounds: 6", "rounds: 0"), Contains("'rounds'"));
  CHECK_THAT(changed("rounds: 6", "rounds: 9223372036854775808"), Contains("'rounds'") && Contains("64 bits"));
  CHECK_THAT(changed("rounds: 6", "rounds: 1e308"), Contains("'rounds'"));
  CHECK_THAT(changed("rounds: 6", "rounds: '6'"), Contains("'rounds'") && Contains("remove the quotes"));
  CHECK_THAT(changed("rounds: 6", "rounds: 0123"), Contains("'rounds'") && Contains("leading zero"));
  CHECK_THAT(changed("rounds: 6", "rounds: 1.5"), Contains("whole number"));
  CHECK_THAT(changed("rounds: 6", "rounds: no"), Contains("'no'"));
  CHECK_THAT(changed("rounds: 6", "rounds: 1:30"), Contains("'1:30'"));
  CHECK_THAT(changed("rounds: 6", "rounds: ~"), Contains("found nothing"));
  CHECK_THAT(changed("seed: 7", "seed: -1"), Contains("'seed'"));
  for (const char* value : {".nan", ".inf", "-.inf", "-0.1", "1e999", "hot"}) {
    CAPTURE(value);
    CHECK_THAT(changed("temperature: 0.8", std::string("temperature: ") + value),
               Contains("recipe.yaml:11:") && Contains("'temperature'"));
  }
  for (const char* value : {".nan", "0", "-1.0e-3"}) {
    CAPTURE(value);
    CHECK_THAT(changed("learning_rate: 2.0e-5", std::string("learning_rate: ") + value),
               Contains("'learning_rate'") && Contains("above 0"));
  }
  CHECK_THAT(changed("samples: 8", "greedy: yes"), Contains("true or false") && Contains("'yes'"));
  CHECK_THAT(changed("samples: 8", "stop: [a, b, c, d, e]"), Contains("'stop' has 5 entries; it must have at most 4"));
}

TEST_CASE("integral floats are whole numbers") {
  CHECK(read(with(kQuickstart, "samples: 8", "samples: 1e3"))
            .resolved.at("round")
            .as_array()[0]
            .at("generate")
            .at("samples") == Json(1000));
  CHECK(errors(with(kQuickstart, "samples: 8", "samples: 100.0")).empty());
}

TEST_CASE("what must be said must be said") {
  CHECK_THAT(changed("from: base, ", ""), Contains("recipe.yaml:14:5") && Contains("'from'"));
  CHECK_THAT(changed("verify: exact", "verify: {timeout: 3}"), Contains("'verifiers'"));
  CHECK_THAT(errors("models: {lm: {table: 2}}\n"), Contains("no steps"));
  CHECK_THAT(errors("round: []\n"), Contains("no steps") && Contains("no models"));
}

TEST_CASE("plug-ins that do not exist are named with the nearest") {
  CHECK_THAT(changed("verify: exact", "verify: exat"),
             Contains("recipe.yaml:12:13") && Contains("no verifier called 'exat'") && Contains("'exact'"));
  CHECK_THAT(changed("keep: [pass,", "keep: [passs,"), Contains("'pass'"));
  CHECK_THAT(changed("- verify:", "- verfy:"), Contains("recipe.yaml:12:5") && Contains("'verify'"));
  CHECK_THAT(changed("{table:", "{tabel:"), Contains("recipe.yaml:5:") && Contains("'table'"));
  CHECK_THAT(changed("tokenizer: chars", "tokenizer: char"), Contains("'chars'"));
  CHECK_THAT(changed("{addition: {digits: 2}}", "{additoin: {digits: 2}}"), Contains("'addition'"));
  CHECK_THAT(changed("verify: exact", "verify: {exact: {strict: true}}"),
             Contains("unknown option 'strict'") && Contains("no options"));
  CHECK_THAT(changed("verify: exact", "verify: [{exact: 1, format: 1}]"), Contains("2 keys"));
}

TEST_CASE("names that refer to nothing are found") {
  CHECK_THAT(changed("tasks: train", "tasks: trian"), Contains("no task 'trian'") && Contains("'train'"));
  CHECK_THAT(changed("problems: 128", "role: ml"), Contains("no role 'ml'") && Contains("'lm'"));
  CHECK_THAT(changed("- verify: exact", "- {verify: exact, put: seen}"), Contains("no store 'seen'"));
  CHECK_THAT(changed("- verify: exact", "- {verify: exact, of: answers}"), Contains("no pool or store 'answers'"));
  CHECK_THAT(changed("- verify: exact", "- {verify: exact, of: filter}"), Contains("does not stand above"));
  CHECK_THAT(changed("- gate: {", "- gate: {metrc: x, "), Contains("'metrc'") && Contains("'metric'"));
  CHECK_THAT(changed("- filter: {", "- {verify: format, as: second, of: verify}\n  - filter: {"),
             Contains("makes no pool"));
}

TEST_CASE("names are unique, well formed and not reserved") {
  CHECK_THAT(changed("  train: {", "  lm: {"), Contains("'lm' of a task is taken by a model"));
  CHECK_THAT(changed("- verify: exact", "- {verify: exact, as: train}"), Contains("taken by a task"));
  CHECK_THAT(changed("- verify: exact", "- {verify: exact, as: best}"), Contains("reserved"));
  CHECK_THAT(changed("- verify: exact", "- {verify: exact, as: Big-Name}"), Contains("no name of a step"));
  CHECK_THAT(changed("name: additions", "name: ../../etc"), Contains("recipe.yaml:1:7") && Contains("name"));
  CHECK_THAT(changed("name: additions", "name: /tmp/x"), Contains("name"));
  CHECK_THAT(changed("name: additions", "name: \"a\\0b\""), Contains("name"));
}

TEST_CASE("a section that nobody uses is an error") {
  CHECK_THAT(changed("tasks:\n", "tasks:\n  spare: {addition: 1}\n"),
             Contains("recipe.yaml:7:3") && Contains("unused") && Contains("'spare'"));
  CHECK_THAT(changed("tasks:\n", "stores: {seen: {}}\ntasks:\n"), Contains("unused") && Contains("store 'seen'"));
  CHECK_THAT(changed("tasks:\n", "roles: {judge: {weights: start}}\ntasks:\n"),
             Contains("unused") && Contains("role 'judge'"));
  CHECK_THAT(changed("models:\n", "models:\n  other: {table: 3}\n"),
             Contains("unused") && Contains("model 'other'") && Contains("'generate' needs 'role'"));
}

TEST_CASE("only after may read a test split") {
  CHECK_THAT(changed("evaluate: {tasks: dev", "evaluate: {tasks: [dev, test]"),
             Contains("recipe.yaml:15:29") && Contains("after"));
  CHECK(errors(kQuickstart).empty());
}

TEST_CASE("steps have one verb and known common keys") {
  CHECK_THAT(changed("- verify: exact", "- {verify: exact, filter: {keep: pass}}"), Contains("one verb"));
  CHECK_THAT(changed("- verify: exact", "- {as: x}"), Contains("no verb"));
  CHECK_THAT(changed("- verify: exact", "- verify"), Contains("write `- verify: {}`"));
  CHECK_THAT(changed("- verify: exact", "- {verify: exact, timeout: 3}"), Contains("it is an option"));
  CHECK_THAT(changed("- verify: exact", "- {verify: exact, wher: passed}"), Contains("'where'"));
  CHECK_THAT(changed("problems: 128", "as: tries"), Contains("beside the verb"));
  CHECK_THAT(changed("- verify: exact", "- {verify: exact, per: rolout}"), Contains("'per'") && Contains("'rollout'"));
  CHECK_THAT(changed("- verify: exact", "- {verify: exact, per: {set: 0}}"), Contains("'per'"));
  CHECK_THAT(errors(with(kQuickstart, "round:\n", "round:\n  - filter: {keep: pass}\n")),
             Contains("nothing to work on"));
}

TEST_CASE("environment variables that are not set are named") {
  const std::string text = with(kQuickstart, "seed: 7", "seed: \"${env:SEED}\"");
  CHECK_THAT(errors(text), Contains("recipe.yaml:2:8") && Contains("'SEED'"));
  CHECK_THAT(errors(text), !Contains("'seed'"));  // that the hole is no number is no second fault
  CHECK(errors(text, {}, {{"SEED", "9"}}).empty());
}

TEST_CASE("files that are no regular recipe are refused without reading them") {
  const Folder folder;
  CHECK_THAT(unreadable(folder / "missing.yaml"), Contains("missing.yaml") && Contains("No such file"));
  CHECK_THAT(unreadable(folder / "."), Contains("folder"));
  REQUIRE(::mkfifo((folder / "fifo").c_str(), 0600) == 0);
  CHECK_THAT(unreadable(folder / "fifo"), Contains("FIFO"));
  CHECK_THAT(unreadable("/dev/zero"), Contains("device"));
  std::ofstream(folder / "big").put('x');
  std::filesystem::resize_file(folder / "big", uintmax_t{10} << 30);  // sparse
  CHECK_THAT(unreadable(folder / "big"), Contains("4 MiB"));
  std::filesystem::create_symlink(folder / "loop", folder / "loop");
  CHECK_THAT(unreadable(folder / "loop"), Contains("loop"));
  std::ofstream(folder / "good") << "a: 1\n";
  CHECK(read_recipe_file(folder / "good") == "a: 1\n");
}

TEST_CASE("no prefix and no single damaged byte of a recipe does more than be refused") {
  for (size_t length = 0; length < kQuickstart.size(); ++length) errors(kQuickstart.substr(0, length));
  for (size_t at = 0; at < kQuickstart.size(); ++at)
    for (char byte : {'[', '{', '"', ':', '\t', '-', '&', '\0', '\xFF', '$'}) {
      std::string text = kQuickstart;
      text[at] = byte;
      const std::string found = errors(text);
      if (found.starts_with("not exit 2")) FAIL(found << "\nbyte " << int{byte} << " at " << at);
    }
  SUCCEED();
}
