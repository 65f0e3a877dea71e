// The variables of one frame, gathered before its names are resolved.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "jinja/ast.h"

namespace sil::jinja {

class Symbols {
 public:
  explicit Symbols(const Symbols* parent) : parent_(parent) {}
  // One of the ways through a statement of `frame`: holds what the way adds to it. Both live until it is merged.
  static Symbols way_of(const Symbols& frame);

  void load(const std::string& name);
  void store(const std::string& name);
  void parameter(const std::string& name);
  // What only some ways set keeps the value it had before.
  void merge(const std::vector<Symbols>& ways);

  // Once all statements are seen: gives the slots, in order of their names.
  Frame frame();
  // Where `name` lies, seen from this frame; nullptr when no frame has it.
  const Load* find(const std::string& name, Slot& slot) const;
  int slot_of(const std::string& name) const;  // of this frame's own variable
  bool sets(const std::string& name) const;    // here or further out

 private:
  struct Variable {
    Load load;
    int slot = 0;
  };

  bool is_own(const std::string& name) const;
  bool is_known(const std::string& name) const;

  const Symbols* parent_;          // the frame around this one
  const Symbols* base_ = nullptr;  // of a way: the frame it belongs to
  std::map<std::string, Variable> variables_;
  std::set<std::string> stores_;
};

// Looks through the statements of one frame, and not into the frames inside it.
class Collector {
 public:
  explicit Collector(Symbols& symbols) : symbols_(&symbols) {}

  void body(const Body& statements);
  void read(const Expression* expression);
  void assign(const Expression& target, bool parameters);

 private:
  void statement(const Statement& one);
  void branches(const Statement& one);

  Symbols* symbols_;
};

// Whether `name` is read in `body`, in nested functions too: then a macro has the special variable of that name.
bool reads(const Body& body, std::string_view name);

}  // namespace sil::jinja
