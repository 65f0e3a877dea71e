// Checkpoints as folders, and `sil generate`, `sil score` and `path:` on them, as a shell sees them.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <map>
#include <sstream>

#include "app/hostile.h"
#include "app/json_rows.h"
#include "app/program.h"
#include "sil/json.h"
#include "support/catch.h"

using namespace sil;
using namespace sil::testing;
using Catch::Matchers::Contains;

namespace {

constexpr const char* kRecipe = R"(name: tiny
seed: 3
rounds: 1
models:
  lm: {llama: {layers: 1, width: 16, heads: 2, context: 24}, tokenizer: {chars: "0123456789+="}}
tasks:
  sums: {addition: {digits: 1}}
round:
  - demonstrate: {tasks: sums, problems: 8}
  - finetune: {from: base, loss: nll, steps: 2, learning_rate: 0.01}
)";

// A run of kRecipe, made once; its checkpoint is what the tests read and never change.
class Run {
 public:
  Run() {
    const std::string recipe = directory_.write("tiny.yaml", kRecipe);
    const ProgramResult result = run_sil("run " + recipe + " --threads 1 --quiet --out " + directory_.at("run"));
    INFO(result.err);
    REQUIRE(result.code == 0);
  }
  std::string folder() const { return directory_.at("run/accepted"); }

 private:
  TestDirectory directory_;
};

const Run& made() {
  static const Run run;
  return run;
}

// A copy of the checkpoint that a test may change.
class Copy {
 public:
  Copy() {
    std::filesystem::copy(made().folder() + "/", directory_.at("model"), std::filesystem::copy_options::recursive);
  }
  std::string folder() const { return directory_.at("model"); }
  std::string read(const std::string& name) const { return directory_.read("model/" + name); }
  void write(const std::string& name, const std::string& bytes) const { directory_.write("model/" + name, bytes); }
  const TestDirectory& directory() const { return directory_; }

 private:
  TestDirectory directory_;
};

// By prompt, as text of ids, log-probs and the rest.
std::map<std::string, std::string> by_prompt(const std::vector<Json>& rows) {
  std::map<std::string, std::string> out;
  for (const Json& row : rows) out[dump(row.at("id"))] = dump(row);
  return out;
}

std::string prompt_rows(int count, bool backwards) {
  std::vector<std::string> lines;
  for (int i = 0; i < count; ++i) {
    const std::string prompt = std::to_string(i) + "+" + std::to_string(i * 7 % 10) + "=";
    lines.push_back("{\"id\":" + std::to_string(i) + ",\"prompt\":\"" + prompt + "\"}\n");
  }
  if (backwards) std::reverse(lines.begin(), lines.end());
  std::string out;
  for (const std::string& line : lines) out += line;
  return out;
}

// The one line that refuses: exit `code`, nothing on stdout.
std::string refused(int code, const std::string& words, const std::string& input = {}) {
  const ProgramResult result = run_sil(words, input);
  INFO(result.err);
  CHECK(result.code == code);
  CHECK(result.out.empty());
  CHECK(std::count(result.err.begin(), result.err.end(), '\n') == 1);
  return result.err;
}

}  // namespace

TEST_CASE("a checkpoint of a transformer is a Hugging Face folder; one of a table holds its weights alone") {
  const Json config = parse_json(Copy().read("config.json"));
  CHECK(config.at("architectures") == Json(Json::Array{"LlamaForCausalLM"}));
  CHECK(config.at("vocab_size").as_int() == 15);
  CHECK(config.at("max_position_embeddings").as_int() == 24);
  for (const char* name : {"model.safetensors", "tokenizer.json", "tokenizer_config.json", "generation_config.json"})
    CHECK_FALSE(Copy().read(name).empty());
  const TestDirectory directory;
  const std::string recipe = directory.write(
      "table.yaml", replaced(kRecipe, "llama: {layers: 1, width: 16, heads: 2, context: 24}", "table: {context: 4}"));
  CHECK(run_sil("run " + recipe + " --quiet --out " + directory.at("run")).code == 0);
  CHECK_FALSE(std::filesystem::exists(directory.at("run/accepted/config.json")));
  CHECK(std::filesystem::exists(directory.at("run/accepted/model.safetensors")));
}

