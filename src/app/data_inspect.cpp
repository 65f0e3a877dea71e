// `sil data inspect`: rows as the tokens that training sees, and which of them it learns. Made by the same steps that
// make a run's examples: the view, the codec, the given rollouts, the sequence.
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <optional>

#include "app/builtins.h"
#include "app/commands.h"
#include "app/output.h"
#include "app/recipe_input.h"
#include "app/row_filter.h"
#include "cage/printable.h"
#include "loop/setup.h"
#include "recipe/help.h"
#include "steps/context.h"
#include "steps/draws.h"
#include "steps/given.h"

namespace sil {
namespace {

constexpr size_t kTokenBytes = 200;  // of a token's name that are shown

bool wants_color(const DataInspectArguments& arguments) {
  const auto set = [](const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr && *value != '\0';
  };
  if (arguments.no_color || set("NO_COLOR") || set("SIL_NO_COLOR")) return false;
  if (set("FORCE_COLOR")) return true;
  const char* terminal = std::getenv("TERM");
  return ::isatty(STDOUT_FILENO) == 1 && terminal != nullptr && std::string_view(terminal) != "dumb";
}

// As the trainer reads segments: the first token of a sequence is predicted from nothing.
std::vector<bool> learned_mask(const ExampleSequence& sequence) {
  std::vector<bool> out(sequence.ids.size());
  for (const Segment& segment : sequence.segments)
    if (segment.weight != 0)
      std::fill(out.begin() + std::min(std::max(segment.begin, 1), segment.end), out.begin() + segment.end, true);
  return out;
}

// Where the rows of one demonstration come from, and how they are read.
struct Source {
  const Task* task = nullptr;
  TaskView view_of_task;
  const Codec* codec = nullptr;
  View view;
  std::string step;
  bool assistant_only_loss = false;
};

class Inspection {
 public:
  explicit Inspection(const DataInspectArguments& arguments) : arguments_(arguments), color_(wants_color(arguments)) {}

  void show(const Source& source) {
    int64_t shown = 0;
    for (int64_t i = 0; i < source.task->size() && shown < arguments_.rows; ++i) {
      auto problem = std::make_shared<Problem>(source.task->at(i));
      if (!source.view_of_task.holds(problem->uid)) continue;
      const Place place = source.task->place(i);
      Group group;
      group.problem = std::move(problem);
      try {
        add_given(group, *source.codec, source.view, source.step, {}, source.assistant_only_loss);
      } catch (const Error& error) {
        throw placed(error, place);
      }
      show_group(group, *source.codec, place);
      ++shown;
    }
  }

 private:
  void show_group(const Group& group, const Codec& codec, const Place& place) const {
    FilterContext context;
    context.context_ids = [](const Group& of, const Rollout&) { return of.prompts.front().ids; };
    if (group.rollouts.empty() && !arguments_.json)
      print(place.text() + "  a prompt alone, nothing is learned: " + std::to_string(group.prompts.front().ids.size()) +
            " tokens\n\n");
    for (size_t i = 0; i < group.rollouts.size(); ++i) {
      const ExampleSequence sequence = example_sequence(context, group, group.rollouts[i]);
      const GivenAnswer& given = group.problem->given[i];
      arguments_.json ? print_row(sequence, codec, given, place) : print_tokens(sequence, codec, given, place);
    }
  }

  static void print_row(const ExampleSequence& sequence, const Codec& codec, const GivenAnswer& given,
                        const Place& place) {
    Json ids = Json::array(), tokens = Json::array(), mask = Json::array();
    for (const TokenId id : sequence.ids) {
      ids.push(id);
      tokens.push(codec.token(id));
    }
    for (const bool learned : learned_mask(sequence)) mask.push(learned);
    print_json(Json::Object{{"file", place.file},
                            {"line", place.line},
                            {"origin", given.origin},
                            {"passes", given.passes},
                            {"ids", std::move(ids)},
                            {"tokens", std::move(tokens)},
                            {"learned", std::move(mask)}});
  }

