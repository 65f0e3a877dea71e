#include <filesystem>

#include "support/catch.h"
#include "tasks/rows.h"

namespace sil {
namespace {

namespace fs = std::filesystem;
using Catch::Matchers::Contains;

using test::problem_of;
using test::Rows;

// ":LINE:COLUMN: message" of the refusal.
std::string refusal(const std::string& text, Json::Object options = {}) {
  const Rows rows(text);
  try {
    rows.task(std::move(options));
  } catch (const Error& error) {
    CHECK(error.code() == Exit::unreadable);
    const std::string message = error.what();
    CHECK(message.starts_with(rows.path()));
    return message.substr(rows.path().size());
  }
  return "accepted";
}

Json field(Json::Object parts) {
  return Json(std::move(parts));
}

using Messages = std::vector<Message>;

}  // namespace

TEST_CASE("prompt and answer are found under the names of the field") {
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"TRL", R"({"prompt": "P", "solution": "A"})"},
      {"TRL", R"({"prompt": "P", "ground_truth": "A"})"},
      {"sil", R"({"prompt": "P", "answer": "A"})"},
      {"verl",
       R"({"data_source": "x", "prompt": [{"role": "user", "content": "P"}], "reward_model": {"style": "rule", "ground_truth": "A"}})"},
      {"SkyRL",
       R"({"prompt": [{"role": "user", "content": "P"}], "reward_spec": {"method": "rule", "ground_truth": "A"}})"},
      {"open-instruct",
       R"({"messages": [{"role": "user", "content": "P"}], "ground_truth": ["A"], "dataset": "gsm8k"})"},
      {"slime", R"({"prompt": "P", "label": "A", "metadata": {"source_name": "x"}})"},
      {"NeMo RL", R"({"input": "P", "output": "A"})"},
      {"reasoning-gym", R"({"question": "P", "answer": "A", "metadata": {"source_dataset": "x"}})"},
      {"MATH", R"({"problem": "P", "answer": "A", "level": "Level 3"})"}};
  for (const auto& [system, row] : rows) {
    INFO(system << ": " << row);
    const Problem problem = problem_of(row);
    CHECK(problem.prompt == "P");
    CHECK(problem.answer == "A");
    CHECK(problem.uid == problem_uid("P", std::string("A")));
    REQUIRE(problem.given.size() == 1);
    CHECK(problem.given[0].text == "A");
  }
}

TEST_CASE("what is no part of the problem goes to meta, the truth does not") {
  const Problem problem = problem_of(
      R"({"id": 7, "prompt": "P", "reward_model": {"style": "rule", "ground_truth": "A"}, "difficulty": 2.5, "x": [1, null]})");
  CHECK(dump(problem.meta) == R"({"id":7,"reward_model":{"style":"rule"},"difficulty":2.5,"x":[1,null]})");
  CHECK(problem.difficulty == 2.5);
}