TEST_CASE(
    "a recipe trains an adapter on a folder; its checkpoint is a PEFT folder that generate, score and path read") {
  const TestDirectory directory;
  const std::string recipe = directory.write(
      "lora.yaml", replaced(replaced(replaced(kRecipe, "llama: {layers: 1, width: 16, heads: 2, context: 24}",
                                              "path: " + made().folder() + ", lora: {r: 2, targets: [q_proj, v_proj]}"),
                                     ", tokenizer: {chars: \"0123456789+=\"}", ""),
                            "learning_rate: 0.01", "learning_rate: 0.3"));
  const ProgramResult check = run_sil("check " + recipe + " --json");
  INFO(check.out);
  REQUIRE(check.code == 0);
  REQUIRE(run_sil("run " + recipe + " --quiet --out " + directory.at("run")).code == 0);
  const std::string folder = directory.at("run/accepted");
  CHECK(std::filesystem::exists(folder + "/adapter_model.safetensors"));
  CHECK_FALSE(std::filesystem::exists(folder + "/model.safetensors"));
  const Json config = parse_json(directory.read("run/accepted/adapter_config.json"));
  CHECK(config.at("r").as_int() == 2);
  CHECK(std::filesystem::equivalent(config.at("base_model_name_or_path").as_string(), made().folder()));
  const std::string words = " temperature=0.8 max_new_tokens=6";
  const std::vector<Json> adapted = answers("generate " + folder + words, prompt_rows(6, false));
  CHECK(adapted != answers("generate " + made().folder() + words, prompt_rows(6, false)));
  std::string sequences;
  for (const Json& row : adapted) {
    Json ids = row.at("prompt_ids");
    for (const Json& id : row.at("token_ids").as_array()) ids.push(id);
    const auto start = static_cast<int64_t>(row.at("prompt_ids").as_array().size());
    sequences += dump(Json::Object{{"token_ids", ids}, {"start", start}}) + "\n";
  }
  const std::vector<Json> scored = answers("score " + folder + " temperature=0.8", sequences);
  for (size_t i = 0; i < adapted.size(); ++i) CHECK(scored[i].at("logprobs") == adapted[i].at("logprobs"));
  CHECK(run_sil("reproduce " + directory.at("run")).code == 0);
}

TEST_CASE("generate answers each row in order with ids, log-probs, text and how it ended") {
  const std::vector<Json> rows = answers("generate " + made().folder() + " max_new_tokens=3 seed=1",
                                         "{\"id\":\"a\",\"prompt\":\"1+2=\"}\n{\"token_ids\":[5,3,6,14]}\n");
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].at("id") == Json("a"));
  CHECK(rows[1].at("id").is_null());
  CHECK(dump(rows[0].at("prompt_ids")) == "[5,3,6,14]");
  for (const Json& row : rows) {
    CHECK(row.at("token_ids").as_array().size() == row.at("logprobs").as_array().size());
    const bool cut = row.at("finish_reason") == Json("length");
    CHECK((cut || row.at("token_ids").as_array().back() == Json(1)));
    CHECK((!cut || row.at("token_ids").as_array().size() == 3));
  }
}

TEST_CASE("neither order nor neighbours nor threads change an answer; rows that are the same get different ones") {
  const std::string words = "generate " + made().folder() + " temperature=1.5 max_new_tokens=12 seed=5 --threads ";
  const auto all = by_prompt(answers(words + "1", prompt_rows(10, false)));
  CHECK(by_prompt(answers(words + "3", prompt_rows(10, true))) == all);
  const auto few = by_prompt(answers(words + "1", prompt_rows(3, false)));
  for (const auto& [id, row] : few) CHECK(row == all.at(id));
  const std::string row = "{\"id\":0,\"prompt\":\"0+0=\"}\n";
  const std::vector<Json> twice = answers(words + "1", row + row);
  CHECK(dump(twice[0]) == all.at("0"));
  CHECK(dump(twice[1]) != all.at("0"));
  CHECK(dump(answers("generate " + made().folder() + " temperature=1.5 max_new_tokens=12 seed=6", row)[0]) !=
        all.at("0"));
}

