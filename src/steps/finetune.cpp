// finetune: a new version of a model from examples. Groups become one example a kept rollout on the way (the local
// part); then the engine updates from the version that `from` names. The result is the candidate and live. Members of a
// model are updated one after another, all on the same examples.
#include <algorithm>
#include <map>

#include "sil/filter.h"
#include "sil/rng.h"
#include "steps/binding.h"
#include "steps/context.h"
#include "steps/lineage.h"
#include "steps/steps.h"
#include "steps/training_order.h"

namespace sil {
namespace {

struct FinetuneOptions {
  std::string model;
  Json from;
  std::vector<PluginSpec> loss;
  Json reference;
  int64_t epochs = 1;
  int64_t steps = 0;
  int64_t batch_tokens = 16384;
  int64_t minibatches = 0;
  double learning_rate = 1e-3;
  std::string schedule = "constant";
  int64_t warmup_steps = 0;
  std::string optimizer = "reset";
  std::string algorithm = "adamw";
  double weight_decay = 0;
  double max_grad_norm = 0;

  void visit(OptionVisitor& v) {
    v.option("model", model, {.help = "which model learns", .refers = "model"});
    v.option("from", from,
             {.help = "version to start from: live, base, start, best, {round: k} or {ema: a}", .required = true});
    v.plugins("loss", "loss", loss, {.help = "a loss, or a list that is summed", .required = true});
    v.option("reference", reference, {.help = "version that margin and match compare with"});
    v.option("epochs", epochs, {.help = "passes over the examples", .low = 1, .high = 1e6});
    v.option("steps", steps,
             {.help = "exactly so many optimizer steps instead of epochs; 0 = off", .low = 0, .high = 1e9});
    v.option("batch_tokens", batch_tokens,
             {.help = "packed tokens an optimizer step", .low = 1, .high = 1e9, .unit = "tokens"});
    v.option("minibatches", minibatches,
             {.help = "cut an epoch into so many steps of whole groups instead; 0 = off", .low = 0, .high = 1e6});
    v.option("learning_rate", learning_rate,
             {.help = "at the end of warm-up", .low = 0, .high = 1e6, .above_low = true});
    v.option("schedule", schedule,
             {.help = "of the learning rate", .choices = {"constant", "linear", "cosine", "wsd"}});
    v.option("warmup_steps", warmup_steps, {.help = "steps from 0 to the learning rate", .low = 0, .high = 1e9});
    v.option("optimizer", optimizer, {.help = "state of `from`'s optimizer", .choices = {"keep", "reset"}});
    v.option("algorithm", algorithm, {.help = "the optimizer", .choices = {"adamw", "sgd"}});
    v.option("weight_decay", weight_decay, {.help = "decoupled", .low = 0, .high = 1e3});
    v.option("max_grad_norm", max_grad_norm,
             {.help = "gradients are scaled down to this norm; 0 = off", .low = 0, .high = 1e9});
  }
};

// Kept rollouts as examples, for a pool that no `shape` made examples of.
class ExamplesRun final : public LocalRun {
 public:
  explicit ExamplesRun(RoundContext& context) : context_(filter_context(context)) {}

  void process(Frame& frame, StepOutput& out) const override {
    FilterContext context = context_;
    context.round = frame.round;
    FrameText text;
    for (const Group& group : frame.groups) {
      const std::string& maker = group.rollouts.empty() ? std::string() : group.rollouts.front().step;
      const uint64_t group_hash = sha256(group_id(frame.round, maker, group)).head();
      for (const Rollout& rollout : group.rollouts) {
        if (!rollout.kept) continue;
        Example example;
        example.group = group_hash;
        example.sequences.push_back(example_sequence(context, group, rollout));
        example.id = example.sequences.back().segments.back().rollout;
        append_example(text, example);
      }
    }
    out.tally.count("examples", static_cast<int64_t>(text.lines));
    out.files.emplace_back("examples", std::move(text));
  }
  Metrics metrics(const Tally&) const override { return {}; }

 private:
  FilterContext context_;
};

class TrainingLog final : public UpdateSink {
 public:
  TrainingLog(RoundContext& context, const StepSpec& spec, int64_t total)
      : context_(context), spec_(spec), total_(total), last_(context.env.seconds()) {}

