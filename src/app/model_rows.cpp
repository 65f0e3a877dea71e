// `sil generate` and `sil score`: a model's folder from the shell.
//
// A row's draws belong to the seed, to its prompt's ids and to how many rows of the same prompt and temperature came
// before: neither order nor batch nor threads change a token, and rows that are the same get different answers.
#include <cmath>
#include <map>
#include <memory>
#include <optional>

#include "app/builtins.h"
#include "app/commands.h"
#include "app/open_model.h"
#include "app/output.h"
#include "app/row_filter.h"
#include "loop/setup.h"
#include "recipe/help.h"
#include "sil/rng.h"
#include "steps/sampling.h"

namespace sil {
namespace {

constexpr const char* kGenerateExample = "sil generate runs/NAME/accepted temperature=0.9 max_new_tokens=24 seed=3";
constexpr const char* kScoreExample = "sil score runs/NAME/accepted temperature=0.9";

struct GenerateRowOptions {
  SamplingOptions sampling;
  int64_t seed = 0;

  void visit(OptionVisitor& v) {
    visit_sampling(sampling, v);
    v.option(
        "top_logprobs", sampling.top_logprobs,
        {.help = "report so many of the likeliest ids of each position, with their log-probs", .low = 0, .high = 100});
    v.option("seed", seed, {.help = "other numbers give other answers", .low = 0, .high = 9007199254740992.0});
  }
};

struct ScoreRowOptions {
  double temperature = 1;

  void visit(OptionVisitor& v) {
    v.option("temperature", temperature, {.help = "of the log-probs; 0 stands for 1", .low = 0, .high = 100});
  }
};

Json number_list(std::span<const TokenId> ids) {
  Json out = Json::array();
  for (const TokenId id : ids) out.push(id);
  return out;
}

// Every float is a double, whose shortest text reads back to the same bits as either.
Json number_list(std::span<const float> values) {
  Json out = Json::array();
  for (const float value : values) out.push(static_cast<double>(value));
  return out;
}

// What the rows that go to a model have in common. Where the model refuses a batch, its rows go one by one, so that
// those above the bad one get their answers and the message names its line.
template <class Row>
class ModelRows : public RowFilter {
 public:
  ModelRows(std::string form, Engine& engine) : RowFilter(std::move(form)), engine_(engine) {}

 protected:
  virtual void answer_rows(const std::vector<Row>& rows) = 0;  // prints nothing when it throws

  Engine& engine() const { return engine_; }
  void push(Row row) {
    row.place = place();
    rows_.push_back(std::move(row));
  }

  std::vector<TokenId> token_ids(const Json& row) const {
    const Json* list = row.find("token_ids");
    if (list == nullptr) refuse("the row has no `token_ids`");
    if (!list->is_array()) refuse(std::string("`token_ids` is ") + list->kind() + ", not a list");
    std::vector<TokenId> ids;
    const int64_t last = engine_.codec().vocabulary_size() - 1;
    for (const Json& id : list->as_array()) {
      if (!id.is_int() || id.as_int() < 0 || id.as_int() > last)
        refuse("`token_ids` holds " + dump(id).substr(0, 40) + " at position " + std::to_string(ids.size()) +
               "; the model's vocabulary has ids 0 to " + std::to_string(last));
      ids.push_back(static_cast<TokenId>(id.as_int()));
    }
    return ids;
  }

 private:
  void answer() final {
    const std::vector<Row> rows = std::exchange(rows_, {});
    if (rows.empty()) return;
    std::optional<Error> failure;
    try {
      return answer_rows(rows);
    } catch (const Error& error) {
      if (error.code() != Exit::unreadable) throw;
      failure = error;
    }
    for (const Row& row : rows) {
      try {
        answer_rows({row});
      } catch (const Error& error) {
        throw placed(error, row.place);
      }
    }
    throw *failure;  // of none of them alone
  }

  Engine& engine_;
  std::vector<Row> rows_;
};

struct PromptRow {
  Place place;
  Json id;
  std::vector<TokenId> ids;
  double temperature = 1;
  uint32_t occurrence = 0;
};

struct Answer {
  std::vector<TokenId> ids;
  std::vector<float> logprobs;
  std::vector<TokenId> top_ids;
  std::vector<float> top_logprobs;
  std::string text;
  Finish finish = Finish::stop;
};

class Generator final : public ModelRows<PromptRow> {
 public:
  Generator(Engine& engine, Version version, const GenerateRowOptions& options)
      : ModelRows("{\"id\"?, \"prompt\" | \"messages\" | \"token_ids\", \"temperature\"?}", engine),
        version_(version),
        options_(options),
        key_(RandomPath{static_cast<uint64_t>(options.seed), "sample", {"generate"}, {}}.key()) {}

