// `sil gc`, `sil rebuild` and what they leave, on a real directory.
#include <filesystem>

#include "app/program.h"
#include "sil/json.h"
#include "support/catch.h"

using namespace sil;
using namespace sil::testing;
using Catch::Matchers::Contains;

namespace {

constexpr const char* kRecipe = R"(
name: small
rounds: 4
models: {lm: {table: {context: 4}, tokenizer: chars}}
tasks: {sums: {addition: {digits: 1}}}
round:
  - {demonstrate: {tasks: sums, problems: 6}}
  - {finetune: {from: live, loss: nll, steps: 1, learning_rate: 0.3}}
)";

std::string text_of(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

TEST_CASE("a run directory on disk is rebuilt, collected and refused as the help says") {
  namespace fs = std::filesystem;
  const TestDirectory directory;
  const std::string recipe = directory.write("small.yaml", kRecipe);
  const fs::path run = directory.at("run");
  REQUIRE(run_sil("run " + recipe + " --quiet --out " + run.string()).code == 0);

  CHECK(fs::read_symlink(run / "accepted") == "checkpoints/0004");
  CHECK(fs::read_symlink(run / "latest") == "checkpoints/0004");
  CHECK(fs::hard_link_count(run / "latest" / "model.safetensors") == 1);
  CHECK((fs::status(run / "latest" / "model.safetensors").permissions() & fs::perms::owner_write) != fs::perms::none);
  const Json about = parse_json(text_of(run / "run.json"));
  CHECK(about.at("status").as_string() == "done");
  CHECK_THAT(about.at("build").as_string(), Contains("sil 0."));
  CHECK_THAT(about.at("libraries").as_string(), Contains("zstd") && !Contains("unknown"));
  const Json shown = parse_json(run_sil("show " + run.string() + " --json").out);
  CHECK(shown.at("status").as_string() == "done");
  std::string lines;
  for (const Json& round : shown.at("rounds").as_array()) lines += dump(round) + "\n";
  CHECK(text_of(run / "metrics.jsonl") == lines);

  const std::string table = text_of(run / "metrics.csv");
  for (const char* name : {"metrics.csv", "recipe.yaml", "run.json"}) fs::remove(run / name);
  fs::remove_all(run / "checkpoints");
  const ProgramResult rebuilt = run_sil("rebuild " + run.string() + " --json");
  REQUIRE(rebuilt.code == 0);
  CHECK(parse_json(rebuilt.out).at("written").as_int() == 9);  // five files, four rounds
  CHECK(text_of(run / "metrics.csv") == table);
  CHECK(text_of(run / "recipe.yaml") == kRecipe);
  CHECK(fs::exists(run / "accepted" / "model.safetensors"));

  fs::create_directories(run / "objects" / "00");
  std::ofstream(run / "objects" / "00" / std::string(62, '1')) << "stray";
  const Json planned = parse_json(run_sil("gc " + run.string() + " --dry-run --json").out);
  CHECK(planned.at("objects").as_int() == 1);
  CHECK(planned.at("bytes").as_int() == 5);
  CHECK_THAT(run_sil("gc " + run.string()).out, Contains("removed 1 objects and 0 temporary files, 5 bytes"));
  CHECK(run_sil("fsck " + run.string()).code == 0);

  for (const char* command : {"gc ", "rebuild "}) {
    const ProgramResult refused = run_sil(command + directory.at("none") + " --json");
    CHECK(refused.code == 3);
    CHECK(parse_json(refused.out).at("error").at("code").as_int() == 3);
    CHECK_FALSE(fs::exists(directory.at("none")));
  }
}
