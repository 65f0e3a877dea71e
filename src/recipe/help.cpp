#include "recipe/help.h"

#include <algorithm>
#include <cmath>

#include "recipe/declarations.h"
#include "recipe/sections.h"

namespace sil {
namespace {

constexpr std::string_view kExample = R"(name: additions
seed: 7
rounds: 6
models:
  lm: {table: {context: 8}, tokenizer: chars}
tasks:
  train: {addition: {digits: 2}}
  dev: {addition: {digits: 2}, split: dev}
round:
  - generate: {tasks: train, problems: 128, samples: 8, temperature: 0.8}
  - verify: exact
  - filter: {keep: [pass, {per_problem: 2}]}
  - finetune: {from: base, loss: nll, epochs: 1}
  - evaluate: {tasks: dev, samples: 4}
  - gate: {metric: pass@1, at_least: incumbent}
)";

using Row = std::vector<std::string>;

// Width on a terminal: characters, not bytes.
size_t width(const std::string& text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

// Columns two blanks apart, as wide as their widest cell; a column of empty cells takes no room.
std::string table(const std::vector<Row>& rows, std::string_view indent) {
  std::vector<size_t> widths;
  for (const Row& row : rows) {
    widths.resize(std::max(widths.size(), row.size()), 0);
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
  }
  std::string out;
  for (const Row& row : rows) {
    std::string line(indent);
    for (size_t i = 0; i < row.size(); ++i)
      if (widths[i] > 0) line += row[i] + std::string(widths[i] - width(row[i]) + 2, ' ');
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

std::string default_text(const Declaration& option) {
  if (option.about.required) return "required";
  const Json& value = option.default_value;
  if (value.is_null() || (value.is_array() && value.as_array().empty())) return "-";
  if (value.is_string()) return value.as_string().empty() ? "-" : value.as_string();
  return dump(value);
}

std::string allowed_text(const Declaration& option) {
  std::string out = allowed_values(option.type, option.about);
  if (option.type == OptionType::plugins) out = "a " + option.kind + (option.about.single ? "" : ", or a list");
  if (option.about.inline_value) out += "; may stand in place of the options";
  return out;
}

std::string options_table(const Declarations& declared, std::string_view indent) {
  std::vector<Row> rows{{"option", "default", "allowed", "unit", "meaning"}};
  bool units = false;
  for (const Declaration& option : declared.all()) {
    rows.push_back({option.name, default_text(option), allowed_text(option), std::string(option.about.unit),
                    std::string(option.about.help)});
    units |= !option.about.unit.empty();
  }
  if (!units)
    for (Row& row : rows) row[3].clear();
  return table(rows, indent);
}

std::string section_help(std::string_view title, const Declarations& declared) {
  return "\n" + std::string(title) + "\n" + options_table(declared, "  ");
}

}  // namespace

std::string help_plugin(const AnyRegistry& registry, std::string_view name) {
  const PluginAbout* about = registry.find(name);
  if (!about) {
    PluginSpec wanted;
    wanted.kind = registry.kind();
    wanted.name = name;
    throw_unknown_plugin(wanted, registry.names());
  }
  const Declarations declared = Declarations::of(*about);
  std::string out = std::string(registry.kind()) + " " + about->name + ": " + about->help + "\n";
  if (declared.all().empty()) return out + "\nIt takes no options.\n";
  out += "\n" + options_table(declared, "");
  if (!about->shorthand.empty()) {
    const std::string value = about->shorthand == "expr" ? "EXPR" : "VALUE";
    out += "\n{" + about->name + ": " + value + "} stands for {" + about->name + ": {" + about->shorthand + ": " +
           value + "}}.\n";
  }
  return out;
}

std::string help_options(const Declarations& declared) {
  return options_table(declared, "");
}

std::string list_plugins(const AnyRegistry& registry) {
  std::vector<Row> rows;
  for (const std::string& name : registry.names()) rows.push_back({name, registry.find(name)->help});
  return table(rows, "");
}

std::string_view example_recipe() {
  return kExample;
}

std::string help_recipe(const Shelves& shelves) {
  std::string out = "A recipe is one YAML file: a map of these sections.\n\n";
  out += table({{"name, seed, rounds", "what the run is called, its random numbers, its length"},
                {"retain", "which saved versions stay"},
                {"models", "NAME: {ENGINE: {options}, tokenizer: …, lora: {r: 16}}"},
                {"roles", "NAME: {model, weights, view}; every model is also a role"},
                {"tasks", "NAME: {TASK: {options}, split: train|dev|test}"},
                {"stores", "NAME: {holds, draw, evict, max}; what outlives a round"},
                {"control", "list of {set: STEP.OPTION, by: CONTROL}"},
                {"before, round, after", "lists of steps: once before round 1, every round, once at the end"}},
               "  ");
  out += section_help("Top level", Declarations::of<TopOptions>());
  out += section_help("retain", Declarations::of<RetainOptions>());
  out +=
      "\nIt acts when a round is sealed, and may change between starts. What a later step can read always stays: "
      "base,\n"
      "live, start, best, the incumbent, every {round: k} that the recipe names, with {ema: a} all accepted versions.\n"
      "Rollouts, verdicts and metrics are never removed.\n";
  out += section_help("models: beside the engine", Declarations::of<ModelOptions>());
  out += section_help("roles", Declarations::of<RoleOptions>());
  out += section_help("stores", Declarations::of<StoreOptions>());
  out += section_help("control", Declarations::of<ControlOptions>());
  out += "\nA step is {VERB: {options}} and, beside the verb:\n";
  out += table({{"of", "input: a pool, a store, {STORE: {n, draw}}, or a list; default: the nearest pool above"},
                {"where", "passed, failed, abstained or a Lua expression: which units"},
                {"per", "turn, rollout, pair, group, problem, pool, record or {set: n}: what a unit is"},
                {"as", "name of the step, its pool, its metrics and its overrides; default: the verb, then verb_2"},
                {"when", "Lua expression: whether the step runs"},
                {"put", "store that takes the step's output"}},
               "  ");
  for (const AnyRegistry* shelf : shelves)
    if (shelf->kind() == "step") out += "\nVerbs\n" + list_plugins(*shelf);
  out +=
      "\nOverrides on the command line: a.b=c sets, ~a.b removes, ++a.b=c adds; within the file ${a.b} and\n"
      "${env:NAME,default} refer.\n\nA complete recipe:\n\n" +
      std::string(kExample);
  return out;
}

}  // namespace sil
