// From nodes to options structs. Reading never stops at the first fault: findings are collected, and what could be read
// is resolved, so that a recipe's errors are all reported at once.
//
// A plug-in's options come out twice: as a node in canonical form, which names every plug-in as {name: {options}} and
// spells every shorthand out, so that factories need no shelves; and as JSON with every default, which is what digests
// and dumps are made of.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "recipe/declarations.h"
#include "recipe/recipe.h"
#include "sil/options.h"

namespace sil {

enum class Section : uint8_t { none, before, round, after };

// A name that an option refers to; resolved once the whole recipe is read.
struct Reference {
  std::string kind;  // task | role | model | store | step
  std::string name;
  Place place;
  Section section = Section::none;
};

// What reading collects besides the options themselves.
struct Reading {
  const Shelves* shelves = nullptr;  // null: nodes are canonical, plug-ins are named but not read
  std::vector<Finding> findings;
  std::vector<ExpressionUse> expressions;
  std::vector<PluginSpec> plugins;
  std::vector<Reference> references;
  std::vector<std::string> words;  // texts within options of any type, where views name their stores
  std::map<std::string, std::string> origins;
  Section section = Section::none;
  std::string step;

  const AnyRegistry* shelf(std::string_view kind) const;
  void find(const Place& place, std::string message, std::string hint = {});
};

std::string origin_text(const Node& node);  // "file:line", "override", "control"

// Whose options are read, and under which names they are known.
struct OptionOwner {
  std::string title;       // in messages: "generate", "numeric"
  std::string path;        // of its options in `resolved`: "round.0.generate"
  std::string label;       // of its options in ExpressionUse: "keep"
  std::string unlabelled;  // option whose name the label leaves out: the shorthand or the inline plug-ins
  Place place;
  const Json* resolved = nullptr;            // values of options that the node lacks
  std::vector<std::string> also_known = {};  // further words that may stand among the options
};

// Walks an options struct. `node` is null or a map.
class OptionReader final : public OptionVisitor {
 public:
  OptionReader(const Node& node, OptionOwner owner, Reading& reading);

  void option(std::string_view name, int64_t& value, const OptionInfo& about) override;
  void option(std::string_view name, double& value, const OptionInfo& about) override;
  void option(std::string_view name, bool& value, const OptionInfo& about) override;
  void option(std::string_view name, std::string& value, const OptionInfo& about) override;
  void option(std::string_view name, std::vector<std::string>& value, const OptionInfo& about) override;
  void option(std::string_view name, std::vector<double>& value, const OptionInfo& about) override;
  void option(std::string_view name, std::vector<int64_t>& value, const OptionInfo& about) override;
  void option(std::string_view name, Json& value, const OptionInfo& about) override;
  void option(std::string_view name, Expression& value, const OptionInfo& about) override;
  void plugins(std::string_view name, std::string_view kind, std::vector<PluginSpec>& value,
               const OptionInfo& about) override;

  void finish();  // reports keys that no option took
  Json take_resolved() { return std::move(resolved_); }
  Node take_canonical() { return std::move(canonical_); }

 private:
  const Node* given(std::string_view name, const OptionInfo& about, const Json& default_value);
  void refuse(std::string_view name, OptionType type, const OptionInfo& about, const Node& node, std::string hint = {});
  void refuse_empty(std::string_view name, const Node& node);
  void keep(std::string_view name, Json value, const Node* node);
  void check_length(std::string_view name, size_t length, const OptionInfo& about, const Node& node);
  bool one_string(std::string_view name, OptionType type, const OptionInfo& about, const Node& node,
                  std::string& value);
  template <class Number, class Read>
  void number_list(std::string_view name, OptionType type, std::vector<Number>& value, const OptionInfo& about,
                   const Read& number_of_node);
  std::string path_of(std::string_view name) const;
  std::string label_of(std::string_view name) const;

  const Node& node_;
  OptionOwner owner_;
  Reading& reading_;
  std::vector<std::string> names_;
  std::deque<Node> from_resolved_;
  Json resolved_ = Json::object();
  Node canonical_;
};

// Where a plug-in stands.
struct PluginPlace {
  std::string path;  // in `resolved`, of the plug-in's entry: "round.1.filter.keep.0"
  std::string label;
};

// One plug-in of `kind` as a recipe names it: `name`, `{name: options}`, `{name: value}`, an expression where the kind
// has a plug-in `lua`; with a weight where the kind is "verifier". nullopt: a finding says why there is none.
std::optional<PluginSpec> read_plugin(const Node& node, std::string_view kind, const PluginPlace& where,
                                      Reading& reading);

// Options of a plug-in that is known already; `spec` has kind, name and place. Fills node and options.
void read_plugin_options(const Node& value, const PluginAbout& about, PluginSpec& spec, const PluginPlace& where,
                         Reading& reading);

// A plug-in from text of its own ("{numeric: {tolerance: 0.1}}"), for commands that take one outside a recipe. Throws
// Error(Exit::usage) with every finding, each at `place`.
PluginSpec parse_plugin(std::string_view text, std::string_view kind, const Shelves& shelves, const Place& place);

// An options struct that is no plug-in: the recipe's own grammar.
template <class Options>
Json read_struct(const Node& node, OptionOwner owner, Options& options, Reading& reading) {
  OptionReader reader(node, std::move(owner), reading);
  options.visit(reader);
  reader.finish();
  return reader.take_resolved();
}

// [{name: options}, {name: options, weight: w}], the form of plug-ins in `resolved`; null or one entry where at most
// one may stand.
Json plugins_json(const std::vector<PluginSpec>& specs, bool single);

}  // namespace sil
