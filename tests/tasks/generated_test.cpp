// Tasks whose problems a user's code makes: Lua in the recipe, or a program.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "sil/rng.h"
#include "support/catch.h"
#include "tasks/rows.h"

namespace sil {
namespace {

using Catch::Matchers::Contains;
using test::make_task;

std::unique_ptr<Task> lua(Json::Object options) {
  if (Json(options).find("size") == nullptr) options.emplace_back("size", 1000);
  return make_task("lua", std::move(options));
}

// A task by a Python program whose functions are `body`; it must define `problem(index)`.
class Program {
 public:
  explicit Program(const std::string& body, const std::string& serve = "serve(problem, size=1000)")
      : file_("import sys\nsys.path.insert(0, " + dump(Json(SIL_SOURCE_DIR "/python")) +
              ")\nfrom sil_task import serve\n" + body + "\n" + serve + "\n") {}
  std::unique_ptr<Task> task(double timeout = 30) const {
    return make_task("program", {{"command", "exec python3 -S " + file_.path()}, {"timeout", timeout}});
  }

 private:
  test::Rows file_;
};

std::unique_ptr<Task> shell(const std::string& command, double timeout = 30) {
  return make_task("program", {{"command", command}, {"timeout", timeout}, {"start_timeout", timeout}});
}

template <class Make>
std::string refusal(Make make) {
  try {
    make();
  } catch (const Error& error) {
    CHECK(error.code() == Exit::unreadable);
    return error.what();
  }
  return "accepted";
}

const std::string kSums =
    "def problem(index):\n    return {'prompt': '%d+%d=' % divmod(index, 10), "
    "'answer': sum(divmod(index, 10)), 'tens': index // 10}";
const std::string kHello = R"(echo '{"protocol":"sil-task/1","name":"n","version":"1","size":3}'; )";

}  // namespace

TEST_CASE("Lua makes problems of their index, and random numbers that belong to it") {
  const auto task = lua({{"prompt", "index .. '+1='"}, {"solution", "index + 1"}});
  CHECK(task->size() == 1000);
  CHECK(task->procedural());
  const Problem problem = task->at(41);
  CHECK(problem.prompt == "41+1=");
  CHECK(problem.answer == "42");
  CHECK(problem.uid == problem_uid("41+1=", std::string("42")));
  CHECK(problem.given.at(0).text == "42");
  CHECK(task->check(problem, "42").correct);
  CHECK_FALSE(task->check(problem, "43").correct);
  const auto random =
      lua({{"prompt", "local a = math.floor(random.a * 100) return a .. '*' .. math.floor(random.b * 100)"}});
  CHECK(random->at(5).prompt == random->at(5).prompt);
  CHECK(random->at(5).prompt != random->at(6).prompt);
  CHECK_FALSE(random->at(5).answer);
}

TEST_CASE("Lua that fails, sees what is not there or gives no text is refused") {
  CHECK_THROWS_WITH(lua({{"prompt", "indx .. '='"}}), Contains("`indx` is not declared"));
  CHECK_THROWS_WITH(lua({{"prompt", "os.time()"}}), Contains("os"));
  CHECK_THAT(refusal([] { lua({{"prompt", "nil"}}); }), Contains("`prompt` gives neither text nor a number"));
  CHECK_THAT(refusal([] {
               lua({{"prompt", "index == 999 and '' or 'p'"}});
             }),
             Contains("problem 999: the prompt is empty"));
  CHECK_THROWS_WITH(lua({{"prompt", "while true do end return 1"}}), Contains("instructions"));
}

TEST_CASE("a program makes problems as rows of a dataset") {
  const Program sums(kSums);
  const auto task = sums.task();
  CHECK(task->size() == 1000);
  const Problem problem = task->at(41);
  CHECK(problem.prompt == "4+1=");
  CHECK(problem.answer == "5");
  CHECK(dump(problem.meta) == R"({"tens":4})");
  CHECK(task->check(problem, "5").correct);
  CHECK(task->digest() == sums.task()->digest());
  CHECK(Program(kSums + "\n# another text").task()->digest() != task->digest());  // its version is its file's digest
}

TEST_CASE("generated problems are the same from every thread and task object") {
  const Program sums(kSums);
  const auto task = sums.task(), twin = sums.task();
  std::vector<std::string> first(200), second(200);
  std::thread one([&] {
    for (size_t i = 0; i < 200; ++i) first[i] = task->at(static_cast<int64_t>(i)).prompt;
  });
  std::thread two([&] {
    for (size_t i = 200; i-- > 0;) second[i] = task->at(static_cast<int64_t>(i)).prompt;
  });
  one.join();
  two.join();
  CHECK(first == second);
  CHECK(twin->at(7).prompt == first[7]);
}

TEST_CASE("a program whose problems depend on more than their index is refused") {
  const std::string impure = "is another one when it is asked for again";
  CHECK_THAT(refusal([] {
               Program(
                   "import itertools\nn = itertools.count()\ndef problem(index):\n"
                   "    return {'prompt': 'p%d' % next(n)}")
                   .task();
             }),
             Contains(impure));
  CHECK_THAT(refusal([] {
               Program("import os\ndef problem(index):\n    return {'prompt': 'p', 'answer': os.getpid()}").task();
             }),
             Contains(impure));
}

TEST_CASE("a program that breaks the protocol is refused, with what it said") {
  CHECK_THAT(refusal([] { shell("exit 3"); }), Contains("task program `exit 3`: it ended with exit code 3"));
  CHECK_THAT(refusal([] { shell("echo oops >&2; exit 3"); }), Contains("its stderr ends: oops"));
  CHECK_THAT(refusal([] { shell("echo hello"); }), Contains("no JSON object: hello"));
  CHECK_THAT(refusal([] { shell("echo '{}'"); }), Contains("its handshake must say"));
  CHECK_THAT(refusal([] { shell("sleep 100", 0.2); }), Contains("no line within its time"));
  CHECK_THAT(refusal([] { shell("yes | tr -d '\\n'"); }), Contains("a line of more than 16 MiB"));
  CHECK_THAT(refusal([] { shell(R"(echo '{"protocol":"sil-task/1","name":"n","version":"1","size":0}'; cat)"); }),
             Contains("no `size`"));
  CHECK_THAT(refusal([] { shell(kHello + R"(echo '{"id":7,"problem":{"prompt":"p"}}'; cat)"); }),
             Contains("its reply to request 1 must be"));
  CHECK_THAT(refusal([] { shell(kHello + "sleep 100", 0.5); }), Contains("no line within its time"));
  CHECK_THAT(refusal([] { Program("def problem(index):\n    return {'answer': '1'}").task(); }),
             Contains("there is no prompt column; columns seen: answer"));
  CHECK_THAT(refusal([] { Program("def problem(index):\n    raise ValueError('bad index')").task(); }),
             Contains("bad index"));
}

}  // namespace sil