 private:
  void add(const Json& row) override {
    PromptRow out;
    if (const Json* id = row.find("id")) out.id = *id;
    out.ids = prompt_ids(row);
    out.temperature = temperature(row);
    out.occurrence = seen_[{uid_of(out.ids), out.temperature}]++;
    push(std::move(out));
  }

  std::vector<TokenId> prompt_ids(const Json& row) const {
    int forms = 0;
    for (const char* form : {"prompt", "messages", "token_ids"}) forms += row.find(form) != nullptr ? 1 : 0;
    if (forms != 1)
      refuse("the row has " + std::to_string(forms) + " of `prompt`, `messages` and `token_ids`; one is wanted");
    if (row.find("token_ids") != nullptr) return token_ids(row);
    Conversation conversation;
    conversation.text = text_member(row, "prompt");
    if (const Json* messages = row.find("messages")) conversation.messages = messages_of(*messages);
    try {
      return engine().codec().encode(conversation, true);
    } catch (const Error& error) {
      throw placed(error, place());
    }
  }

  std::vector<Message> messages_of(const Json& list) const {
    if (!list.is_array() || list.as_array().empty()) refuse("`messages` is no list of {\"role\", \"content\"}");
    std::vector<Message> out;
    for (const Json& message : list.as_array()) {
      if (message.find("role") == nullptr || message.find("content") == nullptr)
        refuse("a message has no `role` or no `content`");
      out.push_back({text_member(message, "role"), text_member(message, "content")});
    }
    return out;
  }

  double temperature(const Json& row) const {
    const Json* value = row.find("temperature");
    if (value == nullptr || value->is_null()) return options_.sampling.temperature;
    if (!value->is_number() || !(value->as_double() >= 0 && value->as_double() <= 100))
      refuse("`temperature` is " + dump(*value).substr(0, 40) + "; allowed: numbers from 0 to 100");
    return value->as_double();
  }

  static uint64_t uid_of(const std::vector<TokenId>& ids) {
    return Sha256().array(std::span<const TokenId>(ids)).finish().head();
  }

  void answer_rows(const std::vector<PromptRow>& rows) override {
    std::vector<Answer> answers(rows.size());
    std::map<double, std::vector<size_t>> by_temperature;  // a batch has one
    for (size_t i = 0; i < rows.size(); ++i) by_temperature[rows[i].temperature].push_back(i);
    for (const auto& [temperature, members] : by_temperature) sample(rows, temperature, members, answers);
    for (size_t i = 0; i < rows.size(); ++i) print_answer(rows[i], answers[i]);
  }

  void sample(const std::vector<PromptRow>& rows, double temperature, const std::vector<size_t>& members,
              std::vector<Answer>& answers) {
    GenerateBatch batch;
    batch.sampling = options_.sampling;
    batch.sampling.temperature = temperature;
    batch.prompt_begin.push_back(0);
    const PromptRow* last = nullptr;
    for (const size_t i : members) {
      const PromptRow& row = rows[i];
      if (last == nullptr || last->ids != row.ids) {  // a prompt that comes again is read once
        batch.ids.insert(batch.ids.end(), row.ids.begin(), row.ids.end());
        batch.prompt_begin.push_back(batch.ids.size());
      }
      last = &row;
      batch.prompt.push_back(static_cast<uint32_t>(batch.prompt_begin.size() - 2));
      batch.key.push_back(group_key(key_, 0, 0, 0, row.occurrence));
      batch.uid.push_back(uid_of(row.ids));
      batch.sample.push_back(0);
    }
    const auto take = [&](size_t request, Completion&& completion) {
      answers[members[request]] = {.ids = {completion.ids.begin(), completion.ids.end()},
                                   .logprobs = {completion.logprobs.begin(), completion.logprobs.end()},
                                   .top_ids = {completion.top_ids.begin(), completion.top_ids.end()},
                                   .top_logprobs = {completion.top_logprobs.begin(), completion.top_logprobs.end()},
                                   .text = std::move(completion.text),
                                   .finish = completion.finish};
    };
    engine().generate(version_, batch, take, {});
  }

