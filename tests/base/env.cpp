#include "sil/env.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "base/system_files.h"
#include "sil/error.h"
#include "support/catch.h"

using namespace sil;

namespace {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "sil_env_XXXXXX").string();
    if (!::mkdtemp(pattern.data())) throw std::runtime_error("no temporary folder");
    path_ = pattern;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string at(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

void write_file(const std::string& path, std::string_view text) {
  system_env().create(path, Create::exclusive)->write(text);
}

template <class Work>
Exit code_of(Work work) {
  try {
    work();
    return Exit::ok;
  } catch (const Error& error) {
    CHECK_FALSE(std::string(error.what()).empty());
    return error.code();
  }
}

// Runs `work` in a child process that then waits to be killed; returns once `work` is done.
template <class Work>
pid_t child_that_stays(Work work) {
  int ready[2];
  REQUIRE(::pipe(ready) == 0);
  const pid_t pid = ::fork();
  if (pid == 0) {
    const auto kept = work();
    const char answer = kept ? 'y' : 'n';
    if (::write(ready[1], &answer, 1) != 1) ::_exit(1);
    for (;;) ::pause();
  }
  char answer = 0;
  REQUIRE(::read(ready[0], &answer, 1) == 1);
  CHECK(answer == 'y');
  ::close(ready[0]);
  ::close(ready[1]);
  return pid;
}

}  // namespace

TEST_CASE("what is written is read back, whole and in parts") {
  TemporaryFolder folder;
  Env& env = system_env();
  {
    const auto out = env.create(folder.at("f"), Create::exclusive);
    out->write("hello ");
    out->write("");
    out->write(std::string_view("w\0rld", 5));
    CHECK(out->size() == 11);
    out->sync();
  }
  CHECK(env.read_all(folder.at("f")) == std::string("hello w\0rld", 11));
  CHECK(env.file_size(folder.at("f")) == 11);
  const auto in = env.open(folder.at("f"));
  CHECK(in->size() == 11);
  char part[5];
  in->read(6, part, 5);
  CHECK(std::string_view(part, 5) == std::string_view("w\0rld", 5));
  in->read(11, part, 0);
}

TEST_CASE("reading past the end is corrupt data, not garbage") {
  TemporaryFolder folder;
  write_file(folder.at("f"), "abc");
  const auto in = system_env().open(folder.at("f"));
  char part[4];
  CHECK(code_of([&] { in->read(0, part, 4); }) == Exit::corrupt);
  CHECK(code_of([&] { in->read(4, part, 1); }) == Exit::corrupt);
  CHECK(code_of([&] { in->read(UINT64_MAX, part, 2); }) == Exit::corrupt);
}

TEST_CASE("exclusive creation refuses an existing file and leaves it alone; append goes on at its end") {
  TemporaryFolder folder;
  Env& env = system_env();
  write_file(folder.at("f"), "abc");
  CHECK(code_of([&] { env.create(folder.at("f"), Create::exclusive); }) == Exit::io);
  CHECK(env.read_all(folder.at("f")) == "abc");
  {
    const auto out = env.create(folder.at("f"), Create::append);
    CHECK(out->size() == 3);
    out->write("de");
    CHECK(out->size() == 5);
  }
  CHECK(env.read_all(folder.at("f")) == "abcde");
  CHECK(env.create(folder.at("new"), Create::append)->size() == 0);
  env.truncate(folder.at("f"), 2);
  CHECK(env.read_all(folder.at("f")) == "ab");
}

TEST_CASE("a full disk is a matter of resources and the message says what to do") {
  const auto out = system_env().create("/dev/full", Create::append);
  try {
    out->write("x");
    FAIL("did not throw");
  } catch (const Error& error) {
    CHECK(error.code() == Exit::resources);
    const std::string message = error.what();
    CHECK(message.find("'/dev/full'") != std::string::npos);
    CHECK(message.find("No space left on device") != std::string::npos);
  }
}

TEST_CASE("after a failed sync the file is not written any more") {
  const auto out = system_env().create("/dev/null", Create::append);
  out->write("x");
  CHECK(code_of([&] { out->sync(); }) == Exit::io);  // a character device cannot be synced
  CHECK(code_of([&] { out->write("x"); }) == Exit::io);
  CHECK(code_of([&] { out->sync(); }) == Exit::io);
}

TEST_CASE("what cannot be read says so: missing, folder, FIFO, device, NUL in the name") {
  TemporaryFolder folder;
  Env& env = system_env();
  CHECK(code_of([&] { env.open(folder.at("missing")); }) == Exit::unreadable);
  CHECK(code_of([&] { env.file_size(folder.at("missing")); }) == Exit::unreadable);
  CHECK(code_of([&] { env.list(folder.at("missing")); }) == Exit::unreadable);
  CHECK(code_of([&] { env.open(folder.path()); }) == Exit::unreadable);
  REQUIRE(::mkfifo(folder.at("fifo").c_str(), 0600) == 0);
  CHECK(code_of([&] { env.open(folder.at("fifo")); }) == Exit::unreadable);
  CHECK(code_of([&] { env.open("/dev/zero"); }) == Exit::unreadable);
  write_file(folder.at("f"), "abc");
  CHECK(code_of([&] { env.open(folder.at(std::string("f\0g", 3))); }) == Exit::usage);
  CHECK(code_of([&] { env.remove(folder.at(std::string("f\0g", 3))); }) == Exit::usage);
  CHECK(env.exists(folder.at("f")));
}

