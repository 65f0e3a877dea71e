#include "recipe/declarations.h"

#include <cmath>
#include <utility>

namespace sil {
namespace {

template <class T>
Json json_list(const std::vector<T>& values) {
  Json list = Json::array();
  for (const T& value : values) list.push(value);
  return list;
}

class Describer final : public OptionVisitor {
 public:
  explicit Describer(std::vector<Declaration>& out) : out_(out) {}

  void option(std::string_view name, int64_t& value, const OptionInfo& about) override {
    add(name, OptionType::integer, about, value);
  }
  void option(std::string_view name, double& value, const OptionInfo& about) override {
    add(name, OptionType::number, about, value);
  }
  void option(std::string_view name, bool& value, const OptionInfo& about) override {
    add(name, OptionType::boolean, about, value);
  }
  void option(std::string_view name, std::string& value, const OptionInfo& about) override {
    add(name, OptionType::string, about, value);
  }
  void option(std::string_view name, std::vector<std::string>& value, const OptionInfo& about) override {
    add(name, OptionType::strings, about, json_list(value));
  }
  void option(std::string_view name, std::vector<double>& value, const OptionInfo& about) override {
    add(name, OptionType::numbers, about, json_list(value));
  }
  void option(std::string_view name, std::vector<int64_t>& value, const OptionInfo& about) override {
    add(name, OptionType::integers, about, json_list(value));
  }
  void option(std::string_view name, Json& value, const OptionInfo& about) override {
    add(name, OptionType::any, about, value);
  }
  void option(std::string_view name, Expression& value, const OptionInfo& about) override {
    add(name, OptionType::expression, about, value.source());
  }
  void plugins(std::string_view name, std::string_view kind, std::vector<PluginSpec>& value,
               const OptionInfo& about) override {
    add(name, OptionType::plugins, about, plugin_names(value));
    out_.back().kind = kind;
  }

 private:
  void add(std::string_view name, OptionType type, const OptionInfo& about, Json value) {
    out_.push_back({std::string(name), type, about, std::move(value), {}});
  }

  std::vector<Declaration>& out_;
};

std::string number_text(double value) {
  std::string text;
  if (std::abs(value) < 1e15 && std::trunc(value) == value) {
    append_json_number(text, static_cast<int64_t>(value));
    return text;
  }
  append_json_number(text, value);
  return text;
}

std::string range(const OptionInfo& about) {
  const bool low = std::isfinite(about.low), high = std::isfinite(about.high);
  if (low && high && !about.above_low) return " from " + number_text(about.low) + " to " + number_text(about.high);
  std::string out;
  if (low) out += (about.above_low ? " above " : " of at least ") + number_text(about.low);
  if (high) out += (low ? " and at most " : " of at most ") + number_text(about.high);
  return out;
}

}  // namespace

Declarations Declarations::of(void (*visit)(OptionVisitor&)) {
  Declarations out;
  Describer describer(out.all_);
  visit(describer);
  return out;
}

Declarations Declarations::of(const PluginAbout& plugin) {
  return of(plugin.visit);
}

const Declaration* Declarations::find(std::string_view name) const {
  for (const Declaration& declaration : all_)
    if (declaration.name == name) return &declaration;
  return nullptr;
}

const Declaration* Declarations::inline_option() const {
  for (const Declaration& declaration : all_)
    if (declaration.about.inline_value) return &declaration;
  return nullptr;
}

std::vector<std::string> Declarations::names() const {
  std::vector<std::string> out;
  for (const Declaration& declaration : all_) out.push_back(declaration.name);
  return out;
}

std::string allowed_values(OptionType type, const OptionInfo& about) {
  if (!about.choices.empty()) {
    std::string out = type == OptionType::strings ? "one or more of:" : "one of:";
    for (std::string_view choice : about.choices) out += (out.back() == ':' ? " " : ", ") + std::string(choice);
    return out;
  }
  switch (type) {
    case OptionType::integer:
      return "a whole number" + range(about);
    case OptionType::number:
      return "a number" + range(about);
    case OptionType::boolean:
      return "true or false";
    case OptionType::string:
      return about.refers.empty() ? "text" : "the name of a " + std::string(about.refers);
    case OptionType::strings:
      return about.refers.empty() ? "text or a list of texts" : "names of " + std::string(about.refers) + "s";
    case OptionType::numbers:
      return "a number" + range(about) + ", or a list of such";
    case OptionType::integers:
      return "a whole number" + range(about) + ", or a list of such";
    case OptionType::any:
      return "any value";
    case OptionType::expression:
      return "a Lua expression";
    case OptionType::plugins:
      return about.single ? "a name or {name: options}" : "a name, {name: options}, or a list of those";
  }
  SIL_CHECK(!"a type of option");
}

Json plugin_names(const std::vector<PluginSpec>& specs) {
  Json list = Json::array();
  for (const PluginSpec& spec : specs) list.push(spec.name);
  return list;
}

}  // namespace sil
