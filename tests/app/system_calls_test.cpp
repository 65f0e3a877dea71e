// The simulated file system stands for the real one: a run asks the kernel for exactly the calls that the simulation
// counts, so that what is proved there by a kill, an error or a power failure at every call holds here.
#include <algorithm>
#include <csignal>
#include <map>
#include <sstream>

#include "app/program.h"
#include "app/whole_run.h"
#include "support/catch.h"

namespace sil {
namespace {

using testing::kRun;
using testing::TestDirectory;

constexpr const char* kRecipe = R"(
name: tiny
seed: 3
rounds: 2
models: {lm: {table: {context: 4}, tokenizer: chars}}
tasks:
  sums: {addition: {digits: 1}}
  held: {addition: {digits: 1}, split: dev}
stores: {seen: {holds: groups}}
before:
  - demonstrate: {tasks: sums, problems: 12}
  - finetune: {from: base, loss: nll, steps: 2, learning_rate: 0.3}
round:
  - generate: {tasks: sums, problems: 9, samples: 4, max_new_tokens: 3}
  - verify: exact
  - {filter: {keep: [{dedupe: text}], weigh: group_zscore}, put: seen}
  - finetune: {from: live, optimizer: keep, loss: grpo, minibatches: 2, learning_rate: 0.05}
  - {evaluate: {tasks: held, samples: 2, max_new_tokens: 3}}
  - gate: {metric: pass@1, at_least: incumbent}
)";
// Every call that opens, changes or syncs a file by name or descriptor; questions (stat, getdents) are left out.
constexpr const char* kTraced =
    "execve,open,openat,creat,write,writev,pwrite64,pwritev,fsync,fdatasync,sync_file_range,syncfs,rename,renameat,"
    "renameat2,"
    "link,linkat,symlink,symlinkat,unlink,unlinkat,rmdir,mkdir,mkdirat,truncate,ftruncate,fallocate,chmod,fchmod,"
    "fchmodat,copy_file_range,sendfile";

// "write runs/tiny/journal"; a row of writes to one file is one.
using Calls = std::vector<std::string>;
struct Trace {
  Calls changes;  // in their order, but that of removals in a row, which is the folder's own
  Calls opens;    // for reading; sorted, because two threads make them

  void settle() {
    std::sort(opens.begin(), opens.end());
    const auto removes = [](const std::string& call) { return call.starts_with("remove "); };
    for (auto begin = changes.begin(); begin != changes.end();) {
      begin = std::find_if(begin, changes.end(), removes);
      const auto end = std::find_if_not(begin, changes.end(), removes);
      std::sort(begin, end);
      begin = changes.erase(std::unique(begin, end), end);  // remove(3) tries unlink, then rmdir
    }
  }
};

void add_change(Trace& trace, const std::string& what, const std::string& path) {
  std::string call = what + " " + path;
  if (what == "write" && !trace.changes.empty() && trace.changes.back() == call) return;
  trace.changes.push_back(std::move(call));
}

bool in_run(const std::string& path) {
  return path.starts_with("runs/") || path == "runs";
}

// What the kernel would be asked for one call of Env.
void add_simulated(Trace& trace, const SimulatedCall& call) {
  static const std::map<std::string, std::string> kChanges = {
      {"create", "create"},     {"write", "write"},         {"sync", "sync"},         {"truncate", "truncate"},
      {"rename_new", "rename"}, {"rename_over", "rename"},  {"remove", "remove"},     {"make_dir", "mkdir"},
      {"sync_dir", "sync"},     {"make_readonly", "chmod"}, {"remove_tree", "remove"}};
  if (!in_run(call.path)) return;
  if (call.name == "open" || call.name == "read_all" || call.name == "list" || call.name == "sync_dir")
    trace.opens.push_back(call.path);
  if (call.name == "lock") {
    for (const char* what : {"create", "truncate", "write"}) add_change(trace, what, call.path);
  } else if (call.name == "make_link") {
    add_change(trace, "link", call.path + ".new");
    add_change(trace, "rename", call.path);
  } else if (auto change = kChanges.find(call.name); change != kChanges.end()) {
    add_change(trace, change->second, call.path);
  }
}

// What a killed process could leave: a run that was only begun, and things in tmp/.
const std::map<std::string, std::string> kLeftovers = {
    {"SIL", "sil run format 1\n"}, {"tmp/0", "half"}, {"tmp/folder/a", ""}, {"tmp/folder/b", ""}};

Trace simulated_trace(Digest& digest, bool leftovers = false) {
  SimulatedEnv env;
  if (leftovers)
    for (const auto& [name, text] : kLeftovers) env.put_file(std::string(kRun) + "/" + name, text);
  digest = testing::run(env, testing::request(kRecipe, 1, RunRequest{}.frame_rollouts)).digest;
  Trace trace;
  for (const SimulatedCall& call : env.calls()) add_simulated(trace, call);
  trace.settle();
  return trace;
}

// A line of strace -y: `NAME(ARGUMENTS) = RESULT`, with paths of descriptors in <>.
struct SystemCall {
  std::string name, arguments, path;
};

// The last path that the call names: of a rename the new one.
std::string last_path(const std::string& name, const std::string& arguments) {
  const bool by_descriptor = name == "write" || name == "writev" || name.starts_with("pwrite") || name == "fsync" ||
                             name == "fdatasync" || name == "ftruncate" || name == "fallocate" || name == "fchmod";
  const char open = by_descriptor ? '<' : '"', close = by_descriptor ? '>' : '"';
  std::string path;
  for (size_t begin = arguments.find(open); begin != std::string::npos; begin = arguments.find(open, begin)) {
    const size_t end = arguments.find(close, begin + 1);
    if (end == std::string::npos) break;
    path = arguments.substr(begin + 1, end - begin - 1);
    begin = end + 1;
    if (by_descriptor) break;  // what follows is data
  }
  return path;
}

std::vector<SystemCall> read_trace(const std::string& text, const std::string& directory) {
  std::vector<SystemCall> calls;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const size_t open = line.find('('), end = line.rfind(" = ");
    if (open == std::string::npos || end == std::string::npos) continue;  // signals, exits
    SystemCall call{line.substr(0, open), line.substr(open + 1, end - open - 1), {}};
    call.path = last_path(call.name, call.arguments);
    if (const size_t at = call.arguments.find('<');
        !call.path.starts_with('/') && at != std::string::npos && !call.arguments.starts_with("AT_FDCWD"))
      call.path = call.arguments.substr(at + 1, call.arguments.find('>') - at - 1) + "/" + call.path;
    if (call.path.starts_with(directory + "/")) call.path.erase(0, directory.size() + 1);
    calls.push_back(std::move(call));
  }
  return calls;
}

