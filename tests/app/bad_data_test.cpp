// Datasets that must be refused at run start: one line with file, line and column, exit 3, nothing left.
#include <sys/stat.h>

#include "app/hostile.h"
#include "sil/json.h"

using namespace sil::testing;
using Catch::Matchers::Contains;
namespace fs = std::filesystem;

namespace {

const std::string kGood = "{\"prompt\": \"1+1=\", \"answer\": \"2\"}\n";

std::string recipe_for(const TestDirectory& directory, const std::string& path) {
  return directory.write("recipe.yaml", recipe_with("{jsonl: " + path + "}"));
}

// The refusal of a dataset at `path`, which must stand at `place` in it.
std::string refused_file(const TestDirectory& directory, const std::string& path, const std::string& place) {
  return refusal(3, recipe_for(directory, path), path + place);
}

std::string refused_rows(const std::string& text, const std::string& place, const std::string& name = "rows.jsonl") {
  const TestDirectory directory;
  return refused_file(directory, directory.write(name, text), place);
}

// A second row behind a good one, refused at `column` of line 2.
std::string refused_row(const std::string& row, int column) {
  return refused_rows(kGood + row + "\n", ":2:" + std::to_string(column) + ": ");
}

ProgramResult run_on(const TestDirectory& directory, const std::string& recipe) {
  return run_bounded("run " + recipe + " --quiet --threads 1 --out " + directory.at("run"));
}

void check_accepted(const std::string& text) {
  const TestDirectory directory;
  const ProgramResult result = run_on(directory, recipe_for(directory, directory.write("rows.jsonl", text)));
  INFO(result.err);
  CHECK(result.code == 0);
}

// What gzip makes of the bytes that `command` prints.
std::string gzipped(const std::string& command) {
  const TestDirectory directory;
  REQUIRE(std::system((command + " | gzip -9 >" + directory.at("gz")).c_str()) == 0);
  return directory.read("gz");
}

}  // namespace

TEST_CASE("a dataset that is empty") {
  CHECK_THAT(refused_rows("", ": "), Contains("no rows") && Contains("; write one JSON object a line"));
  CHECK_THAT(refused_rows("\n\r\n \n", ": "), Contains("no rows"));
}

TEST_CASE("a dataset whose last row is cut in the middle") {
  CHECK_THAT(refused_rows(kGood + "{\"prompt\": \"2+2=\", \"ans", ":2:24: "),
             Contains("the last row is cut") && Contains("; get the file again"));
}

TEST_CASE("a dataset with one line of 4 GB, and one of 10 GB and nothing else") {
  const TestDirectory directory;
  const std::string path = directory.write("rows.jsonl", kGood + "{\"prompt\": \"");
  fs::resize_file(path, uintmax_t{4} << 30);  // sparse
  CHECK_THAT(refused_file(directory, path, ":2:1: "), Contains("longer than the allowed 16777216 bytes"));
  const std::string hole = directory.write("hole.jsonl", "");
  fs::resize_file(hole, uintmax_t{10} << 30);
  CHECK_THAT(refused_file(directory, hole, ":1:1: "), Contains("longer than the allowed 16777216 bytes"));
}

TEST_CASE("a dataset with invalid, overlong or surrogate UTF-8, or in UTF-16") {
  CHECK_THAT(refused_row("{\"prompt\": \"\xFF\", \"answer\": \"2\"}", 13), Contains("UTF-8") && Contains("; "));
  CHECK_THAT(refused_row("{\"prompt\": \"\xC0\xAF\", \"answer\": \"2\"}", 13), Contains("UTF-8"));
  CHECK_THAT(refused_row("{\"prompt\": \"\xED\xA0\x80\", \"answer\": \"2\"}", 14), Contains("UTF-8"));
  CHECK_THAT(refused_row("{\"prompt\": \"\\ud800\", \"answer\": \"2\"}", 19), Contains("surrogate"));
  CHECK_THAT(refused_rows(std::string("\xFF\xFE{\0\"\0", 6), ":1:1: "), Contains("UTF-16"));
}

TEST_CASE("a dataset with a byte order mark and CRLF is the same problems, and its bytes are recorded") {
  const TestDirectory directory;
  const auto problem_and_input = [&](const std::string& name, const std::string& text) {
    const std::string recipe = recipe_for(directory, directory.write(name + ".jsonl", text));
    const std::string run = directory.at(name);
    const ProgramResult result = run_bounded("run " + recipe + " --quiet --threads 1 --out " + run);
    INFO(result.err);
    REQUIRE(result.code == 0);
    const std::string rollouts = run_bounded("show " + run + " --rollouts --jsonl").out;
    const sil::Json first = sil::parse_json(rollouts.substr(0, rollouts.find('\n')));
    const std::string journal = directory.read(name + "/journal");
    const sil::Json record = sil::parse_json(journal.substr(0, journal.find('\n')));
    return std::pair{first.at("problem").as_string(), record.at("payload").at("tasks").at("train").as_string()};
  };
  const auto plain = problem_and_input("plain", kGood);
  const auto marked = problem_and_input("marked", "\xEF\xBB\xBF" + kGood.substr(0, kGood.size() - 1) + "\r\n");
  CHECK(plain.first == marked.first);
  CHECK(plain.second != marked.second);
}

