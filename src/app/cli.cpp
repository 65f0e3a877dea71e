#include "app/cli.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "app/commands.h"
#include "app/output.h"
#include "sil/error.h"
#include "sil_version.h"

namespace sil {
namespace {

constexpr int kMostThreads = 1024;

// The whole command line: what is parsed goes into the structs, and the chosen command runs afterwards, outside the
// parser.
class CommandLine {
 public:
  CommandLine() {
    app_.set_version_flag("--version", std::string("sil " SIL_VERSION));
    app_.set_help_flag("-h,--help", "this text");
    app_.require_subcommand(0, 1);
    add_recipes();
    add_records();
    add_verifiers();
    add_tokenizers();
    add_models();
    add_data();
    add_help();
  }

  int run(int argc, char** argv) {
    if (argc > 1 && argv[1][0] != '-') check_command_name(argv[1]);
    try {
      app_.parse(argc, argv);
    } catch (const CLI::CallForHelp&) {
      print(chosen().get_parent() == nullptr ? overview() : chosen().help());
      return 0;
    } catch (const CLI::Success& done) {
      print(std::string(done.what()) + "\n");
      return 0;
    } catch (const CLI::ParseError& error) {
      refuse(error);
    }
    if (command_) return command_();
    print(overview());
    return 0;
  }

 private:
  CLI::App* add(CLI::App& parent, const char* name, const char* help, std::function<int()> command) {
    CLI::App* sub = parent.add_subcommand(name, help);
    sub->callback([this, command = std::move(command)] { command_ = command; });
    return sub;
  }

  static void add_recipe(CLI::App& sub, std::string& recipe, std::vector<std::string>& overrides) {
    sub.add_option("RECIPE", recipe, "a recipe file")->required();
    sub.add_option("k=v", overrides, "changes to the recipe: a.b=c, ~a.b, ++a.b=c");
  }

  static void add_threads(CLI::App& sub, int64_t& threads) {
    sub.add_option("--threads", threads, "threads to use (default: all cores)")->check(CLI::Range(1, kMostThreads));
  }

  void add_recipes() {
    CLI::App* run = add(app_, "run", "start or continue a run", [this] { return run_command(run_); });
    add_recipe(*run, run_.recipe, run_.overrides);
    run->add_option("--out", run_.out, "the run's directory (default: runs/NAME)")->check([](const std::string& path) {
      return path.empty() ? "--out is an empty text" : std::string();
    });
    add_threads(*run, run_.threads);
    run->add_option("--rounds", run_.rounds, "rounds to run, the same as rounds=N")
        ->check(CLI::Range(int64_t{0}, int64_t{1} << 40));
    run->add_flag("--fresh", run_.fresh, "rename an existing directory out of the way first");
    run->add_flag("--json", run_.json, "end with a summary on stdout");
    run->add_flag("--jsonl", run_.jsonl, "progress and summary on stdout, one JSON object a line");
    run->add_flag("--quiet", run_.quiet, "no progress");
    CLI::App* check = add(app_, "check", "validate a recipe and plan its memory; nothing is started",
                          [this] { return check_command(check_); });
    add_recipe(*check, check_.recipe, check_.overrides);
    add_threads(*check, check_.threads);
    check->add_flag("--json", check_.json, "findings and plan on stdout");
  }

