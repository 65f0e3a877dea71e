// `sil chat`: a conversation through a model's own chat template. Answers go to stdout as they come, all else to
// stderr.
#include <unistd.h>

#include <iostream>
#include <memory>
#include <optional>

#include "app/commands.h"
#include "app/open_model.h"
#include "app/output.h"
#include "app/row_filter.h"
#include "app/signals.h"
#include "cage/printable.h"
#include "recipe/help.h"
#include "sil/env.h"
#include "sil/rng.h"
#include "sil/streaming.h"
#include "steps/sampling.h"

namespace sil {
namespace {

constexpr const char* kExample = "sil chat runs/NAME/accepted temperature=0.7 system='You are brief.'";
constexpr const char* kCommands =
    "/system TEXT  begins anew with this system message\n"
    "/reset        begins anew\n"
    "/save FILE    writes the conversation to a new file, one row {\"messages\": [...]}\n"
    "/exit         leaves, as the end of the input does\n"
    "Ctrl-C stops an answer; between answers, and the second time, it leaves.";
constexpr size_t kLongestLine = size_t{1} << 20;  // bytes

struct ChatOptions {
  SamplingOptions sampling{.temperature = 0.7, .max_new_tokens = 512, .stop = {}};
  std::string system;
  int64_t seed = 0;

  void visit(OptionVisitor& v) {
    visit_sampling(sampling, v);
    v.option("system", system, {.help = "the system message; without one the template's own"});
    v.option("seed", seed, {.help = "other numbers give other answers", .low = 0, .high = 9007199254740992.0});
  }
};

// The next line of stdin; none at its end.
std::optional<std::string> read_line() {
  std::string line;
  for (int c = std::cin.get(); c != EOF; c = std::cin.get()) {
    if (c == '\n') return line;
    if (line.size() == kLongestLine)
      throw Error(Exit::unreadable, "a line is longer than 1 MiB", "shorten what the model is asked", {"stdin", 0, 0});
    line += static_cast<char>(c);
  }
  return line.empty() ? std::nullopt : std::optional(line);
}

class Chat {
 public:
  Chat(Engine& engine, const ChatOptions& options)
      : engine_(engine),
        streaming_(dynamic_cast<StreamingEngine&>(engine)),
        version_(engine.initial()),
        options_(options),
        key_(RandomPath{static_cast<uint64_t>(options.seed), "sample", {"chat"}, {}}.key()) {
    reset(options.system);
  }

  void run() {
    const bool asks = ::isatty(STDIN_FILENO) != 0;
    if (asks) tell("/help says what else there is");
    for (;;) {
      if (asks) std::cerr << "> " << std::flush;
      const std::optional<std::string> line = read_line();
      if (!line || *line == "/exit") return;
      if (line->find_first_not_of(" \t\r") == std::string::npos) continue;
      line->starts_with("/") ? obey(*line) : answer(*line);
    }
  }

 private:
  void reset(const std::string& system) {
    messages_.clear();
    if (!system.empty()) messages_.push_back({"system", system});
  }

  void obey(const std::string& line) {
    const size_t space = line.find(' ');
    const std::string command = line.substr(0, space);
    const std::string text = space == std::string::npos ? "" : line.substr(space + 1);
    if (command == "/reset")
      reset(options_.system);
    else if (command == "/system")
      reset(text);
    else if (command == "/save")
      save(text);
    else
      tell(kCommands);
  }

  // What cannot be saved, or read by the model, is said, and the conversation goes on.
  void save(const std::string& path) try {
    Json messages = Json::array();
    for (const Message& message : messages_)
      messages.push(Json::Object{{"role", message.role}, {"content", message.content}});
    if (path.empty()) throw Error(Exit::usage, "/save names no file", "/save FILE");
    const auto file = system_env().create(path, Create::exclusive);
    file->write(dump(Json::Object{{"messages", std::move(messages)}}) + "\n");
    file->sync();
    tell("wrote " + path);
  } catch (const Error& error) {
    for (const Finding& finding : error.findings()) tell_finding(finding);
  }

  void answer(const std::string& text) try {
    messages_.push_back({"user", text});
    const GenerateBatch batch = asked(engine_.codec().encode({.text = {}, .messages = messages_}, true));
    std::string said;
    Finish finish = Finish::cancelled;
    const Interruption interruption;
    streaming_.generate_streaming(
        version_, batch, [&](size_t, Completion&& completion) { finish = completion.finish; },
        [&](size_t, std::string_view piece) {
          said += piece;
          show(piece);
        },
        interruption.token());
    print("\n");
    flush_output();
    if (finish == Finish::length)
      tell("(cut: " + std::to_string(options_.sampling.max_new_tokens) + " tokens, or the end of the model's context)");
    messages_.push_back({"assistant", std::move(said)});
    ++turn_;
  } catch (const Error& error) {
    if (error.code() != Exit::unreadable) throw;
    for (const Finding& finding : error.findings()) tell_finding(finding);
    tell("nothing was asked; /reset begins a shorter conversation");
    messages_.pop_back();
  }

  GenerateBatch asked(std::vector<TokenId> prompt) const {
    const uint64_t uid = Sha256().array(std::span<const TokenId>(prompt)).finish().head();
    GenerateBatch batch;
    batch.prompt_begin = {0, prompt.size()};
    batch.ids = std::move(prompt);
    batch.prompt = {0};
    batch.key = {group_key(key_, 0, 0, 0, turn_)};
    batch.uid = {uid};
    batch.sample = {0};
    batch.sampling = options_.sampling;
    return batch;
  }

  // What a model says cannot drive a terminal.
  static void show(std::string_view piece) {
    if (::isatty(STDOUT_FILENO) == 0) {
      print(piece);
    } else {
      std::string harmless =
          printable(std::string(piece) + "|", piece.size() + 1, true);  // white space at its end stays
      harmless.pop_back();
      print(harmless);
    }
    flush_output();
  }

  Engine& engine_;
  StreamingEngine& streaming_;
  Version version_;
  const ChatOptions& options_;
  uint64_t key_;
  uint32_t turn_ = 0;
  std::vector<Message> messages_;
};

}  // namespace

int chat_command(const ModelArguments& arguments) {
  const auto options = read_words<ChatOptions>(arguments.options, "chat", kExample);
  const std::unique_ptr<Engine> engine = open_model(arguments.folder, arguments.threads);
  Chat(*engine, options).run();
  return 0;
}

std::string chat_help() {
  return "Each line of stdin is a message, but these:\n" + std::string(kCommands) + "\n\n" +
         help_options(Declarations::of<ChatOptions>()) + "\nExample: " + kExample + "\n";
}

}  // namespace sil
