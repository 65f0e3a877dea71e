// What the row filters share (`judge`, `generate`, `score`): JSON lines on stdin, one answer a line, in order; their
// options as words NAME=VALUE.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "recipe/option_reader.h"
#include "recipe/yaml.h"
#include "sil/error.h"
#include "sil/json.h"

namespace sil {

// Rows are answered as they come: all complete lines of what one read gave together, so files keep every worker busy,
// and whoever writes one row and waits gets its answer.
class RowFilter {
 public:
  // `form`: what a row looks like, for hints.
  explicit RowFilter(std::string form) : form_(std::move(form)) {}
  virtual ~RowFilter() = default;

  // To the end of standard input. A bad row is Error(Exit::unreadable) with its line; those above it have their
  // answers.
  void run();

 protected:
  virtual void add(const Json& row) = 0;  // a map
  virtual void answer() = 0;              // prints one line for each row since the last call

  Place place() const { return {"stdin", static_cast<int>(line_), 0}; }  // of the row that is added
  [[noreturn]] void refuse(const std::string& what) const;               // the row that is added
  // "" when absent.
  std::string text_member(const Json& row, std::string_view key) const;

 private:
  void take(std::string_view bytes);
  void add_line(std::string_view line);

  std::string form_;
  std::string pending_;  // the line that is not complete yet
  int64_t line_ = 0;
};

// a=1 b=[2] as {a: 1, b: [2]}, so that values are written as in a recipe. `example`: a command, for hints.
std::string flow_map(const std::vector<std::string>& words, const std::string& example);

// Throws Error(Exit::usage) with every finding.
template <class Options>
Options read_words(const std::vector<std::string>& words, const std::string& command, const std::string& example) {
  Options options;
  Reading reading;
  const Place place{"sil " + command, 0, 0};
  const Node node = parse_flow_value(flow_map(words, example), place, Origin::override_);
  read_struct(node, {command, {}, {}, {}, place, nullptr, {}}, options, reading);
  if (!reading.findings.empty()) throw Error(Exit::usage, std::move(reading.findings));
  return options;
}

}  // namespace sil
