// `sil show RUN ID`: all that a record knows of one rollout.
#include <set>

#include "app/builtins.h"
#include "app/commands.h"
#include "app/output.h"
#include "app/rollout_row.h"
#include "loop/loop.h"
#include "loop/replay.h"
#include "record/segment.h"
#include "sil/env.h"

namespace sil {
namespace {

// One rollout, gathered from every pool that holds it.
struct Found {
  Group group;
  size_t rollout = 0;
  std::vector<std::pair<std::string, Fate>> fates;        // by filter step
  std::vector<std::pair<std::string, std::string>> uses;  // (round/step, example)

  const Rollout& it() const { return group.rollouts[rollout]; }
};

class Gather {
 public:
  Gather(const std::string& run, const RunState& state, const std::string& id)
      : run_(run), state_(state), id_(parse_rollout_id(id)), text_(id_.text()) {}

  std::optional<Found> find() {
    for (const PoolPart& part : parts_with(state_, id_.round, id_.step))
      for (size_t f = 0; f < part.spans.size(); ++f)
        if (names_problem(part, f)) look(part, f);
    if (found_) find_uses();
    return std::move(found_);
  }

 private:
  bool names_problem(const PoolPart& part, size_t frame) {
    const FrameRef& ref = part.layers.front().frame(frame);
    const auto [it, is_new] = names_.try_emplace({ref.segment.text(), ref.offset});
    if (is_new)
      it->second = ref.length > 0 && read_frame(system_env(), run_, ref).find(hex64(id_.uid)) != std::string::npos;
    return it->second;
  }

  void look(const PoolPart& part, size_t frame) {
    std::vector<Group> groups = read_groups(system_env(), run_, part, frame);
    for (size_t g = 0; g < groups.size(); ++g)
      for (size_t r = 0; r < groups[g].rollouts.size(); ++r)
        if (rollout_id(part.round, groups[g], groups[g].rollouts[r]) == text_)
          return merge(part, frame, {g, r}, std::move(groups[g]));
  }

  struct At {
    size_t group, rollout;
  };

  void merge(const PoolPart& part, size_t frame, At at, Group group) {
    if (!found_) {
      found_.emplace();
      found_->group = std::move(group);
      found_->rollout = at.rollout;
    } else {
      add_verdicts(found_->group.rollouts[found_->rollout].verdicts, group.rollouts[at.rollout].verdicts);
      add_verdicts(found_->group.verdicts, group.verdicts);
    }
    for (const Layer& layer : part.layers) {
      const FrameRef& ref = layer.frame(frame);
      if (layer.kind != "fates" || ref.length == 0 || !seen_.emplace(ref.segment.text(), ref.offset).second) continue;
      const auto fates = read_layer_fates(system_env(), run_, part, layer.step, frame);
      const Fate& fate = fates.at(at.group).at(at.rollout);
      if (!fate.fate.empty()) found_->fates.emplace_back(layer.step, fate);
    }
  }

  static void add_verdicts(std::vector<Verdict>& to, const std::vector<Verdict>& from) {
    for (const Verdict& verdict : from) {
      const auto same = [&](const Verdict& v) { return v.step == verdict.step && v.verifier == verdict.verifier; };
      if (std::none_of(to.begin(), to.end(), same)) to.push_back(verdict);
    }
  }

  // Examples whose segments name it, in its own section and later ones.
  void find_uses() {
    bool begun = false;
    const std::string named = ",\"" + text_ + "\"]";
    for (const RoundState& round : state_.rounds) {
      begun = begun || round.label == id_.round;
      if (!begun) continue;
      for (const auto& [step, progress] : round.steps) {
        const auto files = progress.files.find("examples");
        if (files == progress.files.end()) continue;
        for (const FrameRef& ref : files->second) {
          if (ref.length == 0) continue;
          const std::string text = read_frame(system_env(), run_, ref);
          for (size_t at = text.find(named); at != std::string::npos; at = text.find(named, text.find('\n', at)))
            add_use(round.label + "/" + step, text, at);
        }
      }
    }
  }

  void add_use(const std::string& where, const std::string& text, size_t at) {
    const size_t begin = at == 0 ? 0 : text.rfind('\n', at) + 1;
    std::vector<Example> examples;
    read_examples(std::string_view(text).substr(begin, text.find('\n', at) + 1 - begin), examples);
    found_->uses.emplace_back(where, examples.front().id);
  }

