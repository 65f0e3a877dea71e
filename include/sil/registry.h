// A shelf of plug-ins: name -> help, options, factory. Filled by hand in app/builtins.cpp; a name taken twice throws.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sil/options.h"

namespace sil {

// One entry, independent of the plug-in's type: what help, check and dump need.
struct PluginAbout {
  std::string name;
  std::string help;                         // one line
  std::string shorthand;                    // option that a bare value sets: {threshold: 0.5}; "" = none
  void (*visit)(OptionVisitor&) = nullptr;  // walks a default-made options struct
};

// What the recipe reader needs of any registry.
class AnyRegistry {
 public:
  virtual ~AnyRegistry() = default;
  virtual std::string_view kind() const = 0;  // "verifier"
  virtual const PluginAbout* find(std::string_view name) const = 0;
  virtual std::vector<std::string> names() const = 0;  // sorted
};

// Walks `visit` over a freshly read struct: how a factory gets its options. Defined in recipe/option_reader.cpp.
void read_options(const PluginSpec& spec, void (*visit)(OptionVisitor&, void*), void* options);
[[noreturn]] void throw_name_taken(std::string_view kind, std::string_view name);
[[noreturn]] void throw_unknown_plugin(const PluginSpec& spec, const std::vector<std::string>& known);

template <class Interface>
class Registry final : public AnyRegistry {
 public:
  explicit Registry(std::string kind) : kind_(std::move(kind)) {}

  // Plugin is constructed from Options by value.
  template <class Plugin, class Options>
  void add(std::string name, std::string help, std::string shorthand = {}) {
    Entry entry;
    entry.about = {name, std::move(help), std::move(shorthand), [](OptionVisitor& v) { Options().visit(v); }};
    entry.make = [](const PluginSpec& spec) -> std::unique_ptr<Interface> {
      Options options;
      read_options(
          spec, [](OptionVisitor& v, void* o) { static_cast<Options*>(o)->visit(v); }, &options);
      return std::make_unique<Plugin>(std::move(options));
    };
    if (!entries_.emplace(name, std::move(entry)).second) throw_name_taken(kind_, name);
  }

  std::unique_ptr<Interface> make(const PluginSpec& spec) const {
    auto it = entries_.find(spec.name);
    if (it == entries_.end()) throw_unknown_plugin(spec, names());
    return it->second.make(spec);
  }

  std::string_view kind() const override { return kind_; }
  const PluginAbout* find(std::string_view name) const override {
    auto it = entries_.find(name);
    return it == entries_.end() ? nullptr : &it->second.about;
  }
  std::vector<std::string> names() const override {
    std::vector<std::string> out;
    for (const auto& [name, entry] : entries_) out.push_back(name);
    return out;
  }

 private:
  struct Entry {
    PluginAbout about;
    std::unique_ptr<Interface> (*make)(const PluginSpec&) = nullptr;
  };
  std::string kind_;
  std::map<std::string, Entry, std::less<>> entries_;
};

}  // namespace sil
