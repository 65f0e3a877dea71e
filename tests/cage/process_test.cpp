#include "cage/process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <thread>

#include "support/catch.h"
#include "support/processes.h"

namespace sil {
namespace {

using namespace sil::testing;
using std::chrono::milliseconds;
using std::chrono::seconds;

ProcessSpec shell(const std::string& command) {
  ProcessSpec spec;
  spec.command = command;
  return spec;
}

Clock::time_point soon(int ms = 5000) {
  return Clock::now() + milliseconds(ms);
}

// Everything it writes until it ends or closes its stdout.
std::string read_all(Process& process) {
  std::string out;
  while (process.wait(soon()) == Process::Event::output) out += process.take_output();
  return out;
}

TEST_CASE("what is sent comes back from cat, and its end is seen") {
  Process process(shell("cat"));
  process.send("hello\n");
  process.close_input();
  CHECK(read_all(process) == "hello\n");
  CHECK(process.close(seconds(2)).text() == "exit code 0");
}

TEST_CASE("more than any pipe holds goes both ways at once without a deadlock") {
  Process process(shell("cat"));
  const std::string text(size_t{3} << 20, 'x');
  process.send(text);
  process.close_input();
  CHECK(read_all(process) == text);
}

TEST_CASE("a child that never reads costs its deadline and no more") {
  Process process(shell("exec sleep " + unique_seconds()));
  process.send(std::string(size_t{1} << 20, 'x'));
  CHECK(process.wait(soon(50)) == Process::Event::timeout);
  CHECK(process.unsent() > 0);
}

TEST_CASE("a child that closed its stdin does not raise SIGPIPE in us") {
  Process process(shell("exec 0<&-; echo closed; exec sleep " + unique_seconds()));
  REQUIRE(process.wait(soon()) == Process::Event::output);
  process.send("x");
  CHECK(process.wait(soon(50)) == Process::Event::output);
  CHECK(process.take_output() == "closed\n");
  CHECK(process.wait(soon(50)) == Process::Event::timeout);
  CHECK(process.unsent() == 0);
  sigset_t pending;
  ::sigpending(&pending);
  CHECK(::sigismember(&pending, SIGPIPE) == 0);
}

TEST_CASE("a flood on stderr is read and only its end is kept") {
  Process process(shell("i=0; while [ $i -lt 20000 ]; do echo line $i >&2; i=$((i+1)); done; echo done"));
  CHECK(process.wait(soon(10000)) == Process::Event::output);
  CHECK(process.take_output() == "done\n");
  process.close(seconds(2));
  const std::string tail = process.stderr_tail();
  CHECK(tail.size() <= 16384);
  CHECK(tail.ends_with("line 19998\nline 19999"));
}

TEST_CASE("stderr is shown without control characters") {
  Process process(shell("printf 'a\\033[31mb\\377\\n' >&2"));
  process.close(seconds(2));
  CHECK(process.stderr_tail() == "a [31mb\xEF\xBF\xBD");
}

TEST_CASE("a stop request ends the wait") {
  Process process(shell("exec sleep " + unique_seconds()));
  std::stop_source stop;
  std::thread later([&] { stop.request_stop(); });
  CHECK(process.wait(soon(), stop.get_token()) == Process::Event::stopped);
  later.join();
}

TEST_CASE("the end of the leader is seen although a descendant holds its stdout open, and the descendant dies too") {
  const std::string time = unique_seconds();
  Process process(shell("sleep " + time + " & exit 3"));
  CHECK(process.wait(soon()) == Process::Event::closed);
  CHECK(process.descendants().size() == 1);
  CHECK(process.kill().text() == "exit code 3");
  CHECK(becomes(time, 0));
}

TEST_CASE("a descendant in a session of its own dies with the rest") {
  const std::string time = unique_seconds();
  {
    Process process(shell("setsid sleep " + time + " & wait"));
    CHECK(becomes(time, 2));  // the shell and the sleeper
  }
  CHECK(becomes(time, 0));
}

TEST_CASE("a child that ignores SIGTERM is killed") {
  const std::string time = unique_seconds();
  Process process(shell("trap '' TERM; echo ready; while :; do sleep " + time + "; done"));
  REQUIRE(process.wait(soon()) == Process::Event::output);
  CHECK(process.kill().signal == SIGKILL);
  CHECK(becomes(time, 0));
}

TEST_CASE("a stopped child is killed") {
  Process process(shell("kill -STOP $$; exit 0"));
  process.wait(soon(50));
  CHECK(process.kill().signal != 0);
}

TEST_CASE("nothing is left of a process: no zombie, no open file") {
  { Process first(shell("true")); }  // starts what lives as long as the program
  const int before = open_files();
  for (int i = 0; i < 10; ++i) {
    Process process(shell("true"));
    const pid_t pid = process.pid();
    process.close(seconds(2));
    CHECK(::waitpid(pid, nullptr, WNOHANG) == -1);
  }
  CHECK(open_files() == before);
}

TEST_CASE("files of ours are closed in the child, even those not marked close-on-exec") {
  const int fd = ::open("/dev/null", O_RDONLY);  // no O_CLOEXEC
  const int high = ::fcntl(fd, F_DUPFD, 200);
  Process process(shell("ls /proc/self/fd"));
  const std::string files = read_all(process);
  CHECK(files == "0\n1\n2\n3\n");  // 3 is the folder that ls reads
  ::close(fd);
  ::close(high);
}

TEST_CASE("the child sees PATH and what it was given, not our secrets") {
  ::setenv("SIL_TEST_SECRET_TOKEN", "hush", 1);
  ProcessSpec spec = shell("env");
  spec.environment = {{"GIVEN", "yes"}, {"HOME", "/nowhere"}};
  Process process(spec);
  const std::string environment = "\n" + read_all(process);
  CHECK(environment.find("hush") == std::string::npos);
  CHECK(environment.find("\nPATH=") != std::string::npos);
  CHECK(environment.find("\nGIVEN=yes\n") != std::string::npos);
  CHECK(environment.find("\nHOME=/nowhere\n") != std::string::npos);
  CHECK(environment.find("\nHOME=", environment.find("\nHOME=") + 1) == std::string::npos);
}

TEST_CASE("the child leads its own session and is the first to go when memory runs out") {
  Process process(shell("cat"));
  CHECK(::getsid(process.pid()) == process.pid());
  CHECK(::getpgid(process.pid()) == process.pid());
  CHECK(read_proc("/proc/" + std::to_string(process.pid()) + "/oom_score_adj") == "1000\n");
  CHECK(read_proc("/proc/self/oom_score_adj") != "1000\n");
}

TEST_CASE("signals that we block or ignore are as usual in the child") {
  ::signal(SIGUSR1, SIG_IGN);
  Process process(shell("grep -E '^Sig(Blk|Ign)' /proc/self/status"));
  CHECK(read_all(process) == "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
  ::signal(SIGUSR1, SIG_DFL);
}

TEST_CASE("a program is found in PATH and gets its arguments as they are") {
  ProcessSpec spec;
  spec.argv = {"printf", "%s|", "a b", "$HOME", ""};
  Process process(spec);
  CHECK(read_all(process) == "a b|$HOME||");
}

TEST_CASE("a program that does not exist ends with 127 and says so") {
  ProcessSpec spec;
  spec.argv = {"no-such-program-here"};
  Process process(spec);
  CHECK(process.wait(soon()) == Process::Event::closed);
  CHECK(process.close(seconds(2)).code == 127);
  CHECK(process.stderr_tail().find("cannot run") != std::string::npos);
}

TEST_CASE("a child outlives the thread that asked for it") {
  std::unique_ptr<Process> process;
  std::thread([&] { process = std::make_unique<Process>(shell("cat")); }).join();
  process->send("still here");
  CHECK(process->wait(soon()) == Process::Event::output);
  CHECK(process->take_output() == "still here");
}

// Run by the next test as a program of its own.
TEST_CASE("starts a child and waits to be killed", "[.owner]") {
  Process process(shell("sleep " + std::string(std::getenv("TMPDIR"))));
  std::cout << "started" << std::endl;
  ::pause();
}

TEST_CASE("a child dies with the program that started it, even by SIGKILL") {
  const std::string time = unique_seconds();
  ProcessSpec spec;
  spec.argv = {std::filesystem::read_symlink("/proc/self/exe").string(), "[.owner]"};
  spec.environment = {{"TMPDIR", time}};
  Process owner(spec);
  REQUIRE(owner.wait(soon()) == Process::Event::output);
  REQUIRE(becomes("sleep" + std::string(1, '\0') + time, 1));
  ::kill(owner.pid(), SIGKILL);
  CHECK(becomes(time, 0));
}

TEST_CASE("ending by force takes the groups of all children along") {
  const std::string time = unique_seconds();
  Process plain(shell("sleep " + time));
  Process compound(shell("sleep " + time + " & sleep " + time + "; true"));
  REQUIRE(becomes("sleep" + std::string(1, '\0') + time, 3));
  kill_all_processes();
  CHECK(becomes(time, 0));
  CHECK(plain.close({}).signal == SIGKILL);
}

}  // namespace
}  // namespace sil
