#include "app/open_model.h"

#include "app/builtins.h"
#include "app/commands.h"
#include "recipe/option_reader.h"

namespace sil {

std::unique_ptr<Engine> open_model(const std::string& folder, int64_t threads) {
  const Builtins builtins;
  const PluginSpec spec =
      parse_plugin("{path: {folder: " + dump(Json(folder)) + "}}", "engine", builtins.shelves(), {});
  EngineSetup setup;
  setup.threads = thread_count(threads);
  return builtins.registries.engines.make(spec)->make(setup);
}

}  // namespace sil
