#include "app/recipe_input.h"

#include <unistd.h>

extern char** environ;

namespace sil {
namespace {

std::map<std::string, std::string> environment() {
  std::map<std::string, std::string> out;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const size_t at = text.find('=');
    if (at != std::string::npos) out.emplace(text.substr(0, at), text.substr(at + 1));
  }
  return out;
}

}  // namespace

RecipeInput read_input(const std::string& file, std::vector<std::string> overrides) {
  return {file, read_recipe_file(file), std::move(overrides), environment()};
}

}  // namespace sil