TEST_CASE("the answer is taken out of a worked solution, which is the reference") {
  const Problem gsm8k = problem_of(R"({"question": "P", "answer": "48/2 = 24\n#### 1,072"})");
  CHECK(gsm8k.answer == "1072");
  CHECK(gsm8k.given.at(0).text == "48/2 = 24\n#### 1,072");
  const Problem math = problem_of(R"({"problem": "P", "solution": "so $\\boxed{\\frac12}$."})");
  CHECK(math.answer == "\\frac12");
  CHECK(math.given.at(0).text == "so $\\boxed{\\frac12}$.");
  const Problem both = problem_of(R"({"prompt": "P", "answer": "72", "solution": "24 + 48 = 72"})");
  CHECK(both.answer == "72");
  CHECK(both.given.at(0).text == "24 + 48 = 72");
  CHECK(problem_of(R"({"prompt": "P", "answer": 72})").answer == "72");
  CHECK(problem_of(R"({"prompt": "P", "answer": 0.5})").answer == "0.5");
  CHECK(problem_of(R"({"prompt": "P", "label": true})").answer == "true");
}

TEST_CASE("SFT rows give a reference and no answer") {
  const Problem completion = problem_of(R"({"prompt": "P", "completion": "C"})");
  CHECK(completion.prompt == "P");
  CHECK_FALSE(completion.answer);
  CHECK(completion.given.at(0).text == "C");
  CHECK(completion.given.at(0).origin == "reference");
  const Problem talk = problem_of(
      R"({"messages": [{"role": "system", "content": "S"}, {"role": "user", "content": "U"}, {"role": "assistant", "content": "C"}]})");
  CHECK(talk.messages == Messages{{"system", "S"}, {"user", "U"}});
  CHECK(talk.prompt == "S\nU");
  CHECK(talk.given.at(0).text == "C");
  const Problem sharegpt =
      problem_of(R"({"conversations": [{"from": "human", "value": "U"}, {"from": "gpt", "value": "C"}]})");
  CHECK(sharegpt.messages == Messages{{"user", "U"}});
  CHECK(sharegpt.given.at(0).text == "C");
  const Problem lists = problem_of(
      R"({"prompt": [{"role": "user", "content": "U"}], "completion": [{"role": "assistant", "content": "C"}]})");
  CHECK(lists.given.at(0).text == "C");
}

TEST_CASE("rows of text alone are problems of their own") {
  const auto task = Rows("{\"text\": \"one\"}\n{\"text\": \"two\"}\n").task();
  CHECK(task->at(0).prompt.empty());
  CHECK(task->at(0).given.at(0).text == "one");
  CHECK(task->at(0).uid != task->at(1).uid);
  CHECK(task->distinct());
}

TEST_CASE("preference rows give a text that passes and one that fails") {
  for (const char* row :
       {R"({"prompt": "P", "chosen": "C", "rejected": "R"})",
        R"({"prompt": "P", "chosen": [{"role": "user", "content": "P"}, {"role": "assistant", "content": "C"}],
                              "rejected": [{"role": "user", "content": "P"}, {"role": "assistant", "content": "R"}]})",
        R"({"prompt": [{"role": "user", "content": "P"}], "chosen": [{"role": "assistant", "content": "C"}],
                              "rejected": [{"role": "assistant", "content": "R"}]})",
        R"({"chosen": [{"role": "user", "content": "P"}, {"role": "assistant", "content": "C"}],
               "rejected": [{"role": "user", "content": "P"}, {"role": "assistant", "content": "R"}]})"}) {
    std::string line = row;
    std::replace(line.begin(), line.end(), '\n', ' ');
    INFO(line);
    const Problem problem = problem_of(line);
    CHECK(problem.prompt == "P");
    REQUIRE(problem.given.size() == 2);
    CHECK(problem.given[0].text == "C");
    CHECK(problem.given[0].passes);
    CHECK(problem.given[0].origin == "chosen");
    CHECK(problem.given[1].text == "R");
    CHECK_FALSE(problem.given[1].passes);
    CHECK(problem.given[1].origin == "rejected");
  }
  // An implicit prompt as the pages of TRL on dataset formats show it.
  const Problem text = problem_of(R"({"chosen": "The sky is blue.", "rejected": "The sky is green."})");
  CHECK(text.prompt == "The sky is");
  CHECK(text.given.at(0).text == " blue.");
  CHECK(text.given.at(1).text == " green.");
  const Problem letters = problem_of("{\"chosen\": \"a \xC3\xA9\", \"rejected\": \"a \xC3\xA8\"}");
  CHECK(letters.prompt == "a");
  CHECK(letters.given.at(0).text == " \xC3\xA9");
  const Problem bad = problem_of(R"({"prompt": "P", "completion": "R", "label": false})");
  CHECK_FALSE(bad.given.at(0).passes);
  CHECK(bad.given.at(0).origin == "rejected");
}

