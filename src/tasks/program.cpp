// A task whose problems a program of the user makes. It speaks sil-task/1, JSON lines on its stdin and stdout:
//
//   sil        {"protocol": "sil-task/1", "type": "hello"}
//   program    {"protocol": "sil-task/1", "name": "sums", "version": "1", "size": 1000000}
//   sil        {"id": 1, "index": 4711}
//   program    {"id": 1, "problem": {"prompt": "47+11=", "answer": "58"}}      a row as one of a dataset
//
// One request is open at a time. Whatever else the program says, and its silence, end the run.
#include <cmath>
#include <mutex>

#include "cage/line_process.h"
#include "cage/printable.h"
#include "tasks/generated.h"
#include "tasks/tasks.h"

namespace sil {
namespace {

constexpr std::string_view kProtocol = "sil-task/1";
constexpr size_t kLineBytes = size_t{16} << 20;
constexpr size_t kQuoted = 120;  // bytes of what a program said that a message shows

struct ProgramTaskOptions {
  TaskOptions task;
  std::string command;
  std::string alphabet;
  double timeout = 10;
  double start_timeout = 30;

  void visit(OptionVisitor& v) {
    task.visit(v);
    v.option("command", command, {.help = "words for /bin/sh: a program that speaks sil-task/1", .required = true});
    v.option("alphabet", alphabet, {.help = "characters of prompts and answers, for the tokenizer `chars`"});
    v.option("timeout", timeout, {.help = "time for a problem", .low = 0, .high = 1e6, .above_low = true, .unit = "s"});
    v.option("start_timeout", start_timeout,
             {.help = "time from start to handshake", .low = 0, .high = 1e6, .above_low = true, .unit = "s"});
  }
};

class ProgramTask final : public GeneratedTask {
 public:
  explicit ProgramTask(ProgramTaskOptions options)
      : GeneratedTask(options.task, options.alphabet), options_(std::move(options)) {
    start();
    const Json first = std::exchange(handshake_, {});
    const Json* size = first.find("size");
    if (size == nullptr || !size->is_int() || size->as_int() < 1)
      fail("its handshake has no `size`, a whole number from 1 on");
    prove_pure(size->as_int(), "program/1\n" + identity_);
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    std::string message = "task program `" + printable(options_.command, 200) + "`: " + what;
    if (program_)
      if (const std::string last = program_->process().stderr_tail(); !last.empty())
        message +=
            "; its stderr ends: " + printable(last.substr(last.size() - std::min(last.size(), kQuoted)), kQuoted);
    program_.reset();
    throw Error(Exit::unreadable, message, "it must speak sil-task/1 (docs/data.md)");
  }

  // The next line as a map.
  Json hear(double seconds) const {
    const auto deadline = Clock::now() + std::chrono::milliseconds(std::llround(std::ceil(seconds * 1000)));
    auto heard = program_->read_line(deadline);
    if (const Silence* silence = std::get_if<Silence>(&heard)) {
      if (*silence == Silence::closed) fail(program_->last_breath(kQuoted));
      fail(*silence == Silence::oversized ? "a line of more than 16 MiB" : "no line within its time");
    }
    const std::string& line = std::get<std::string>(heard);
    try {
      Json out = parse_json(line, {}, {.depth = 64, .bytes = kLineBytes});
      if (out.is_object()) return out;
    } catch (const Error&) {
    }
    fail("it said what is no JSON object: " + printable(line, kQuoted));
  }

  static const std::string* text_of(const Json& message, std::string_view key) {
    const Json* value = message.find(key);
    return value != nullptr && value->is_string() && !value->as_string().empty() ? &value->as_string() : nullptr;
  }

  void start() const {
    program_ = std::make_unique<LineProcess>(options_.command, kLineBytes);
    requests_ = 0;
    program_->process().send("{\"protocol\":\"" + std::string(kProtocol) + "\",\"type\":\"hello\"}\n");
    handshake_ = hear(options_.start_timeout);
    const std::string *protocol = text_of(handshake_, "protocol"), *name = text_of(handshake_, "name"),
                      *version = text_of(handshake_, "version");
    if (protocol == nullptr || *protocol != kProtocol || name == nullptr || version == nullptr)
      fail("its handshake must say \"protocol\":\"sil-task/1\", `name` and `version`");
    const std::string identity = *name + "@" + *version;
    if (!identity_.empty() && identity != identity_)
      fail("it was " + identity_ + " and says now that it is " + identity);
    identity_ = identity;
  }

  Json row(int64_t index) const override {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!program_) start();
    const int64_t id = ++requests_;
    program_->process().send("{\"id\":" + std::to_string(id) + ",\"index\":" + std::to_string(index) + "}\n");
    const Json reply = hear(options_.timeout);
    const Json *answered = reply.find("id"), *problem = reply.find("problem");
    if (answered == nullptr || *answered != Json(id) || problem == nullptr || !problem->is_object())
      fail("its reply to request " + std::to_string(id) + " must be {\"id\":" + std::to_string(id) +
           ",\"problem\":{...}}: " + printable(dump(reply), kQuoted));
    return *problem;
  }

  void forget() const override {
    const std::lock_guard<std::mutex> lock(mutex_);
    program_.reset();
  }

  ProgramTaskOptions options_;
  mutable std::mutex mutex_;  // guards what follows
  mutable std::unique_ptr<LineProcess> program_;
  mutable Json handshake_;
  mutable std::string identity_;
  mutable int64_t requests_ = 0;
};

}  // namespace

void register_program(Registry<Task>& registry) {
  registry.add<ProgramTask, ProgramTaskOptions>("program", "problems by a program of yours that speaks sil-task/1",
                                                "command");
}

}  // namespace sil
