// A user's own grader: any program that speaks sil-verifier/1 on its stdin and stdout.
#include "verifiers/program_pool.h"
#include "verifiers/verifiers.h"

namespace sil {
namespace {

class ProgramVerifier final : public Verifier {
 public:
  explicit ProgramVerifier(ProgramOptions options)
      : command_(options.command), pool_(std::make_unique<ProgramPool>(std::move(options))) {}

  std::string version() const override { return pool_->identity(); }
  bool pure() const override { return false; }
  std::vector<std::string> unconfined() const override { return {command_}; }

  void verify(std::span<const JudgeItem> items, const JudgeContext& context,
              std::span<Verdict> verdicts) const override {
    SIL_CHECK(items.size() == verdicts.size());
    std::vector<ProgramItem> texts;
    for (const JudgeItem& item : items) {
      if (!item.rollout)
        throw Error(Exit::usage, "verifier `program` judges one completion at a time, not whole groups",
                    "leave out `per`, or say per: rollout");
      texts.push_back({item.group->problem.get(), item.rollout->text});
    }
    if (!texts.empty()) pool_->judge(texts, verdicts, context.stop);
  }

 private:
  std::string command_;
  std::unique_ptr<ProgramPool> pool_;  // has state, locked inside: processes live from one call to the next
};

}  // namespace

void register_program(Registry<Verifier>& registry) {
  registry.add<ProgramVerifier, ProgramOptions>(
      "program", "a program of yours that speaks sil-verifier/1 (`sil help verifier-protocol`)", "command");
}

}  // namespace sil