TEST_CASE("a dataset with the same id twice") {
  CHECK_THAT(refused_rows("{\"id\": 1, \"prompt\": \"a\"}\n{\"id\": 1, \"prompt\": \"b\"}\n", ":2:1: "),
             Contains("the id 1") && Contains("line 1"));
}

TEST_CASE("a dataset with a field that is missing, of a wrong type or null") {
  CHECK_THAT(refused_row("{\"prompt\": \"x\"}", 1), Contains("'answer' is missing"));
  CHECK_THAT(refused_row("{\"prompt\": 7, \"answer\": \"1\"}", 1), Contains("an integer; allowed: text"));
  CHECK_THAT(refused_row("{\"prompt\": null, \"answer\": \"1\"}", 1), Contains("'prompt' is null"));
  CHECK_THAT(refused_row("[1, 2]", 1), Contains("must be a map, found a list"));
  CHECK_THAT(refused_rows("{\"x\": 1}\n", ":1:1: "), Contains("no prompt column; columns seen: x"));
}

TEST_CASE("a dataset with a row of millions of values") {
  std::string zeros = "{\"prompt\": \"x\", \"answer\": \"1\", \"m\": [0";
  for (int i = 0; i < 7'000'000; ++i) zeros += ",0";
  CHECK_THAT(refused_row(zeros + "]}", 1), Contains("more than the allowed 1048576 values"));
}

TEST_CASE("a dataset with a depth bomb") {
  CHECK_THAT(refused_row("{\"prompt\": " + std::string(1000000, '['), 75), Contains("deeper than 64"));
  const std::string deep = std::string(100, '[') + std::string(100, ']');
  refused_row("{\"prompt\": \"x\", \"answer\": \"1\", \"m\": " + deep + "}", 100);
}

TEST_CASE("a dataset with 1e999, NaN, 2^64 and -0") {
  for (const char* value : {"1e999", "-1e999", "NaN", "Infinity", "18446744073709551616", "01", ".5", "+1", "0x1"}) {
    CAPTURE(value);
    CHECK_THAT(refused_rows("{\"prompt\": \"x\", \"answer\": " + std::string(value) + "}\n", ":1:"), Contains("; "));
    refused_rows("{\"prompt\": \"x\", \"answer\": \"1\", \"m\": " + std::string(value) + "}\n", ":1:");
  }
  check_accepted("{\"prompt\": \"x\", \"answer\": -0, \"m\": -0}\n");
}

TEST_CASE("a dataset with a key twice in one object") {
  CHECK_THAT(refused_row("{\"prompt\": \"x\", \"answer\": \"1\", \"prompt\": \"y\"}", 32),
             Contains("\"prompt\" is there twice"));
}

TEST_CASE("a dataset that is a gzip bomb, truncated gzip, compressed twice, or not what its name says") {
  const std::string lines = gzipped("yes '' | head -c 268435456");
  CHECK_THAT(refused_rows(lines, ":", "bomb.jsonl.gz"), Contains("expands beyond all measure"));
  const std::string line = gzipped("head -c 268435456 /dev/zero");
  CHECK_THAT(refused_rows(line, ":1:1: ", "bomb.jsonl.gz"), Contains("longer than the allowed"));
  const TestDirectory inputs;
  const std::string good = inputs.write("good", kGood);
  const std::string rows = gzipped("cat " + good);
  CHECK_THAT(refused_rows(rows.substr(0, rows.size() - 8), ":", "rows.jsonl.gz"), Contains("gzip data is cut"));
  CHECK_THAT(refused_rows(rows.substr(0, 8), ":1:1: ", "rows.jsonl.gz"), Contains("gzip data is cut"));
  const std::string twice = gzipped("gzip <" + good);
  CHECK_THAT(refused_rows(twice, ":1:1: ", "rows.jsonl.gz.gz"), Contains("compressed twice"));
  const TestDirectory directory;  // names decide nothing
  CHECK(run_on(directory, recipe_for(directory, directory.write("plain.jsonl.gz", kGood))).code == 0);
}

