#include "steps/run_state.h"

#include <algorithm>
#include <charconv>
#include <limits>

namespace sil {
namespace {

std::string text_at(const Json& json, std::string_view key) {
  return json.at(key).as_string();
}

Digest digest_at(const Json& json, std::string_view key) {
  return Digest::from_hex(json.at(key).as_string());
}

[[noreturn]] void refuse(const JournalRecord& record, const std::string& why) {
  throw Error(Exit::corrupt, "journal record " + std::to_string(record.seq) + " (" + record.type + "): " + why,
              "the journal was not written by this program in this order; restore the run directory from a copy");
}

Metrics metrics_from(const Json& json) {
  Metrics metrics;
  for (const auto& [name, value] : json.as_object())  // JSON has no NaN: it was written as null
    metrics[name] = value.is_null() ? std::numeric_limits<double>::quiet_NaN() : value.as_double();
  return metrics;
}

Figures figures_from(const Json& json) {
  Figures figures;
  figures.metrics = metrics_from(json.at("metrics"));
  for (const auto& [uid, value] : json.at("problems").as_object())
    figures.per_problem[parse_hex64(uid)] = value.as_double();
  return figures;
}

void add_frame(StepProgress& step, const Json& entry, Span span) {
  step.spans.push_back(span);
  for (const auto& [kind, file] : entry.at("files").as_object()) {
    step.files[kind].push_back(FrameRef::from_json(file.at("frame")));
    step.lines[kind].push_back(file.at("lines").as_int());
    step.running[kind] = digest_at(file, "digest");
  }
  step.tally.merge(Tally::from_json(entry.at("tally")));
}

StepProgress& step_of(RoundState& round, const std::string& name) {
  // A step that works may have made its entry already, which a resumed run does not see: order is by records alone.
  if (std::find(round.order.begin(), round.order.end(), name) == round.order.end()) round.order.push_back(name);
  return round.steps[name];
}

// An object that a record names is there again, whatever was retired before.
void name_object(RunState& state, const Digest& object) {
  state.retired.erase(object);
  state.spent.erase(object);
}

void save_version(RunState& state, ModelState& model, const VersionRef& version) {
  name_object(state, version.weights);
  if (version.optimizer) name_object(state, *version.optimizer);
  std::erase(model.saved, version);
  model.saved.push_back(version);
}

void apply_recipe(RunState& state, const Json& payload) {
  state.begun = true;
  state.recipe_digest = digest_at(payload, "digest");
  state.name = text_at(payload, "name");
  state.source = digest_at(payload, "source");
  state.resolved = digest_at(payload, "resolved");
  for (const char* kind : {"tasks", "models"})  // their names are distinct
    if (const Json* inputs = payload.find(kind))
      for (const auto& [name, digest] : inputs->as_object()) state.inputs[name] = Digest::from_hex(digest.as_string());
}

void apply_open(RunState& state, const Json& payload) {
  ++state.opens;
  state.opened = payload;
  state.status.clear();
}

void apply_model(RunState& state, const Json& payload) {
  ModelState& model = state.models[text_at(payload, "model")];
  model.base = model.live = model.incumbent = model.start = VersionRef::from_json(payload.at("version"));
  save_version(state, model, model.base);
  if (const Json* files = payload.find("files"))
    for (const auto& [name, object] : files->as_object()) model.files[name] = Digest::from_hex(object.as_string());
}

void apply_round(RunState& state, const Json& payload) {
  RoundState round;
  round.label = text_at(payload, "round");
  for (const Json& pair : payload.at("values").as_array()) {
    const std::string path = pair.as_array().at(0).as_string();
    round.values.emplace_back(path, pair.as_array().at(1));
    state.control_values[path].push_back(pair.as_array().at(1));
  }
  for (auto& [name, model] : state.models) model.start = model.live;
  state.rounds.push_back(std::move(round));
}

void apply_gate(ModelState& model, const Json& payload) {
  bool accept = payload.at("accepted").as_bool();
  if (accept && model.candidate) model.incumbent = *model.candidate;
  model.live = model.incumbent;
  model.candidate.reset();
  if (const Json* best = payload.find("best"); best && (!model.best || best->as_double() > model.best_figure)) {
    model.best = model.incumbent;
    model.best_figure = best->as_double();
  }
}

void apply_step(RunState& state, RoundState& round, const Json& payload) {
  const std::string name = text_at(payload, "step");
  StepProgress& step = step_of(round, name);
  step.verb = text_at(payload, "verb");
  step.done = true;
  step.digest = digest_at(payload, "digest");
  step.metrics = metrics_from(payload.at("metrics"));
  if (const Json* skipped = payload.find("skipped")) step.skipped = skipped->as_bool();
  if (const Json* cursor = payload.find("cursor")) state.cursors[name] = cursor->as_int();
  for (auto& [line, version] : candidates_of(payload)) {
    ModelState& model = state.models.at(line);
    model.candidate = model.live = std::move(version);
    save_version(state, model, model.live);
  }
  if (payload.find("accepted")) {
    const std::string model = text_at(payload, "model");
    round.accepted[model] = payload.at("accepted").as_bool();
    for (auto& [line, versions] : state.models)
      if (model_of(line) == model) apply_gate(versions, payload);
  }
  if (const Json* figures = payload.find("figures"))
    for (const Json& entry : figures->as_array())
      state.figures[{text_at(entry, "step"), digest_at(entry, "options"), digest_at(entry, "version")}] =
          figures_from(entry);
  if (step.checkpoint) state.spent.insert(*step.checkpoint);
  step.payload = payload;
}

void apply_checkpoint(RunState& state, StepProgress& step, const Json& payload) {
  if (step.checkpoint) state.spent.insert(*step.checkpoint);
  step.checkpoint_step = payload.at("steps_done").as_int();
  step.checkpoint = digest_at(payload, "state");
  name_object(state, *step.checkpoint);
}

void apply_trained(RunState& state, StepProgress& step, const Json& payload) {
  step.trained.push_back({VersionRef::from_json(payload.at("version")), metrics_from(payload.at("metrics"))});
  name_object(state, step.trained.back().version.weights);
  if (const auto& optimizer = step.trained.back().version.optimizer) name_object(state, *optimizer);
  if (step.checkpoint) state.spent.insert(*step.checkpoint);
  step.checkpoint.reset();
  step.checkpoint_step = 0;
}

// A version without its optimizer state is still one; one without its weights only stays in the history.
void apply_retire(RunState& state, const Json& payload) {
  for (const Json& entry : payload.at("objects").as_array()) {
    const Digest object = Digest::from_hex(entry.as_string());
    state.retired.insert(object);
    state.spent.erase(object);
  }
  const auto forget = [&](VersionRef& version) {
    if (version.optimizer && state.retired.count(*version.optimizer)) version.optimizer.reset();
  };
  for (auto& [name, model] : state.models) {
    for (VersionRef* version : {&model.base, &model.live, &model.incumbent, &model.start}) forget(*version);
    if (model.candidate) forget(*model.candidate);
    if (model.best) forget(*model.best);
    for (auto& [round, version] : model.accepted) forget(version);
    for (VersionRef& version : model.saved) forget(version);
    std::erase_if(model.saved, [&](const VersionRef& version) { return state.retired.count(version.weights) > 0; });
  }
  for (RoundState& round : state.rounds)
    for (auto& [name, version] : round.versions) forget(version);
}

// The end of a section: what nobody judged is accepted.
void apply_seal(RunState& state, RoundState& round, const Json& payload) {
  round.sealed = true;
  round.digest = state.digest = digest_at(payload, "digest");
  int64_t number = round_number(round.label);
  for (auto& [name, model] : state.models) {
    if (model.candidate) {
      model.incumbent = *model.candidate;
      model.candidate.reset();
      round.accepted[model_of(name)] = true;
    }
    if (number >= 0) model.accepted[number] = model.incumbent;
    if (number == 0) model.base = model.incumbent;
    round.versions[name] = model.incumbent;
  }
  if (const Json* averages = payload.find("averages"))
    for (const Json& entry : averages->as_array()) {
      auto& known = state.models.at(text_at(entry, "model")).averages;
      const double decay = entry.at("decay").as_double();
      if (auto before = known.find(decay); before != known.end()) state.spent.insert(before->second.weights);
      known[decay] = VersionRef::from_json(entry.at("version"));
      name_object(state, known[decay].weights);
    }
  if (number > 0) state.history.push_back(round.metrics());
}

}  // namespace

Json VersionRef::to_json() const {
  Json json = Json::object();
  json.set("digest", digest.hex());
  json.set("weights", weights.hex());
  if (optimizer) json.set("optimizer", optimizer->hex());
  return json;
}

VersionRef VersionRef::from_json(const Json& json) {
  VersionRef ref{digest_at(json, "digest"), digest_at(json, "weights"), std::nullopt};
  if (json.find("optimizer")) ref.optimizer = digest_at(json, "optimizer");
  return ref;
}

Digest versions_digest(const std::vector<VersionRef>& versions) {
  if (versions.size() == 1) return versions.front().digest;
  Sha256 hash;
  for (const VersionRef& version : versions) hash.digest(version.digest);
  return hash.finish();
}

std::string line_name(const std::string& model, int64_t member) {
  return member == 0 ? model : model + "@" + std::to_string(member);
}

std::string model_of(const std::string& line) {
  return line.substr(0, line.find('@'));
}

std::vector<std::pair<std::string, VersionRef>> candidates_of(const Json& payload) {
  std::vector<std::pair<std::string, VersionRef>> out;
  const Json* candidate = payload.find("candidate");
  if (candidate == nullptr) return out;
  const auto add = [&](const Json& one) {
    out.emplace_back(text_at(one, "model"), VersionRef::from_json(one.at("version")));
  };
  if (candidate->is_array())
    std::for_each(candidate->as_array().begin(), candidate->as_array().end(), add);
  else
    add(*candidate);
  return out;
}

RoundMetrics RoundState::metrics() const {
  RoundMetrics out;
  for (const auto& [name, step] : steps)
    if (step.done && !step.skipped) out[name] = step.metrics;
  return out;
}

RoundState* RunState::current() {
  return rounds.empty() || rounds.back().sealed ? nullptr : &rounds.back();
}

const RoundState* RunState::find_round(const std::string& label) const {
  for (const RoundState& round : rounds)
    if (round.label == label) return &round;
  return nullptr;
}

int64_t RunState::sealed_rounds() const {
  return static_cast<int64_t>(history.size());
}

int64_t round_number(const std::string& label) {
  int64_t number = -1;
  std::from_chars(label.data(), label.data() + label.size(), number);
  return number;
}

void RunState::apply(const JournalRecord& record) try {
  const Json& payload = record.payload;
  const std::string& type = record.type;
  if (type == "open") return apply_open(*this, payload);
  if (type == "recipe") return apply_recipe(*this, payload);
  if (!begun) refuse(record, "comes before the recipe");
  if (type == "model") return apply_model(*this, payload);
  if (type == "retire") return apply_retire(*this, payload);
  if (type == "finish") return void(status = text_at(payload, "status"));
  if (type == "round") {
    if (current()) refuse(record, "a section begins before the last one was sealed");
    status.clear();
    return apply_round(*this, payload);
  }
  RoundState* round = current();
  if (!round || round->label != text_at(payload, "round")) refuse(record, "belongs to no section in progress");
  if (type == "frame") {
    Span span{payload.at("span").as_array().at(0).as_int(), payload.at("span").as_array().at(1).as_int()};
    for (const Json& entry : payload.at("steps").as_array())
      add_frame(step_of(*round, text_at(entry, "step")), entry, span);
  } else if (type == "checkpoint") {
    apply_checkpoint(*this, step_of(*round, text_at(payload, "step")), payload);
  } else if (type == "trained") {
    apply_trained(*this, step_of(*round, text_at(payload, "step")), payload);
  } else if (type == "step") {
    apply_step(*this, *round, payload);
  } else if (type == "seal") {
    apply_seal(*this, *round, payload);
  } else {
    refuse(record, "unknown type");
  }
} catch (const std::out_of_range&) {
  refuse(record, "names something that no earlier record made");
} catch (const Error& error) {
  if (error.code() == Exit::corrupt) throw;
  refuse(record, error.what());
}

RunState replay(const std::vector<JournalRecord>& records) {
  RunState state;
  for (const JournalRecord& record : records) state.apply(record);
  return state;
}

}  // namespace sil
