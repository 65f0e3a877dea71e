#include "loop/retention.h"

#include <algorithm>
#include <charconv>

#include "loop/views.h"
#include "record/run_directory.h"

namespace sil {
namespace {

// What the recipe says about versions, wherever it says it: a nested loop or a control's values count like a step.
struct Mentions {
  std::set<int64_t> rounds;  // {round: k}
  bool optimizer = false;    // a finetune may keep an optimizer state
};

void find_mentions(const Json& json, Mentions& out) {
  if (json.is_string()) out.optimizer = out.optimizer || json.as_string() == "keep";
  if (json.is_array())
    for (const Json& item : json.as_array()) find_mentions(item, out);
  if (!json.is_object()) return;
  for (const auto& [key, value] : json.as_object()) {
    const bool alone = json.as_object().size() == 1;
    if (alone && key == "round" && value.is_int()) out.rounds.insert(value.as_int());
    find_mentions(value, out);
  }
}

// all | accepted + last N | last N; optimizer: all | last | none. The recipe's reader has checked both.
struct Rules {
  bool all = false, accepted = false;
  size_t last = 0;
  std::string optimizer;

  explicit Rules(const RetainSpec& retain) : optimizer(retain.optimizer) {
    const std::string& text = retain.weights;
    all = text == "all";
    accepted = text.starts_with("accepted");
    if (all) return;
    const size_t digits = text.find_last_of(' ') + 1;
    std::from_chars(text.data() + digits, text.data() + text.size(), last);
  }
};

std::vector<VersionRef> readable_versions(const ModelState& model, const Mentions& mentions, int64_t sealed) {
  std::vector<VersionRef> out{model.base, model.live, model.incumbent, model.start};
  if (model.candidate) out.push_back(*model.candidate);
  if (model.best) out.push_back(*model.best);
  for (const auto& [round, version] : model.accepted) {
    // A negative number counts back from the round that reads it, the next one or a later one.
    const bool named = std::any_of(mentions.rounds.begin(), mentions.rounds.end(),
                                   [&, r = round](int64_t k) { return k < 0 ? r >= sealed + 1 + k : r == k; });
    if (named) out.push_back(version);
  }
  for (const auto& [decay, version] : model.averages) out.push_back(version);
  return out;
}

void keep(const ModelState& model, const Mentions& mentions, const Rules& rules, int64_t sealed,
          std::set<Digest>& kept) {
  for (const VersionRef& version : readable_versions(model, mentions, sealed)) {
    kept.insert(version.weights);
    if (mentions.optimizer && version.optimizer) kept.insert(*version.optimizer);
  }
  if (rules.accepted)
    for (const auto& [round, version] : model.accepted) kept.insert(version.weights);
  std::set<Digest> last;
  for (auto version = model.saved.rbegin(); version != model.saved.rend(); ++version) {
    if (last.size() < rules.last) last.insert(version->weights);
    if (rules.all || last.count(version->weights)) kept.insert(version->weights);
  }
  if (rules.optimizer == "last" && model.live.optimizer) kept.insert(*model.live.optimizer);
  if (rules.optimizer == "all")
    for (const VersionRef& version : model.saved)
      if (version.optimizer && kept.count(version.weights)) kept.insert(*version.optimizer);
}

// Every digest in a record's text, whatever it is of: an object that any record has ever named stays unless retired.
void find_digests(const Json& json, std::set<Digest>& out) {
  const auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  if (json.is_string() && json.as_string().size() == 64 &&
      std::all_of(json.as_string().begin(), json.as_string().end(), is_hex))
    out.insert(Digest::from_hex(json.as_string()));
  if (json.is_array())
    for (const Json& item : json.as_array()) find_digests(item, out);
  if (json.is_object())
    for (const auto& [key, value] : json.as_object()) find_digests(value, out);
}

std::set<Digest> reached_objects(const std::vector<JournalRecord>& records, const RunState& state) {
  std::set<Digest> reached;
  for (const JournalRecord& record : records)
    if (record.type != "retire") find_digests(record.payload, reached);
  for (const Digest& digest : state.retired) reached.erase(digest);
  return reached;
}

uint64_t tree_size(Env& env, const std::string& path) {
  if (!env.is_dir(path)) return env.file_size(path);
  uint64_t bytes = 0;
  for (const std::string& name : env.list(path)) bytes += tree_size(env, path + "/" + name);
  return bytes;
}

GcReport leftovers(Env& env, const std::string& run_dir) {
  GcReport report;
  const std::string tmp = run_dir + "/tmp";
  if (!env.is_dir(tmp)) return report;
  for (const std::string& name : env.list(tmp)) {
    ++report.temporaries;
    report.bytes += tree_size(env, tmp + "/" + name);
  }
  return report;
}

std::vector<Digest> due_objects(const RunState& state, const ObjectStore& objects) {
  if (!state.begun || state.opened.is_null()) return {};
  const Json& retain = state.opened.at("retain");
  return retirable_objects(state, {retain.at("weights").as_string(), retain.at("optimizer").as_string()},
                           parse_json(objects.read(state.resolved)));
}

Json retire_payload(const std::vector<Digest>& retired) {
  Json list = Json::array();
  for (const Digest& digest : retired) list.push(digest.hex());
  Json payload = Json::object();
  payload.set("objects", std::move(list));
  return payload;
}

}  // namespace

std::vector<Digest> retirable_objects(const RunState& state, const RetainSpec& retain, const Json& resolved) {
  Mentions mentions;
  for (const auto& [section, value] : resolved.as_object())
    if (section != "retain") find_mentions(value, mentions);
  const Rules rules(retain);
  std::set<Digest> kept;  // of all models first: two of them may share an object
  for (const auto& [name, model] : state.models) keep(model, mentions, rules, state.sealed_rounds(), kept);
  std::set<Digest> out = state.spent;
  for (const auto& [name, model] : state.models)
    for (const VersionRef& version : model.saved) {
      out.insert(version.weights);
      if (version.optimizer) out.insert(*version.optimizer);
    }
  for (const Digest& digest : kept) out.erase(digest);
  return {out.begin(), out.end()};
}

uint64_t retire_objects(const std::vector<Digest>& retired, const Recorder& record, ObjectStore& objects) {
  if (retired.empty()) return 0;
  record("retire", retire_payload(retired));
  uint64_t bytes = 0;
  for (const Digest& digest : retired) bytes += objects.remove(digest);
  return bytes;
}

void remove_retired(const std::vector<JournalRecord>& records, const RunState& state, ObjectStore& objects) {
  const auto last = std::find_if(records.rbegin(), records.rend(),
                                 [](const JournalRecord& record) { return record.type == "retire"; });
  if (last == records.rend()) return;
  for (const Json& entry : last->payload.at("objects").as_array()) {
    const Digest digest = Digest::from_hex(entry.as_string());
    if (state.retired.count(digest)) objects.remove(digest);
  }
}

Json retain_json(const RetainSpec& retain) {
  Json json = Json::object();
  json.set("weights", retain.weights);
  json.set("optimizer", retain.optimizer);
  return json;
}

GcReport gc_run(Env& env, const std::string& run_dir, bool dry_run) {
  read_run_journal(env, run_dir);  // refuses what is no run before anything is made there
  if (dry_run) {
    const std::unique_ptr<FileLock> lock = lock_run(env, run_dir);
    const std::vector<JournalRecord> records = read_run_journal(env, run_dir).records;
    RunState state = replay(records);
    const ObjectStore objects(env, run_dir);
    GcReport report = leftovers(env, run_dir);
    for (const Digest& digest : due_objects(state, objects)) state.retired.insert(digest);
    const std::set<Digest> reached = reached_objects(records, state);
    for (const Digest& digest : objects.list()) {
      if (reached.count(digest)) continue;
      ++report.objects;
      report.bytes += env.file_size(run_dir + "/" + objects.path(digest));
    }
    return report;
  }
  GcReport report = leftovers(env, run_dir);  // opening clears them
  RunDirectory run(env, run_dir);
  std::vector<JournalRecord> records = run.journal().found();
  RunState state = replay(records);
  const std::vector<Digest> due = due_objects(state, run.objects());
  if (!due.empty()) {
    records.push_back(run.journal().append("retire", retire_payload(due)));
    state.apply(records.back());
  }
  const std::set<Digest> reached = reached_objects(records, state);
  for (const Digest& digest : run.objects().list()) {
    if (reached.count(digest)) continue;
    ++report.objects;
    report.bytes += run.objects().remove(digest);
  }
  Views(run).update(state);
  return report;
}

}  // namespace sil
