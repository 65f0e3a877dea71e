// One script of operations, run on the real file system and on the simulated one: every answer must be the same.
#include <map>

#include "record/simulated_env.h"
#include "record/support.h"
#include "record/temp_dir.h"
#include "support/catch.h"

namespace sil {
namespace {

class Script {
 public:
  Script(Env& env, std::string root) : env_(env), root_(std::move(root)) {}

  // "NAME: what `work` returned", or the exit code of its Error.
  template <class Work>
  void note(const std::string& name, Work work) {
    std::string result;
    const Exit code = exit_of([&] { result = work(); });
    answers_.push_back(name + ": " + (code == Exit::ok ? result : "exit " + std::to_string(static_cast<int>(code))));
  }
  std::string at(const std::string& name) const { return root_ + "/" + name; }

  void files();
  void names();
  void folders();
  void links();
  void locks();
  const std::vector<std::string>& answers() const { return answers_; }

 private:
  std::string show(const std::string& name) { return env_.exists(at(name)) ? env_.read_all(at(name)) : "-"; }
  static std::string word(bool value) { return value ? "yes" : "no"; }

  Env& env_;
  std::string root_;
  std::vector<std::string> answers_;
};

void Script::files() {
  std::unique_ptr<OutputFile> out;
  note("create", [&] { return out = env_.create(at("f"), Create::exclusive), "done"; });
  note("create again", [&] { return env_.create(at("f"), Create::exclusive), "done"; });
  note("create without folder", [&] { return env_.create(at("none/f"), Create::append), "done"; });
  note("write", [&] { return out->write("hello "), out->write(""), out->write("world"), out->sync(), show("f"); });
  note("size", [&] { return std::to_string(out->size()) + " " + std::to_string(env_.file_size(at("f"))); });
  note("append", [&] {
    const auto more = env_.create(at("f"), Create::append);
    const std::string before = std::to_string(more->size());
    more->write("!");
    return before + " " + std::to_string(more->size()) + " " + show("f");
  });
  note("append creates", [&] { return env_.create(at("g"), Create::append), show("g"); });
  note("truncate", [&] { return env_.truncate(at("f"), 5), show("f"); });
  note("truncate under an open file", [&] {
    const auto more = env_.create(at("g"), Create::append);
    more->write("1234");
    env_.truncate(at("g"), 1);
    more->write("5");
    return std::to_string(more->size()) + " " + std::to_string(env_.file_size(at("g"))) + " " + show("g");
  });
  note("truncate longer", [&] { return env_.truncate(at("g"), 9), std::to_string(show("g").size()); });
  note("truncate missing", [&] { return env_.truncate(at("none"), 0), "done"; });
  note("open missing", [&] { return env_.open(at("none")), "done"; });
  note("open folder", [&] { return env_.open(root_), "done"; });
  note("read missing", [&] { return env_.read_all(at("none")); });
  note("read folder", [&] { return env_.read_all(root_); });
  note("size of missing", [&] { return std::to_string(env_.file_size(at("none"))); });
  const auto in = env_.open(at("f"));
  const auto read = [&](uint64_t offset, size_t length) {
    std::string bytes(length, '.');
    in->read(offset, bytes.data(), length);
    return bytes;
  };
  note("input size", [&] { return std::to_string(in->size()); });
  note("read part", [&] { return read(1, 3); });
  note("read nothing", [&] { return read(5, 0) + read(100, 0); });
  note("read beyond the end", [&] { return read(4, 3); });
  note("read from beyond the end", [&] { return read(100, 1); });
  note("read-only", [&] { return env_.make_readonly(at("f")), show("f"); });
  note("read-only missing", [&] { return env_.make_readonly(at("none")), "done"; });
}

void Script::names() {
  const auto put = [&](const std::string& name) { env_.create(at(name), Create::append)->write(name); };
  put("a");
  put("b");
  note("rename to new", [&] { return word(env_.rename_new(at("a"), at("c"))) + show("a") + show("c"); });
  note("rename to old", [&] { return word(env_.rename_new(at("b"), at("c"))) + show("b") + show("c"); });
  note("rename over", [&] { return env_.rename_over(at("b"), at("c")), show("b") + show("c"); });
  note("rename missing", [&] { return word(env_.rename_new(at("none"), at("d"))); });
  note("rename missing over", [&] { return env_.rename_over(at("none"), at("c")), show("c"); });
  note("rename into missing", [&] { return word(env_.rename_new(at("c"), at("none/c"))); });
  note("remove", [&] { return env_.remove(at("c")), word(env_.exists(at("c"))); });
  note("remove missing", [&] { return env_.remove(at("c")), "done"; });
  note("remove in missing", [&] { return env_.remove(at("none/c")), "done"; });
  put("open");
  const auto file = env_.create(at("open"), Create::append);
  env_.rename_over(at("open"), at("moved"));
  note("write after rename", [&] { return file->write("+"), show("moved"); });
  env_.remove(at("moved"));
  note("write after removal", [&] { return file->write("+"), file->sync(), show("moved"); });
}

void Script::folders() {
  note("make", [&] { return word(env_.make_dir(at("d"))) + word(env_.make_dir(at("d"))); });
  note("make in missing", [&] { return word(env_.make_dir(at("none/d"))); });
  env_.create(at("d/z"), Create::append);
  env_.create(at("d/a"), Create::append);
  note("make over file", [&] { return word(env_.make_dir(at("d/z"))); });
  note("is folder",
       [&] { return word(env_.is_dir(at("d"))) + word(env_.is_dir(at("d/z"))) + word(env_.is_dir(at("x"))); });
  note("exists",
       [&] { return word(env_.exists(at("d"))) + word(env_.exists(at("d/z"))) + word(env_.exists(at("x"))); });
  note("below a file", [&] { return word(env_.exists(at("d/z/y"))) + word(env_.is_dir(at("d/z/y"))); });
  note("list", [&] {
    std::string names;
    for (const std::string& name : env_.list(at("d"))) names += name + " ";
    return names;
  });
  note("list missing", [&] { return std::to_string(env_.list(at("none")).size()); });
  note("list file", [&] { return std::to_string(env_.list(at("d/z")).size()); });
  note("sync", [&] { return env_.sync_dir(at("d")), "done"; });
  note("sync missing", [&] { return env_.sync_dir(at("none")), "done"; });
  note("create over folder", [&] { return env_.create(at("d"), Create::append), "done"; });
  env_.make_dir(at("d/e"));
  env_.create(at("d/e/f"), Create::append);
  note("remove folder", [&] { return env_.remove(at("d")), "done"; });
  env_.make_dir(at("empty"));
  note("remove empty folder", [&] { return env_.remove(at("empty")), word(env_.exists(at("empty"))); });
  note("remove tree", [&] { return env_.remove_tree(at("d")), word(env_.exists(at("d"))); });
  note("remove missing tree", [&] { return env_.remove_tree(at("d")), "done"; });
  env_.create(at("file"), Create::append);
  note("remove file as tree", [&] { return env_.remove_tree(at("file")), word(env_.exists(at("file"))); });
}

void Script::links() {
  env_.make_dir(at("t"));
  env_.create(at("t/f"), Create::append)->write("target");
  note("link", [&] { return env_.make_link("t", at("link")), show("link/f") + word(env_.is_dir(at("link"))); });
  note("link to file", [&] { return env_.make_link("t/f", at("one")), show("one"); });
  note("replace", [&] { return env_.make_link("t/none", at("one")), word(env_.exists(at("one"))); });
  note("read dangling", [&] { return env_.read_all(at("one")); });
  note("remove link", [&] { return env_.remove_tree(at("link")), show("t/f") + word(env_.exists(at("link"))); });
}

void Script::locks() {
  auto lock = env_.lock(at("lock"));
  note("lock", [&] { return word(lock != nullptr) + word(env_.lock(at("lock")) != nullptr); });
  note("owner", [&] {
    const std::string text = show("lock");
    return word(text.size() > 1 && text.find_first_not_of("0123456789") == text.size() - 1 && text.back() == '\n');
  });
  lock.reset();
  note("lock again", [&] { return word(env_.lock(at("lock")) != nullptr); });
  note("lock in missing", [&] { return word(env_.lock(at("none/lock")) != nullptr); });
}

std::vector<std::string> answers_of(Env& env, const std::string& root, void (Script::*part)()) {
  Script script(env, root);
  (script.*part)();
  return script.answers();
}

void check_same(void (Script::*part)()) {
  const TempDir temp;
  SimulatedEnv simulated;
  simulated.make_dir("/root");
  const auto real = answers_of(system_env(), temp.path(), part);
  const auto imitated = answers_of(simulated, "/root", part);
  REQUIRE(real.size() == imitated.size());
  for (size_t i = 0; i < real.size(); ++i) CHECK(real[i] == imitated[i]);
}

}  // namespace

TEST_CASE("the real and the simulated file system treat files alike") {
  check_same(&Script::files);
}
TEST_CASE("the real and the simulated file system treat names alike") {
  check_same(&Script::names);
}
TEST_CASE("the real and the simulated file system treat folders alike") {
  check_same(&Script::folders);
}
TEST_CASE("the real and the simulated file system treat links alike") {
  check_same(&Script::links);
}
TEST_CASE("the real and the simulated file system treat locks alike") {
  check_same(&Script::locks);
}

TEST_CASE("both clocks tell UTC in the same form and never go back") {
  SimulatedEnv simulated;
  for (Env* env : std::initializer_list<Env*>{&system_env(), &simulated}) {
    const std::string time = env->utc_time();
    CHECK(time.size() == 20);
    CHECK((time[4] == '-' && time[10] == 'T' && time[13] == ':' && time.back() == 'Z'));
    const double before = env->seconds();
    CHECK(env->seconds() >= before);
    for (CpuTime of : {CpuTime::thread, CpuTime::process}) {
      const double used = env->cpu_seconds(of);
      CHECK(used >= 0);
      CHECK(env->cpu_seconds(of) >= used);
    }
  }
}

}  // namespace sil
