// `sil list`, `sil help` and what bare `sil` says.
#include <algorithm>

#include "app/builtins.h"
#include "app/commands.h"
#include "app/output.h"
#include "recipe/help.h"
#include "verifiers/protocol_help.h"

namespace sil {
namespace {

const AnyRegistry* find_shelf(const Shelves& shelves, const std::string& kind) {
  for (const AnyRegistry* shelf : shelves)
    if (kind == shelf->kind() || kind == std::string(shelf->kind()) + "s") return shelf;
  return nullptr;
}

}  // namespace

std::string overview() {
  return R"(sil runs self-improvement loops for language models: generate, verify, filter, finetune, in rounds.

  sil run RECIPE [k=v ...]      start or continue a run
  sil check RECIPE [k=v ...]    validate a recipe, plan its memory; nothing is started
  sil show RUN [ID]             what each round did; a round, all of a rollout; --rollouts for every rollout
  sil ls [DIR]                  runs
  sil fsck RUN                  is the record what its digests say, and does its ledger balance
  sil reproduce RUN             run it again and compare
  sil replay RUN ID             sample one rollout once more and compare
  sil rejudge RUN [k=v ...]     the verifiers once more: which verdicts flip
  sil diff A B                  the first difference of two runs
  sil gc RUN                    free what no record reaches and `retain` gives up
  sil rebuild RUN               metrics, checkpoints and other derived files again
  sil generate MODEL [k=v ...]  a model's answers to rows on stdin
  sil score MODEL [k=v ...]     a model's log-probs of rows on stdin
  sil chat MODEL [k=v ...]      a conversation with a model
  sil eval MODEL TASK [k=v ...] pass@k of a model on a task or a file of problems
  sil import FILE.gguf DIR      a GGUF file as a Hugging Face folder
  sil export MODEL|RUN OUT      a Hugging Face folder in fp32, bf16 or fp16, or a GGUF file; --merge for adapters
  sil judge VERIFIER [k=v ...]  verdicts for rows on stdin
  sil data check FILE           every bad row of a dataset, what is there twice or held out, lengths
  sil data inspect FILE|RECIPE  rows as the tokens that training sees
  sil tokenizer WHAT TOKENIZER  encode, decode or verify rows on stdin
  sil template render TEMPLATE  conversations on stdin as a model's chat template writes them
  sil verifier test CMD         does a grader keep to the protocol
  sil list KIND                 plug-ins of a kind
  sil help TOPIC                a step, a plug-in, `recipe` or `verifier-protocol`
  sil doctor                    what this machine offers

Example:
  sil run recipe.yaml generate.samples=8 --out runs/first

`sil COMMAND --help` lists a command's flags.
)";
}

int list_command(const std::string& kind) {
  const Builtins builtins;
  const Shelves shelves = builtins.shelves();
  if (const AnyRegistry* shelf = find_shelf(shelves, kind)) {
    print(list_plugins(*shelf));
    return 0;
  }
  std::vector<std::string> kinds;
  std::string all;
  for (const AnyRegistry* shelf : shelves) {
    kinds.emplace_back(shelf->kind());
    all += (all.empty() ? "" : ", ") + kinds.back();
  }
  const std::string near = nearest(kind, kinds);
  throw Error(Exit::usage, "there is no kind `" + kind + "`; the kinds are " + all,
              near.empty() ? "" : "did you mean `" + near + "`?");
}

int help_command(const std::string& topic) {
  if (topic.empty()) {
    print(overview());
    return 0;
  }
  if (topic == "verifier-protocol") {
    print(verifier_protocol_help());
    return 0;
  }
  const Builtins builtins;
  const Shelves shelves = builtins.shelves();
  if (topic == "recipe") {
    print(help_recipe(shelves));
    return 0;
  }
  std::vector<std::string> topics{"recipe", "verifier-protocol"};
  bool found = false;
  for (const AnyRegistry* shelf : shelves) {
    const std::vector<std::string> names = shelf->names();
    topics.insert(topics.end(), names.begin(), names.end());
    if (shelf->find(topic) == nullptr) continue;
    print((found ? "\n" : "") + help_plugin(*shelf, topic));
    found = true;
  }
  if (found) return 0;
  if (find_shelf(shelves, topic) != nullptr) return list_command(topic);
  const std::string near = nearest(topic, topics);
  throw Error(
      Exit::usage, "there is no help on `" + topic + "`",
      near.empty() ? "a topic is a step, a plug-in, `recipe` or `verifier-protocol`" : "did you mean `" + near + "`?");
}

}  // namespace sil
