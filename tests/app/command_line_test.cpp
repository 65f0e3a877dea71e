#include "app/program.h"
#include "sil/json.h"
#include "support/catch.h"

using namespace sil;
using namespace sil::testing;
using Catch::Matchers::Contains;

TEST_CASE("a bare command prints help with an example and succeeds") {
  const ProgramResult result = run_sil("");
  CHECK(result.code == 0);
  CHECK_THAT(result.out, Contains("sil run recipe.yaml"));
  CHECK(result.err.empty());
}

TEST_CASE("--version prints one line and --help of a command names its flags") {
  CHECK_THAT(run_sil("--version").out, Contains("sil 0."));
  const ProgramResult help = run_sil("run --help");
  CHECK(help.code == 0);
  CHECK_THAT(help.out, Contains("--threads") && Contains("--fresh"));
}

TEST_CASE("an unknown command is a usage error that names the nearest") {
  const ProgramResult result = run_sil("chek recipe.yaml");
  CHECK(result.code == 2);
  CHECK_THAT(result.err, Contains("`chek`") && Contains("`sil check`"));
  CHECK(result.out.empty());
}

TEST_CASE("an unknown flag is a usage error that names the nearest") {
  const ProgramResult result = run_sil("run recipe.yaml --fresch");
  CHECK(result.code == 2);
  CHECK_THAT(result.err, Contains("`--fresch`") && Contains("`--fresh`"));
}

TEST_CASE("a missing argument is a usage error") {
  CHECK(run_sil("run").code == 2);
  CHECK(run_sil("verifier").code == 2);
  CHECK(run_sil("run recipe.yaml --threads 0").code == 2);
}

TEST_CASE("with --json an error is an object on stdout and words on stderr") {
  const ProgramResult result = run_sil("fsck /nowhere/at/all --json");
  CHECK(result.code == 3);
  const Json row = parse_json(result.out);
  CHECK(row.at("error").at("code").as_int() == 3);
  CHECK_THAT(row.at("error").at("message").as_string(), Contains("/nowhere/at/all"));
  CHECK_THAT(result.err, Contains("/nowhere/at/all"));
}

TEST_CASE("a reader that goes away is no error") {
  const TestDirectory directory;
  run_sil("help recipe 2>" + directory.at("messages") + " | true");
  CHECK(directory.read("messages").empty());
}

TEST_CASE("list names the plug-ins of a kind and refuses unknown kinds") {
  const ProgramResult verifiers = run_sil("list verifier");
  CHECK(verifiers.code == 0);
  CHECK_THAT(verifiers.out, Contains("exact") && Contains("numeric") && Contains("program"));
  CHECK_THAT(run_sil("list step").out, Contains("generate") && Contains("finetune"));
  const ProgramResult unknown = run_sil("list verifyer");
  CHECK(unknown.code == 2);
  CHECK_THAT(unknown.err, Contains("`verifier`"));
}

TEST_CASE("help explains the protocol, recipes, steps and plug-ins") {
  CHECK_THAT(run_sil("help verifier-protocol").out, Contains("sil-verifier/1"));
  CHECK_THAT(run_sil("help recipe").out, Contains("rounds"));
  CHECK_THAT(run_sil("help generate").out, Contains("samples"));
  CHECK_THAT(run_sil("help numeric").out, Contains("tolerance"));
  const ProgramResult unknown = run_sil("help numerik");
  CHECK(unknown.code == 2);
  CHECK_THAT(unknown.err, Contains("`numeric`"));
}

TEST_CASE("doctor tries on this machine that sampled and scored log-probabilities are the same bits") {
  const ProgramResult result = run_sil("doctor");
  CHECK(result.code == 0);
  CHECK_THAT(result.out,
             Contains("GFLOP/s") && Contains("log-probabilities: sampled on") && Contains("= scored, bit for bit"));
}