  // Of each token, [[id, log-prob] …], the likeliest first.
  static Json top_list(const Answer& answer) {
    const size_t each = answer.top_ids.size() / answer.ids.size();
    Json out = Json::array();
    for (size_t n = 0; n < answer.ids.size(); ++n) {
      Json position = Json::array();
      for (size_t i = n * each; i < (n + 1) * each; ++i)
        position.push(Json::Array{answer.top_ids[i], static_cast<double>(answer.top_logprobs[i])});
      out.push(std::move(position));
    }
    return out;
  }

  static void print_answer(const PromptRow& row, const Answer& answer) {
    Json out = Json::object();
    out.set("id", row.id);
    out.set("prompt_ids", number_list(std::span<const TokenId>(row.ids)));
    out.set("token_ids", number_list(std::span<const TokenId>(answer.ids)));
    out.set("logprobs", number_list(std::span<const float>(answer.logprobs)));
    if (!answer.top_ids.empty()) out.set("top_logprobs", top_list(answer));
    out.set("text", answer.text);
    out.set("finish_reason", name(answer.finish));
    print_json(out);
  }

  Version version_;
  const GenerateRowOptions& options_;
  uint64_t key_;
  std::map<std::pair<uint64_t, double>, uint32_t> seen_;
};

struct SequenceRow {
  Place place;
  std::vector<TokenId> ids;
  uint64_t start = 1;
};

class Scorer final : public ModelRows<SequenceRow> {
 public:
  Scorer(Engine& engine, Version version, const ScoreRowOptions& options)
      : ModelRows("{\"token_ids\", \"start\"}", engine), version_(version), options_(options) {}

 private:
  void add(const Json& row) override {
    SequenceRow out;
    out.ids = token_ids(row);
    const Json* start = row.find("start");
    if (start == nullptr) refuse("the row has no `start`");
    const auto length = static_cast<int64_t>(out.ids.size());
    if (!start->is_int() || start->as_int() < 1 || start->as_int() > length)
      refuse("`start` is " + dump(*start).substr(0, 40) + " in a sequence of " + std::to_string(length) +
             " ids; allowed: 1, as the first id follows nothing, to its length");
    out.start = static_cast<uint64_t>(start->as_int());
    push(std::move(out));
  }

  void answer_rows(const std::vector<SequenceRow>& rows) override {
    ScoreBatch batch;
    batch.begin.push_back(0);
    for (const SequenceRow& row : rows) {
      batch.ids.insert(batch.ids.end(), row.ids.begin(), row.ids.end());
      batch.begin.push_back(batch.ids.size());
      batch.start.push_back(row.start);
    }
    const std::vector<float> logprobs = engine().score(version_, batch, options_.temperature);
    size_t at = 0;
    for (const SequenceRow& row : rows) {
      const size_t count = row.ids.size() - row.start;
      Json out = Json::object();
      out.set("logprobs", number_list(std::span<const float>(logprobs).subspan(at, count)));
      print_json(out);
      at += count;
    }
  }

  Version version_;
  const ScoreRowOptions& options_;
};

}  // namespace

int generate_command(const ModelArguments& arguments) {
  const auto options = read_words<GenerateRowOptions>(arguments.options, "generate", kGenerateExample);
  const std::unique_ptr<Engine> engine = open_model(arguments.folder, arguments.threads);
  Generator(*engine, engine->initial(), options).run();
  return 0;
}

int score_command(const ModelArguments& arguments) {
  const auto options = read_words<ScoreRowOptions>(arguments.options, "score", kScoreExample);
  const std::unique_ptr<Engine> engine = open_model(arguments.folder, arguments.threads);
  Scorer(*engine, engine->initial(), options).run();
  return 0;
}

std::string generate_row_help() {
  return "Rows: {\"id\"?, \"prompt\" | \"messages\" | \"token_ids\", \"temperature\"?}\nAnswers: {id, prompt_ids, "
         "token_ids, logprobs, top_logprobs?, text, finish_reason}\n\n" +
         help_options(Declarations::of<GenerateRowOptions>()) + "\nExample: " + kGenerateExample + " < rows.jsonl\n";
}

std::string score_row_help() {
  return "Rows: {\"token_ids\", \"start\"}\nAnswers: {logprobs}, of token_ids[start:]\n\n" +
         help_options(Declarations::of<ScoreRowOptions>()) + "\nExample: " + kScoreExample + " < rows.jsonl\n";
}

}  // namespace sil
