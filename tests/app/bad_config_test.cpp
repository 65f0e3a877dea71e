// Recipes and run directories that must be refused before anything starts: one line, its place, exit 2, nothing left.
#include <sys/stat.h>
#include <unistd.h>

#include "app/hostile.h"

using namespace sil::testing;
using Catch::Matchers::Contains;
namespace fs = std::filesystem;

namespace {

// The refusal of a recipe's text, which must stand at `place` (":LINE:COLUMN: ").
std::string refused_text(const std::string& text, const std::string& place) {
  const TestDirectory directory;
  const std::string recipe = directory.write("recipe.yaml", text);
  return refusal(2, recipe, recipe + place);
}

std::string refused_change(const std::string& from, const std::string& to, const std::string& place) {
  return refused_text(replaced(recipe_with(), from, to), place);
}

}  // namespace

TEST_CASE("an empty recipe") {
  CHECK_THAT(refused_text("", ":1:1: "), Contains("empty") && Contains("; a recipe needs"));
  CHECK_THAT(refused_text("# nothing\n\n", ":1:1: "), Contains("empty"));
}

TEST_CASE("a recipe in UTF-16, in Latin-1, with a byte order mark") {
  std::string wide = "\xFF\xFE";
  for (const char c : recipe_with()) wide += std::string(1, c) + '\0';
  CHECK_THAT(refused_text(wide, ":1:1: "), Contains("UTF-16") && Contains("; save the file as UTF-8"));
  CHECK_THAT(refused_change("tiny", "caf\xE9", ":1:10: "), Contains("0xE9") && Contains("UTF-8"));
  const TestDirectory directory;
  CHECK(run_bounded("check " + directory.write("r.yaml", "\xEF\xBB\xBF" + recipe_with())).code == 0);
}

TEST_CASE("a recipe with a NUL byte") {
  CHECK_THAT(refused_text(recipe_with() + std::string(1, '\0'), ":12:1: "), Contains("NUL") && Contains("; "));
}

TEST_CASE("a recipe indented with a tab") {
  CHECK_THAT(refused_change("  train", "\ttrain", ":6:1: "), Contains("tab") && Contains("spaces"));
}

TEST_CASE("an alias bomb") {
  const TestDirectory directory;
  std::string bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 30; ++i) {
    const std::string last = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + last;
    for (int k = 0; k < 8; ++k) bomb += "," + last;
    bomb += "]\n";
  }
  const std::string recipe = directory.write("recipe.yaml", bomb + recipe_with());
  const ProgramResult result = run_bounded("run " + recipe + " --out " + directory.at("run"));
  CHECK(result.code == 2);
  CHECK_FALSE(fs::exists(directory.at("run")));
  CHECK_THAT(result.err, Contains(recipe + ":1:5: an anchor (&name) is not allowed"));
  CHECK(std::count(result.err.begin(), result.err.end(), '\n') == 101);  // the first hundred, and how many more
}

TEST_CASE("an alias that refers to itself") {
  const TestDirectory directory;
  const std::string recipe = directory.write("recipe.yaml", "a: &a [*a]\n" + recipe_with());
  const ProgramResult result = run_bounded("run " + recipe + " --out " + directory.at("run"));
  CHECK(result.code == 2);
  CHECK_THAT(result.err, Contains(recipe + ":1:4: an anchor") && Contains(recipe + ":1:8: an alias"));
}

TEST_CASE("100,000 opening brackets") {
  CHECK_THAT(refused_text(std::string(100000, '['), ":1:65: "), Contains("deeper than 64"));
  std::string lists;
  for (int i = 0; i < 2000; ++i) lists += "- ";
  refused_text(lists, ":1:");
}

