// Makes plug-ins the way the program does, from options as a recipe says them.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "sil/registry.h"

namespace sil::test {

template <class Interface>
std::unique_ptr<Interface> make_plugin(const Registry<Interface>& registry, std::string name,
                                       Json::Object options = {}) {
  PluginSpec spec;
  spec.kind = registry.kind();
  spec.name = std::move(name);
  spec.place = {"test.yaml", 1, 1};
  if (!options.empty()) {
    spec.options = Json(std::move(options));
    spec.node = Node::from_json(spec.options, spec.place, Origin::file);
  }
  return registry.make(spec);
}

// The names that an options struct declares.
class OptionNames final : public OptionVisitor {
 public:
  std::vector<std::string> names;

  void option(std::string_view name, int64_t&, const OptionInfo&) override { names.emplace_back(name); }
  void option(std::string_view name, double&, const OptionInfo&) override { names.emplace_back(name); }
  void option(std::string_view name, bool&, const OptionInfo&) override { names.emplace_back(name); }
  void option(std::string_view name, std::string&, const OptionInfo&) override { names.emplace_back(name); }
  void option(std::string_view name, std::vector<std::string>&, const OptionInfo&) override {
    names.emplace_back(name);
  }
  void option(std::string_view name, std::vector<double>&, const OptionInfo&) override { names.emplace_back(name); }
  void option(std::string_view name, std::vector<int64_t>&, const OptionInfo&) override { names.emplace_back(name); }
  void option(std::string_view name, Json&, const OptionInfo&) override { names.emplace_back(name); }
  void option(std::string_view name, Expression&, const OptionInfo&) override { names.emplace_back(name); }
  void plugins(std::string_view name, std::string_view, std::vector<PluginSpec>&, const OptionInfo&) override {
    names.emplace_back(name);
  }
};

// Entries of a shelf whose shorthand is not one of their own options, or that have no help.
inline std::vector<std::string> faulty_entries(const AnyRegistry& registry) {
  std::vector<std::string> faulty;
  for (const std::string& name : registry.names()) {
    const PluginAbout* about = registry.find(name);
    OptionNames options;
    about->visit(options);
    const bool known = std::count(options.names.begin(), options.names.end(), about->shorthand) == 1;
    if (about->help.empty() || (!about->shorthand.empty() && !known)) faulty.push_back(name);
  }
  return faulty;
}

}  // namespace sil::test
