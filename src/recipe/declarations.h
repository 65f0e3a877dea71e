// What an options struct declares, as data: for help, for the nearest spelling, and for finding the option that a bare
// value stands for.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sil/options.h"
#include "sil/registry.h"

namespace sil {

enum class OptionType : uint8_t {
  integer,
  number,
  boolean,
  string,
  strings,
  numbers,
  integers,
  any,
  expression,
  plugins
};

struct Declaration {
  std::string name;
  OptionType type = OptionType::any;
  OptionInfo about;
  Json default_value;  // null where there is none
  std::string kind;    // of plugins
};

class Declarations {
 public:
  static Declarations of(const PluginAbout& plugin);
  static Declarations of(void (*visit)(OptionVisitor&));
  template <class Options>
  static Declarations of() {
    return of([](OptionVisitor& v) { Options().visit(v); });
  }

  const std::vector<Declaration>& all() const { return all_; }
  const Declaration* find(std::string_view name) const;
  const Declaration* inline_option() const;  // the option whose value may stand in place of the struct
  std::vector<std::string> names() const;

 private:
  std::vector<Declaration> all_;
};

// "a whole number from 1 to 64", "one of: a, b", "a list of strings".
std::string allowed_values(OptionType type, const OptionInfo& about);
// ["exact", "format"]: how help shows a default list of plug-ins.
Json plugin_names(const std::vector<PluginSpec>& specs);

}  // namespace sil