TEST_CASE("a FIFO, a folder, a device, a link to nothing, a 10 GB file as a recipe") {
  const TestDirectory directory;
  REQUIRE(::mkfifo(directory.at("fifo").c_str(), 0600) == 0);
  CHECK_THAT(refusal(2, directory.at("fifo"), directory.at("fifo") + ": "), Contains("FIFO"));
  CHECK_THAT(refusal(2, directory.at("."), directory.at(".") + ": "), Contains("folder"));
  CHECK_THAT(refusal(2, "/dev/zero", "/dev/zero: "), Contains("device"));
  fs::create_symlink("/nowhere/at/all", directory.at("link"));
  CHECK_THAT(refusal(2, directory.at("link"), directory.at("link") + ": "), Contains("No such file"));
  const std::string big = directory.write("big.yaml", recipe_with());
  fs::resize_file(big, uintmax_t{10} << 30);  // sparse
  CHECK_THAT(refusal(2, big, big + ": "), Contains("4 MiB"));
}

TEST_CASE("duplicate keys in a recipe") {
  CHECK_THAT(refused_text(recipe_with() + "rounds: 2\n", ":12:1: "),
             Contains("'rounds'") && Contains("line 2, column 1"));
}

TEST_CASE("an unknown key") {
  CHECK_THAT(refused_change("learning_rate", "learing_rate", ":11:39: "),
             Contains("'learing_rate'") && Contains("did you mean 'learning_rate'?"));
}

TEST_CASE("values that YAML dialects read as something else") {
  for (const char* value : {"no", "0123", "1:30", ".5", "~", "0x", "1_000", "'1'"}) {
    CAPTURE(value);
    CHECK_THAT(refused_change("rounds: 1", std::string("rounds: ") + value, ":2:"),
               Contains("'rounds' must be a whole number from 1 to"));
  }
  const TestDirectory directory;
  const std::string recipe = directory.write("r.yaml", replaced(recipe_with(), "rounds: 1", "rounds: 1e3"));
  CHECK_THAT(run_bounded("check " + recipe).out, Contains("rounds: 1000"));
}

TEST_CASE("a learning rate that is NaN, infinite, negative or zero") {
  for (const char* value : {".nan", ".inf", "-.inf", "-0.1", "0", "-0", "0.0", "1e999"}) {
    CAPTURE(value);
    CHECK_THAT(refused_change("learning_rate: 0.1", std::string("learning_rate: ") + value, ":11:54: "),
               Contains("above 0") && Contains(value));
  }
}

TEST_CASE("counts of 2^63, 1e308 and -1") {
  for (const char* value : {"9223372036854775808", "1e308", "-1", "1000000000000"})
    for (const char* option : {"problems: 4", "samples: 2", "max_new_tokens: 4"}) {
      const std::string name = std::string(option).substr(0, std::string(option).find(':'));
      CAPTURE(name, value);
      CHECK_THAT(refused_change(option, name + ": " + value, ":8:"), Contains("'" + name + "'") && Contains(value));
    }
}

TEST_CASE("zero rounds, zero tokens a batch, no problems") {
  CHECK_THAT(refused_change("rounds: 1", "rounds: 0", ":2:9: "), Contains("from 1 to") && Contains("'0'"));
  CHECK_THAT(refused_change("learning_rate: 0.1", "batch_tokens: 0", ":11:"), Contains("'batch_tokens'"));
  CHECK_THAT(refused_change("problems: 4", "problems: 0", ":8:"), Contains("problems"));
}

TEST_CASE("a batch larger than the data takes what there is") {
  const TestDirectory directory;
  const std::string rows = directory.write("rows.jsonl", "{\"prompt\": \"a\", \"answer\": \"b\"}\n");
  std::string text = replaced(recipe_with("{jsonl: " + rows + "}"), "keep: pass", "keep: []");
  text = replaced(text, "learning_rate: 0.1", "batch_tokens: 1000000000");
  const std::string recipe = directory.write("recipe.yaml", text);
  const ProgramResult result = run_bounded("run " + recipe + " --threads 1 --json --out " + directory.at("run"));
  INFO(result.err);
  CHECK(result.code == 0);
}

TEST_CASE("names of runs that lead elsewhere, and paths with a NUL byte") {
  for (const char* name : {"../../etc", "/etc/x", "\"a\\0b\"", ".", "..", "a/b", "\"\""}) {
    CAPTURE(name);
    CHECK_THAT(refused_change("tiny", name, ":1:"), Contains("is no name of a run"));
  }
  const TestDirectory directory;
  const std::string recipe = directory.write("recipe.yaml", recipe_with("{jsonl: \"a\\0b\"}"));
  CHECK_THAT(refusal(3, recipe, "a"), Contains("NUL byte"));
}

