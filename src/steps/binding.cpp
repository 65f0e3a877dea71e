#include "steps/binding.h"

#include "sil/rng.h"

namespace sil {
namespace {

std::vector<Layer> own_layers(const std::string& name, const StepProgress& step) {
  std::vector<Layer> layers;
  for (const char* kind : {"rollouts", "verdicts", "fates"})
    if (auto it = step.files.find(kind); it != step.files.end())
      layers.push_back({kind, name, std::make_shared<const std::vector<FrameRef>>(it->second)});
  return layers;
}

// A step over existing groups followed their frames one by one: its layers split over the parts in the same order.
void add_layers(const std::vector<PoolPart*>& parts, const std::vector<Layer>& layers) {
  for (const Layer& layer : layers) {
    size_t first = layer.first;
    for (PoolPart* part : parts) {
      part->layers.push_back({layer.kind, layer.step, layer.frames, first});
      first += part->spans.size();
    }
  }
}

Pool filtered_pool(const RoundState& round, const std::vector<std::string>& inputs, const std::string& name,
                   const StepProgress& step) {
  Pool pool;
  for (const std::string& input : inputs)
    if (auto it = round.pools.find(input); it != round.pools.end())
      pool.parts.insert(pool.parts.end(), it->second.parts.begin(), it->second.parts.end());
  std::vector<PoolPart*> parts;
  for (PoolPart& part : pool.parts) parts.push_back(&part);
  add_layers(parts, own_layers(name, step));
  if (step.files.count("examples")) {
    pool.shaped = true;
    pool.examples.push_back(example_part(step));
  }
  return pool;
}

int64_t records_of(const Pool& pool) {
  if (!pool.shaped) return pool.groups();
  int64_t n = 0;
  for (const ExamplePart& part : pool.examples)
    n += part.chosen ? std::count(part.chosen->begin(), part.chosen->end(), true) : part.end();
  return n;
}

std::vector<StoreRecord> live_records(const StoreSpec& spec, const std::vector<StorePut>& puts, int64_t now,
                                      const Registries& registries) {
  std::vector<StoreRecord> records;
  uint64_t id = 0;
  for (const StorePut& put : puts) {
    for (int64_t i = 0; i < put.records; ++i) records.push_back({id++, put.round, 0, 0});
    std::vector<StoreRecord> aged = records;
    for (size_t i = 0; i < aged.size(); ++i)
      aged[i].age = put.round - aged[i].round, aged[i].position = static_cast<int64_t>(i);
    for (const PluginSpec& rule : spec.evict) {
      std::vector<bool> gone(aged.size());
      for (size_t i : registries.evictions.make(rule)->evict(aged)) gone[i] = true;
      std::vector<StoreRecord> left;
      for (size_t i = 0; i < aged.size(); ++i)
        if (!gone[i]) left.push_back(aged[i]);
      aged = std::move(left);
    }
    if (spec.max > 0 && static_cast<int64_t>(aged.size()) > spec.max)
      aged.erase(aged.begin(), aged.end() - static_cast<std::ptrdiff_t>(spec.max));
    records = std::move(aged);
  }
  for (size_t i = 0; i < records.size(); ++i) {
    records[i].age = now - records[i].round;
    records[i].position = static_cast<int64_t>(i);
  }
  return records;
}

// The parts of a put that were drawn; `drawn` is indexed by record number within the put. What an earlier draw left out
// of the pool that was put is no record.
void add_drawn(const StorePut& put, const std::vector<bool>& drawn, Pool& pool) {
  pool.shaped = pool.shaped || put.pool.shaped;
  auto next = drawn.begin();
  auto chosen_of = [&](int64_t end, const std::vector<bool>* records) {
    auto chosen = std::make_shared<std::vector<bool>>(static_cast<size_t>(end));
    for (size_t i = 0; i < chosen->size(); ++i)
      if (!records || (*records)[i]) (*chosen)[i] = *next++;
    return chosen;
  };
  for (ExamplePart part : put.pool.examples) {
    part.chosen = chosen_of(part.end(), part.chosen.get());
    pool.examples.push_back(std::move(part));
  }
  if (put.pool.shaped) return;
  for (PoolPart part : put.pool.parts) {
    part.chosen = chosen_of(part.end(), part.chosen.get());
    pool.parts.push_back(std::move(part));
  }
}

Pool draw_store(const RunState& state, const InputSpec& input, const StoreSpec& spec, uint64_t key, int64_t now,
                const Registries& registries) {
  Pool pool;
  auto it = state.stores.find(spec.name);
  if (it == state.stores.end()) return pool;
  const std::vector<StorePut>& puts = it->second;
  std::vector<StoreRecord> records = live_records(spec, puts, now, registries);
  std::vector<size_t> picked(records.size());
  const auto& law = input.draw ? input.draw : spec.draw;
  if (law)
    picked = registries.draws.make(*law)->draw(records, input.n, key);
  else
    for (size_t i = 0; i < picked.size(); ++i) picked[i] = i;
  std::vector<uint64_t> begin{0};
  for (const StorePut& put : puts) begin.push_back(begin.back() + static_cast<uint64_t>(put.records));
  std::vector<bool> drawn(begin.back());
  for (size_t i : picked) drawn[records[i].id] = true;
  for (size_t p = 0; p < puts.size(); ++p)
    add_drawn(puts[p],
              {drawn.begin() + static_cast<std::ptrdiff_t>(begin[p]),
               drawn.begin() + static_cast<std::ptrdiff_t>(begin[p + 1])},
              pool);
  return pool;
}

std::string input_name(const Recipe* recipe, const InputSpec& input, const StepSpec& spec) {
  return recipe && !recipe->store(input.name) ? input.name : input.name + "@" + spec.name;
}

}  // namespace

PoolPart step_part(const RoundState& round, const std::string& step) {
  const StepProgress& progress = round.steps.at(step);
  return {round.label, step, progress.spans, own_layers(step, progress), nullptr};
}

ExamplePart example_part(const StepProgress& step) {
  ExamplePart part;
  part.frames = step.files.at("examples");
  int64_t first = 0;
  for (int64_t n : step.lines.at("examples")) {
    part.spans.push_back({first, first + n});
    first += n;
  }
  return part;
}

std::map<const StepSpec*, std::vector<std::string>> section_inputs(
    const std::vector<StepSpec>& steps, const std::map<const StepSpec*, std::unique_ptr<Step>>& made) {
  std::map<const StepSpec*, std::vector<std::string>> inputs;
  std::vector<std::string> pools;
  std::string nearest;
  for (const StepSpec& spec : steps) {
    std::vector<std::string>& names = inputs[&spec];
    for (const InputSpec& input : spec.of) {
      bool pool = std::find(pools.begin(), pools.end(), input.name) != pools.end();
      names.push_back(pool ? input.name : input_name(nullptr, input, spec));
    }
    if (spec.of.empty() && !nearest.empty()) names.push_back(nearest);
    bool adds = spec.verb == "verify" || spec.verb == "generate";
    if (made.at(&spec)->makes_pool(spec))
      pools.push_back(spec.name), nearest = spec.name;
    else if (adds && !names.empty())
      nearest = names.back();
  }
  return inputs;
}

void draw_inputs(RunState& state, RoundState& round, const Recipe& recipe, const StepSpec& spec,
                 const Registries& registries) {
  for (const InputSpec& input : spec.of) {
    const StoreSpec* store = recipe.store(input.name);
    if (!store) continue;
    RandomPath path{recipe.seed, "draw", {spec.name, store->name}, {round_number(round.label)}};
    round.pools[input_name(&recipe, input, spec)] =
        draw_store(state, input, *store, path.key(), std::max<int64_t>(0, round_number(round.label)), registries);
  }
}

void bind_step(RunState& state, RoundState& round, const StepSpec& spec, const Step& step,
               const std::vector<std::string>& inputs) {
  const StepProgress& progress = round.steps.at(spec.name);
  if (progress.skipped) return;
  if (spec.verb == "filter") {
    round.pools[spec.name] = filtered_pool(round, inputs, spec.name, progress);
  } else if (step.makes_pool(spec) || spec.verb == "evaluate" || spec.verb == "gate") {  // people read the latter two
    Pool pool;
    pool.parts.push_back(step_part(round, spec.name));
    round.pools[spec.name] = std::move(pool);
  } else if (spec.verb == "verify" || spec.verb == "generate") {
    std::vector<PoolPart*> parts;
    for (const std::string& input : inputs)
      if (auto it = round.pools.find(input); it != round.pools.end())
        for (PoolPart& part : it->second.parts) parts.push_back(&part);
    add_layers(parts, own_layers(spec.name, progress));
  }
  if (spec.put.empty()) return;
  const std::string& source = step.makes_pool(spec) || spec.verb == "filter" ? spec.name
                              : inputs.empty()                               ? spec.name
                                                                             : inputs.back();
  StorePut put;
  put.round = std::max<int64_t>(0, round_number(round.label));
  put.pool = round.pools.at(source);
  put.records = records_of(put.pool);
  state.stores[spec.put].push_back(std::move(put));
}

}  // namespace sil
