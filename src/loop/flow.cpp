// The ledger between steps: what goes in is what came out above.
#include <fmt/core.h>

#include "loop/ledger.h"
#include "steps/binding.h"

namespace sil {
namespace {

using FrameTallies = std::map<std::pair<std::string, uint64_t>, Tally>;  // by segment and offset

FrameTallies frame_tallies(const std::vector<JournalRecord>& records) {
  FrameTallies tallies;
  for (const JournalRecord& record : records) {
    if (record.type != "frame") continue;
    for (const Json& entry : record.payload.at("steps").as_array())
      for (const auto& [kind, file] : entry.at("files").as_object()) {
        const FrameRef ref = FrameRef::from_json(file.at("frame"));
        if (ref.length > 0) tallies[{ref.segment.text(), ref.offset}] = Tally::from_json(entry.at("tally"));
      }
  }
  return tallies;
}

class Flow {
 public:
  Flow(const RecordView& view, const std::vector<JournalRecord>& records)
      : view_(view), tallies_(frame_tallies(records)) {}

  void look(const RecordedStep& step) const {
    const Pool pool = step.context.input_pool(step.spec);
    if (step.spec.verb == "filter") check_input(step, pool, "fates", "in");
    if (step.spec.verb != "finetune") return;
    if (!pool.shaped) check_input(step, pool, "examples", "examples");
    if (step.record) check_taken(step, pool);
  }

 private:
  // Frame by frame: what a step counted as its input is what the input's layers left kept.
  void check_input(const RecordedStep& step, const Pool& pool, const std::string& kind, const char* count) const {
    const StepProgress& progress = step.context.round().steps.at(step.spec.name);
    const auto files = progress.files.find(kind);
    if (files == progress.files.end()) return;
    size_t number = 0;
    for (const PoolPart& part : pool.parts)
      for (size_t f = 0; f < part.spans.size() && number < files->second.size(); ++f, ++number) {
        const int64_t seen = count_of(files->second[number], count), given = kept(part, f);
        if (seen == given) continue;
        throw Error(Exit::corrupt,
                    fmt::format("round {}, step {}, frame {}: {} rollouts were kept above it, it counts {}",
                                step.context.round().label, step.spec.name, number, given, seen),
                    "restore the run directory from a copy, or run the round again");
      }
  }

  // The examples that finetune read, and how many its optimizer steps took of them.
  static void check_taken(const RecordedStep& step, const Pool& pool) {
    const StepProgress& progress = step.context.round().steps.at(step.spec.name);
    int64_t written = 0;
    for (const ExamplePart& part : pool.examples) written += part.examples();
    if (!pool.shaped && progress.files.contains("examples")) written = example_part(progress).examples();
    const Json& metrics = step.record->at("metrics");
    const auto metric = [&](const char* name) {
      const Json* value = metrics.find(name);
      return value == nullptr ? 0.0 : value->as_double();
    };
    const Json& options = step.spec.options.options;
    const int64_t steps = options.at("steps").as_int(), epochs = options.at("epochs").as_int();
    const Recipe& recipe = step.context.recipe;
    const ModelSpec* model = recipe.model(options.at("model").as_string());  // none named: the only one
    const int64_t members = (model ? *model : recipe.models.front()).members;
    const auto examples = static_cast<double>(written);
    const bool whole = steps > 0 ? metric("steps") == static_cast<double>(members * steps)
                                 : metric("examples_taken") == examples * static_cast<double>(members * epochs);
    if (metric("examples") == examples && (written == 0 || whole)) return;
    throw Error(Exit::corrupt,
                fmt::format("round {}, step {}: {} examples are written, it read {} and took {} in {} steps",
                            step.context.round().label, step.spec.name, written, metric("examples"),
                            metric("examples_taken"), metric("steps")),
                "restore the run directory from a copy, or run the round again");
  }

  int64_t count_of(const FrameRef& ref, const char* count) const {
    const auto it = tallies_.find({ref.segment.text(), ref.offset});
    return ref.length == 0 || it == tallies_.end() ? 0 : it->second.count_of(count);
  }

  // Rollouts of a part's frame that no filter dropped. A draw that chose some groups needs a look at them.
  int64_t kept(const PoolPart& part, size_t frame) const {
    int64_t n = 0;
    if (part.chosen) {
      for (const Group& group : read_groups(view_.env, view_.run_dir, part, frame))
        for (const Rollout& rollout : group.rollouts) n += rollout.kept;
      return n;
    }
    for (const Layer& layer : part.layers) {
      const FrameRef& ref = layer.frame(frame);
      if (layer.kind == "rollouts") n += count_of(ref, "rollouts");
      if (layer.kind == "fates" && ref.length > 0) n = count_of(ref, "kept");
    }
    return n;
  }

  const RecordView& view_;
  FrameTallies tallies_;
};

}  // namespace

void check_flow(const RecordView& view, const std::vector<JournalRecord>& records) {
  const Flow flow(view, records);
  walk_record(records, view, [&](const RecordedStep& step) { flow.look(step); });
}

}  // namespace sil