  void print_tokens(const ExampleSequence& sequence, const Codec& codec, const GivenAnswer& given,
                    const Place& place) const {
    const std::vector<bool> mask = learned_mask(sequence);
    std::string out = place.text() + (place.file.empty() ? "" : "  ") + given.origin +
                      (given.passes ? ", passes: " : ", fails: ") + std::to_string(mask.size()) + " tokens, " +
                      std::to_string(std::count(mask.begin(), mask.end(), true)) + " learned\n";
    const std::string begin = color_ ? "\x1b[32m" : "\xE2\x9F\xA6", end = color_ ? "\x1b[0m" : "\xE2\x9F\xA7";
    for (size_t i = 0; i < mask.size(); ++i) {
      if (i > 0) out += ' ';
      if (mask[i] && (i == 0 || !mask[i - 1])) out += begin;
      out += printable(codec.token(sequence.ids[i]), kTokenBytes);
      if (mask[i] && (i + 1 == mask.size() || !mask[i + 1])) out += end;
    }
    print(out + "\n\n");
  }

  const DataInspectArguments& arguments_;
  bool color_;
};

bool is_recipe(const std::string& path) {
  return path.ends_with(".yaml") || path.ends_with(".yml");
}

void inspect_rows(const DataInspectArguments& arguments, Inspection& inspection) {
  if (arguments.model.empty())
    throw Error(Exit::usage, "rows are read as the tokens of a model, and none is named",
                "add --model DIR, a model's folder or .gguf file");
  const Builtins builtins;
  std::string options = flow_map(arguments.options, "sil data inspect rows.jsonl 'field={prompt: question}'");
  options.insert(1, "path: " + dump(Json(arguments.source)) + (options.size() > 2 ? ", " : ""));
  const PluginSpec spec =
      parse_plugin("{jsonl: " + options + "}", "task", builtins.shelves(), {"sil data inspect", 0, 0});
  const std::unique_ptr<Task> task = builtins.registries.tasks.make(spec);
  const std::unique_ptr<Engine> model = open_model(arguments.model, 1);
  inspection.show({task.get(), {}, &model->codec(), {}, "data", arguments.assistant_only_loss});
}

void inspect_recipe(const DataInspectArguments& arguments, Inspection& inspection) {
  if (!arguments.model.empty() || arguments.assistant_only_loss)
    throw Error(Exit::usage, "a recipe says itself which model reads its rows, and what is learned",
                "leave --model and --assistant-only-loss out, or name a dataset");
  const Builtins builtins;
  const Recipe recipe = read_recipe(read_input(arguments.source, arguments.options), builtins.shelves());
  const Tasks tasks = make_tasks(recipe, builtins.registries);
  const Engines engines = make_engines(recipe, tasks, builtins.registries, 1);
  const std::string folder = std::filesystem::path(recipe.source).parent_path().string();
  bool found = false;
  for (const auto* steps : {&recipe.before, &recipe.round, &recipe.after})
    for (const StepSpec& step : *steps) {
      if (step.verb != "demonstrate") continue;
      found = true;
      const Json& options = step.options.options;
      const RoleSpec& role = role_of(recipe, options.at("role").as_string());
      for (const Json& name : options.at("tasks").as_array()) {
        const std::string& task = name.as_string();
        inspection.show({tasks.at(task).get(), task_view(recipe, tasks, task), &engines.at(role.model)->codec(),
                         View(role.view, folder, role.place), step.name, options.at("assistant_only_loss").as_bool()});
      }
    }
  if (!found)
    throw Error(Exit::usage, "the recipe has no demonstrate step", "name a dataset and --model",
                {arguments.source, 0, 0});
}

}  // namespace

int data_inspect_command(const DataInspectArguments& arguments) {
  Inspection inspection(arguments);
  is_recipe(arguments.source) ? inspect_recipe(arguments, inspection) : inspect_rows(arguments, inspection);
  return 0;
}

}  // namespace sil