  void step_done(int64_t step, double loss, double grad_norm, const Metrics&) override {
    loss_ = loss;
    grad_norm_ = grad_norm;
    context_.working(spec_.name, step, total_);
  }
  // Of the last optimizer step.
  double loss() const { return loss_; }
  double grad_norm() const { return grad_norm_; }
  // A kill loses at most half a minute of training; a stop request is answered at once.
  bool wants_checkpoint(int64_t step) override {
    if (step >= total_) return false;  // the version itself comes next
    return context_.stop.stop_requested() || context_.env.seconds() - last_ > 30;
  }
  void checkpoint(int64_t step, const std::function<void(ByteSink&)>& state) override {
    last_ = context_.env.seconds();
    Json payload = Json::object();
    payload.set("round", context_.round().label);
    payload.set("step", spec_.name);
    payload.set("steps_done", step);
    payload.set("state", context_.objects.put(state).hex());
    context_.record("checkpoint", std::move(payload));
  }

 private:
  RoundContext& context_;
  const StepSpec& spec_;
  int64_t total_;
  double last_, loss_ = 0, grad_norm_ = 0;
};

// The error with the first examples at fault by their ids.
Error with_examples(const Diverged& error, RecordedBatches& batches, const std::string& run) {
  constexpr size_t kShown = 5;
  const std::vector<size_t>& at_fault = error.examples();
  std::string message = error.findings().front().message + "; of its " + std::to_string(error.of()) + " examples ";
  if (at_fault.empty()) {
    message += "none gives that by itself";
  } else if (at_fault.size() == error.of()) {
    message += "every one gives that by itself: no example but the weights or the loss are at fault";
  } else {
    message += std::to_string(at_fault.size()) + " by themselves:";
    const auto shown = std::span(at_fault).first(std::min(kShown, at_fault.size()));
    for (const std::string& id : batches.example_ids(error.step(), shown)) message += " " + id;
    if (at_fault.size() > kShown) message += " ...";
    message += " (sil show " + run + " ID)";
  }
  return {Exit::diverged, message, error.findings().front().hint + "; the version before stays live"};
}

// False also for a loss that cannot be made: that is another finding.
bool needs_logprobs(const Registries& registries, const PluginSpec& loss) {
  try {
    const LossTerm term = registries.losses.make(loss)->term();
    return term.atom && term.atom->needs_old();
  } catch (const Error&) {
    return false;
  }
}

std::vector<ExamplePart> example_parts(RoundContext& context, const StepSpec& spec) {
  Pool pool = context.input_pool(spec);
  if (pool.shaped) return pool.examples;
  const StepProgress& own = context.round().steps.at(spec.name);
  if (!own.files.count("examples")) return {};
  return {example_part(own)};
}

class Finetune final : public Step {
 public:
  explicit Finetune(FinetuneOptions options) : options_(std::move(options)) {}

  void check(const Recipe& recipe, const StepSpec& spec, std::vector<Finding>& findings) const override {
    if (options_.model.empty() && recipe.models.size() != 1)
      findings.push_back({spec.place, spec.name + ": the recipe has several models", "say `model: NAME`"});
    const auto check_version = [&](const char* option, const Json& rule) {
      if (is_version_rule(rule)) return;
      const Node* written = spec.options.node.find(option);
      findings.push_back({written ? written->place : spec.place, spec.name + ": " + option + ": " + dump(rule),
                          "allowed: " + std::string(kVersionRules)});
    };
    check_version("from", options_.from);
    if (!options_.reference.is_null()) check_version("reference", options_.reference);
  }

  void check_lineage(const StepSurroundings& around, const StepSpec& spec,
                     std::vector<Finding>& findings) const override {
    for (const std::string& name : around.input.tasks) {
      const TaskSpec* task = around.recipe.task(name);
      if (task && held_out(*task) && !only_observed(*task))
        findings.push_back(
            {spec.place, spec.name + ": problems of '" + name + "' would train, and its split is held out",
             "train on a task of split train; a held-out one may train only when its answers are just observed"});
    }
    for (const std::string& step : around.input.given)
      for (const PluginSpec& plugin : options_.loss)
        if (needs_logprobs(around.registries, plugin))
          findings.push_back({plugin.place,
                              spec.name + ": " + plugin.name +
                                  " needs log-probabilities as sampled, and rollouts of '" + step +
                                  "' were given, not sampled",
                              "use nll for them, or train on sampled rollouts alone"});
  }

  std::unique_ptr<LocalRun> local(RoundContext& context, const StepSpec& spec) const override {
    if (context.input_pool(spec).shaped) return nullptr;
    return std::make_unique<ExamplesRun>(context);
  }
  std::unique_ptr<FrameSource> source(RoundContext& context, const StepSpec& spec) const override {
    return context.pool_source(spec, spec.name);
  }
  bool makes_pool(const StepSpec&) const override { return false; }

