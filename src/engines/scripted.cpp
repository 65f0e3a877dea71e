// An engine that answers from a script: for trying a recipe's verifiers, filters and views without a model, and for
// replaying answers that were written elsewhere.
//
//   models: {lm: {scripted: {file: answers.jsonl}, tokenizer: bytes}}       {"prompt": "2+2=", "completions": ["4",
//   "5"]} models: {lm: {scripted: {replies: ["yes", "no"]}, tokenizer: bytes}}
//
// Sample k of a prompt gets completion k modulo their number, of the row whose prompt equals the decoded prompt;
// replies serve prompts without a row.
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "engines/engines.h"
#include "engines/generation.h"
#include "engines/stop_text.h"
#include "engines/versions.h"
#include "formats/jsonl.h"
#include "sil/error.h"
#include "sil/json.h"

namespace sil {
namespace {

struct ScriptedOptions {
  std::string file;
  std::vector<std::string> replies;
  void visit(OptionVisitor& v) {
    v.option("file", file, {.help = "JSON lines {prompt, completions: [...]} or {prompt, completion}"});
    v.option("replies", replies, {.help = "answers to prompts that the file has no row for, by sample number"});
  }
};

// What is answered to which prompt.
struct Script {
  std::map<std::string, std::vector<std::string>, std::less<>> rows;
  std::vector<std::string> replies;

  Digest digest() const {
    Sha256 hash;
    hash.field("scripted").number(rows.size());
    const auto texts = [&hash](const std::vector<std::string>& list) {
      hash.number(list.size());
      for (const std::string& text : list) hash.field(text);
    };
    for (const auto& [prompt, completions] : rows) {
      hash.field(prompt);
      texts(completions);
    }
    texts(replies);
    return hash.finish();
  }
};

std::vector<std::string> completions_of(const Json& row, const Place& place) {
  const Json* many = row.find("completions");
  const Json* one = row.find("completion");
  if ((many == nullptr) == (one == nullptr))
    throw Error(Exit::unreadable, many ? "both completions and completion" : "neither completions nor completion",
                "give exactly one of them", place);
  if (one != nullptr) return {one->as_string()};
  std::vector<std::string> out;
  for (const Json& text : many->as_array()) out.push_back(text.as_string());
  if (out.empty()) throw Error(Exit::unreadable, "completions is an empty list", "give at least one text", place);
  return out;
}

void read_row(const Json& row, const Place& place, Script& script) {
  if (!row.is_object())
    throw Error(Exit::unreadable, std::string("the row is ") + row.kind() + "; a map is wanted",
                "write {\"prompt\": ..., \"completions\": [...]}", place);
  try {
    const std::string& prompt = row.at("prompt").as_string();
    if (!script.rows.emplace(prompt, completions_of(row, place)).second)
      throw Error(Exit::unreadable, "the prompt has a row already: " + prompt, "put its completions in one row", place);
  } catch (const Error& error) {
    if (error.findings().front().place.line != 0) throw;
    throw Error(error.code(), error.findings().front().message, error.findings().front().hint, place);
  }
}

Script read_script(const ScriptedOptions& options) {
  Script script;
  script.replies = options.replies;
  if (options.file.empty()) return script;
  JsonLines rows(options.file);
  while (rows.next()) read_row(rows.row(), rows.place(), script);
  return script;
}

class ScriptedEngine final : public Engine {
 public:
  ScriptedEngine(Script script, std::shared_ptr<const Codec> codec)
      : script_(std::move(script)), digest_(script_.digest()), codec_(std::move(codec)) {}

  Caps caps() const override {
    return {.ids = true, .logprobs = false, .score = false, .update = false, .concurrent = true};
  }
  const Codec& codec() const override { return *codec_; }

  // All versions are the script.
  Version initial() override { return versions_.add(std::make_shared<Digest>(digest_)); }
  Version load(std::string_view weights, std::string_view optimizer) override {
    if (weights != kMagic + digest_.hex() || !optimizer.empty())
      throw Error(Exit::unreadable, "scripted: the saved version is of another script",
                  "use the file and replies that the run was started with");
    return initial();
  }
  void save(Version version, Part part, ByteSink& out) const override {
    const auto digest = versions_.get(version);
    if (part == Part::weights) out.write(kMagic + digest->hex());
  }
  Version ema(Version average, Version version, double) override {
    versions_.get(average);
    versions_.get(version);
    return initial();
  }
  void pin(Version version) override { versions_.pin(version); }
  void drop(Version version) override { versions_.drop(version); }
  bool has_optimizer(Version) const override { return false; }
  void forget_optimizer(Version) override {}
  Digest digest(Version version) const override { return *versions_.get(version); }

