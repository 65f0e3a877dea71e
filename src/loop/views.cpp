#include "loop/views.h"

#include <algorithm>
#include <vector>

namespace sil {
namespace {

constexpr const char* kDerivedFiles[] = {"recipe.yaml", "recipe.resolved.json", "run.json", "metrics.jsonl",
                                         "metrics.csv"};
constexpr const char* kDerivedTrees[] = {"checkpoints", "accepted", "latest"};

// Every engine so far computes on the CPU with kernels whose bits do not depend on threads, batch or vector width.
constexpr const char* kLevel = "L2";

std::string folder_name(const std::string& round) {
  return round.size() < 4 && round_number(round) >= 0 ? std::string(4 - round.size(), '0') + round : round;
}

// A `program` verifier anywhere in the steps: an object {program: {command, ...}}.
bool uses_program(const Json& json) {
  if (json.is_array()) return std::any_of(json.as_array().begin(), json.as_array().end(), uses_program);
  if (!json.is_object()) return false;
  const Json* program = json.find("program");
  if (program != nullptr && program->find("command") != nullptr) return true;
  return std::any_of(json.as_object().begin(), json.as_object().end(),
                     [](const auto& member) { return uses_program(member.second); });
}

// The version that a section is remembered by: what stood at its end if it was made there, else the last one made.
std::optional<VersionRef> version_of(const RoundState& round, const std::string& line) {
  std::optional<VersionRef> last;
  const auto stood = round.versions.find(line);
  for (const std::string& name : round.order)
    for (auto& [made, version] : candidates_of(round.steps.at(name).payload)) {
      if (made != line) continue;
      last = std::move(version);
      if (stood != round.versions.end() && stood->second.weights == last->weights) return last;
    }
  return last;
}

bool has_one_model(const RunState& state) {
  return state.models.size() == 1;
}

}  // namespace

std::string status_word(const RunState& state) {
  return state.status.empty() ? "running" : state.status;
}

Json label_json(const std::string& label) {
  const int64_t number = round_number(label);
  return number < 0 ? Json(label) : Json(number);
}

Json accepted_json(const RoundState& round) {
  Json out;
  for (const auto& [model, accepted] : round.accepted)
    if (accepted) out = Json(*accepted && (out.is_null() || out.as_bool()));
  return out;
}

Json round_json(const RoundState& round) {
  Json metrics = Json::object();
  for (const auto& [step, figures] : round.metrics()) {
    Json& of_step = metrics.set(step, Json::object());
    for (const auto& [name, value] : figures) of_step.set(name, value);
  }
  Json out = Json::object();
  out.set("round", label_json(round.label));
  out.set("digest", round.sealed ? Json(round.digest.hex()) : Json());
  out.set("accepted", accepted_json(round));
  out.set("metrics", std::move(metrics));
  return out;
}

void Views::read_recipe(const RunState& state) {
  if (!resolved_.is_null()) return;
  recipe_text_ = parse_json(run_.objects().read(state.source)).at("text").as_string();
  resolved_ = parse_json(run_.objects().read(state.resolved));
}

std::string Views::run_json(const RunState& state) {
  Json out = Json::object();
  out.set("schema_version", 1);
  out.set("name", state.name);
  out.set("status", status_word(state));
  out.set("level", kLevel);
  for (const char* key : {"profile", "build", "libraries"})
    if (const Json* value = state.opened.find(key)) out.set(key, *value);
  out.set("format", kRunFormat);
  out.set("rounds", state.sealed_rounds());
  const bool any = std::any_of(state.rounds.begin(), state.rounds.end(), [](const RoundState& r) { return r.sealed; });
  out.set("digest", any ? Json(state.digest.hex()) : Json());
  Json models = Json::object();
  for (const auto& [name, model] : state.models) {
    Json& entry = models.set(name, Json::object());
    entry.set("base", model.base.digest.hex());
    entry.set("accepted", model.incumbent.digest.hex());
    if (model.best) entry.set("best", model.best->digest.hex());
  }
  out.set("models", std::move(models));
  if (uses_program(resolved_)) {
    out.set("cage", "none");
    out.set("assumes", "the program verifiers give the same verdicts for the same input");
  }
  return dump_pretty(out) + "\n";
}

void Views::update(const RunState& state) {
  if (!state.begun) return;
  read_recipe(state);
  make_dir("tmp");
  write("recipe.yaml", recipe_text_);
  write("recipe.resolved.json", dump_pretty(resolved_) + "\n");
  for (; sections_ < state.rounds.size() && state.rounds[sections_].sealed; ++sections_)
    add_section(state, state.rounds[sections_]);
  write("metrics.jsonl", lines_);
  write("metrics.csv", table_.text());
  for (const auto& [name, model] : state.models) update_model(state, name);
  write("run.json", run_json(state));
}

void Views::add_section(const RunState& state, const RoundState& round) {
  lines_ += dump(round_json(round)) + "\n";
  table_.add(round);
  for (const auto& [name, model] : state.models)
    if (const std::optional<VersionRef> version = version_of(round, name))
      made_[name].push_back({round.label, *version});
}

void Views::remove_all() {
  for (const char* name : kDerivedFiles) run_.env().remove(run_.at(name));
  for (const char* name : kDerivedTrees) run_.env().remove_tree(run_.at(name));
  files_.clear();
  dirs_.clear();
  folders_.clear();
}

// Not synced: should the power fail, the next start or `sil rebuild` writes it again.
void Views::write(const std::string& name, const std::string& bytes) {
  if (const auto known = files_.find(name); known != files_.end() && known->second == bytes) return;
  const std::string temporary = run_.at("tmp/" + name);
  {
    const std::unique_ptr<OutputFile> file = run_.env().create(temporary, Create::exclusive);
    if (!bytes.empty()) file->write(bytes);
  }
  run_.env().rename_over(temporary, run_.at(name));
  files_[name] = bytes;
  ++written_;
}

void Views::link(const std::string& name, const std::string& target) {
  if (const auto known = files_.find(name); known != files_.end() && known->second == target) return;
  if (target.empty())
    run_.env().remove(run_.at(name));
  else
    run_.env().make_link(target, run_.at(name));
  files_[name] = target;
}

void Views::make_dir(const std::string& name) {
  if (dirs_.insert(name).second) run_.env().make_dir(run_.at(name));
}

std::set<std::string>& Views::folders_of(const std::string& root) {
  const auto [known, is_new] = folders_.try_emplace(root);
  if (is_new && run_.env().is_dir(run_.at(root)))
    for (const std::string& name : run_.env().list(run_.at(root)))
      if (name == "after" || name.find_first_not_of("0123456789") == std::string::npos) known->second.insert(name);
  return known->second;
}

void Views::update_model(const RunState& state, const std::string& model) {
  const bool alone = has_one_model(state);
  const std::string below = alone ? "" : "/" + model;
  const std::string root = "checkpoints" + below;
  std::map<std::string, Checkpoint> wanted;  // folder -> what it holds
  std::string accepted, latest;
  for (const Checkpoint& made : made_[model]) {
    if (state.retired.count(made.version.weights)) continue;
    latest = folder_name(made.round);
    if (made.version.weights == state.models.at(model).incumbent.weights) accepted = latest;
    wanted[latest] = made;
  }
  std::set<std::string>& there = folders_of(root);
  for (auto name = there.begin(); name != there.end();) {
    if (wanted.count(*name)) {
      ++name;
      continue;
    }
    remove_folder(root + "/" + *name);
    name = there.erase(name);
  }
  for (const auto& [name, checkpoint] : wanted) {
    if (there.count(name)) continue;
    make_dir("checkpoints");
    make_dir(root);
    write_checkpoint(state, model, checkpoint, root + "/" + name);
    there.insert(name);
  }
  for (const auto& [name, folder] : {std::pair("accepted", accepted), std::pair("latest", latest)}) {
    if (!alone && !folder.empty()) make_dir(name);
    link(name + below, folder.empty() ? "" : (alone ? "" : "../") + root + "/" + folder);
  }
}

// Durable before it has its name: a folder that is there is never looked at again.
void Views::write_checkpoint(const RunState& state, const std::string& model, const Checkpoint& checkpoint,
                             const std::string& folder) {
  Env& env = run_.env();
  const std::string temporary = run_.at("tmp/checkpoint");
  env.make_dir(temporary);
  std::map<std::string, Digest> files = state.models.at(model).files;
  const bool adapter = files.contains("adapter_config.json");  // then PEFT looks for the weights under its own name
  files[adapter ? "adapter_model.safetensors" : "model.safetensors"] = checkpoint.version.weights;
  for (const auto& [name, object] : files) {
    const std::unique_ptr<OutputFile> file = env.create(temporary + "/" + name, Create::exclusive);
    run_.objects().copy(object, *file);
    file->sync();
  }
  Json about = Json::object();
  about.set("schema_version", 1);
  about.set("run", state.name);
  about.set("model", model);
  about.set("round", label_json(checkpoint.round));
  about.set("digest", checkpoint.version.digest.hex());
  about.set("made_with", resolved_.at("models").at(model_of(model)));
  const std::unique_ptr<OutputFile> text = env.create(temporary + "/model.json", Create::exclusive);
  text->write(dump_pretty(about) + "\n");
  text->sync();
  env.sync_dir(temporary);
  env.rename_over(temporary, run_.at(folder));
  ++written_;
}

// Out of the way in one step, so that no half of a checkpoint is ever seen.
void Views::remove_folder(const std::string& folder) {
  const std::string temporary = run_.at("tmp/removed");
  run_.env().rename_over(run_.at(folder), temporary);
  run_.env().remove_tree(temporary);
}

void RunLog::line(const std::string& text) {
  next_.line(text);
  append(text);
}

void RunLog::append(const std::string& text) {
  std::string lines;
  if (!file_) {
    run_.env().make_dir(run_.at("log"));
    file_ = run_.env().create(run_.at("log/run.log"), Create::append);
    lines = run_.env().utc_time() + " " + first_line_ + "\n";
  }
  file_->write(lines + run_.env().utc_time() + " " + text + "\n");
}

int64_t rebuild_run(Env& env, const std::string& run_dir) {
  if (!replay(read_run_journal(env, run_dir).records).begun)
    throw Error(Exit::unreadable, run_dir + " holds no recipe yet",
                "start it with `sil run RECIPE --out " + run_dir + "`");
  RunDirectory run(env, run_dir);
  const RunState state = replay(run.journal().found());
  Views views(run);
  views.remove_all();
  views.update(state);
  return views.written();
}

}  // namespace sil