  void add_records() {
    CLI::App* show = add(app_, "show", "what each round did", [this] { return show_command(show_); });
    show->add_option("RUN", show_.run, "a run's directory")->required();
    show->add_option("ID", show_.what, "a round (0, 1, 2 ..., after), or all of one rollout");
    show->add_flag("--json", show_.json, "JSON on stdout");
    show->add_flag("--rollouts", show_.rollouts, "rollouts instead of rounds");
    show->add_flag("--jsonl", show_.jsonl, "one rollout a line, as JSON");
    show->add_option("--round", show_.round, "only this round: 0 (before), 1, 2 ..., after");
    show->add_flag("--failed", show_.failed, "only rollouts that failed");
    show->add_flag("--passed", show_.passed, "only rollouts that passed");
    show->add_option("--step", show_.step, "only rollouts that this step wrote");
    show->add_option("--grep", show_.grep, "only rollouts whose prompt or completion holds this text");
    show->add_option("--problem", show_.problem, "only rollouts of the problem with this uid");
    CLI::App* ls = add(app_, "ls", "runs", [this] { return ls_command(ls_); });
    ls->add_option("DIR", ls_.directory, "where to look (default: runs)");
    ls->add_option("--name", ls_.name, "only runs whose recipe's name or directory holds this text");
    ls->add_option("--status", ls_.status, "only runs that are done, stopped, rule, failed, running or unreadable");
    ls->add_flag("--json", ls_.json, "JSON on stdout");
    CLI::App* fsck = add(app_, "fsck", "is the record what its digests say, and does its ledger balance",
                         [this] { return fsck_command(first_, threads_, json_); });
    fsck->add_option("RUN", first_, "a run's directory")->required();
    add_threads(*fsck, threads_);
    fsck->add_flag("--json", json_, "JSON on stdout");
    CLI::App* again =
        add(app_, "reproduce", "run it again and compare", [this] { return reproduce_command(reproduce_); });
    again->add_option("RUN", reproduce_.run, "a run's directory")->required();
    again->add_option("--round", reproduce_.round, "compare only this round");
    add_threads(*again, reproduce_.threads);
    again->add_flag("--json", reproduce_.json, "JSON on stdout");
    add_looking_back();
    CLI::App* diff =
        add(app_, "diff", "the first difference of two runs", [this] { return diff_command(first_, second_, json_); });
    diff->add_option("A", first_, "a run's directory")->required();
    diff->add_option("B", second_, "another one")->required();
    diff->add_flag("--json", json_, "JSON on stdout");
    add_upkeep();
  }

  void add_upkeep() {
    CLI::App* gc = add(app_, "gc", "free what no record of a run reaches and what its `retain` gives up",
                       [this] { return gc_command(first_, dry_run_, json_); });
    gc->add_option("RUN", first_, "a run's directory")->required();
    gc->add_flag("--dry-run", dry_run_, "only say what would be removed");
    gc->add_flag("--json", json_, "JSON on stdout");
    CLI::App* rebuild = add(app_, "rebuild", "write a run's derived files again: metrics, checkpoints, run.json ...",
                            [this] { return rebuild_command(first_, json_); });
    rebuild->add_option("RUN", first_, "a run's directory")->required();
    rebuild->add_flag("--json", json_, "JSON on stdout");
  }

  void add_looking_back() {
    CLI::App* replay =
        add(app_, "replay", "sample stored rollouts once more and compare", [this] { return replay_command(replay_); });
    replay->add_option("RUN", replay_.run, "a run's directory")->required();
    replay->add_option("ID", replay_.id, "a rollout: ROUND/STEP/UID[.OCCURRENCE]/SAMPLE");
    replay->add_option("--random", replay_.random, "so many rollouts, drawn over the whole record")
        ->check(CLI::Range(int64_t{1}, int64_t{1} << 40));
    replay->add_option("--seed", replay_.seed, "other numbers draw others (default: 0)")
        ->check(CLI::Range(int64_t{0}, int64_t{1} << 62));
    add_threads(*replay, replay_.threads);
    replay->add_flag("--json", replay_.json, "JSON on stdout");
    CLI::App* rejudge = add(app_, "rejudge", "the verifiers once more: which verdicts flip",
                            [this] { return rejudge_command(rejudge_); });
    rejudge->add_option("RUN", rejudge_.run, "a run's directory")->required();
    rejudge->add_option("k=v", rejudge_.overrides, "changes to verify steps of its recipe: verify=exact");
    rejudge->add_option("--step", rejudge_.step, "only this verify step");
    add_threads(*rejudge, rejudge_.threads);
    rejudge->add_flag("--json", rejudge_.json, "JSON on stdout");
  }

  void add_verifiers() {
    CLI::App* judge =
        add(app_, "judge", "verdicts for rows on stdin", [this] { return judge_command(first_, words_); });
    judge->add_option("VERIFIER", first_, "its name")->required();
    judge->add_option("k=v", words_, "its options");
    judge->add_flag("--json", json_, "errors on stdout too; rows are JSON lines anyway");
    CLI::App* verifier = app_.add_subcommand("verifier", "for those who write graders");
    verifier->require_subcommand(1);
    CLI::App* test = add(*verifier, "test", "does a grader keep to the protocol",
                         [this] { return verifier_test_command(first_, json_); });
    test->add_option("CMD", first_, "the command that starts it, as one word")->required();
    test->add_flag("--json", json_, "JSON on stdout");
  }

