#include "sil/registry.h"

namespace sil {

void throw_name_taken(std::string_view kind, std::string_view name) {
  throw Error(Exit::internal, "two plug-ins of kind '" + std::string(kind) + "' are called '" + std::string(name) + "'",
              "this is a bug; please report it");
}

void throw_unknown_plugin(const PluginSpec& spec, const std::vector<std::string>& known) {
  std::string hint;
  if (const std::string near = nearest(spec.name, known); !near.empty()) {
    hint = "did you mean '" + near + "'?";
  } else {
    hint = "known:";
    for (const std::string& name : known) hint += ' ' + name;
    if (known.empty()) hint = "this program has none";
  }
  throw Error(Exit::usage, "there is no " + spec.kind + " called '" + spec.name + "'", std::move(hint), spec.place);
}

}  // namespace sil