TEST_CASE("a banned token is never written, and the likeliest ids of each position are told on request") {
  const std::string words = "generate " + made().folder() + " temperature=0 max_new_tokens=1 top_logprobs=2 ";
  const std::string row = "{\"prompt\":\"1+2=\"}\n";
  const Json free = answers(words, row)[0];
  const Json& likeliest = free.at("top_logprobs").as_array()[0];
  REQUIRE(likeliest.as_array().size() == 2);
  CHECK(likeliest.as_array()[0].as_array()[0] == free.at("token_ids").as_array()[0]);
  CHECK(likeliest.as_array()[0].as_array()[1] == free.at("logprobs").as_array()[0]);
  const std::string banned = dump(free.at("token_ids").as_array()[0]);
  const Json steered = answers(words + "'logit_bias={\"" + banned + "\": -100}'", row)[0];
  CHECK(steered.at("token_ids").as_array()[0] == likeliest.as_array()[1].as_array()[0]);
  CHECK(steered.at("logprobs").as_array()[0] == likeliest.as_array()[1].as_array()[1]);
  CHECK(steered.at("top_logprobs") == free.at("top_logprobs"));
  CHECK(answers("generate " + made().folder(), row)[0].find("top_logprobs") == nullptr);
  CHECK_THAT(refused(2, words + "'logit_bias={\"x\": 1}'", row), Contains("logit_bias: `x` is no token id"));
}

TEST_CASE("a row's own temperature and messages count; temperature 0 takes the likeliest token") {
  const std::string words = "generate " + made().folder() + " max_new_tokens=4 seed=";
  const std::string greedy = "{\"prompt\":\"1+2=\",\"temperature\":0}\n";
  CHECK(answers(words + "1", greedy) == answers(words + "2", greedy));
  const std::string mixed = "{\"id\":1,\"prompt\":\"1+2=\"}\n{\"id\":2,\"prompt\":\"1+2=\",\"temperature\":0}\n";
  const std::vector<Json> both = answers(words + "1", mixed);
  CHECK(both[1].at("token_ids") == answers(words + "1", greedy)[0].at("token_ids"));
  CHECK_THAT(refused(3, words + "1", "{\"messages\":[{\"role\":\"user\",\"content\":\"1+2=\"}]}\n"),
             Contains("stdin:1: chars: the character \"u\""));
}

TEST_CASE("what score says of sampled tokens is what generate said, to the last digit, whatever the threads") {
  const std::vector<Json> sampled =
      answers("generate " + made().folder() + " temperature=0.7 max_new_tokens=12 --threads 2", prompt_rows(10, false));
  std::string sequences;
  for (const Json& row : sampled) {
    Json ids = row.at("prompt_ids");
    const auto start = static_cast<int64_t>(ids.as_array().size());
    for (const Json& id : row.at("token_ids").as_array()) ids.push(id);
    sequences += dump(Json(Json::Object{{"token_ids", std::move(ids)}, {"start", start}})) + "\n";
  }
  const std::vector<Json> scored = answers("score " + made().folder() + " temperature=0.7 --threads 1", sequences);
  REQUIRE(scored.size() == sampled.size());
  for (size_t i = 0; i < scored.size(); ++i) {
    CHECK(dump(scored[i].at("logprobs")) == dump(sampled[i].at("logprobs")));
    for (const Json& value : scored[i].at("logprobs").as_array()) {  // each is a float, exactly
      const double written = value.as_double();
      CHECK(static_cast<double>(static_cast<float>(written)) == written);
    }
  }
}

TEST_CASE("a bad row ends the command with its line, after the answers to the rows above it") {
  const std::string good = "{\"prompt\":\"1+2=\"}\n";
  const std::pair<const char*, const char*> rows[] = {
      {"{\"prompt\":\"x\"}", "stdin:2: chars: the character \"x\" (U+0078)"},
      {"{\"token_ids\":[3,15]}", "stdin:2: `token_ids` holds 15 at position 1; the model's vocabulary has ids 0 to 14"},
      {"{\"token_ids\":[-1]}", "stdin:2: `token_ids` holds -1"},
      {"{\"prompt\":\"\"}", "stdin:2: a prompt has 0 tokens; 1 to 23 are allowed"},
      {"{\"prompt\":\"123456789012345678901234\"}", "stdin:2: a prompt has 24 tokens; 1 to 23 are allowed"},
      {"{\"id\":3}", "stdin:2: the row has 0 of `prompt`, `messages` and `token_ids`; one is wanted"},
      {"{\"prompt\":\"1\",\"token_ids\":[3]}", "stdin:2: the row has 2 of"},
      {"{\"prompt\":\"1\",\"temperature\":-1}", "stdin:2: `temperature` is -1; allowed: numbers from 0 to 100"},
      {"{\"prompt\":1}", "stdin:2: `prompt` is an integer, not a string"},
      {"{\"messages\":[]}", "stdin:2: `messages` is no list"},
      {"", "stdin:2: the row is empty"}};
  for (const auto& [row, message] : rows) {
    const ProgramResult result = run_sil("generate " + made().folder() + " max_new_tokens=1", good + row + "\n" + good);
    INFO(result.err);
    CHECK(result.code == 3);
    CHECK(rows_of(result.out).size() == 1);
    CHECK(result.err.starts_with(message));
    CHECK(std::count(result.err.begin(), result.err.end(), '\n') == 1);
  }
}