  void add_tokenizers() {
    CLI::App* tokenizer = app_.add_subcommand("tokenizer", "text to ids and back, for rows on stdin");
    tokenizer->require_subcommand(1);
    const auto add_rows = [&](const char* name, const char* what, int (*answer)(const std::string&)) {
      CLI::App* command = add(*tokenizer, name, what, [this, answer] { return answer(first_); });
      command->add_option("TOKENIZER", first_, "tokenizer.json, a folder with one, .gguf or .model")->required();
      command->add_flag("--json", json_, "errors on stdout too; rows are JSON lines anyway");
    };
    add_rows("encode", "{text, add_special, parse_special} to {ids}", tokenizer_encode_command);
    add_rows("decode", "{ids, skip_special} to {text}", tokenizer_decode_command);
    CLI::App* verify = add(*tokenizer, "verify", "how many golden vectors agree: {text, ids, decoded ...}",
                           [this] { return tokenizer_verify_command(first_, json_); });
    verify->add_option("TOKENIZER", first_, "tokenizer.json, a folder with one, .gguf or .model")->required();
    verify->add_flag("--json", json_, "JSON on stdout");
  }

  void add_models() {
    const auto add_rows = [this](CLI::App* command) {
      command->add_option("MODEL", model_.folder, "a model's folder, as runs/NAME/accepted")->required();
      command->add_option("k=v", model_.options, "its options");
      add_threads(*command, model_.threads);
      command->add_flag("--json", json_, "errors on stdout too; rows are JSON lines anyway");
    };
    CLI::App* generate =
        add(app_, "generate", "a model's answers to rows on stdin", [this] { return generate_command(model_); });
    add_rows(generate);
    generate->footer(generate_row_help);
    CLI::App* score =
        add(app_, "score", "a model's log-probs of rows on stdin", [this] { return score_command(model_); });
    add_rows(score);
    score->footer(score_row_help);
    CLI::App* talk = add(app_, "chat", "a conversation with a model", [this] { return chat_command(model_); });
    talk->add_option("MODEL", model_.folder, "a model's folder, an adapter's, or a .gguf file")->required();
    talk->add_option("k=v", model_.options, "its options");
    add_threads(*talk, model_.threads);
    talk->footer(chat_help);
    add_conversions();
    add_eval();
    CLI::App* chat = app_.add_subcommand("template", "chat templates");
    chat->require_subcommand(1);
    CLI::App* render = add(*chat, "render", "conversations on stdin as a model reads them",
                           [this] { return template_render_command(first_); });
    render->add_option("TEMPLATE", first_, "a .jinja file, or a model's folder")->required();
    render->add_flag("--json", json_, "errors on stdout too; rows are JSON lines anyway");
  }

  void add_data() {
    CLI::App* data = app_.add_subcommand("data", "datasets");
    data->require_subcommand(1);
    CLI::App* check = add(*data, "check", "every bad row of a dataset, what is there twice or held out, its lengths",
                          [this] { return data_check_command(data_check_); });
    check->add_option("FILE", data_check_.file, "JSON lines, plain, gzip or zstd")->required();
    check->add_option("k=v", data_check_.options, "how it is read: field={prompt: question}");
    check->add_option("--against", data_check_.against, "a file of what is held out; may be given again")
        ->allow_extra_args(false);
    check->add_option("--lengths", data_check_.model, "count the tokens of this model's folder or .gguf file");
    add_threads(*check, data_check_.threads);
    check->add_flag("--json", data_check_.json, "JSON on stdout");
    CLI::App* inspect = add(*data, "inspect", "rows as the tokens that training sees, and which of them it learns",
                            [this] { return data_inspect_command(data_inspect_); });
    inspect->add_option("SOURCE", data_inspect_.source, "JSON lines, or a recipe (.yaml) with demonstrate steps")
        ->required();
    inspect->add_option("k=v", data_inspect_.options, "how the file is read, or changes to the recipe");
    inspect->add_option("--model", data_inspect_.model, "a model's folder or .gguf file, for JSON lines");
    inspect->add_option("--rows", data_inspect_.rows, "so many rows (default: 3)")
        ->check(CLI::Range(int64_t{1}, int64_t{1} << 40));
    inspect->add_flag("--assistant-only-loss", data_inspect_.assistant_only_loss,
                      "for JSON lines: learn all that the assistant says");
    inspect->add_flag("--no-color", data_inspect_.no_color, "mark what is learned by brackets");
    inspect->add_flag("--json", data_inspect_.json, "one sequence a line, as JSON");
  }

