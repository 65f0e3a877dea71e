#pragma once

#include "filters/filters.h"
#include "support/plugin.h"
#include "support/pool.h"

namespace sil::test {

inline const Registry<KeepRule>& filters() {
  static const Registry<KeepRule> registry = [] {
    Registry<KeepRule> made{"filter"};
    register_unit_rules(made);
    register_best_rules(made);
    register_group_rules(made);
    register_dedupe(made);
    register_length(made);
    return made;
  }();
  return registry;
}

inline std::unique_ptr<KeepRule> rule(std::string name, Json::Object options = {}) {
  return make_plugin(filters(), std::move(name), std::move(options));
}

using Reasons = std::vector<std::string>;

}  // namespace sil::test