TEST_CASE("views that are no files of text") {
  const TestDirectory directory;
  REQUIRE(::mkfifo(directory.at("fifo").c_str(), 0600) == 0);
  const auto refused_view = [&](const std::string& view) {
    const std::string recipe =
        directory.write("recipe.yaml", replaced(recipe_with(), "samples: 2", "samples: 2, view: " + view));
    return refusal(2, recipe, recipe + ":8:");
  };
  CHECK_THAT(refused_view("/dev/zero"), Contains("not a regular file"));
  CHECK_THAT(refused_view("fifo"), Contains("not a regular file"));
  CHECK_THAT(refused_view("missing.j2"), Contains("does not exist"));
  CHECK_THAT(refused_view("\"a\\0b\""), Contains("NUL"));
  CHECK_THAT(refused_view("7"), Contains("view"));
  CHECK_THAT(refused_view("{text: \"{{problem.promt}}\"}"), Contains("problem.prompt"));
  fs::resize_file(directory.write("big", "x"), uintmax_t{10} << 30);
  CHECK_THAT(refused_view("big"), Contains("1 MiB"));
}

TEST_CASE("splits that are none") {
  for (const char* split :
       {"banana", "7", "[dev]", "{fraction: 1.5, name: dev}", "{fraction: x, name: dev}", "{fraction: 0, name: dev}",
        "{fraction: 0.5}", "{fraction: 0.5, name: 7}", "{name: dev}", "{fraction: 0.5, name: dev, more: 1}"}) {
    CAPTURE(split);
    CHECK_THAT(refused_change("{digits: 1}}", std::string("{digits: 1}, split: ") + split + "}", ":6:"),
               Contains("'split' must be train, dev, test"));
  }
  CHECK_THAT(refused_change("{digits: 1}}", "{digits: 1}, split: {fraction: .nan, name: dev}}", ":6:"),
             Contains("not finite"));
}

TEST_CASE("options of plug-ins that no type can refuse are refused before the start") {
  CHECK_THAT(refused_change("verify: exact", "verify: {regex: \"(a*)*b(\"}", ":9:"), Contains("(a*)*b("));
  CHECK_THAT(refused_change("verify: exact", "verify: {exact: 0}", ":9:"), Contains("weight"));
  CHECK_THAT(refused_change("from: live", "from: {round: x}", ":11:"), Contains("from") && Contains("base, live"));
  CHECK_THAT(refused_change("from: live", "from: [live]", ":11:"), Contains("from"));
  const std::string gated = "live, loss: nll}\n  - gate: {at_least: .nan} #";
  CHECK_THAT(refused_change("live, loss: nll,", gated, ":12:22: "), Contains("'at_least'") && Contains("not finite"));
  CHECK_THAT(refused_change("loss: nll", "loss: []", ":11:"), Contains("'loss' is an empty list"));
  CHECK_THAT(refused_change("tasks: train, p", "tasks: [train, \"\"], p", ":8:"), Contains("no task ''"));
  CHECK_THAT(refused_change("verify: exact", "verify: {score: \"while true do end\"}", ":9:"), Contains("expression"));
}

TEST_CASE("a run directory that is a file, lies under one, is a loop of links or a link to nothing") {
  const TestDirectory directory;
  const std::string recipe = directory.write("recipe.yaml", recipe_with());
  directory.write("file", "x");
  fs::create_symlink(directory.at("loop"), directory.at("loop"));
  fs::create_symlink(directory.at("gone"), directory.at("dangling"));
  const auto refused_out = [&](const std::string& out) {
    const ProgramResult result = run_bounded("run " + recipe + " --quiet --threads 1 --out " + quoted(out));
    INFO(result.err);
    CHECK(std::count(result.err.begin(), result.err.end(), '\n') == 1);
    CHECK_THAT(result.err, Contains("; "));
    return std::to_string(result.code) + " " + result.err;
  };
  CHECK_THAT(refused_out(directory.at("file")), Catch::StartsWith("2 ") && Contains("is not a directory"));
  CHECK_THAT(refused_out(directory.at("file/run")), Catch::StartsWith("2 ") && Contains("is not a directory"));
  CHECK_THAT(refused_out(directory.at("loop")), Catch::StartsWith("11 ") && Contains("symbolic links"));
  CHECK_THAT(refused_out(directory.at("dangling")), Catch::StartsWith("11 ") && Contains("dangling"));
  CHECK_THAT(refused_out(directory.at(std::string(300, 'x'))), Catch::StartsWith("11 ") && Contains("too long"));
  CHECK_THAT(refused_out("/proc/sil"), Catch::StartsWith("11 "));  // where not even root may make a folder
  CHECK_THAT(refused_out(""), Catch::StartsWith("2 ") && Contains("--out"));
  CHECK(directory.read("file") == "x");
  CHECK_FALSE(fs::exists(directory.at("gone")));
}