  void generate(Version version, const GenerateBatch& batch, const CompletionSink& sink,
                std::stop_token stop) override {
    check_generate(batch, codec_->vocabulary_size());
    versions_.get(version);
    std::mutex sink_mutex;
    for (size_t request = 0; request < batch.prompt.size() && !stop.stop_requested(); ++request) {
      FinishedRollouts finished;
      answer(batch, request, finished);
      finished.deliver(sink, sink_mutex);
    }
  }

  std::vector<float> score(Version, const ScoreBatch&, double) override { deny("score sequences"); }
  UpdateResult update(Version, TrainBatches&, const LossSpec&, const OptimizerOptions&, Version,
                      std::optional<UpdateCheckpoint>, UpdateSink&, std::stop_token) override {
    deny("be trained");
  }

 private:
  static inline const std::string kMagic = "SILSCRIPT1 ";

  [[noreturn]] static void deny(const char* what) {
    throw Error(Exit::usage, std::string("scripted: a script cannot ") + what, "use a table or a transformer there");
  }

  void answer(const GenerateBatch& batch, size_t request, FinishedRollouts& out) const {
    const SamplingOptions& sampling = batch.sampling;
    std::vector<TokenId> ids = codec_->encode_text(text_of(batch, request));
    if (!codec_->stop_ids().empty()) ids.push_back(codec_->stop_ids().front());
    StopText text(sampling, codec_->stop_ids(), codec_->stream());
    Finish finish = codec_->stop_ids().empty() ? Finish::stop : Finish::length;
    out.begin(request);
    for (size_t i = 0; i < ids.size(); ++i) {
      if (i == static_cast<size_t>(sampling.max_new_tokens)) {
        finish = Finish::length;
        break;
      }
      out.add(ids[i]);
      if (text.push(ids[i])) {
        finish = Finish::stop;
        break;
      }
    }
    out.end(finish, text.finish());
  }

  const std::string& text_of(const GenerateBatch& batch, size_t request) const {
    const std::span<const TokenId> ids = prompt_ids(batch, request);
    const std::string prompt = codec_->decode({ids.begin(), ids.end()});
    const auto row = script_.rows.find(prompt);
    const std::vector<std::string>& texts = row == script_.rows.end() ? script_.replies : row->second;
    if (texts.empty())
      throw Error(Exit::failed, "scripted: no row has the prompt: " + prompt,
                  "add a row for it, or replies for the rest");
    return texts[batch.sample[request] % texts.size()];
  }

  Script script_;
  Digest digest_;
  std::shared_ptr<const Codec> codec_;
  Versions<Digest> versions_;
};

class ScriptedFactory final : public EngineFactory {
 public:
  explicit ScriptedFactory(ScriptedOptions options) : options_(std::move(options)) {
    if (options_.file.empty() && options_.replies.empty())
      throw Error(Exit::usage, "scripted: neither file nor replies", "say what is answered, e.g. replies: [\"42\"]");
  }

  std::unique_ptr<Engine> make(const EngineSetup& setup) const override {
    refuse_adapter(setup, "scripted");
    if (!setup.codec)
      throw Error(Exit::usage, "scripted: the model has no tokenizer", "add one, e.g. tokenizer: bytes");
    return std::make_unique<ScriptedEngine>(read_script(options_), setup.codec);
  }

 private:
  ScriptedOptions options_;
};

}  // namespace

void refuse_adapter(const EngineSetup& setup, std::string_view engine) {
  if (setup.lora)
    throw Error(Exit::usage, std::string(engine) + ": this model takes no adapter, and the recipe gives it lora",
                "leave `lora` out, or use a transformer: llama or path");
}

void register_scripted(Registry<EngineFactory>& registry) {
  registry.add<ScriptedFactory, ScriptedOptions>("scripted", "answers from a file or a list, without a model",
                                                 "replies");
}

}  // namespace sil