TEST_CASE("score refuses a start outside the sequence and a sequence longer than the context") {
  const std::string good = "{\"token_ids\":[5,3,6],\"start\":1}\n";
  const std::pair<const char*, const char*> rows[] = {
      {"{\"token_ids\":[5,3,6],\"start\":0}", "stdin:2: `start` is 0 in a sequence of 3 ids; allowed: 1"},
      {"{\"token_ids\":[5,3,6],\"start\":4}", "stdin:2: `start` is 4 in a sequence of 3 ids"},
      {"{\"token_ids\":[5,3,6],\"start\":\"1\"}", "stdin:2: `start` is \"1\""},
      {"{\"token_ids\":[5,3,6]}", "stdin:2: the row has no `start`"},
      {"{\"token_ids\":[5,3.5],\"start\":1}", "stdin:2: `token_ids` holds 3.5 at position 1"},
      {"{\"token_ids\":\"53\",\"start\":1}", "stdin:2: `token_ids` is a string, not a list"},
      {"{\"start\":1}", "stdin:2: the row has no `token_ids`"},
      {"{\"token_ids\":[3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3],\"start\":1}",
       "stdin:2: score: a sequence has 25 ids; at most 24 are allowed"}};
  for (const auto& [row, message] : rows) {
    const ProgramResult result = run_sil("score " + made().folder(), good + row + "\n");
    INFO(result.err);
    CHECK(result.code == 3);
    CHECK(rows_of(result.out).size() == 1);
    CHECK(result.err.starts_with(message));
  }
  CHECK(dump(answers("score " + made().folder(), "{\"token_ids\":[5,3,6],\"start\":3}\n")[0]) == "{\"logprobs\":[]}");
}

TEST_CASE("options of the commands are checked as a recipe's") {
  CHECK_THAT(refused(2, "generate " + made().folder() + " temprature=1"), Contains("temperature"));
  CHECK_THAT(refused(2, "generate " + made().folder() + " top_p=2"), Contains("top_p"));
  CHECK_THAT(refused(2, "generate " + made().folder() + " temperature"), Contains("name=value"));
  CHECK_THAT(refused(2, "score " + made().folder() + " top_k=2"), Contains("top_k"));
  CHECK(run_sil("generate").code == 2);
  CHECK_THAT(run_sil("generate --help").out, Contains("max_new_tokens") && Contains("finish_reason"));
  CHECK_THAT(run_sil("help generate").out, Contains("step generate"));
  CHECK_THAT(run_sil("help path").out, Contains("Hugging Face"));
}

TEST_CASE("a folder that is no model is refused with what it is") {
  const TestDirectory directory;
  CHECK_THAT(refused(3, "generate " + directory.at("none")), Contains("there is no such folder"));
  CHECK_THAT(refused(3, "score " + directory.write("file", "x")), Contains("is neither a folder nor a .gguf file"));
  std::filesystem::create_directory(directory.at("empty"));
  CHECK_THAT(refused(3, "generate " + directory.at("empty")), Contains("holds no config.json"));
  CHECK_THAT(refused(3, "generate " + made().folder() + "/../.."), Contains("is a run, not a model"));
  CHECK_THAT(refused(3, "generate " + made().folder() + "/.."), Contains("holds no config.json"));
}