  std::optional<Workload> workload(const Recipe& recipe, const StepSpec&, const Registries& shelves) const override {
    TrainingWorkload work{.step_tokens = options_.minibatches > 0 ? 0 : options_.batch_tokens,
                          .adamw = options_.algorithm == "adamw",
                          .keeps_state = options_.optimizer == "keep"};
    const LossSpec loss = make_loss(shelves);
    work.full_vocabulary = full_vocabulary(loss);
    work.reference = compares(loss);
    return Workload{
        .model = model_of(recipe).name, .tasks = {}, .view = {}, .sampling = std::nullopt, .training = work};
  }

  StepResult run(RoundContext& context, const StepSpec& spec) const override {
    const ModelSpec& model = model_of(context.recipe);
    const LossSpec loss = make_loss(context.registries);
    std::vector<TrainedMember> trained = context.round().steps[spec.name].trained;
    StepResult result;
    while (std::ssize(trained) < model.members) {
      const Member member{model.name, std::ssize(trained)};
      RecordedBatches batches(context.env, context.run_dir, example_parts(context, spec),
                              plan_options(context, spec, loss, member), reference_scorer(context, member, loss));
      result.metrics["examples"] = static_cast<double>(batches.examples());
      if (batches.steps() == 0) {
        result.note = "nothing was kept: no candidate; sample more or easier problems, or keep more";
        return result;
      }
      trained.push_back(update(context, spec, member, loss, batches));
      if (std::ssize(trained) < model.members) record_trained(context, spec, trained.back());
    }
    add_candidates(model, trained, result);
    return result;
  }

 private:
  struct Member {
    const std::string& model;
    int64_t number = 0;
    std::string line() const { return line_name(model, number); }
  };

  static void record_trained(RoundContext& context, const StepSpec& spec, const TrainedMember& trained) {
    Json payload = Json::object();
    payload.set("round", context.round().label);
    payload.set("step", spec.name);
    payload.set("version", trained.version.to_json());
    Json metrics = Json::object();
    for (const auto& [name, value] : trained.metrics) metrics.set(name, value);
    payload.set("metrics", std::move(metrics));
    context.record("trained", std::move(payload));
  }

  // Counts are those of all members together, the rest their mean.
  static void add_candidates(const ModelSpec& model, const std::vector<TrainedMember>& trained, StepResult& result) {
    Json candidates = Json::array();
    std::vector<VersionRef> versions;
    for (const auto& [version, metrics] : trained) {
      Json candidate = Json::object();
      candidate.set("model", line_name(model.name, std::ssize(versions)));
      candidate.set("version", version.to_json());
      candidates.push(std::move(candidate));
      versions.push_back(version);
      for (const auto& [name, value] : metrics) result.metrics[name] += value;
    }
    for (const char* name : {"loss", "grad_norm"}) result.metrics[name] /= static_cast<double>(model.members);
    result.payload.set("candidate", model.members == 1 ? candidates.as_array().front() : std::move(candidates));
    result.digest = versions_digest(versions);
  }

  const ModelSpec& model_of(const Recipe& recipe) const {
    return options_.model.empty() ? recipe.models.front() : *recipe.model(options_.model);
  }

  LossSpec make_loss(const Registries& registries) const {
    LossSpec loss;
    for (const PluginSpec& plugin : options_.loss) loss.terms.push_back(registries.losses.make(plugin)->term());
    return loss;
  }
  static bool full_vocabulary(const LossSpec& loss) {
    return std::any_of(loss.terms.begin(), loss.terms.end(), [](const LossTerm& term) { return !term.atom; });
  }
  // Whether a term compares with a reference, of whatever it reads.
  static bool compares(const LossSpec& loss) {
    return std::any_of(loss.terms.begin(), loss.terms.end(),
                       [](const LossTerm& term) { return !term.atom || term.atom->needs_reference(); });
  }

  TrainingPlanOptions plan_options(const RoundContext& context, const StepSpec& spec, const LossSpec& loss,
                                   const Member& member) const {
    TrainingPlanOptions plan;
    plan.key = member_key(step_key(context, "shuffle", spec), member.number);
    plan.epochs = options_.epochs;
    plan.steps = options_.steps;
    plan.batch_tokens = options_.batch_tokens;
    plan.minibatches = options_.minibatches;
    plan.threads = context.threads;
    for (const LossTerm& term : loss.terms) plan.needs_old = plan.needs_old || (term.atom && term.atom->needs_old());
    return plan;
  }

