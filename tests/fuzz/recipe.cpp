#include "recipe/recipe.h"

#include "app/builtins.h"
#include "fuzz/must.h"
#include "fuzz/targets.h"
#include "loop/loop.h"
#include "recipe/help.h"

namespace sil::fuzz {
namespace {

constexpr std::string_view kOverrides = "\n%%\n";

RecipeInput recipe_input(std::string_view input) {
  RecipeInput out{.file = "recipe.yaml", .text = {}, .overrides = {}, .environment = {{"SEED", "5"}, {"LONG", "a b"}}};
  const size_t end = std::min(input.find(kOverrides), input.size());
  out.text = input.substr(0, end);
  input.remove_prefix(std::min(input.size(), end + kOverrides.size()));
  while (!input.empty()) {
    const size_t line = std::min(input.find('\n'), input.size());
    out.overrides.emplace_back(input.substr(0, line));
    input.remove_prefix(std::min(input.size(), line + 1));
  }
  return out;
}

}  // namespace

void recipe(std::string_view input) {
  static const Builtins builtins;
  const RecipeInput given = recipe_input(input);
  refused_well(Exit::usage, [&] {
    const Recipe read = read_recipe(given, builtins.shelves());
    must(read_recipe(given, builtins.shelves()).digest == read.digest, "read twice, a recipe has two digests");
    must(!resolved_dump(read).empty(), "a recipe that resolves to nothing");
    for (const Finding& finding : recipe_findings(read, builtins.registries, builtins.steps))
      must(!finding.message.empty(), "a finding that says nothing");
  });
}

}  // namespace sil::fuzz