TEST_CASE("field says which columns are meant") {
  const Problem problem =
      problem_of(R"({"q": "P", "a": {"b": "A"}, "prompt": "other"})", field({{"prompt", "q"}, {"answer", "a.b"}}));
  CHECK(problem.prompt == "P");
  CHECK(problem.answer == "A");
  CHECK(dump(problem.meta) == R"({"a":{},"prompt":"other"})");
  CHECK(problem_of(R"({"prompt": "P", "x.y": "A"})", field({{"answer", "x.y"}})).answer == "A");
  CHECK(problem_of(R"({"instruction": "P", "input": "I", "output": "O"})",
                   field({{"prompt", "instruction"}, {"reference", "output"}}))
            .given.at(0)
            .text == "O");
  CHECK_THROWS_WITH(problem_of("{}", field({{"promt", "q"}})), Contains("did you mean 'prompt'?"));
  CHECK_THROWS_WITH(problem_of("{}", field({{"prompt", 7}})), Contains("must be the name of a column"));
}

TEST_CASE("rows takes those whose columns have the values, and knows nothing of the others") {
  const Rows file(
      "{\"prompt\": \"a\", \"answer\": \"1\", \"split\": \"train\", \"info\": {\"hard\": true}}\n"
      "{\"prompt\": \"b\", \"split\": \"dev\"}\n"
      "{\"prompt\": \"c\", \"answer\": \"3\", \"split\": \"train\"}\n");
  const auto train = file.task({{"rows", field({{"split", "train"}})}});
  CHECK(train->size() == 2);
  CHECK(train->at(1).prompt == "c");
  CHECK(train->place(1).line == 3);
  CHECK(file.task({{"rows", field({{"split", "dev"}})}})->at(0).prompt == "b");
  CHECK(file.task({{"rows", field({{"split", "train"}, {"info.hard", true}})}})->size() == 1);
  CHECK(file.task({{"rows", field({{"split", "dev"}})}})->digest() != train->digest());
  CHECK_THROWS_WITH(file.task({{"rows", field({{"split", "test"}})}}),
                    Contains("the file has no row with {\"split\":\"test\"}"));
  CHECK_THROWS_WITH(file.task({{"rows", "train"}}), Contains("rows must be a map"));
}

TEST_CASE("columns that are missing or ambiguous are refused") {
  CHECK_THAT(refusal("{\"x\": 1, \"y\": 2}\n"), Contains(":1:1: there is no prompt column; columns seen: x, y"));
  CHECK_THAT(refusal(R"({"question": "P", "problem": "P"})"), Contains("prompt: question, problem"));
  CHECK_THAT(refusal(R"({"prompt": "P", "answer": "A", "ground_truth": "B"})"),
             Contains("answer: answer, ground_truth"));
  CHECK_THAT(refusal(R"({"instruction": "P", "input": "I", "output": "O"})"), Contains("instruction and input"));
  CHECK_THAT(refusal("{\"prompt\": \"P\", \"answer\": \"A\"}\n{\"prompt\": \"Q\"}\n"),
             Contains(":2:1: the column 'answer' is missing"));
  CHECK_THAT(refusal("{\"prompt\": \"P\", \"answer\": \"A\"}\n\n{\"prompt\": \"Q\", \"answer\": null}\n"),
             Contains(":3:1: the column 'answer' is null"));
}