void add_real(Trace& trace, const SystemCall& call) {
  static const std::map<std::string, std::string> kChanges = {
      {"write", "write"},      {"fdatasync", "sync"},     {"fsync", "sync"},    {"truncate", "truncate"},
      {"renameat2", "rename"}, {"rename", "rename"},      {"unlink", "remove"}, {"mkdir", "mkdir"},
      {"chmod", "chmod"},      {"ftruncate", "truncate"}, {"symlink", "link"},  {"unlinkat", "remove"},
      {"rmdir", "remove"}};
  if (!in_run(call.path)) return;
  if (call.arguments.find("O_NOFOLLOW") != std::string::npos) return;  // the walk of std::filesystem::remove_all
  if (call.name == "openat" && call.arguments.find("O_CREAT") == std::string::npos &&
      call.arguments.find("O_RDONLY") != std::string::npos) {
    trace.opens.push_back(call.path);
  } else if (call.name == "openat" && call.arguments.find("O_TRUNC") == std::string::npos) {
    add_change(trace, "create", call.path);
  } else {
    auto change = kChanges.find(call.name);
    add_change(trace, change == kChanges.end() ? call.name : change->second, call.path);
  }
}

bool strace_works() {
  if (std::system("command -v strace >/dev/null 2>&1") != 0) {
    if (std::getenv("CI") != nullptr) FAIL("strace is not installed: scripts/setup.sh installs it");
    WARN("SKIPPED: strace is not installed, the real system calls are not compared");
    return false;
  }
  if (std::system("strace -o /dev/null true >/dev/null 2>&1") == 0) return true;
  WARN("SKIPPED: strace may not trace here (ptrace is forbidden), the real system calls are not compared");
  return false;
}