TEST_CASE("rename without replacement moves once and never over a file") {
  TemporaryFolder folder;
  Env& env = system_env();
  using Rename = bool (*)(const std::string&, const std::string&);
  const Rename by_env = [](const std::string& from, const std::string& to) {
    return system_env().rename_new(from, to);
  };
  for (Rename rename : {by_env, Rename{rename_by_link}}) {
    write_file(folder.at("a"), "1");
    write_file(folder.at("b"), "2");
    CHECK_FALSE(rename(folder.at("a"), folder.at("b")));
    CHECK(env.read_all(folder.at("a")) == "1");
    CHECK(env.read_all(folder.at("b")) == "2");
    CHECK(rename(folder.at("a"), folder.at("c")));
    CHECK_FALSE(env.exists(folder.at("a")));
    CHECK(env.read_all(folder.at("c")) == "1");
    CHECK(code_of([&] { rename(folder.at("a"), folder.at("d")); }) == Exit::io);
    env.rename_over(folder.at("b"), folder.at("c"));
    CHECK(env.read_all(folder.at("c")) == "2");
    env.remove(folder.at("c"));
  }
}

TEST_CASE("removing what is not there is fine; trees go whole") {
  TemporaryFolder folder;
  Env& env = system_env();
  env.remove(folder.at("none"));
  env.remove_tree(folder.at("none"));
  CHECK(env.make_dir(folder.at("d")));
  CHECK(env.make_dir(folder.at("d/e")));
  write_file(folder.at("d/e/f"), "x");
  env.make_readonly(folder.at("d/e/f"));
  CHECK(code_of([&] { env.remove(folder.at("d")); }) == Exit::io);
  env.remove_tree(folder.at("d"));
  CHECK_FALSE(env.exists(folder.at("d")));
}

TEST_CASE("folders: made once, listed in byte order, synced") {
  TemporaryFolder folder;
  Env& env = system_env();
  CHECK(env.make_dir(folder.at("d")));
  CHECK_FALSE(env.make_dir(folder.at("d")));
  CHECK(code_of([&] { env.make_dir(folder.at("x/y")); }) == Exit::io);
  for (const char* name : {"b", "a", "B", ".hidden", "\xC3\xA4"}) write_file(folder.at(std::string("d/") + name), "");
  CHECK(env.list(folder.at("d")) == std::vector<std::string>{".hidden", "B", "a", "b", "\xC3\xA4"});
  env.sync_dir(folder.at("d"));
  CHECK(code_of([&] { env.make_dir(folder.at("d/a")); }) == Exit::io);
  CHECK(env.is_dir(folder.at("d")));
  CHECK_FALSE(env.is_dir(folder.at("d/a")));
  CHECK_FALSE(env.is_dir(folder.at("none")));
  CHECK_FALSE(env.exists(folder.at("d/a/below a file")));
}

TEST_CASE("read-only takes every write permission away and no other") {
  TemporaryFolder folder;
  write_file(folder.at("f"), "x");
  REQUIRE(::chmod(folder.at("f").c_str(), 0764) == 0);
  system_env().make_readonly(folder.at("f"));
  struct stat about {};
  REQUIRE(::stat(folder.at("f").c_str(), &about) == 0);
  CHECK((about.st_mode & 07777) == 0544);
}

TEST_CASE("a link replaces the one before, also after a kill in between") {
  TemporaryFolder folder;
  Env& env = system_env();
  const auto target = [&] { return std::filesystem::read_symlink(folder.at("latest")).string(); };
  env.make_link("0001", folder.at("latest"));
  CHECK(target() == "0001");
  std::filesystem::create_symlink("stale", folder.at("latest.new"));
  env.make_link("0002", folder.at("latest"));
  CHECK(target() == "0002");
  CHECK(env.list(folder.path()) == std::vector<std::string>{"latest"});
}

TEST_CASE("a lock has one holder, names it, and ends with it") {
  TemporaryFolder folder;
  Env& env = system_env();
  {
    const auto lock = env.lock(folder.at("lock"));
    REQUIRE(lock);
    CHECK(env.read_all(folder.at("lock")) == std::to_string(::getpid()) + "\n");
    CHECK_FALSE(env.lock(folder.at("lock")));
  }
  CHECK(env.lock(folder.at("lock")));

  const pid_t pid = child_that_stays([&] { return env.lock(folder.at("lock")); });
  CHECK_FALSE(env.lock(folder.at("lock")));
  CHECK(env.read_all(folder.at("lock")) == std::to_string(pid) + "\n");
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
  CHECK(env.lock(folder.at("lock")));
}

TEST_CASE("no descriptor is passed on to programs that are started") {
  TemporaryFolder folder;
  Env& env = system_env();
  const auto lock = env.lock(folder.at("lock"));
  const auto out = env.create(folder.at("f"), Create::exclusive);
  const auto in = env.open(folder.at("f"));
  int ours = 0;
  for (int fd = 3; fd < 256; ++fd) {
    std::error_code error;
    const auto link = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(fd), error);
    if (error || !link.string().starts_with(std::filesystem::canonical(folder.path()).string())) continue;
    ++ours;
    CHECK((::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
  }
  CHECK(ours == 3);
}

TEST_CASE("the clocks: seconds never go back, UTC is ISO 8601") {
  Env& env = system_env();
  const double before = env.seconds();
  CHECK(env.seconds() >= before);
  std::string time = env.utc_time();
  for (char& c : time)
    if (c >= '0' && c <= '9') c = '0';
  CHECK(time == "0000-00-00T00:00:00Z");
}