  const std::string& run_;
  const RunState& state_;
  RolloutId id_;
  std::string text_;
  std::optional<Found> found_;
  std::map<std::pair<std::string, uint64_t>, bool> names_;  // by frame of groups
  std::set<std::pair<std::string, uint64_t>> seen_;         // frames of fates
};

// Texts of the tokens; empty, with a word on stderr, when the model's tokenizer cannot be made here.
std::vector<std::string> token_texts(const std::string& run, const Builtins& builtins, const Rollout& rollout) try {
  RecordedRun recorded(system_env(), run, builtins.registries, builtins.steps, {}, 1);
  const RoleSpec* role = recorded.recipe().role(rollout.role);
  std::vector<std::string> texts;
  if (role == nullptr) return texts;
  const Codec& codec = recorded.models().engine(role->model).codec();
  for (const TokenId id : rollout.ids) texts.push_back(codec.token(id));
  return texts;
} catch (const Error& error) {
  tell(std::string("note: no texts of tokens: ") + error.what());
  return {};
}

Json found_json(const Row& row, const Found& found, const std::vector<std::string>& tokens) {
  Json fates = Json::array(), examples = Json::array(), texts = Json::array();
  for (const auto& [step, fate] : found.fates) {
    Json one = Json::object();
    one.set("step", step);
    one.set("fate", fate.fate);
    one.set("reason", fate.reason);
    one.set("weight", fate.fate == "kept" ? Json(fate.weight) : Json());
    fates.push(std::move(one));
  }
  for (const auto& [where, example] : found.uses) {
    Json one = Json::object();
    one.set("step", where);
    one.set("example", example);
    examples.push(std::move(one));
  }
  for (const std::string& text : tokens) texts.push(text);
  Json out = row_json(row);
  out.set("schema_version", 1);
  out.set("tokens", std::move(texts));
  out.set("role", found.it().role);
  out.set("version", found.it().version.hex());
  out.set("temperature", static_cast<double>(found.it().temperature));
  out.set("answer", found.group.problem->answer ? Json(*found.group.problem->answer) : Json());
  out.set("parent", found.it().parent.empty() ? Json() : Json(found.it().parent));
  out.set("fates", std::move(fates));
  out.set("examples", std::move(examples));
  return out;
}

void print_verdict(const Verdict& verdict) {
  std::string line = "verdict     " + verdict.step + ": " + std::string(name(verdict.label));
  if (verdict.label != Label::abstain) line += " " + dump(Json(verdict.score));
  line += "  " + std::string(name(verdict.outcome)) + "  " + verdict.verifier;
  if (!verdict.reason.empty()) line += "  " + dump(Json(verdict.reason));
  print(line + "\n");
  for (const auto& [part, score] : verdict.parts) print("              " + part + " " + dump(Json(score)) + "\n");
}

// Texts as JSON strings, so that what a model wrote cannot drive the terminal.
void print_found(const std::string& id, const Found& found, const std::vector<std::string>& tokens) {
  const Rollout& rollout = found.it();
  print(id + "\n");
  print("role        " + rollout.role + "@" + rollout.version.hex().substr(0, 16) + "  temperature " +
        dump(Json(static_cast<double>(rollout.temperature))) + "  finish " + std::string(name(rollout.finish)) + "\n");
  if (!rollout.parent.empty()) print("parent      " + rollout.parent + "\n");
  print("prompt      " + dump(Json(prompt_of(found.group, rollout))) + "\n");
  if (found.group.problem->answer) print("answer      " + dump(Json(*found.group.problem->answer)) + "\n");
  print("completion  " + dump(Json(rollout.text)) + "\n");
  for (size_t i = 0; i < rollout.ids.size(); ++i)
    print("token       " + std::to_string(rollout.ids[i]) +
          (i < tokens.size() ? "  " + dump(Json(tokens[i])) : std::string()) +
          (i < rollout.logprobs.size() ? "  logprob " + dump(Json(static_cast<double>(rollout.logprobs[i])))
                                       : std::string()) +
          "\n");
  for (const Verdict& verdict : rollout.verdicts) print_verdict(verdict);
  for (const Verdict& verdict : found.group.verdicts) print_verdict(verdict);
  for (const auto& [step, fate] : found.fates)
    print("fate        " + step + ": " + fate.fate + (fate.fate == "kept" ? " weight " + dump(Json(fate.weight)) : "") +
          (fate.reason.empty() ? "" : " (" + fate.reason + ")") + "\n");
  if (found.fates.empty()) print("fate        unused: no filter saw it\n");
  for (const auto& [where, example] : found.uses) print("example     " + where + ": " + example + "\n");
}

}  // namespace

int show_rollout(const ShowArguments& arguments) {
  const Builtins builtins;
  const RunState state = load_run(system_env(), arguments.run, builtins.registries, builtins.steps);
  const std::optional<Found> found = Gather(arguments.run, state, arguments.what).find();
  if (!found)
    throw Error(Exit::usage, arguments.run + " has no rollout " + arguments.what,
                "sil show " + shell_word(arguments.run) + " --rollouts lists them with their ids");
  const std::vector<std::string> tokens = token_texts(arguments.run, builtins, found->it());
  if (arguments.json || arguments.jsonl) {
    const std::string round = parse_rollout_id(arguments.what).round;
    const Fate unseen{"", "", 1};
    print_json(
        found_json({round, found->group, found->it(), found->fates.empty() ? unseen : found->fates.back().second},
                   *found, tokens));
  } else {
    print_found(arguments.what, *found, tokens);
  }
  return 0;
}

}  // namespace sil