// Runs the tiny recipe as a process of its own, under strace with these options; returns the exit status of the shell.
int traced_run(const TestDirectory& directory, const std::string& strace) {
  const std::string command = "cd " + directory.at("") + " && ASAN_OPTIONS=detect_leaks=0 " + strace + " " +
                              SIL_PROGRAM + " run recipe.yaml --out " + kRun + " --threads 1 --quiet >out 2>err";
  const int status = std::system(command.c_str());
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// The calls of each of its threads, the main one's (it began with execve) first.
std::vector<std::vector<SystemCall>> thread_traces(const TestDirectory& directory) {
  std::vector<std::vector<SystemCall>> traces;
  const std::string root = std::filesystem::canonical(directory.at(""));
  for (const auto& entry : std::filesystem::directory_iterator(root)) {
    const std::string name = entry.path().filename();
    if (name.starts_with("trace.")) traces.push_back(read_trace(directory.read(name), root));
  }
  std::partition(traces.begin(), traces.end(),
                 [](const auto& calls) { return !calls.empty() && calls.front().name == "execve"; });
  return traces;
}

std::vector<std::vector<SystemCall>> undisturbed_traces(bool leftovers = false) {
  const TestDirectory directory;
  directory.write("recipe.yaml", kRecipe);
  if (leftovers) {
    std::filesystem::create_directories(directory.at(std::string(kRun) + "/tmp/folder"));
    for (const auto& [name, text] : kLeftovers) directory.write(std::string(kRun) + "/" + name, text);
  }
  REQUIRE(traced_run(directory, std::string("strace -ff -y -s 0 -o trace -e trace=") + kTraced) == 0);
  return thread_traces(directory);
}

TEST_CASE("a real run makes exactly the file-system calls of the simulated one") {
  if (!strace_works()) return;
  for (bool leftovers : {false, true}) {
    INFO((leftovers ? "with" : "without") << " leftovers of a killed process");
    Digest digest;
    const Trace simulated = simulated_trace(digest, leftovers);
    Trace real, elsewhere;
    const auto traces = undisturbed_traces(leftovers);
    REQUIRE(traces.size() > 1);
    for (size_t thread = 0; thread < traces.size(); ++thread)
      for (const SystemCall& call : traces[thread]) add_real(thread == 0 ? real : elsewhere, call);
    CHECK(elsewhere.changes.empty());  // one thread changes files
    real.opens.insert(real.opens.end(), elsewhere.opens.begin(), elsewhere.opens.end());
    real.settle();
    CHECK(simulated.changes.size() > 100);
    const auto [a, b] =
        std::mismatch(simulated.changes.begin(), simulated.changes.end(), real.changes.begin(), real.changes.end());
    INFO("change " << a - simulated.changes.begin() << ": simulated " << (a == simulated.changes.end() ? "none" : *a)
                   << ", real " << (b == real.changes.end() ? "none" : *b));
    CHECK(simulated.changes == real.changes);
    CHECK(simulated.opens == real.opens);
  }
}

// The calls on the run directory: names, each with how many calls of that name the main thread made up to there.
std::vector<std::pair<std::string, int>> calls_in_run() {
  std::map<std::string, int> made;
  std::vector<std::pair<std::string, int>> calls;
  const auto traces = undisturbed_traces();
  for (const SystemCall& call : traces.front()) {
    const int n = ++made[call.name];
    if (in_run(call.path)) calls.emplace_back(call.name, n);
  }
  return calls;
}

// Runs with the N-th call of a name tampered with, checks the exit status, then continues undisturbed.
void check_continues(const std::pair<std::string, int>& call, const std::string& tampering, int status,
                     const Digest& digest) {
  const auto& [name, n] = call;
  INFO(name << " number " << n << ": " << tampering);
  const TestDirectory directory;
  directory.write("recipe.yaml", kRecipe);
  CHECK(traced_run(directory, "strace -o /dev/null -e trace=" + name + " -e inject=" + name + ":" + tampering +
                                  ":when=" + std::to_string(n)) == status);
  REQUIRE(traced_run(directory, "") == 0);
  CHECK(fsck_run(system_env(), directory.at(kRun)).digest == digest);
}

// Where the kernel is asked for it, not between: each of these calls is the last thing the process ever tried.
TEST_CASE("a real run killed on its way into a system call continues to the simulated digest") {
  if (!strace_works()) return;
  Digest digest;
  simulated_trace(digest);
  const auto calls = calls_in_run();
  for (size_t i = 3; i < calls.size(); i += calls.size() / 16)
    check_continues(calls[i], "signal=KILL", 128 + SIGKILL, digest);
}

// Only that one call fails: had it been tried again, the run would have gone on to its end.
TEST_CASE("a system call that fails once stops a real run with the exit code of its error") {
  if (!strace_works()) return;
  Digest digest;
  simulated_trace(digest);
  std::map<std::string, std::vector<std::pair<std::string, int>>> by_name;
  for (const auto& call : calls_in_run()) by_name[call.first].push_back(call);
  for (const char* name : {"fdatasync", "fsync", "write", "renameat2"}) {
    const auto& calls = by_name[name];
    REQUIRE(calls.size() > 2);
    check_continues(calls[calls.size() / 3], "error=EIO", static_cast<int>(Exit::io), digest);
    check_continues(calls[calls.size() / 2], "error=ENOSPC", static_cast<int>(Exit::resources), digest);
  }
}

}  // namespace
}  // namespace sil
