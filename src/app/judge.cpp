// `sil judge` and `sil verifier test`: verifiers from the shell.
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <deque>
#include <memory>

#include "app/builtins.h"
#include "app/commands.h"
#include "app/output.h"
#include "recipe/option_reader.h"
#include "verifiers/conformance.h"
#include "verifiers/list.h"

namespace sil {
namespace {

constexpr size_t kLongestRow = size_t{64} << 20;

// As it stands within a YAML flow map; what is no number, quoted text, list or map but holds YAML's own marks is text.
std::string flow_value(const std::string& value) {
  if (!value.empty() && std::string_view("\"'[{").find(value.front()) != std::string_view::npos) return value;
  if (value.find_first_of(",[]{}:#&*!|>%@`\\\"'\n\t") == std::string::npos) return value;
  return dump(Json(value));
}

PluginSpec verifier_spec(const std::string& verifier, const std::vector<std::string>& options, const Shelves& shelves) {
  std::string members;
  for (const std::string& option : options) {
    const size_t at = option.find('=');
    if (at == std::string::npos || at == 0)
      throw Error(Exit::usage, "`" + option + "` is no option of the form name=value",
                  "write options as in a recipe, for instance: sil judge numeric tolerance=0.01");
    members += (members.empty() ? "" : ", ") + option.substr(0, at) + ": " + flow_value(option.substr(at + 1));
  }
  const std::string text = members.empty() ? verifier : "{" + verifier + ": {" + members + "}}";
  return parse_plugin(text, "verifier", shelves, {"sil judge", 0, 0});
}

[[noreturn]] void bad_row(int64_t line, const std::string& what) {
  throw Error(Exit::unreadable, what, "a row is {\"prompt\"?, \"completion\", \"answer\", \"extra\"?}",
              {"stdin", static_cast<int>(line), 0});
}

std::string text_member(const Json& row, std::string_view key, int64_t line) {
  const Json* value = row.find(key);
  if (value == nullptr) return {};
  if (!value->is_string()) bad_row(line, "`" + std::string(key) + "` is " + value->kind() + ", not a string");
  return value->as_string();
}

// A row as a group of one rollout.
Group read_row(std::string_view text, int64_t line) {
  const Json row = parse_json(text, {"stdin", static_cast<int>(line), 0}, {64, kLongestRow});
  if (!row.is_object()) bad_row(line, std::string("the row is ") + row.kind() + ", not a map");
  if (row.find("completion") == nullptr) bad_row(line, "the row has no `completion`");
  auto problem = std::make_shared<Problem>();
  problem->prompt = text_member(row, "prompt", line);
  if (const Json* answer = row.find("answer"); answer != nullptr && !answer->is_null())
    problem->answer = answer->is_number() ? dump(*answer) : text_member(row, "answer", line);
  if (const Json* extra = row.find("extra"); extra != nullptr && !extra->is_null()) {
    if (!extra->is_object()) bad_row(line, std::string("`extra` is ") + extra->kind() + ", not a map");
    problem->meta = *extra;
  }
  problem->uid = problem_uid(problem->prompt, problem->answer);
  Group group;
  group.problem = problem;
  group.rollouts.resize(1);
  group.rollouts.front().text = text_member(row, "completion", line);
  return group;
}

void print_verdict(const Verdict& verdict) {
  Json parts = Json::object();
  for (const auto& [name, score] : verdict.parts) parts.set(name, score);
  Json out = Json::object();
  out.set("label", name(verdict.label));
  out.set("score", verdict.score);
  out.set("parts", std::move(parts));
  out.set("reason", verdict.reason);
  out.set("class", name(verdict.outcome));
  print_json(out);
}

// Rows go to the verifier as they come: all complete lines of what one read gave are judged together, so a program's
// workers are busy on files, and whoever writes one row and waits gets its answer.
class RowJudge {
 public:
  explicit RowJudge(const Verifier& verifier) : verifier_(verifier) {}

  void take(std::string_view bytes) {
    const size_t searched = pending_.size();  // no newline before
    pending_ += bytes;
    size_t begin = 0;
    try {
      for (size_t end; (end = pending_.find('\n', std::max(begin, searched))) != std::string::npos; begin = end + 1)
        add_line(std::string_view(pending_).substr(begin, end - begin));
    } catch (const Error&) {
      judge();  // rows above the bad one get their answers
      throw;
    }
    pending_.erase(0, begin);
    if (pending_.size() > kLongestRow) bad_row(line_ + 1, "the row is longer than 64 MiB");
    judge();
  }
  void finish() {
    if (!pending_.empty()) take("\n");
  }

 private:
  void add_line(std::string_view line) {
    ++line_;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) bad_row(line_, "the row is empty");
    groups_.push_back(read_row(line, line_));
  }

  void judge() {
    if (groups_.empty()) return;
    std::vector<JudgeItem> items;
    for (const Group& group : groups_) items.push_back({&group, &group.rollouts.front()});
    std::vector<Verdict> verdicts(items.size());
    JudgeContext context;
    context.task = [](const Problem&) { return nullptr; };
    verifier_.verify(items, context, verdicts);
    for (const Verdict& verdict : verdicts) print_verdict(verdict);
    flush_output();
    groups_.clear();
  }

  const Verifier& verifier_;
  std::string pending_;  // the line that is not complete yet
  int64_t line_ = 0;
  std::deque<Group> groups_;
};

}  // namespace

int judge_command(const std::string& name, const std::vector<std::string>& options) {
  const Builtins builtins;
  const PluginSpec spec = verifier_spec(name, options, builtins.shelves());
  const std::unique_ptr<Verifier> verifier = make_verifier({spec}, "sum", 0.5, builtins.registries.verifiers);
  if (verifier->needs_group())
    throw Error(Exit::usage, "verifier `" + name + "` compares the rollouts of a problem; rows stand alone",
                "use it in a recipe");
  RowJudge judge(*verifier);
  std::string buffer(size_t{1} << 16, '\0');
  for (;;) {
    const ssize_t got = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw Error(Exit::io, std::string("cannot read standard input: ") + std::strerror(errno));
    if (got == 0) break;
    judge.take(std::string_view(buffer).substr(0, static_cast<size_t>(got)));
  }
  judge.finish();
  return 0;
}

int verifier_test_command(const std::string& command, bool json) {
  const ConformanceReport report = test_verifier(command);
  if (json) {
    Json checks = Json::array();
    for (const ConformanceCheck& check : report.checks) {
      Json row = Json::object();
      row.set("name", check.name);
      row.set("passed", check.passed);
      row.set("seen", check.seen);
      checks.push(std::move(row));
    }
    Json out = Json::object();
    out.set("schema_version", 1);
    out.set("ok", report.passed());
    out.set("checks", std::move(checks));
    print_json(out);
  } else {
    print(report.text());
  }
  return static_cast<int>(report.passed() ? Exit::ok : Exit::verifier);
}

}  // namespace sil