TEST_CASE("a run directory on a full disk stops with exit 10 and goes on when there is room") {
  const TestDirectory directory;
  const std::string recipe = directory.write("recipe.yaml", recipe_with());
  fs::create_directory(directory.at("disk"));
  const std::string sil = std::string(SIL_PROGRAM) + " run " + recipe + " --quiet --threads 1 --out " +
                          directory.at("disk/run") + " 2>>" + directory.at("err");
  // A file system of 1 MiB of its own, of which a file takes all but a little.
  const std::string script =
      directory.write("full.sh", "mount -t tmpfs -o size=1m tmpfs " + directory.at("disk") + " || exit 99\n" +  //
                                     "head -c 1044480 /dev/zero >" + directory.at("disk/filler") + "\n" +       //
                                     sil + "; first=$?\n" +                                                     //
                                     "rm " + directory.at("disk/filler") + "\n" +                               //
                                     sil + "; echo $first $? >" + directory.at("codes") + "\n");
  const int status = std::system(("unshare --user --map-root-user --mount sh " + script + " 2>/dev/null").c_str());
  if (WEXITSTATUS(status) != 0) {
    WARN("no user namespaces here: a full disk was not tried");
    return;
  }
  INFO(directory.read("err"));
  CHECK(directory.read("codes") == "10 0\n");
  CHECK_THAT(directory.read("err"), Contains("No space left") && Contains("; free some space"));
}

TEST_CASE("custom tags in a recipe") {
  CHECK_THAT(refused_text(recipe_with() + "x: !!python/object:os.system ls\n", ":12:4: "), Contains("tag"));
}

TEST_CASE("several documents in a recipe") {
  CHECK_THAT(refused_text(recipe_with() + "---\n" + recipe_with(), ":12:1: "), Contains("second document"));
}

TEST_CASE("a variable that is not set") {
  CHECK_THAT(refused_change("rounds: 1", "rounds: \"${env:SIL_NO_SUCH_VARIABLE}\"", ":2:10: "),
             Contains("'SIL_NO_SUCH_VARIABLE' is not set") && Contains(",default}"));
  CHECK_THAT(refused_change("rounds: 1", "rounds: \"${VAR}\"", ":2:10: "), Contains("'VAR'"));
}

TEST_CASE("a recipe that differs from the one the run began with") {
  const TestDirectory directory;
  const std::string recipe = directory.write("recipe.yaml", recipe_with());
  const std::string run = "run " + recipe + " --quiet --threads 1 --out " + directory.at("run") + " ";
  REQUIRE(run_bounded(run).code == 0);
  const std::string journal = directory.read("run/journal");
  const ProgramResult result = run_bounded(run + "generate.samples=3 tasks.train.addition.digits=2 seed=9");
  CHECK(result.code == 2);
  CHECK_THAT(result.err, Contains(" seed: 0 in the record, 9 now; ") &&
                             Contains("tasks.train.addition.digits.0: 1 in the record, 2 now") &&
                             Contains("; generate.samples: 2 in the record, 3 now; ") && Contains("--fresh"));
  CHECK(std::count(result.err.begin(), result.err.end(), '\n') == 1);
  CHECK_THAT(result.err, !Contains("temperature"));
  CHECK(directory.read("run/journal") == journal);
}
