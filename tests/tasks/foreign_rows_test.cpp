// Rows of other systems, each written by hand from that system's documentation, read without options.
#include "support/catch.h"
#include "tasks/rows.h"

namespace sil {
namespace {

using Messages = std::vector<Message>;
using test::problem_of;

// The one text that came with the row.
const GivenAnswer& only_given(const Problem& problem) {
  REQUIRE(problem.given.size() == 1);
  return problem.given.front();
}

std::string meta(const Problem& problem) {
  return dump(problem.meta);
}

}  // namespace

TEST_CASE("TRL: a prompt of messages with columns for the reward") {
  const Problem problem =
      problem_of(R"({"prompt": [{"role": "system", "content": "Think."}, {"role": "user", "content": "What is 2+2?"}],)"
                 R"( "solution": "$2+2=\\boxed{4}$", "level": 1})");
  CHECK(problem.messages == Messages{{"system", "Think."}, {"user", "What is 2+2?"}});
  CHECK(problem.answer == "4");
  CHECK(only_given(problem).text == "$2+2=\\boxed{4}$");
  CHECK(meta(problem) == R"({"level":1})");
}

TEST_CASE("TRL: language modeling, prompt-completion, preference and unpaired preference, in both formats") {
  const std::string sky = R"([{"role": "user", "content": "What color is the sky?"}])";
  const std::string blue = R"([{"role": "assistant", "content": "It is blue."}])";
  const std::string green = R"([{"role": "assistant", "content": "It is green."}])";
  CHECK(only_given(problem_of(R"({"text": "The sky is blue."})")).text == "The sky is blue.");
  CHECK(only_given(problem_of(R"({"prompt": "The sky is", "completion": " blue."})")).text == " blue.");
  const Problem talk = problem_of(R"({"prompt": )" + sky + R"(, "completion": )" + blue + "}");
  CHECK(talk.messages == Messages{{"user", "What color is the sky?"}});
  CHECK(only_given(talk).text == "It is blue.");
  const Problem pair =
      problem_of(R"({"prompt": )" + sky + R"(, "chosen": )" + blue + R"(, "rejected": )" + green + "}");
  REQUIRE(pair.given.size() == 2);
  CHECK(pair.given[0].passes);
  CHECK(pair.given[1].text == "It is green.");
  CHECK_FALSE(pair.given[1].passes);
  const Problem unpaired = problem_of(R"({"prompt": )" + sky + R"(, "completion": )" + green + R"(, "label": false})");
  CHECK_FALSE(only_given(unpaired).passes);
}

TEST_CASE("verl: a prompt of messages and the truth under reward_model") {
  const Problem problem = problem_of(
      R"({"data_source": "openai/gsm8k", "prompt": [{"role": "user", "content": "How many? Answer after \"####\"."}],)"
      R"( "ability": "math", "reward_model": {"style": "rule", "ground_truth": "72"},)"
      R"( "extra_info": {"split": "train", "index": 0, "answer": "24\n#### 72", "question": "How many?"}})");
  CHECK(problem.messages == Messages{{"user", "How many? Answer after \"####\"."}});
  CHECK(problem.answer == "72");
  CHECK(only_given(problem).text == "72");
  CHECK(problem.meta.at("data_source") == Json("openai/gsm8k"));
  CHECK(problem.meta.at("extra_info").at("index") == Json(0));
  CHECK(problem.meta.at("reward_model").find("ground_truth") == nullptr);
}

TEST_CASE("SkyRL: the truth under reward_spec, the environment beside it") {
  const Problem problem = problem_of(
      R"({"data_source": "openai/gsm8k", "prompt": [{"role": "user", "content": "How many?"}], "env_class": "gsm8k",)"
      R"( "reward_spec": {"method": "rule", "ground_truth": "72"}, "extra_info": {"split": "train", "index": 7}})");
  CHECK(problem.prompt == "How many?");
  CHECK(problem.answer == "72");
  CHECK(problem.meta.at("env_class") == Json("gsm8k"));
}

TEST_CASE("open-instruct: messages, ground_truth and dataset, each as one or as a list of one") {
  for (const char* row :
       {R"({"messages": [{"role": "user", "content": "How many?"}], "ground_truth": "72", "dataset": "gsm8k"})",
        R"({"messages": [{"role": "user", "content": "How many?"}], "ground_truth": ["72"], "dataset": ["gsm8k"]})"}) {
    const Problem problem = problem_of(row);
    CHECK(problem.messages == Messages{{"user", "How many?"}});
    CHECK(problem.answer == "72");
    CHECK(problem.meta.find("dataset") != nullptr);
  }
}

TEST_CASE("slime: prompt and label, metadata beside them") {
  const Problem problem = problem_of(
      R"({"prompt": [{"role": "user", "content": "How many?"}], "label": "34", "metadata": {"rm": "math"}})");
  CHECK(problem.prompt == "How many?");
  CHECK(problem.answer == "34");
  CHECK(meta(problem) == R"({"metadata":{"rm":"math"}})");
  CHECK(problem_of(R"({"prompt": "How many?", "label": 34})").answer == "34");
}

TEST_CASE("reasoning-gym: question, answer and metadata") {
  const Problem problem =
      problem_of(R"({"question": "How many legs do 2 sheep have?", "answer": "8",)"
                 R"( "metadata": {"source_dataset": "leg_counting", "source_index": 0, "animals": {"sheep": 2}}})");
  CHECK(problem.prompt == "How many legs do 2 sheep have?");
  CHECK(problem.answer == "8");
  CHECK(problem.meta.at("metadata").at("source_dataset") == Json("leg_counting"));
}

TEST_CASE("OpenRLHF and NeMo RL: input and output; ultrafeedback: a text prompt that both conversations begin with") {
  CHECK(problem_of(R"({"input": "How many?", "output": "34"})").answer == "34");
  const Problem pair = problem_of(
      R"({"prompt": "Hi", "prompt_id": "x", "chosen": [{"role": "user", "content": "Hi"}, {"role": "assistant", )"
      R"("content": "Hello"}], "rejected": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "No"}],)"
      R"( "score_chosen": 8.0, "score_rejected": 2.0})");
  REQUIRE(pair.given.size() == 2);
  CHECK(pair.given[0].text == "Hello");
  CHECK(pair.given[1].text == "No");
}

TEST_CASE("Alpaca rows are read by a map of fields") {
  const Problem problem = problem_of(R"({"instruction": "Add.", "output": "4", "input": ""})",
                                     Json(Json::Object{{"prompt", "instruction"}, {"reference", "output"}}));
  CHECK(problem.prompt == "Add.");
  CHECK(only_given(problem).text == "4");
}

}  // namespace sil
