// What each command does once its line is read. All return the process's exit code and throw Error for the rest.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sil {

struct RunArguments {
  std::string recipe;
  std::vector<std::string> overrides;
  std::string out;
  int64_t threads = 0;  // 0 = all cores
  int64_t rounds = -1;  // -1 = as the recipe says
  bool fresh = false, json = false, jsonl = false, quiet = false;
};
int run_command(const RunArguments& arguments);

struct CheckArguments {
  std::string recipe;
  std::vector<std::string> overrides;
  int64_t threads = 0;  // 0 = all cores; memory depends on it
  bool json = false;
};
int check_command(const CheckArguments& arguments);

struct ShowArguments {
  std::string run;
  std::string what;  // "", a round's label, or the id of a rollout
  bool json = false;
  bool rollouts = false, jsonl = false, failed = false, passed = false;
  std::string round, step, grep, problem;  // "" = any
};
int show_command(const ShowArguments& arguments);
int show_rollouts(const ShowArguments& arguments);
int show_rollout(const ShowArguments& arguments);  // the one whose id is `what`

struct LsArguments {
  std::string directory = "runs";
  std::string name, status;  // "" = any; part of a name, a status
  bool json = false;
};
int ls_command(const LsArguments& arguments);

struct ReplayArguments {
  std::string run;
  std::string id;      // "" = `random` of them
  int64_t random = 0;  // 0 = the one with the id
  int64_t seed = 0;
  int64_t threads = 0;
  bool json = false;
};
int replay_command(const ReplayArguments& arguments);

struct RejudgeArguments {
  std::string run;
  std::vector<std::string> overrides;
  std::string step;  // "" = all verify steps
  int64_t threads = 0;
  bool json = false;
};
int rejudge_command(const RejudgeArguments& arguments);

struct ReproduceArguments {
  std::string run;
  std::string round;  // "" = all
  int64_t threads = 0;
  bool json = false;
};
int reproduce_command(const ReproduceArguments& arguments);
int fsck_command(const std::string& run, int64_t threads, bool json);
int diff_command(const std::string& a, const std::string& b, bool json);

struct DataCheckArguments {
  std::string file;
  std::vector<std::string> options;  // words NAME=VALUE
  std::vector<std::string> against;  // files of what is held out
  std::string model;                 // whose tokens are counted; "" = none
  int64_t threads = 0;
  bool json = false;
};
int data_check_command(const DataCheckArguments& arguments);

struct DataInspectArguments {
  std::string source;                // a dataset or a recipe
  std::vector<std::string> options;  // of the dataset, words NAME=VALUE; changes to the recipe
  std::string model;                 // of a dataset
  int64_t rows = 3;
  bool assistant_only_loss = false, no_color = false, json = false;
};
int data_inspect_command(const DataInspectArguments& arguments);

int gc_command(const std::string& run, bool dry_run, bool json);
int rebuild_command(const std::string& run, bool json);

int import_command(const std::string& file, const std::string& folder, bool json);  // a .gguf file
struct ExportArguments {
  std::string model;  // a model, an adapter's folder, or a run, whose accepted model is meant
  std::string out;
  std::string gguf;   // F32, F16, BF16, Q8_0; "": a folder
  std::string dtype;  // fp32, bf16, fp16; "" = fp32
  bool merge = false, json = false;
};
int export_command(const ExportArguments& arguments);

int judge_command(const std::string& verifier, const std::vector<std::string>& options);
int template_render_command(const std::string& path);  // a .jinja file or a model's folder
int verifier_test_command(const std::string& command, bool json);

struct ModelArguments {
  std::string folder;
  std::vector<std::string> options;
  int64_t threads = 0;  // 0 = all cores
};
int generate_command(const ModelArguments& arguments);
int score_command(const ModelArguments& arguments);
int chat_command(const ModelArguments& arguments);
std::string generate_row_help();  // rows, answers, options
std::string score_row_help();
std::string chat_help();

struct EvalArguments {
  std::string model;
  std::vector<std::string> words;  // tasks, and options of `evaluate`
  std::string rollouts;            // file to write them to; "" = none
  int64_t threads = 0;             // 0 = all cores
  bool json = false, quiet = false;
};
int eval_command(const EvalArguments& arguments);
std::string eval_help();

int tokenizer_encode_command(const std::string& tokenizer);
int tokenizer_decode_command(const std::string& tokenizer);
int tokenizer_verify_command(const std::string& tokenizer, bool json);

int list_command(const std::string& kind);
int help_command(const std::string& topic);
int doctor_command();
std::string overview();  // what bare `sil` prints

int thread_count(int64_t asked);                  // all cores for 0
std::string shell_word(const std::string& text);  // as a shell reads it back

}  // namespace sil