  // The version that any term compares with: its own `to`, else the step's `reference`.
  Json reference_rule(const RoundContext& context) const {
    for (const PluginSpec& plugin : options_.loss)
      if (Json to = context.registries.losses.make(plugin)->reference(); !to.is_null()) return to;
    return options_.reference;
  }

  ReferenceScorer reference_scorer(RoundContext& context, const Member& member, const LossSpec& loss) const {
    bool needed = false;
    bool at_temperature = false;
    for (const LossTerm& term : loss.terms) {
      needed = needed || (term.atom && term.atom->needs_reference());
      at_temperature = at_temperature || (term.atom && term.atom->needs_reference() && term.atom->at_temperature());
    }
    if (!needed) return {};
    Version reference = context.models.resident(member.model, reference_ref(context, member));
    return [&context, model = member.model, reference, at_temperature](const TrainBatch& batch) {
      std::map<float, std::vector<size_t>> by_temperature;
      for (size_t s = 0; s < batch.temperature.size(); ++s)
        by_temperature[at_temperature ? batch.temperature[s] : 1].push_back(s);
      std::vector<float> out(batch.ids.size());  // 0 where a sequence begins
      for (const auto& [temperature, sequences] : by_temperature) {
        ScoreBatch score{.ids = {}, .begin = {0}, .start = std::vector<uint64_t>(sequences.size(), 1)};
        for (size_t s : sequences) {
          score.ids.insert(score.ids.end(), batch.ids.begin() + batch.begin[s], batch.ids.begin() + batch.begin[s + 1]);
          score.begin.push_back(score.ids.size());
        }
        const auto lock = context.models.lock(model);
        const std::vector<float> logp =
            context.models.engine(model).score(reference, score, static_cast<double>(temperature));
        auto next = logp.begin();
        for (size_t s : sequences)
          for (int32_t n = batch.begin[s] + 1; n < batch.begin[s + 1]; ++n) out[static_cast<size_t>(n)] = *next++;
      }
      return out;
    };
  }

  VersionRef reference_ref(const RoundContext& context, const Member& member) const {
    Json rule = reference_rule(context);
    if (rule.is_null())
      throw Error(Exit::usage, "the loss compares with a reference version and none is given",
                  "say `reference: base`, or " + std::string(kVersionRules));
    return find_version(rule, member.line(), context.state);
  }

  TrainedMember update(RoundContext& context, const StepSpec& spec, const Member& member, const LossSpec& loss,
                       RecordedBatches& batches) const {
    VersionRef from = find_version(options_.from, member.line(), context.state);
    Engine& engine = context.models.engine(member.model);
    std::vector<VersionRef> needed;
    if (compares(loss)) needed.push_back(reference_ref(context, member));
    const OwnedVersion start = context.models.load(member.model, from, options_.optimizer == "keep");
    context.models.keep_only(member.model, needed);  // what plan_memory counts on
    Version reference = full_vocabulary(loss) ? context.models.resident(member.model, needed.front()) : start.get();
    OptimizerOptions optimizer{options_.algorithm,
                               options_.learning_rate,
                               0.9,
                               0.999,
                               1e-8,
                               options_.weight_decay,
                               options_.max_grad_norm,
                               options_.schedule,
                               options_.warmup_steps,
                               options_.optimizer == "keep"};
    const StepProgress& progress = context.round().steps[spec.name];
    std::optional<UpdateCheckpoint> resume;
    if (progress.checkpoint) resume = {progress.checkpoint_step, context.objects.read(*progress.checkpoint)};
    TrainingLog log(context, spec, batches.steps());
    auto lock = context.models.lock(member.model);
    UpdateResult updated;
    try {
      updated = engine.update(start.get(), batches, loss, optimizer, reference, std::move(resume), log, context.stop);
    } catch (const Diverged& error) {
      throw with_examples(error, batches, context.run_dir);
    }
    if (updated.steps < batches.steps()) {
      engine.drop(updated.version);
      throw Error(Exit::stopped, spec.name + " stopped at step " + std::to_string(updated.steps),
                  "the same command continues");
    }
    TrainedMember trained{context.models.store(member.model, updated.version, true), {}};
    trained.metrics["loss"] = log.loss();
    trained.metrics["grad_norm"] = log.grad_norm();
    trained.metrics["steps"] = static_cast<double>(updated.steps);
    trained.metrics["examples_taken"] = static_cast<double>(batches.examples_taken());
    return trained;
  }

  FinetuneOptions options_;
};

}  // namespace

void register_finetune(Registry<Step>& registry) {
  registry.add<Finetune, FinetuneOptions>("finetune", "a new version of a model, by a sum of loss atoms");
}

}  // namespace sil