  void add_conversions() {
    CLI::App* import = add(app_, "import", "a GGUF file as a Hugging Face folder",
                           [this] { return import_command(first_, second_, json_); });
    import->add_option("FILE", first_, "a .gguf file")->required();
    import->add_option("DIR", second_, "the folder to make")->required();
    import->add_flag("--json", json_, "JSON on stdout");
    CLI::App* out = add(app_, "export", "a model or a run's as a Hugging Face folder, or as a GGUF file",
                        [this] { return export_command(export_); });
    out->add_option("MODEL", export_.model, "a model's folder, an adapter's, a .gguf file, or a run")->required();
    out->add_option("OUT", export_.out, "the folder or file to make")->required();
    out->add_option("--gguf", export_.gguf, "a GGUF file, its matrices in F32, F16, BF16 or Q8_0")
        ->transform(CLI::IsMember({"F32", "F16", "BF16", "Q8_0"}, CLI::ignore_case));
    out->add_option("--dtype", export_.dtype, "a folder's weights in fp32 (default), bf16 or fp16")
        ->check(CLI::IsMember({"fp32", "bf16", "fp16"}));
    out->add_flag("--merge", export_.merge, "an adapter merged into its base: a whole model");
    out->add_flag("--json", export_.json, "JSON on stdout");
  }

  void add_eval() {
    CLI::App* eval = add(app_, "eval", "pass@k of a model on tasks", [this] { return eval_command(eval_); });
    eval->add_option("MODEL", eval_.model, "a model's folder, an adapter's, or a .gguf file")->required();
    eval->add_option("k=v", eval_.words, "tasks, and options of the step `evaluate`")->required();
    eval->add_option("--rollouts", eval_.rollouts, "a new file for the rollouts, one a line as JSON");
    add_threads(*eval, eval_.threads);
    eval->add_flag("--json", eval_.json, "JSON on stdout");
    eval->add_flag("--quiet", eval_.quiet, "no progress");
    eval->footer(eval_help);
  }

  void add_help() {
    CLI::App* list = add(app_, "list", "plug-ins of a kind", [this] { return list_command(first_); });
    list->add_option("KIND", first_, "step, task, verifier, filter ...")->required();
    CLI::App* help = add(app_, "help", "about a step or a plug-in", [this] { return help_command(first_); });
    help->add_option("TOPIC", first_, "a step, a plug-in, recipe, verifier-protocol");
    add(app_, "doctor", "what this machine offers", [] { return doctor_command(); });
  }

  // The innermost command that was named.
  CLI::App& chosen() {
    CLI::App* app = &app_;
    while (!app->get_subcommands().empty()) app = app->get_subcommands().front();
    return *app;
  }

  void check_command_name(const std::string& name) {
    std::vector<std::string> names;
    for (const CLI::App* sub : app_.get_subcommands(nullptr)) names.push_back(sub->get_name());
    if (std::find(names.begin(), names.end(), name) != names.end()) return;
    const std::string near = nearest(name, names);
    throw Error(Exit::usage, "there is no command `" + name + "`",
                near.empty() ? "`sil` lists the commands" : "did you mean `sil " + near + "`?");
  }

  [[noreturn]] void refuse(const CLI::ParseError& error) {
    CLI::App& command = chosen();
    std::string title = "sil";
    if (command.get_parent() != nullptr) title += " " + command.get_name();
    for (const std::string& word : app_.remaining(true)) {
      if (!word.starts_with("-")) continue;
      const std::string flag = word.substr(0, word.find('='));
      std::vector<std::string> flags;
      for (const CLI::Option* option : command.get_options())
        for (const std::string& name : option->get_lnames()) flags.push_back("--" + name);
      const std::string near = nearest(flag, flags);
      throw Error(Exit::usage, "`" + title + "` has no flag `" + flag + "`",
                  near.empty() ? "`" + title + " --help` lists its flags" : "did you mean `" + near + "`?");
    }
    throw Error(Exit::usage, title + ": " + error.what(), "`" + title + " --help` says how it is used");
  }

  CLI::App app_{"runs self-improvement loops for language models", "sil"};
  std::function<int()> command_;
  RunArguments run_;
  CheckArguments check_;
  ShowArguments show_;
  ReproduceArguments reproduce_;
  LsArguments ls_;
  ReplayArguments replay_;
  RejudgeArguments rejudge_;
  ExportArguments export_;
  EvalArguments eval_;
  ModelArguments model_;
  DataCheckArguments data_check_;
  DataInspectArguments data_inspect_;
  int64_t threads_ = 0;
  std::string first_, second_;  // positional words of the small commands
  std::vector<std::string> words_;
  bool json_ = false, dry_run_ = false;
};

}  // namespace

int run_cli(int argc, char** argv) {
  return CommandLine().run(argc, argv);
}

bool wants_json(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--") return false;
    if (word == "--json" || word == "--jsonl") return true;
  }
  return false;
}

}  // namespace sil