TEST_CASE("damaged files of a model are refused at the file") {
  const Copy model;
  const std::string weights = model.read("model.safetensors");
  const auto error = [&](const std::string& name, const std::string& bytes) {
    const std::string before = model.read(name);
    model.write(name, bytes);
    const std::string message = refused(3, "generate " + model.folder(), "{\"prompt\":\"1\"}\n");
    CHECK(message.starts_with(model.folder() + "/" + name));
    model.write(name, before);
    return message;
  };
  CHECK_THAT(error("model.safetensors", weights.substr(0, weights.size() / 2)), Contains("not a readable safetensors"));
  CHECK_THAT(error("model.safetensors", ""), Contains("it is empty"));
  CHECK_THAT(error("model.safetensors", replaced(weights, "model.norm.weight", "model.norm.weighs")),
             Contains("\"model.norm.weight\" is missing"));
  std::string nan = weights;
  const float value = std::nanf("");
  std::memcpy(nan.data() + nan.size() - 4, &value, 4);
  CHECK_THAT(error("model.safetensors", nan), Contains("holds a NaN"));
  const std::string config = model.read("config.json");
  CHECK_THAT(error("config.json", config.substr(0, 40)), Contains("config.json:"));
  CHECK_THAT(error("config.json", replaced(config, "\"llama\"", "\"mamba\"")),
             Contains("supported: llama, mistral, qwen2"));
  CHECK_THAT(error("tokenizer.json", replaced(model.read("tokenizer.json"), "\"Fuse\"", "\"Strip\"")),
             Contains("decoder: there is no content"));
}

TEST_CASE("a run continues from a folder, records what it read, and refuses another folder in its place") {
  const Copy model;
  const std::string recipe = model.directory().write(
      "path.yaml",
      replaced(kRecipe, "{llama: {layers: 1, width: 16, heads: 2, context: 24}, tokenizer: {chars: \"0123456789+=\"}}",
               "{path: " + model.folder() + "}"));
  const std::string words = "run " + recipe + " --quiet --out " + model.directory().at("run");
  const ProgramResult first = run_sil(words + " --json");
  INFO(first.err);
  REQUIRE(first.code == 0);
  // What `base` is and what stands beside the weights is that of the folder.
  const Json run = parse_json(model.directory().read("run/run.json"));
  const Json about = parse_json(model.read("model.json"));
  CHECK(run.at("models").at("lm").at("base") == about.at("digest"));
  CHECK(model.directory().read("run/accepted/config.json") == model.read("config.json"));
  CHECK(model.directory().read("run/accepted/tokenizer.json") == model.read("tokenizer.json"));
  CHECK(run_sil("fsck " + model.directory().at("run")).code == 0);
  CHECK(run_sil("reproduce " + model.directory().at("run")).code == 0);
  CHECK(run_sil(words).code == 0);
  std::string weights = model.read("model.safetensors");
  weights.back() ^= 1;
  model.write("model.safetensors", weights);
  const std::string error = refused(7, words);
  CHECK(error.starts_with(recipe + ":5:3: model 'lm' is no longer what "));
  CHECK_THAT(error, Contains("restore its files") && Contains("--fresh"));
}

TEST_CASE("members of a folder's model begin with its weights and are trained each for itself") {
  const Copy model;
  const std::string recipe = model.directory().write(
      "members.yaml",
      replaced(kRecipe, "{llama: {layers: 1, width: 16, heads: 2, context: 24}, tokenizer: {chars: \"0123456789+=\"}}",
               "{path: " + model.folder() + ", members: 2}"));
  const std::string run = model.directory().at("run");
  const ProgramResult done = run_sil("run " + recipe + " --quiet --out " + run);
  INFO(done.err);
  REQUIRE(done.code == 0);
  const auto trained = [&](const std::string& member, const std::string& file) {
    return model.directory().read("run/accepted/" + member + "/" + file);
  };
  for (const char* file : {"config.json", "tokenizer.json"})
    for (const char* member : {"lm", "lm@1"}) CHECK(trained(member, file) == model.read(file));
  CHECK(trained("lm", "model.safetensors") != trained("lm@1", "model.safetensors"));
  CHECK(run_sil("fsck " + run).code == 0);
  CHECK(run_sil("reproduce " + run).code == 0);
}

TEST_CASE("a model from a folder that cannot be read leaves no run behind") {
  const TestDirectory directory;
  const std::string recipe = directory.write(
      "path.yaml",
      replaced(kRecipe, "{llama: {layers: 1, width: 16, heads: 2, context: 24}, tokenizer: {chars: \"0123456789+=\"}}",
               "{path: " + directory.at("none") + "}"));
  CHECK_THAT(refused(3, "run " + recipe + " --out " + directory.at("run")), Contains("there is no such folder"));
  CHECK_FALSE(std::filesystem::exists(directory.at("run")));
  CHECK_THAT(refused(3, "check " + recipe), Contains("there is no such folder"));
}
