// The top level: what it is called, how long it runs, what it keeps.
#include <algorithm>
#include <filesystem>

#include "recipe/grammar.h"
#include "recipe/scalars.h"
#include "recipe/sections.h"

namespace sil {
namespace {

constexpr double kMostRounds = 1e9;

bool is_run_name(std::string_view name) {
  auto letter_or_digit = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  if (name.empty() || name.size() > 100 || !letter_or_digit(name[0])) return false;
  return std::all_of(name.begin(), name.end(),
                     [&](char c) { return letter_or_digit(c) || c == '.' || c == '_' || c == '-'; });
}

bool is_last_n(std::string_view text) {
  if (!text.starts_with("last ")) return false;
  text.remove_prefix(5);
  return !text.empty() && text.size() < 7 && text.find_first_not_of("0123456789") == std::string_view::npos;
}

bool is_weights_rule(std::string_view rule) {
  constexpr std::string_view kAccepted = "accepted + ";
  return rule == "all" || is_last_n(rule.starts_with(kAccepted) ? rule.substr(kAccepted.size()) : rule);
}

void read_name(Recipe& recipe, const TopOptions& options, Reading& reading) {
  const Node* node = recipe.tree.find("name");
  recipe.name = node ? options.name : std::filesystem::path(recipe.source).stem().string();
  if (is_run_name(recipe.name)) return;
  const Place place = node ? node->place : Place{recipe.source, 1, 1};
  reading.find(place, "'" + recipe.name.substr(0, 60) + "' is no name of a run" + (node ? "" : " (it is the file's)"),
               "say `name:`; it names a folder: letters, digits, '.', '_' and '-', a letter or digit first");
}

void read_retain(Recipe& recipe, Reading& reading) {
  static const Node kNothing;
  const Node* node = recipe.tree.find("retain");
  RetainOptions options;
  const Place place = node ? node->place : recipe.tree.place;
  recipe.resolved.set("retain", read_struct(node ? *node : kNothing, {"'retain'", "retain", {}, {}, place, nullptr, {}},
                                            options, reading));
  recipe.retain = options.spec;
  const Node* weights = node ? node->find("weights") : nullptr;
  if (weights && !is_weights_rule(options.spec.weights))
    reading.find(weights->place,
                 "'weights' must be all, `accepted + last N` or `last N`; found " + value_seen(*weights));
}

void check_keys(const Recipe& recipe, Reading& reading) {
  for (const Node::Member& member : recipe.tree.members) {
    if (is_one_of(member.key, kTopLevel)) continue;
    reading.find(member.place, "unknown section '" + member.key.substr(0, 60) + "'",
                 nearest_hint(member.key, strings(kTopLevel)));
  }
  const bool any_step = std::any_of(std::begin(kStepSections), std::end(kStepSections), [&](std::string_view section) {
    const Node* steps = recipe.tree.find(section);
    return steps && steps->kind != Node::Kind::null && !(steps->kind == Node::Kind::list && steps->items.empty());
  });
  if (!any_step)
    reading.find(recipe.tree.place, "the recipe has no steps",
                 "say `round:` with a list of steps; see `sil help recipe`");
  const Node* models = recipe.tree.find("models");
  if (!models || models->kind == Node::Kind::null || (models->kind == Node::Kind::map && models->members.empty()))
    reading.find(models ? models->place : recipe.tree.place, "the recipe has no models",
                 "say models: {NAME: {ENGINE: {options}}}");
}

}  // namespace

void TopOptions::visit(OptionVisitor& v) {
  v.option("name", name, {.help = "of the run and its folder; default: the file's name"});
  v.option("seed", seed, {.help = "of every random draw", .low = 0});
  v.option("rounds", rounds, {.help = "how often `round` is run", .low = 1, .high = kMostRounds});
}

void RetainOptions::visit(OptionVisitor& v) {
  v.option(
      "weights", spec.weights,
      {.help = "saved versions that stay: all, last N (made), accepted + last N (what stood at a round's end, too)"});
  v.option("optimizer", spec.optimizer,
           {.help = "optimizer states of these that stay: all, that of the live version, none",
            .choices = {"all", "last", "none"}});
}

void read_top(Recipe& recipe, Reading& reading) {
  check_keys(recipe, reading);
  Node own;
  own.kind = Node::Kind::map;
  own.place = recipe.tree.place;
  for (const char* key : {"name", "seed", "rounds"})
    for (const Node::Member& member : recipe.tree.members)
      if (member.key == key) own.members.push_back(member);
  TopOptions options;
  recipe.resolved = read_struct(own, {"the recipe", "", {}, {}, own.place, nullptr, {}}, options, reading);
  read_name(recipe, options, reading);
  recipe.resolved.set("name", recipe.name);
  recipe.seed = static_cast<uint64_t>(options.seed);
  recipe.rounds = options.rounds;
  read_retain(recipe, reading);
}

}  // namespace sil
