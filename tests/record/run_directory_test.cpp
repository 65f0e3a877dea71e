#include "record/run_directory.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "record/simulated_env.h"
#include "record/support.h"
#include "record/temp_dir.h"
#include "support/catch.h"

namespace sil {
namespace {

constexpr const char* kRun = "runs/demo";
const std::string kSil = "sil run format 1\n";

Exit open_code(Env& env, const std::string& path) {
  return exit_of([&] { RunDirectory(env, path); });
}

// A run of one record, made and left.
void make_run(SimulatedEnv& env) {
  RunDirectory run(env, kRun);
  run.journal().append("open", Json::object());
}

// Ends the calling process: 0 when it got the run directory (it then waits for `release` to close), else the exit code.
[[noreturn]] void compete(const std::string& path, int start, int report, int release) {
  char byte = 0;
  if (read(start, &byte, 1) != 0) _exit(99);  // closed by the parent: all begin at once
  auto tell = [&](Exit code) {
    const char result = static_cast<char>(code);
    if (write(report, &result, 1) != 1) _exit(98);
  };
  try {
    RunDirectory run(system_env(), path);
    run.journal().append("open", Json(int64_t{getpid()}));
    tell(Exit::ok);
    if (read(release, &byte, 1) != 0) _exit(97);
  } catch (const Error& error) {
    tell(error.code());
  } catch (...) {
    tell(Exit::internal);
  }
  _exit(0);
}

}  // namespace

TEST_CASE("a new run directory is made with its parents and is opened again") {
  SimulatedEnv env;
  {
    RunDirectory run(env, "a/b/c/");
    CHECK(run.path() == "a/b/c");
    CHECK(run.at("rounds") == "a/b/c/rounds");
    CHECK(env.contents("a/b/c/SIL") == kSil);
    run.journal().append("open", Json::object());
    run.objects().put("x");
  }
  RunDirectory run(env, "a/b/c");
  CHECK(run.journal().found().size() == 1);
  CHECK(run.objects().list().size() == 1);
}

TEST_CASE("an empty directory becomes a run directory") {
  SimulatedEnv env;
  env.make_dir("runs");
  env.make_dir(kRun);
  CHECK(open_code(env, kRun) == Exit::ok);
}

TEST_CASE("what a killed process left half made is completed") {
  for (const std::string left : {"lock", "SIL.new"}) {
    SimulatedEnv env;
    env.put_file(std::string(kRun) + "/" + left, "half");
    CHECK(open_code(env, kRun) == Exit::ok);
    CHECK(env.contents("runs/demo/SIL") == kSil);
    CHECK_FALSE(env.exists("runs/demo/SIL.new"));
  }
}

TEST_CASE("something that is no run directory is refused and not touched") {
  SimulatedEnv env;
  env.put_file("runs/demo/thesis.txt", "mine");
  CHECK(open_code(env, kRun) == Exit::usage);
  CHECK(env.list(kRun) == std::vector<std::string>{"thesis.txt"});
  CHECK_THAT(message_of([&] { RunDirectory(env, kRun); }), Catch::Contains("thesis.txt"));
  CHECK(open_code(env, "runs/demo/thesis.txt") == Exit::usage);
  CHECK(open_code(env, "runs/demo/thesis.txt/run") == Exit::usage);
}

TEST_CASE("a later format is refused and not touched, nonsense is corrupt") {
  for (const auto& [text, code] : std::vector<std::pair<std::string, Exit>>{{"sil run format 2\n", Exit::newer},
                                                                            {"sil run format 13\n", Exit::newer},
                                                                            {"sil run format 1", Exit::corrupt},
                                                                            {"sil run format 01\n", Exit::corrupt},
                                                                            {"sil run format 0\n", Exit::corrupt},
                                                                            {"sil run format 1.5\n", Exit::corrupt},
                                                                            {"sil run format \n", Exit::corrupt},
                                                                            {"Sil run format 1\n", Exit::corrupt},
                                                                            {"sil run format 1\n\n", Exit::corrupt},
                                                                            {"", Exit::corrupt}}) {
    INFO(text);
    SimulatedEnv env;
    env.put_file("runs/demo/SIL", text);
    CHECK(open_code(env, kRun) == code);
    CHECK(exit_of([&] { read_run_journal(env, kRun); }) == code);
    CHECK(env.list(kRun) == std::vector<std::string>{"SIL"});
  }
}

TEST_CASE("a run in use names its owner") {
  SimulatedEnv env;
  RunDirectory run(env, kRun);
  CHECK(open_code(env, kRun) == Exit::in_use);
  std::string owner = env.contents("runs/demo/lock");
  owner.resize(4);
  CHECK_THAT(message_of([&] { RunDirectory(env, kRun); }), Catch::Contains("in use by process " + owner + ";"));
}

TEST_CASE("a killed owner's lock is free at once") {
  SimulatedEnv env;
  {
    const RunDirectory run(env, kRun);
    env.restart();
    CHECK(open_code(env, kRun) == Exit::ok);
  }
}

TEST_CASE("a missing journal beside rounds or objects is corrupt, not a new run") {
  for (const std::string folder : {"rounds", "objects"}) {
    SimulatedEnv env;
    make_run(env);
    env.put_file("runs/demo/" + folder + "/x", "");
    env.remove("runs/demo/journal");
    CHECK(open_code(env, kRun) == Exit::corrupt);
    CHECK(exit_of([&] { read_run_journal(env, kRun); }) == Exit::corrupt);
    CHECK_FALSE(env.exists("runs/demo/journal"));
  }
}

TEST_CASE("temporaries of a killed process are cleared when the run is opened") {
  SimulatedEnv env;
  make_run(env);
  env.put_file("runs/demo/tmp/0", "half an object");
  RunDirectory run(env, kRun);
  CHECK(env.list("runs/demo/tmp").empty());
}

TEST_CASE("a journal is read without lock or change, also while it is written") {
  SimulatedEnv env;
  RunDirectory run(env, kRun);
  CHECK(read_run_journal(env, kRun).records.empty());
  run.journal().append("open", Json::object());
  env.put_file("runs/demo/journal", env.contents("runs/demo/journal") + "{\"seq\":1,");
  const uint64_t before = env.calls().size();
  const JournalContents contents = read_run_journal(env, kRun);
  CHECK(contents.records.size() == 1);
  CHECK(contents.torn_bytes == 9);
  CHECK(std::all_of(env.calls().begin() + static_cast<long>(before), env.calls().end(), [](const SimulatedCall& call) {
    return call.name == "is_dir" || call.name == "exists" || call.name == "read_all";
  }));
}

TEST_CASE("reading what is no run directory is unreadable") {
  SimulatedEnv env;
  env.put_file("file", "");
  env.put_file("folder/file", "");
  for (const char* path : {"file", "folder", "missing"})
    CHECK(exit_of([&] { read_run_journal(env, path); }) == Exit::unreadable);
}

TEST_CASE("of 200 processes started at once exactly one gets the run directory") {
  const TempDir temp;
  const std::string path = temp.path() + "/runs/demo";
  int start[2], report[2], release[2];
  REQUIRE((pipe(start) == 0 && pipe(report) == 0 && pipe(release) == 0));
  std::vector<pid_t> children;
  for (int i = 0; i < 200; ++i) {
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      close(start[1]);
      close(release[1]);
      compete(path, start[0], report[1], release[0]);
    }
    children.push_back(child);
  }
  close(start[1]);
  int won = 0, in_use = 0;
  std::string others;
  for (size_t i = 0; i < children.size(); ++i) {
    char code = 0;
    REQUIRE(read(report[0], &code, 1) == 1);
    won += code == static_cast<char>(Exit::ok);
    in_use += code == static_cast<char>(Exit::in_use);
    if (code != static_cast<char>(Exit::ok) && code != static_cast<char>(Exit::in_use))
      others += std::to_string(code) + " ";
  }
  close(release[1]);
  for (const pid_t child : children) {
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(status == 0);
  }
  for (const int fd : {start[0], report[0], report[1], release[0]}) close(fd);
  CHECK(won == 1);
  CHECK(in_use == 199);
  CHECK(others == "");
  RunDirectory run(system_env(), path);  // free again
  CHECK(run.journal().found().size() == 1);
}

TEST_CASE("programs started by the owner do not inherit its files") {
  const TempDir temp;
  RunDirectory run(system_env(), temp.path() + "/run");
  run.journal().append("open", Json::object());
  int seen = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code none;
    const std::string target = std::filesystem::read_symlink(entry.path(), none).string();
    if (target.rfind(temp.path(), 0) != 0) continue;
    ++seen;
    CHECK((fcntl(std::atoi(entry.path().filename().c_str()), F_GETFD) & FD_CLOEXEC) != 0);
  }
  CHECK(seen == 2);  // lock and journal
}

TEST_CASE("objects on a real disk are read-only") {
  const TempDir temp;
  RunDirectory run(system_env(), temp.path() + "/run");
  const std::string path = run.at(run.objects().path(run.objects().put("x")));
  struct stat info {};
  REQUIRE(stat(path.c_str(), &info) == 0);
  CHECK((info.st_mode & 07777) == 0444);
}

}  // namespace sil