TEST_CASE("a resumed run whose dataset changed stops, names task and file, and changes nothing") {
  const TestDirectory directory;
  const std::string rows = directory.write("rows.jsonl", kGood);
  const std::string recipe = recipe_for(directory, rows);
  REQUIRE(run_on(directory, recipe).code == 0);
  const std::string journal = directory.read("run/journal");
  directory.write("rows.jsonl", kGood + "{\"prompt\": \"2+2=\", \"answer\": \"4\"}\n");
  const ProgramResult more =
      run_bounded("run " + recipe + " rounds=2 --quiet --threads 1 --out " + directory.at("run"));
  CHECK(more.code == 7);
  CHECK_THAT(more.err, Catch::StartsWith(rows + ": task 'train' is no longer what ") && Contains("; restore the file"));
  CHECK(std::count(more.err.begin(), more.err.end(), '\n') == 1);
  CHECK(directory.read("run/journal") == journal);
  directory.write("rows.jsonl", kGood);
  CHECK(run_bounded("run " + recipe + " rounds=2 --quiet --threads 1 --out " + directory.at("run")).code == 0);
}

TEST_CASE("a dataset that is a folder, FIFO, device, or a link to nothing or to itself") {
  const TestDirectory directory;
  REQUIRE(::mkfifo(directory.at("fifo").c_str(), 0600) == 0);
  fs::create_symlink("/dev/zero", directory.at("device"));
  fs::create_symlink("/nowhere/at/all", directory.at("dangling"));
  fs::create_symlink(directory.at("loop"), directory.at("loop"));
  fs::create_directory(directory.at("folder"));
  CHECK_THAT(refused_file(directory, directory.at("folder"), ": "), Contains("it is a folder"));
  CHECK_THAT(refused_file(directory, directory.at("fifo"), ": "), Contains("it is a pipe"));
  CHECK_THAT(refused_file(directory, directory.at("device"), ": "), Contains("it is a device"));
  CHECK_THAT(refused_file(directory, directory.at("dangling"), ": "), Contains("link to a file that does not exist"));
  CHECK_THAT(refused_file(directory, directory.at("loop"), ": "), Contains("symbolic links"));
  CHECK_THAT(refused_file(directory, directory.at("missing"), ": "), Contains("no such file"));
}

TEST_CASE("an empty prompt") {
  CHECK_THAT(refused_row("{\"prompt\": \"\", \"answer\": \"1\"}", 1), Contains("the prompt is empty"));
  CHECK_THAT(refused_row("{\"prompt\": \" \\n\\t\", \"answer\": \"1\"}", 1), Contains("the prompt is empty"));
}

TEST_CASE("texts that hold special-token strings and NUL are texts") {
  check_accepted("{\"prompt\": \"<eos><|endoftext|></s><pad>a\\u0000b\", \"answer\": \"<eos>\"}\n");
}

TEST_CASE("a script of answers that is no file of rows leaves no run directory") {
  const TestDirectory directory;
  REQUIRE(::mkfifo(directory.at("fifo").c_str(), 0600) == 0);
  const auto refused_script = [&](const std::string& path, const std::string& place) {
    const std::string text = replaced(recipe_with(), "table: {context: 4}", "scripted: {file: " + path + "}");
    return refusal(3, directory.write("recipe.yaml", text), path + place);
  };
  CHECK_THAT(refused_script("/dev/zero", ": "), Contains("it is a device"));
  CHECK_THAT(refused_script(directory.at("fifo"), ": "), Contains("it is a pipe"));
  CHECK_THAT(refused_script(directory.write("deep", std::string(100000, '[')), ":1:65: "), Contains("deeper than 64"));
  const std::string hole = directory.write("hole", "");
  fs::resize_file(hole, uintmax_t{10} << 30);
  CHECK_THAT(refused_script(hole, ":1:1: "), Contains("longer than the allowed"));
}

TEST_CASE("rows that training shares with a held-out set are refused by name") {
  const TestDirectory directory;
  const std::string train = directory.write("train.jsonl", kGood + "{\"prompt\": \"2+2=\", \"answer\": \"4\"}\n");
  const std::string dev = directory.write("dev.jsonl", "{\"question\": \"2+2=\", \"answer\": \"four\"}\n");
  const std::string recipe = directory.write(
      "recipe.yaml",
      replaced(recipe_with("{jsonl: " + train + "}"), "round:", "  held: {jsonl: " + dev + ", split: dev}\nround:") +
          "  - evaluate: {tasks: held, samples: 1, max_new_tokens: 2}\n");
  CHECK_THAT(refusal(3, recipe, train + ":2:1: "), Contains("the prompt \"2+2=\" of task 'train' (train) is also in "
                                                            "task 'held' (dev), at " +
                                                            dev + ":1:1; it is the only one; "));
}