TEST_CASE("rows of another kind are refused with their line") {
  CHECK_THAT(refusal(""), Contains("the file has no rows"));
  CHECK_THAT(refusal("\n\n"), Contains("the file has no rows"));
  CHECK_THAT(refusal("[1]\n"), Contains(":1:1: a row must be a map, found a list"));
  CHECK_THAT(refusal("{\"prompt\": \"P\"}\n7\n"), Contains(":2:1: a row must be a map"));
  CHECK_THAT(refusal("{\"prompt\": \" \"}\n"), Contains("the prompt is empty"));
  CHECK_THAT(refusal("{\"prompt\": 7}\n"), Contains("'prompt' is an integer; allowed: text or a list of messages"));
  CHECK_THAT(refusal("{\"prompt\": []}\n"), Contains("empty list"));
  CHECK_THAT(refusal("{\"prompt\": [{\"role\": \"user\"}]}\n"), Contains("message 1 of 'prompt' has no content"));
  CHECK_THAT(refusal("{\"prompt\": [{\"role\": \"user\", \"content\": null}]}\n"), Contains("is null, not a string"));
  CHECK_THAT(refusal("{\"prompt\": \"P\", \"answer\": \"\"}\n"), Contains("'answer' is empty"));
  CHECK_THAT(refusal("{\"prompt\": \"P\", \"answer\": [\"A\", \"B\"]}\n"), Contains("a list of one"));
  CHECK_THAT(refusal("{\"prompt\": \"P\", \"completion\": \"\"}\n"), Contains("the reference text is empty"));
  CHECK_THAT(refusal("{\"chosen\": \"C\", \"rejected\": \"R\"}\n"),
             Contains("there is no prompt column, and chosen and rejected do not"));
  CHECK_THAT(refusal(R"({"prompt": "P", "completion": [{"role": "user", "content": "C"}]})"),
             Contains("'completion' ends with a message of the role 'user'; allowed: assistant"));
  CHECK_THAT(refusal(R"({"prompt": "P", "completion": [{"role": "assistant", "content": "C"},)"
                     R"( {"role": "user", "content": "D"}, {"role": "assistant", "content": "E"}]})"),
             Contains("'completion' has 3 messages behind the prompt; allowed: one"));
  CHECK_THAT(refusal("{\"prompt\": \"P\"}\n{\"prompt\": \"Q\n"), Contains(":2:"));
  CHECK_THAT(refusal("{\"id\": \"a\", \"prompt\": \"P\"}\n{\"id\": \"a\", \"prompt\": \"Q\"}\n"),
             Contains(":2:1: the id \"a\" is that of line 1 too"));
}

TEST_CASE("a dataset knows its size, file, characters and repetitions") {
  const Rows rows("{\"prompt\": \"b\xC3\xA9\", \"answer\": \"1\"}\n\n{\"prompt\": \"a\", \"answer\": \"2\"}\n");
  const auto task = rows.task();
  CHECK(task->size() == 2);
  CHECK(task->at(1).prompt == "a");
  CHECK(task->alphabet() == "12ab\xC3\xA9");
  CHECK(task->distinct());
  CHECK_FALSE(task->procedural());
  CHECK(task->source() == fs::canonical(rows.path()).string());
  CHECK_FALSE(Rows("{\"prompt\": \"a\"}\n{\"prompt\": \"a\", \"x\": 1}\n").task()->distinct());
}

TEST_CASE("the digest is that of the bytes and the columns, not of the path") {
  const std::string text = "{\"prompt\": \"a\", \"q\": \"b\"}\n";
  const Digest digest = Rows(text).task()->digest();
  CHECK(Rows(text).task()->digest() == digest);
  CHECK(Rows(text + "\n").task()->digest() != digest);
  CHECK(Rows(text).task({{"field", field({{"prompt", "q"}})}})->digest() != digest);
}

TEST_CASE("completions are judged by the extractor and the exact answer") {
  const Rows rows("{\"question\": \"P\", \"answer\": \"48/2\\n#### 1,072\"}\n");
  const auto task = rows.task({{"answer", "hashes"}});
  const Problem problem = task->at(0);
  CHECK(task->check(problem, problem.given.at(0).text).correct);
  CHECK(task->check(problem, "#### 1072").correct);
  CHECK_FALSE(task->check(problem, "#### 1073").correct);
  CHECK_FALSE(task->check(problem, "1072").correct);
  CHECK_FALSE(Rows("{\"prompt\": \"P\"}\n").task()->check(problem_of("{\"prompt\": \"P\"}"), "x").correct);
}

TEST_CASE("a file that is not there is refused") {
  CHECK_THROWS_WITH(test::make_task("jsonl", {{"path", "nowhere/rows.jsonl"}}), Contains("nowhere/rows.jsonl: "));
}

}  // namespace sil
