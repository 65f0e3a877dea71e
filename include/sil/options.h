// Options are declared once, in the struct that uses them:
//
//   struct NumericOptions {
//     double tolerance = 1e-6;
//     void visit(OptionVisitor& v) {
//       v.option("tolerance", tolerance, {.help = "largest absolute difference that passes", .low = 0});
//     }
//   };
//
// Reader, help, resolved dump, digest and error messages all walk `visit`.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "sil/expression.h"
#include "sil/json.h"
#include "sil/node.h"

namespace sil {

struct OptionInfo {
  std::string_view help;
  double low = -std::numeric_limits<double>::infinity();  // inclusive range of numbers and list lengths
  double high = std::numeric_limits<double>::infinity();
  bool above_low = false;                      // low itself is excluded
  std::vector<std::string_view> choices = {};  // of strings; empty = any
  std::string_view unit = {};                  // "tokens", "s" ...
  bool required = false;                       // no default: it must be said
  // Of `plugins`: the value beside or instead of the struct's options may be the plug-in itself, as in `verify: exact`,
  // `verify: [{exact: 1}, format]`, `verify: {numeric: {tolerance: 0.1}, timeout: 5}`. Keys of a map that are neither
  // options nor plug-in names go to the plug-in named `fallback`, as in `gate: {metric: pass@1, at_least: incumbent}`.
  bool inline_value = false;
  std::string_view fallback = {};
  bool single = false;           // of `plugins`: at most one
  std::string_view refers = {};  // names a task | role | model | store | step: check resolves it
};

// A plug-in as the recipe names it: `name` or `{name: options}`, weight beside its options where lists are weighted.
struct PluginSpec {
  std::string kind;  // registry: "verifier", "filter" ...
  std::string name;
  Node node;     // its options as written; null when only the name was given
  Json options;  // resolved: every option with its value, defaults included
  Place place;
  double weight = 1;
};

class OptionVisitor {
 public:
  virtual ~OptionVisitor() = default;
  virtual void option(std::string_view name, int64_t& value, const OptionInfo& about) = 0;
  virtual void option(std::string_view name, double& value, const OptionInfo& about) = 0;
  virtual void option(std::string_view name, bool& value, const OptionInfo& about) = 0;
  virtual void option(std::string_view name, std::string& value, const OptionInfo& about) = 0;
  virtual void option(std::string_view name, std::vector<std::string>& value,
                      const OptionInfo& about) = 0;                                                     // one or a list
  virtual void option(std::string_view name, std::vector<double>& value, const OptionInfo& about) = 0;  // one or a list
  virtual void option(std::string_view name, std::vector<int64_t>& value,
                      const OptionInfo& about) = 0;                                            // one or a list
  virtual void option(std::string_view name, Json& value, const OptionInfo& about) = 0;        // any value
  virtual void option(std::string_view name, Expression& value, const OptionInfo& about) = 0;  // Lua
  // A plug-in, or a list of them, of one registry.
  virtual void plugins(std::string_view name, std::string_view kind, std::vector<PluginSpec>& value,
                       const OptionInfo& about) = 0;
};

// For plug-ins without options.
struct NoOptions {
  void visit(OptionVisitor&) {}
};

}  // namespace sil
